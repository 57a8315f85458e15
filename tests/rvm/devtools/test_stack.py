"""`up` listens where it is told to, and ends, and says so, when a process or a server that was started for it has ended."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management.base import CommandParser

from rvm.devtools.embedded.processes import Server, ServerError, serving, spawn, stop
from rvm.devtools.stack import (
    Running,
    Stack,
    add_carrier_option,
    add_port_options,
    carrier_of,
    ports_of,
    refuse_taken_port,
)
from tests.docs.pages import PROJECT


@pytest.mark.parametrize("name", ["PostgreSQL", "Redis"])
def test_a_server_that_ended_is_a_part_that_ended(name: str, tmp_path: Path) -> None:
    children = Running(Stack(tmp_path))
    process = spawn([sys.executable, "-c", "import sys; sys.stdin.read()"])
    with serving(Server(name, process, tmp_path / "log")):
        process.wait(20)
        assert children.crashed() == Server(name, process, tmp_path / "log")
    assert children.crashed() is None
    stop(process)


@pytest.mark.parametrize(
    ("given", "ports"),
    [
        ("", (8000, 8800, 8001)),
        ("--port 8101", (8101, 8901, 8102)),
        ("--port 8101 --sandbox-port 9000", (8101, 9000, 8102)),
        ("--callbacks-port 9001", (8000, 8800, 9001)),
    ],
)
def test_the_first_port_decides_the_others(given: str, ports: tuple[int, int, int]) -> None:
    parser = CommandParser()
    add_port_options(parser)
    assert ports_of(vars(parser.parse_args(given.split()))) == ports


def test_a_carrier_adds_its_simulator_with_the_credentials_of_the_setup(tmp_path: Path) -> None:
    assert "simulator" not in Stack(tmp_path).commands()
    stack = Stack(tmp_path, carrier="drop_cowboy", simulator_port=9001)
    command = stack.commands()["simulator"]
    assert command[2:] == ["simulator", "drop_cowboy", "--port", "9001", "--quiet"]
    assert stack.environment()["RVM_SANDBOX_KEY"] == stack.sandbox_key
    assert stack.simulator is not None
    assert stack.simulator.base_url == "http://127.0.0.1:9001"


def test_the_simulator_has_the_port_after_the_sandboxs() -> None:
    parser = CommandParser()
    add_port_options(parser)
    add_carrier_option(parser)
    given = vars(parser.parse_args(["--port", "8101", "--carrier", "drop_cowboy"]))
    assert carrier_of(given) == {"carrier": "drop_cowboy", "simulator_port": 8902}


@pytest.mark.parametrize("target", ["up", "demo"])
def test_make_passes_the_carrier_on(target: str) -> None:
    asked = ["make", "--dry-run", "--always-make", target, "CARRIER=drop_cowboy"]
    told = subprocess.run(asked, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert f"manage.py {target} --carrier drop_cowboy" in " ".join(told.split())


@pytest.mark.parametrize("target", ["up", "demo"])
def test_make_passes_the_ports_on(target: str) -> None:
    asked = ["make", "--dry-run", "--always-make", target, "PORT=8101", "SANDBOX_PORT=9000"]
    told = subprocess.run(asked, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
    assert f"manage.py {target} --port 8101  --sandbox-port 9000" in told


def test_a_taken_port_is_told_with_what_make_takes() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=rf"Port {port} on 127.0.0.1.* is taken.*`make up PORT=8101`"):
            refuse_taken_port("web server", port)
