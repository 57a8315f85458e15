"""Processes that isolated calls leave: their servers are children of this process, and each call has a child of one of them."""

from __future__ import annotations

from pathlib import Path

from rvm.platform.isolation import child


def children(process: int | str = "self") -> set[int]:
    threads = Path(f"/proc/{process}/task").iterdir()
    return {int(each) for thread in threads for each in (thread / "children").read_text().split()}


def in_calls() -> set[int]:
    """The processes of the calls that this process makes now."""
    return {each for server in filter(_is_server, children()) for each in children(server)}


def _is_server(process: int) -> bool:
    """Whether it serves isolated calls; other tests of this process may have left a PostgreSQL with processes of its own."""
    try:
        return child.__file__ in Path(f"/proc/{process}/cmdline").read_text()
    except FileNotFoundError:  # it has ended meanwhile
        return False
