"""What `local_services` promises: real servers, one set a project, data that stays, and nothing left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
import redis

from rvm.devtools.embedded import ServerError, environment, local_services, postgres
from rvm.platform.encryption.keys import KeyRing

PARENT = """
import sys, time
from pathlib import Path
from rvm.devtools.embedded import local_services
with local_services(Path(sys.argv[1]), ephemeral=sys.argv[2] == "ephemeral") as environment:
    print(environment["DATABASE_URL"], flush=True)
    time.sleep(600)
"""


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "nothing changed within 30 s"
        time.sleep(0.02)


def sockets_of(url: str) -> Path:
    return Path(unquote(urlsplit(url).netloc.split("@")[1]))


def processes_naming(text: str) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes()
        except OSError:  # it ended meanwhile
            continue
        if text.encode() in command:
            found.append(int(entry.name))
    return found


def start_parent(directory: Path, keeping: str) -> tuple[subprocess.Popen[str], str]:
    """A process that runs the servers, and its DATABASE_URL."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(directory), keeping],
        stdout=subprocess.PIPE,
        text=True,
        cwd=environment.PROJECT,
    )
    assert parent.stdout is not None
    with parent.stdout:
        return parent, parent.stdout.readline().strip()


def test_ephemeral_servers_answer_and_leave_nothing_behind() -> None:
    with local_services(ephemeral=True) as found:
        with psycopg.connect(found["DATABASE_URL"]) as connection:
            row = connection.execute(
                "SELECT current_setting('server_version_num')::int, lower('ÉCOLE'), current_setting('listen_addresses')"
            ).fetchone()
        with redis.Redis.from_url(found["REDIS_URL"]) as client:
            policy = client.config_get("maxmemory-policy")
        sockets = sockets_of(found["DATABASE_URL"])
        assert processes_naming(str(sockets))
    assert row is not None
    assert row[0] >= 150000
    assert row[1:] == ("école", "")
    assert policy == {"maxmemory-policy": "noeviction"}
    assert len(f"{sockets}/.s.PGSQL.5432") < 100
    assert not sockets.exists()
    assert not processes_naming(str(sockets))


def test_generated_keys_are_key_rings_and_differ_between_ephemeral_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql:///mine")
    monkeypatch.setenv("REDIS_URL", "redis://mine")
    with local_services(ephemeral=True) as first, local_services(ephemeral=True) as second:
        assert KeyRing.parse(first["RVM_ENCRYPTION_KEYS"]) and KeyRing.parse(first["RVM_INDEX_KEYS"])
        assert len(first["RVM_SECRET_KEY"]) >= 50
        assert all(first[name] != second[name] for name in ("RVM_SECRET_KEY", "RVM_ENCRYPTION_KEYS", "RVM_INDEX_KEYS"))


def test_data_and_secrets_are_there_again_at_the_second_run(directory: Path) -> None:
    with local_services(directory) as first, psycopg.connect(first["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    with local_services(directory) as second, psycopg.connect(second["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
    assert first["RVM_ENCRYPTION_KEYS"] == second["RVM_ENCRYPTION_KEYS"]
    assert first["RVM_INDEX_KEYS"] == second["RVM_INDEX_KEYS"]
    assert (directory / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_second_process_shares_the_running_servers_and_does_not_stop_them(directory: Path) -> None:
    with local_services(directory) as first:
        with local_services(directory) as second:
            assert second == first
        with psycopg.connect(first["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not (directory / "services.json").exists()


def test_a_server_that_the_running_process_does_not_offer_is_named(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as first:
        first.setenv("DATABASE_URL", "postgresql:///mine")
        running = local_services(directory)
        running.__enter__()
    try:
        with pytest.raises(ServerError, match=f"Process {os.getpid()} already runs .* given DATABASE_URL"):
            local_services(directory).__enter__()
    finally:
        running.__exit__(None, None, None)


def test_a_project_held_without_an_offer_is_told_after_the_patience(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "SHARE_PATIENCE_SECONDS", 0.0)
    with (directory / "lock").open("a") as held:
        assert environment._locked(held.fileno())
        with pytest.raises(ServerError, match="Another process holds"), local_services(directory):
            pass


@pytest.mark.parametrize("keeping", ["ephemeral", "persistent"])
def test_killing_the_parent_ends_the_servers_and_the_next_run_starts(directory: Path, keeping: str) -> None:
    parent, url = start_parent(directory, keeping)
    sockets = sockets_of(url)
    with psycopg.connect(url):  # a client that is still connected must not hold the server up
        parent.kill()
        assert parent.wait() == -signal.SIGKILL
        wait_until(lambda: not processes_naming(str(sockets)))
    with local_services(directory) as found, psycopg.connect(found["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    os.utime(sockets, (0, 0))
    environment._remove_abandoned()
    assert not sockets.exists()


def test_sockets_in_use_are_not_abandoned_however_old_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    with environment._private_directory(None) as sockets:
        os.utime(sockets, (0, 0))
        environment._remove_abandoned()
        assert sockets.exists()


def test_a_pid_file_whose_number_belongs_to_another_process_does_not_stop_the_start(directory: Path) -> None:
    with local_services(directory):
        pass
    data = next(directory.glob("postgresql-[0-9]*"))
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n1\n5432\n/tmp\n\n  1 1\nready   \n")
    with local_services(directory) as found, psycopg.connect(found["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_outlived_its_parent_is_ended_before_the_next_start(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent, url = start_parent(directory, "persistent")
    data = next(directory.glob("postgresql-[0-9]*"))
    postmaster = int((data / "postmaster.pid").read_text().splitlines()[0])
    os.kill(postmaster, signal.SIGSTOP)  # stopped, it obeys neither its parent's death nor a polite signal
    try:
        parent.kill()
        parent.wait()
        monkeypatch.setattr(postgres, "LEFTOVER_PATIENCE_SECONDS", 0.2)
        with local_services(directory) as found, psycopg.connect(found["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert not Path(f"/proc/{postmaster}/cwd").exists()
    finally:
        with suppress(ProcessLookupError):
            os.kill(postmaster, signal.SIGKILL)
        shutil.rmtree(sockets_of(url))


@pytest.mark.parametrize("ephemeral", [True, False])
def test_addresses_in_the_environment_win_and_nothing_is_started(
    directory: Path, monkeypatch: pytest.MonkeyPatch, ephemeral: bool
) -> None:
    given = {name: f"given-{name}" for name in ("DATABASE_URL", "REDIS_URL", "RVM_ENCRYPTION_KEYS")}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(environment, "_started", None)  # a call would fail
    with local_services(directory, ephemeral=ephemeral) as found:
        assert found.items() >= given.items()
        assert set(found) == {*given, "RVM_SECRET_KEY", "RVM_INDEX_KEYS"}


def test_only_the_missing_server_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql:///mine")
    with local_services(ephemeral=True) as found:
        assert found["DATABASE_URL"] == "postgresql:///mine"
        with redis.Redis.from_url(found["REDIS_URL"]) as client:
            assert client.ping()
        sockets = Path(urlsplit(found["REDIS_URL"]).path).parent
        assert {path.name for path in sockets.iterdir()} == {"redis.sock", "redis.log"}


def test_notes_of_a_killed_run_are_not_believed(directory: Path) -> None:
    (directory / "services.json").write_text(
        json.dumps({"process": 1, "urls": {"DATABASE_URL": "x", "REDIS_URL": "y"}})
    )
    with local_services(directory) as found:
        assert found["REDIS_URL"].startswith("unix:///tmp/rvm-")
