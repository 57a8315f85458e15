"""One PostgreSQL on a Unix socket: made when missing, recovered after a crash, stopped with us."""

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
from rvm.devtools.embedded.processes import POLL_SECONDS, Account, ServerError, spawn, stop, tail, wait_until

NAME = "rvm"
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    # A campaign writes more than the default 1 GB between two checkpoints, which then follow one another without a rest.
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Rows hold patients' data and a log is a plain file: no statement and no key value reaches it.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
# Only for data that may vanish with the machine: nothing is forced to the disk.
EPHEMERAL_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
LEFTOVER_PATIENCE_SECONDS = 30.0
# A server's own environment: our variables (secrets among them) are none of its business.
CLEAN_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


@contextmanager
def running(home: Path, sockets: Path, *, account: Account | None, ephemeral: bool) -> Iterator[str]:
    """Serve the data in `home` (made when missing) at `sockets`; yield the DATABASE_URL.

    The caller holds `home` for itself: a postmaster that still runs there is a leftover of a killed run.
    """
    found = programs.postgres_programs()
    binaries = programs.reachable(found.parent, "bin/postgres", account) / "bin"
    data = home / f"postgresql-{programs.major_version(binaries)}"
    _make(binaries, data, sockets, account, ephemeral=ephemeral)
    _end_leftovers(data)
    settings = SETTINGS | (EPHEMERAL_SETTINGS if ephemeral else {}) | {"unix_socket_directories": str(sockets)}
    log = home / "postgresql.log"
    # SIGTERM would let PostgreSQL wait for its clients; SIGINT ends them cleanly, SIGQUIT does not even flush.
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
    shutil.rmtree(data, ignore_errors=True)  # what a killed first start left
    data.mkdir(mode=0o700)
    if account:
        os.chown(data, *account)
    # From PostgreSQL 17 on, C.UTF-8 is built in; older ones ask the C library for it.
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
    """Wait for, then end, the processes that a killed run left in `data`, and forget its pid file.

    PostgreSQL itself refuses to start while any process of its user has the number in that file, and while one of its
    old processes holds the shared memory.
    """
    for number in (None, signal.SIGQUIT, signal.SIGKILL):  # at first they may still be closing down by themselves
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
    """PostgreSQL's processes work in their data directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended, or belongs to somebody else
            if (entry / "cwd").samefile(data):
                found.append(int(entry.name))
    return found


def _is_ready(data: Path, process: subprocess.Popen[bytes]) -> bool:
    """The postmaster writes its state into the eighth line of its pid file, where pg_ctl reads it too."""
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
