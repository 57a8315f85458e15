"""A private PostgreSQL server on a Unix socket: created if missing, recovered after a crash, stopped when its owner process exits."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg

from rvm.devtools.embedded import programs
from rvm.devtools.embedded.processes import (
    CLEAN_ENVIRONMENT,
    POLL_SECONDS,
    Account,
    Server,
    ServerError,
    serving,
    spawn,
    stop,
    tail,
    wait_until,
)

NAME = "rvm"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    # A campaign writes more than the default of 1 GB between two checkpoints, so checkpoints would run without a break.
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Rows contain patients' data and the log is an unencrypted file: it must contain no statement and no key value.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
# For disposable data only: writes are not flushed to disk.
EPHEMERAL_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
LEFTOVER_PATIENCE_SECONDS = 30.0


@contextmanager
def running(home: Path, sockets: Path, *, account: Account | None, ephemeral: bool) -> Iterator[str]:
    """Serve the data in `home` (created if missing) on a socket in `sockets` and yield the DATABASE_URL.

    The caller has exclusive use of `home`, so a postmaster that still runs there was left by a killed run.
    """
    found = programs.postgres_programs()
    binaries = programs.reachable(found.parent, "bin/postgres", account) / "bin"
    data = home / f"postgresql-{programs.major_version(binaries)}"
    _make(binaries, data, sockets, account, ephemeral=ephemeral)
    _end_leftovers(data)
    settings = SETTINGS | (EPHEMERAL_SETTINGS if ephemeral else {}) | {"unix_socket_directories": str(sockets)}
    log = home / "postgresql.log"
    # On SIGTERM PostgreSQL waits for its clients; on SIGINT it disconnects them and shuts down cleanly; on SIGQUIT it exits at once.
    ending = signal.SIGQUIT if ephemeral else signal.SIGINT
    process = spawn(
        [binaries / "postgres", "-D", data, *(part for item in settings.items() for part in ("-c", "=".join(item)))],
        log=log,
        env=CLEAN_ENVIRONMENT,
        cwd=sockets,
        account=account,
        at_our_death=ending,
    )
    try:
        wait_until(lambda: _is_ready(data, process), process, name="PostgreSQL", log=log)
        _create_database(sockets)
        with serving(Server("PostgreSQL", process, log)):
            yield f"postgresql://{NAME}@{quote(str(sockets), safe='')}/{NAME}"
    finally:
        stop(process, polite=ending, patience_seconds=60.0)


def _make(binaries: Path, data: Path, sockets: Path, account: Account | None, *, ephemeral: bool) -> None:
    owner = account.uid if account else os.geteuid()
    if (data / "PG_VERSION").exists():
        if data.stat().st_uid != owner:
            raise ServerError(
                f"The data in {data} belongs to another account, because it was made by a run as another user. "
                f"Run as that user again, or remove {data} (its data is lost then)."
            )
        return
    shutil.rmtree(data, ignore_errors=True)  # left by a killed first start
    data.mkdir(mode=0o700)
    if account:
        os.chown(data, *account)
    # C.UTF-8 is built into PostgreSQL 17 and newer; older versions need it from the C library.
    locale = (
        ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if int(data.name.split("-")[1]) >= 17
        else ["--locale=C.UTF-8"]
    )
    log = data.with_name("initdb.log")
    process = spawn(
        [
            binaries / "initdb",
            "-D",
            data,
            "-U",
            NAME,
            "--auth=trust",
            "--encoding=UTF8",
            *locale,
            *(["--no-sync"] if ephemeral else []),
        ],
        log=log,
        env=CLEAN_ENVIRONMENT,
        cwd=sockets,
        account=account,
    )
    if process.wait() != 0:
        shutil.rmtree(data, ignore_errors=True)
        raise ServerError(f"PostgreSQL's initdb ended with code {process.returncode}.{tail(log, 8)}")


def _end_leftovers(data: Path) -> None:
    """Wait for the processes that a killed run left in `data`, end those that remain, and delete its pid file.

    PostgreSQL does not start while a process of its user has the pid in that file, or while one of its old processes
    holds the shared memory. Raises ServerError.
    """
    # Without a signal first, because they may be shutting down already.
    for number in (None, signal.SIGQUIT, signal.SIGKILL):
        for pid in _processes_in(data) if number else []:
            with suppress(ProcessLookupError):
                os.kill(pid, number or signal.SIGKILL)
        deadline = time.monotonic() + LEFTOVER_PATIENCE_SECONDS
        while left := _processes_in(data):
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_SECONDS)
        else:
            (data / "postmaster.pid").unlink(missing_ok=True)
            return
    raise ServerError(f"Processes {left} of an earlier PostgreSQL in {data} do not end. End them, then try again.")


def _processes_in(data: Path) -> list[int]:
    """The ids of the processes whose working directory is `data`, as is the case for all processes of PostgreSQL."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended, or belongs to another user
            if (entry / "cwd").samefile(data):
                found.append(int(entry.name))
    return found


def _is_ready(data: Path, process: subprocess.Popen[bytes]) -> bool:
    """Whether the server is ready, by the state in the eighth line of the postmaster's pid file, which pg_ctl reads too."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready"


def _create_database(sockets: Path) -> None:
    with psycopg.connect(host=str(sockets), user=NAME, dbname="postgres", autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone()
        if not known:
            connection.execute(f"CREATE DATABASE {NAME}")
