"""Calls in a process of their own: what comes back, what they may cost, and that none of them outlives its caller."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rvm.platform.isolation import calls, servers
from rvm.platform.isolation.calls import ChildEnded, Limits, isolated
from tests.children import children, in_calls, none_left, until, waiting
from tests.random_text import without_ids
from tests.rvm.platform import isolated_tasks as tasks

LIMITS = Limits(memory_bytes=300 * 1024 * 1024, cpu_seconds=20, wait_seconds=60.0)
PROJECT = Path(__file__).resolve().parents[3]


def call(
    task: Callable[..., Iterator[Any]], chunks: Iterable[bytes] = (), limits: Limits = LIMITS, **arguments: Any
) -> Any:
    return isolated(task, chunks, limits=limits, refusal=tasks.NoSong, **arguments)


def ended(task: Callable[..., Iterator[Any]], chunks: Iterable[bytes] = (), limits: Limits = LIMITS) -> str:
    with pytest.raises(ChildEnded) as end:
        list(call(task, chunks, limits))
    return end.value.why


def runs(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


@pytest.fixture(autouse=True)
def none_is_left() -> Iterator[None]:
    yield
    assert none_left()


def test_what_a_function_yields_comes_back_as_it_is() -> None:
    assert list(call(tasks.sizes, [b"abc", b"", b"de"], twice=True)) == [{"size": 10}]
    assert list(call(tasks.count, until=3)) == [0, 1, 2]


def test_more_goes_in_and_out_at_once_than_pipes_hold() -> None:
    chunk = bytes(range(256)) * 4_000
    assert b"".join(call(tasks.echo, itertools.repeat(chunk, 10))) == chunk * 10


def test_the_bytes_are_taken_only_as_the_child_reads_them() -> None:
    taken = itertools.count()
    endless = (bytes(100_000) for _ in taken)
    echoed = call(tasks.echo, endless)
    next(echoed)
    assert next(taken) < 20
    echoed.close()


def test_a_child_has_its_input_before_its_values_are_asked_for() -> None:
    taken = iter([bytes(10_000), bytes(10_000)])
    called = call(tasks.sizes, taken, twice=False)
    assert list(taken) == []
    assert list(called) == [{"size": 20_000}]


def test_a_pipe_that_takes_no_more_than_others_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(calls.fcntl, "fcntl", refused)
    chunk = bytes(range(256)) * 4_000
    assert b"".join(call(tasks.echo, itertools.repeat(chunk, 10))) == chunk * 10


def test_a_refusal_arrives_as_one_even_if_the_bytes_were_not_read() -> None:
    called = call(tasks.refuse, itertools.repeat(bytes(1_000_000)))
    assert next(called) == 1
    with pytest.raises(tasks.NoSong) as refusal:
        next(called)
    assert (refusal.value.code, refusal.value.message) == ("no_song", "This is no song.")


def test_a_fault_is_logged_by_its_place_and_never_with_its_message(caplog: pytest.LogCaptureFixture) -> None:
    assert ended(tasks.break_down, [b"(415) 555-0101"]) == "fault"
    logged = caplog.text
    assert "ValueError" in logged
    assert "isolated_tasks.py" in logged
    assert "0101" not in without_ids(logged)


def test_the_child_has_none_of_our_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RVM_ENCRYPTION_KEYS", "1:secret")
    (found,) = call(tasks.environment)
    assert found.keys() <= {"LD_LIBRARY_PATH", "LC_CTYPE", "OPENBLAS_NUM_THREADS"}


def test_the_child_opens_no_file_and_no_connection_and_starts_nothing() -> None:
    assert list(call(tasks.attempts)) == []


def test_more_memory_than_the_limit_ends_the_call() -> None:
    assert ended(tasks.hoard) == "memory"


def test_more_cpu_time_than_the_limit_ends_the_call() -> None:
    assert ended(tasks.compute, limits=Limits(LIMITS.memory_bytes, 1, 60.0)) == "time"


def test_a_child_that_says_nothing_is_not_waited_for_forever() -> None:
    assert ended(tasks.sleep, limits=Limits(LIMITS.memory_bytes, 20, 0.5)) == "time"


def test_what_the_caller_does_meanwhile_is_no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    called = call(tasks.count, until=3, limits=Limits(LIMITS.memory_bytes, 20, 1e6))
    monkeypatch.setattr(calls.time, "monotonic", lambda: float(next(clock)))
    assert next(called) == 0
    monkeypatch.setattr(calls.time, "monotonic", lambda: 1e9 + next(clock))
    assert list(called) == [1, 2]


def test_a_child_that_something_kills_ends_the_call() -> None:
    called = call(tasks.sleep)
    process = next(called)
    os.kill(process, signal.SIGKILL)
    with pytest.raises(ChildEnded) as end:
        next(called)
    assert end.value.why == "stopped"
    assert not runs(process)


def test_what_is_to_end_a_group_of_processes_is_for_the_parent_to_answer() -> None:
    assert list(call(tasks.be_asked_to_end)) == ["still here"]


def test_what_is_printed_is_no_answer() -> None:
    assert list(call(tasks.print_something)) == [1]


def test_a_child_that_announces_more_than_there_is_memory_for_is_not_believed() -> None:
    assert ended(tasks.lie) == "fault"


def test_a_caller_who_asks_for_nothing_leaves_no_child_behind() -> None:
    called = call(tasks.sleep)
    assert until(in_calls)
    called.close()
    assert not in_calls()


def test_a_caller_who_stops_early_leaves_no_child_behind() -> None:
    called = call(tasks.sleep)
    process = next(called)
    called.close()
    assert not runs(process)


def test_a_caller_who_fails_leaves_no_child_behind() -> None:
    def failing() -> Iterator[bytes]:
        yield b"x"
        raise FileNotFoundError("the list is gone")

    with pytest.raises(FileNotFoundError):
        list(call(tasks.echo, failing()))


def test_a_child_that_cannot_be_started_ends_the_call(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setattr(servers, "_servers", {})
    assert ended(tasks.count) == "stopped"
    assert "child_not_started" in caplog.text


def test_a_server_that_something_killed_is_started_anew_by_the_next_call() -> None:
    called = call(tasks.sleep)
    process = next(called)
    [server] = [server for server in children() if process in children(server)]
    os.kill(server, signal.SIGKILL)
    with pytest.raises(ChildEnded) as end:
        next(called)
    assert end.value.why == "stopped"
    assert list(call(tasks.count, until=2)) == [0, 1]


def test_many_calls_at_once_have_a_child_each() -> None:
    called = [call(tasks.sleep) for _ in range(20)]
    assert len({next(each) for each in called}) == 20
    for each in called:
        each.close()


def test_children_are_forked_from_a_server_that_has_warmed_up_once() -> None:
    for _ in range(2):
        warmed_up, server = call(tasks.warmed_up_by)
        assert warmed_up == server


def next_of(process: int) -> int:
    """The child that waits, at the server of the one that is in a call."""
    [server] = [server for server in children() if process in children(server)]
    assert until(lambda: len(waiting() & children(server)) == 1)
    [ahead] = waiting() & children(server)
    return ahead


def test_the_next_child_is_there_before_its_call() -> None:
    called = call(tasks.sleep)
    ahead = next_of(next(called))
    another = call(tasks.sleep)
    assert next(another) == ahead
    for each in (called, another):
        each.close()


def test_a_child_that_waits_has_no_descriptor_of_a_call() -> None:
    called = call(tasks.sleep)
    folder = Path(f"/proc/{next_of(next(called))}/fd")
    assert until(lambda: len(list(folder.iterdir())) == 3)
    assert [str((folder / each).readlink()).partition(":")[0] for each in "012"] == ["socket", "/dev/null", "/dev/null"]
    called.close()


def test_a_call_whose_child_something_killed_before_ends_and_the_next_does_not() -> None:
    called = call(tasks.sleep)
    os.kill(next_of(next(called)), signal.SIGKILL)
    called.close()
    assert ended(tasks.count) == "stopped"
    assert list(call(tasks.count, until=2)) == [0, 1]


def test_a_child_that_goes_on_after_its_answer_is_ended() -> None:
    [process] = call(tasks.answer_and_go_on)
    assert until(lambda: not runs(process))


def test_a_server_loads_nothing_for_logs() -> None:
    """Each fork copies what is loaded, and what a child does not have nothing can use."""
    loads = "import sys, delivery.audio.measurement; sys.exit(bool({'structlog', 'django'} & sys.modules.keys()))"
    subprocess.run([sys.executable, "-c", loads], cwd=PROJECT, check=True)


def test_a_child_has_no_descriptor_but_its_pipes() -> None:
    others = [call(tasks.sleep) for _ in range(2)]
    for each in others:
        next(each)
    assert list(call(tasks.descriptors)) == [0, 1, 2]
    for each in others:
        each.close()


PARENT = """
import time
from tests.rvm.platform.test_isolation import call, tasks
called = call(tasks.sleep)
print(next(called), flush=True)
time.sleep(600)
"""


def test_a_parent_that_is_killed_takes_its_child_with_it() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=PROJECT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert runs(child)
        parent.kill()
    assert until(lambda: not runs(child))
