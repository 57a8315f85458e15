"""Processes that isolated calls leave: their servers are children of this process, and each call has a child of one of them.

A server has one child more, which waits for the next call. It gets its pipes with it; until then its standard input is a socket.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from rvm.platform.isolation import child


def children(process: int | str = "self") -> set[int]:
    threads = Path(f"/proc/{process}/task").iterdir()
    return {int(each) for thread in threads for each in (thread / "children").read_text().split()}


def in_calls() -> set[int]:
    """The processes of the calls that this process makes now."""
    return {each for each in _of_servers() if _reads(each, "pipe:")}


def waiting() -> set[int]:
    """The processes that wait for a call of this process."""
    return {each for each in _of_servers() if _reads(each, "socket:")}


def none_left() -> bool:
    """Whether no process of a call is left: nobody waits for a child that has answered, but it ends at once."""
    return until(lambda: not in_calls())


def until(is_so: Callable[[], object]) -> bool:
    """Whether it comes to be so within 30 seconds."""
    deadline = time.monotonic() + 30
    while not is_so() and time.monotonic() < deadline:
        os.sched_yield()
    return bool(is_so())


def _of_servers() -> set[int]:
    return {each for server in filter(_is_server, children()) for each in children(server)}


def _reads(process: int, kind: str) -> bool:
    try:
        return str(Path(f"/proc/{process}/fd/0").readlink()).startswith(kind)
    except OSError:  # it ends, or has ended
        return False


def _is_server(process: int) -> bool:
    """Whether it serves isolated calls; other tests of this process may have left a PostgreSQL with processes of its own."""
    try:
        return child.__file__ in Path(f"/proc/{process}/cmdline").read_text()
    except FileNotFoundError:  # it has ended meanwhile
        return False
