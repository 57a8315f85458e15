"""A standby of the chaos tests' PostgreSQL, which copies it asynchronously until it is cut off, and can take its place."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

from rvm.devtools.embedded import postgres, programs
from rvm.devtools.embedded.processes import CLEAN_ENVIRONMENT, Account, spawn, stop, wait_until
from tests.chaos.servers import Servers


class Standby:
    """`address` maps a database's address at the primary to the one that leads to whichever of both is in charge."""

    def __init__(self, primary: Servers, home: Path, account: Account | None) -> None:
        self._primary, self._account = primary, account
        self._sockets, self._data = home / "sockets", home / "data"
        self._current = home / "current"
        self._sockets.mkdir(mode=0o700)
        if account:
            os.chown(self._sockets, *account)
        self._binaries = programs.reachable(programs.postgres_programs().parent, "bin/postgres", account) / "bin"
        self._log = home / "standby.log"
        self._current.symlink_to(primary.sockets)

    @contextmanager
    def address(self, url: str) -> Iterator[str]:
        yield url.replace(quote(str(self._primary.sockets), safe=""), quote(str(self._current), safe=""))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Copy the primary and follow it."""
        self._run(
            "pg_basebackup",
            "-D",
            self._data,
            "-R",
            "--checkpoint",
            "fast",
            "-h",
            self._primary.sockets,
            "-U",
            postgres.NAME,
        )
        process = spawn(
            [self._binaries / "postgres", "-D", self._data, *self._options()],
            log=self._log,
            env=CLEAN_ENVIRONMENT,
            cwd=self._sockets,
            account=self._account,
        )
        try:
            wait_until(self._follows, process, name="the standby", log=self._log)
            yield
        finally:
            stop(process, patience_seconds=30.0)

    def cut_off(self) -> None:
        """From now on it gets nothing of what the primary confirms."""
        with self._connect() as connection:
            connection.execute("ALTER SYSTEM SET primary_conninfo = ''")
            connection.execute("SELECT pg_reload_conf()")

    def is_cut_off(self) -> bool:
        return not self._rows("SELECT 1 FROM pg_stat_wal_receiver")

    def take_over(self) -> None:
        """Promote it, and have the address lead to it."""
        assert self._rows("SELECT pg_promote(wait_seconds => 60)") == [(True,)]
        draft = self._current.with_name("next")
        draft.symlink_to(self._sockets)
        draft.rename(self._current)

    def _options(self) -> list[str]:
        settings = postgres.SETTINGS | {"unix_socket_directories": str(self._sockets)}
        return [part for item in settings.items() for part in ("-c", "=".join(item))]

    def _run(self, program: str, *arguments: str | Path) -> None:
        process = spawn(
            [self._binaries / program, *arguments],
            log=self._log,
            env=CLEAN_ENVIRONMENT,
            cwd=self._sockets,
            account=self._account,
        )
        if process.wait() != 0:
            raise subprocess.CalledProcessError(process.returncode, program, self._log.read_text())

    def _follows(self) -> bool:
        try:
            return bool(self._rows("SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'"))
        except psycopg.OperationalError:
            return False

    def _rows(self, query: str) -> list[tuple[object, ...]]:
        with self._connect() as connection:
            return connection.execute(query).fetchall()

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(host=str(self._sockets), user=postgres.NAME, dbname="postgres", autocommit=True)
