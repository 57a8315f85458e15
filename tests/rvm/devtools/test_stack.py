"""`up` ends, and says so, when a part of it has ended: its processes, and the servers that were started for it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rvm.devtools.embedded.processes import Server, serving, spawn, stop
from rvm.devtools.stack import Running, Stack


@pytest.mark.parametrize("name", ["PostgreSQL", "Redis"])
def test_a_server_that_ended_is_a_part_that_ended(name: str, tmp_path: Path) -> None:
    children = Running(Stack(tmp_path))
    process = spawn([sys.executable, "-c", "import sys; sys.stdin.read()"])
    with serving(Server(name, process, tmp_path / "log")):
        process.wait(20)
        assert children.crashed() == Server(name, process, tmp_path / "log")
    assert children.crashed() is None
    stop(process)
