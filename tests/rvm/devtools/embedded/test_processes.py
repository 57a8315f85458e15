"""Children are stopped whole, and a start that fails is told with the end of its log."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rvm.devtools.embedded import __main__ as command
from rvm.devtools.embedded import environment, postgres, programs
from rvm.devtools.embedded.processes import ServerError, give_way, spawn, stop, tail, wait_until
from tests.servers import own_redis_database


def test_a_child_that_ignores_the_polite_signal_is_killed_with_its_group(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = spawn(["sh", "-c", "trap '' TERM; sleep 600 & echo $!; wait; wait"], log=log)
    wait_until(lambda: log.read_text().endswith("\n"), child, name="sh", log=log)
    grandchild = int(log.read_text())
    assert stop(child, patience_seconds=0.1) == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while Path(f"/proc/{grandchild}").exists() and "Z" not in Path(f"/proc/{grandchild}/stat").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_polite_end_is_waited_for_and_its_code_returned(tmp_path: Path) -> None:
    # Not a shell with a trap: what runs in the background of a script ignores SIGINT, and a shell that inherits that cannot trap it.
    program = "import signal, sys; signal.signal(signal.SIGINT, lambda *_: sys.exit(7)); print('ready', flush=True); signal.pause()"
    log = tmp_path / "log"
    child = spawn([sys.executable, "-c", program], log=log)
    wait_until(lambda: "ready" in log.read_text(), child, name="python", log=log)
    assert stop(child, polite=signal.SIGINT) == 7


def test_stopping_what_has_ended_is_harmless() -> None:
    child = spawn(["true"])
    child.wait()
    assert stop(child) == 0


def test_a_start_that_ends_is_told_with_its_code_and_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    child = spawn(["sh", "-c", "echo no room left; exit 3"], log=log)
    with pytest.raises(ServerError, match=r"Redis ended with code 3 while starting\.\n.*server.log:\n    no room left"):
        wait_until(lambda: False, child, name="Redis", log=log)


def test_a_start_that_stays_silent_is_told_after_the_patience(tmp_path: Path) -> None:
    child = spawn(["sleep", "600"], log=tmp_path / "log")
    with pytest.raises(ServerError, match="not ready after 0 seconds"):
        wait_until(lambda: False, child, name="Redis", log=tmp_path / "log", patience_seconds=0.0)
    assert stop(child) == -signal.SIGTERM


def test_a_log_that_is_missing_adds_nothing(tmp_path: Path) -> None:
    assert tail(tmp_path / "none") == ""


def test_an_initdb_that_fails_is_told_and_leaves_no_half_made_data(tmp_path: Path) -> None:
    initdb = tmp_path / "initdb"
    initdb.write_text("#!/bin/sh\necho disk full; exit 1\n")
    initdb.chmod(0o755)
    with pytest.raises(ServerError, match=r"initdb ended with code 1\.(.|\n)*disk full"):
        postgres._make(tmp_path, tmp_path / "postgresql-18", tmp_path, None, ephemeral=True)
    assert not (tmp_path / "postgresql-18").exists()


def test_a_child_gets_its_signal_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import time; from rvm.devtools.embedded.processes import spawn\n"
            "print(spawn(['sleep', '600']).pid, flush=True); time.sleep(600)",
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=environment.PROJECT,
    )
    assert parent.stdout is not None
    with parent.stdout:
        child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{child}").exists() and ") Z " not in Path(f"/proc/{child}/stat").read_text():
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.01)


@pytest.mark.parametrize("arguments", [[], ["ls"], ["--"], ["--unknown", "--", "ls"]])
def test_a_wrong_call_shows_the_usage(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert command.main(arguments) == 2
    assert capfd.readouterr().err.startswith("usage: ")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (["sh", "-c", 'test "$DATABASE_URL" = postgresql:///mine && test -n "$RVM_SECRET_KEY" && exit 5'], 5),
        (["/none"], 127),
    ],
)
def test_a_command_runs_in_the_environment_and_its_code_is_returned(
    line: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql:///mine")
    monkeypatch.setenv("REDIS_URL", "redis://mine")
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert command.main(["--ephemeral", "--", *line]) == code
    finally:
        signal.signal(signal.SIGTERM, before)


def test_missing_servers_are_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(programs, "_inside_package", lambda package, pattern: [])
    monkeypatch.setenv("PATH", str(tmp_path))
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert command.main(["--ephemeral", "--", "true"]) == 1
    finally:
        signal.signal(signal.SIGTERM, before)
    assert capfd.readouterr().err.startswith("No Redis was found")


@pytest.mark.parametrize(
    ("url", "worker", "expected"),
    [
        ("unix:///tmp/rvm-x/redis.sock?db=0", "gw0", "unix:///tmp/rvm-x/redis.sock?db=1"),
        ("unix:///tmp/rvm-x/redis.sock", "gw3", "unix:///tmp/rvm-x/redis.sock?db=4"),
        ("redis://:pw@localhost:6379/0", "gw1", "redis://:pw@localhost:6379/0?db=2"),
    ],
)
def test_each_test_worker_gets_a_redis_database_of_its_own(url: str, worker: str, expected: str) -> None:
    assert own_redis_database(url, worker) == expected


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this kernel does not share the CPU by sessions")
def test_a_child_gives_way_as_a_process_and_as_a_session() -> None:
    child = spawn([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        give_way(child, 5)
        assert os.getpriority(os.PRIO_PROCESS, child.pid) == 5
        assert Path(f"/proc/{child.pid}/autogroup").read_text().endswith("nice 5\n")
    finally:
        stop(child)
