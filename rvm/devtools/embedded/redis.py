"""A private Redis server on a Unix socket, without persistence: rows in PostgreSQL are the work, Redis only wakes workers."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rvm.devtools.embedded import programs
from rvm.devtools.embedded.processes import CLEAN_ENVIRONMENT, Account, Server, serving, spawn, stop, wait_until

DATABASES = 64  # parallel test processes take one each


@contextmanager
def running(home: Path, sockets: Path, *, account: Account | None) -> Iterator[str]:
    """Serve an empty Redis on a socket in `sockets`, with its log in `home`, and yield the REDIS_URL."""
    program = programs.redis_program()
    binary = programs.reachable(program.parent, program.name, account) / program.name
    address = sockets / "redis.sock"
    settings = {
        "port": "0",
        "unixsocket": str(address),
        "unixsocketperm": "700",
        "databases": str(DATABASES),
        "dir": str(sockets),
        "save": "",
        "appendonly": "no",
        "maxmemory-policy": "noeviction",
    }
    log = home / "redis.log"
    process = spawn(
        [binary, *(part for name, value in settings.items() for part in (f"--{name}", value))],
        log=log,
        env=CLEAN_ENVIRONMENT,
        cwd=sockets,
        account=account,
    )
    try:
        wait_until(lambda: _answers(address), process, name="Redis", log=log, patience_seconds=20.0)
        with serving(Server("Redis", process, log)):
            yield f"unix://{address}?db=0"
    finally:
        stop(process)


def _answers(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        try:
            client.connect(str(address))
            client.sendall(b"PING\r\n")
            return client.recv(7) == b"+PONG\r\n"
        except OSError:
            return False
