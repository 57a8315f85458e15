"""A sandbox process that is killed forgets nothing that it accepted, and one that cannot start says why."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rvm.simulators.sandbox.ledger import read_ledger
from tests.rvm.simulators.sandbox.harness import KEY, SECRET, Client, Receiver, until

ROOT = Path(__file__).parents[4]
ENVIRONMENT = {**os.environ, "PYTHONWARNINGS": "error", "RVM_SANDBOX_KEY": KEY, "RVM_SANDBOX_SIGNING_SECRET": SECRET}


def command(*options: str) -> list[str]:
    return [sys.executable, "-m", "rvm.simulators.sandbox", "--port", "0", *options]


@contextmanager
def process(*options: str) -> Iterator[tuple[subprocess.Popen[str], Client]]:
    with subprocess.Popen(command(*options), cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            yield child, Client(int(child.stdout.readline().rsplit(":", 1)[1]))
        finally:
            child.kill()


def test_after_sigkill_keys_look_ups_and_unreported_ends_are_still_there(receiver: Receiver, tmp_path: Path):
    ledger = tmp_path / "ledger"
    drops = 40
    options = ("--ledger", str(ledger), "--report-retry-cap", "0.1")
    with process(*options, "--report-after-ms", "3600000") as (child, client):
        answers = [client.drop(f"k{n}", receiver.body(reference=f"r{n}")).body for n in range(drops)]
        child.send_signal(signal.SIGKILL)
        assert child.wait(10) == -signal.SIGKILL
    assert len(read_ledger(ledger).honoured) == drops

    with process(*options, "--report-after-ms", "0") as (child, client):
        assert [client.drop(f"k{n}", receiver.body(reference=f"r{n}")).body for n in range(drops)] == answers
        until(lambda: len(receiver.events) == drops, "the reports of the first life")
        assert client.find("r0")["status"] in ("delivered", "failed")
        until(lambda: client.ledger()["reported"] == drops, "all receipts")
        child.terminate()
        assert child.wait(10) == 0
    sums = read_ledger(ledger).summary()
    assert (sums["honoured"], sums["honoured_more_than_once"], sums["replays"]) == (drops, 0, drops)


def test_an_end_that_nobody_took_before_sigkill_is_reported_after_it(receiver: Receiver, tmp_path: Path):
    options = ("--ledger", str(tmp_path / "ledger"), "--report-after-ms", "0", "--report-retry-cap", "0.1")
    receiver.answers = [503] * 1000
    with process(*options) as (child, client):
        client.drop("k1", receiver.body())
        until(lambda: len(receiver.posts) > 1, "a repeated report")
        before = receiver.events[0]
        child.kill()
        child.wait(10)
    receiver.answers = []
    receiver.posts.clear()
    with process(*options) as (_, client):
        until(lambda: client.ledger()["reported"], "the receipt")
        assert receiver.events == [before]
    with process(*options) as (_, client):
        assert client.ledger()["reported"] == 1
        client.drop("k2", receiver.body(reference="later"))
        until(lambda: client.ledger()["reported"] == 2, "the later drop's receipt")
        assert [event["reference"] for event in receiver.events] == ["reference", "later"]


def test_the_service_runs_without_django():
    code = "import sys, rvm.simulators.sandbox.__main__; sys.exit(any(name.split('.')[0] == 'django' for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--outcomes", "lost=1"), "no such outcome: lost"),
        (("--outcomes", "busy"), "does not read like"),
        (("--faults", "hang=2"), "hang is a number from 0 to 1"),
        (("--audio-tries", "0"), "not between 1 and 20"),
        (("--ledger", "/nowhere/ledger"), "cannot start"),
    ],
)
def test_a_bad_option_is_refused_with_a_sentence(options: tuple[str, ...], message: str):
    run = subprocess.run(command(*options), cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert message in run.stderr
    assert "Traceback" not in run.stderr


def test_without_a_key_it_says_which_variable_it_wants():
    environment = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("RVM_SANDBOX")}
    run = subprocess.run(command(), cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "RVM_SANDBOX_KEY" in run.stderr


def test_two_processes_do_not_share_a_ledger_or_a_port(tmp_path: Path):
    with process("--ledger", str(tmp_path / "ledger")) as (_, client):
        for options in (("--ledger", str(tmp_path / "ledger")), ("--port", str(client.port))):
            run = subprocess.run(
                command(*options), cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
            )
            assert run.returncode == 1
            assert "Traceback" not in run.stderr
