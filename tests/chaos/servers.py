"""Separate PostgreSQL and Redis servers for chaos tests, which flush, stop and kill them.

A killed server must not lose confirmed writes, so commits wait until the kernel has the data (only a power cut would require fsync).
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import quote

import dj_database_url
import psycopg
from django.core.management import call_command
from django.db import connections
from django.db.utils import load_backend
from redis import Redis

from rvm.devtools.embedded import postgres, redis
from rvm.devtools.embedded.processes import unprivileged_account

_serial = count(1)


class Servers:
    """Both servers, and a template database with the platform's tables, copied for each scene."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._account = unprivileged_account()
        self.sockets = home / "s"
        self.sockets.mkdir(mode=0o700)
        if self._account:
            os.chown(self.sockets, *self._account)
        self._postgres, self._redis = ExitStack(), ExitStack()
        self.start_postgres()
        self.start_redis()
        with self._connect() as connection:
            for name in ("fsync", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {name} = off")
            connection.execute("SELECT pg_reload_conf()")
        with django_on(self.database_url(postgres.NAME)):
            call_command("migrate", verbosity=0)

    def close(self) -> None:
        self._redis.close()
        self._postgres.close()

    @property
    def logs(self) -> list[Path]:
        return list(self._home.glob("*.log"))

    # PostgreSQL

    def database_url(self, name: str) -> str:
        return f"postgresql://{postgres.NAME}@{quote(str(self.sockets), safe='')}/{name}"

    def new_database(self) -> str:
        """DATABASE_URL of a new copy of the template database."""
        name = f"scene_{next(_serial)}"
        with self._connect() as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {postgres.NAME}")
        return self.database_url(name)

    def start_postgres(self) -> None:
        self._postgres.enter_context(postgres.running(self._home, self.sockets, account=self._account, ephemeral=False))

    def stop_postgres(self) -> None:
        """Fast shutdown (SIGINT): transactions are aborted, all data is flushed."""
        self._postgres.close()

    def kill_postgres(self) -> None:
        """Kill the postmaster only, as the kernel would; its children notice and exit."""
        [pid_file] = self._home.glob("*/postmaster.pid")
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
        self._postgres.close()

    def postgres_processes(self) -> list[int]:
        """The postmaster and its children."""
        [pid_file] = self._home.glob("*/postmaster.pid")
        postmaster = int(pid_file.read_text().split()[0])
        return [postmaster, *map(int, Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split())]

    def kill_a_backend(self, chance: random.Random) -> None:
        """Kill one backend: PostgreSQL then ends all backends and recovers from its log."""
        with self._connect() as connection:
            rows = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid"
            ).fetchall()
        if rows:
            os.kill(chance.choice(rows)[0], signal.SIGKILL)

    def postgres_answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self.database_url("postgres"), autocommit=True)

    # Redis

    def start_redis(self) -> None:
        self.redis_url = self._redis.enter_context(redis.running(self._home, self.sockets, account=self._account))

    def stop_redis(self) -> None:
        self._redis.close()

    def redis_process(self) -> int:
        with Redis.from_url(self.redis_url) as client:
            return int(client.info("server")["process_id"])

    def flush_redis(self) -> None:
        with Redis.from_url(self.redis_url) as client:
            client.flushall()


@contextmanager
def own_servers() -> Iterator[Servers]:
    """Servers in a directory under /tmp: the path of a socket must be short, and the user `nobody` must have access."""
    home = Path(tempfile.mkdtemp(prefix="rvm-chaos-", dir="/tmp"))
    home.chmod(0o755)
    with ExitStack() as exits:
        exits.callback(shutil.rmtree, home)
        servers = Servers(home)
        exits.callback(servers.close)
        yield servers


@contextmanager
def django_on(url: str) -> Iterator[None]:
    """Connects Django of this process to another database within the context."""
    usual = connections["default"]
    described = {**connections.settings["default"], **dj_database_url.parse(url)}
    connections["default"] = load_backend(described["ENGINE"]).DatabaseWrapper(described, "default")
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = usual
