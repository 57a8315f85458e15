"""Processes that isolated calls leave: the servers are children of this process, and each call has a child of one of them."""

from __future__ import annotations

from pathlib import Path


def children(process: int | str = "self") -> set[int]:
    threads = Path(f"/proc/{process}/task").iterdir()
    return {int(child) for thread in threads for child in (thread / "children").read_text().split()}


def in_calls() -> set[int]:
    """The processes of the calls that this process makes now."""
    return {child for server in children() for child in children(server)}
