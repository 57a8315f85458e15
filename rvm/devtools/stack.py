"""The platform's processes on one machine: web, workers, tick, events, simulated carriers, for `demo`, `up` and the fault tests."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from rvm.devtools.embedded.processes import Server, ServerError, ended_server, give_way, spawn, stop, wait_until
from rvm.simulators.framework.vendor import Options, Vendor
from rvm.simulators.vendors import names, simulator_class

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
# At Ctrl-C all processes are asked to end; a dispatch worker first finishes its requests in flight.
PATIENCE_SECONDS = 20.0
# Where cores are short, sending and carriers go before people's pages and exports, and these before lists, as by deploy/.
GIVE_WAY = {"web": 5, "imports": 10}


@dataclass(frozen=True)
class Stack:
    """The configuration of the processes. The sandbox's secrets are new at every start.

    `dispatch_worker` is the `manage.py` command for the queue "dispatch"; `variables` are set for all processes; `levels` says by
    name which of them give way where cores are short. With a `carrier`, its simulator runs beside the sandbox.
    """

    directory: Path
    web_port: int = 8000
    sandbox_port: int = 8800
    callbacks_port: int = 0  # of web processes for carriers alone; 0 for none, and carriers report to the others
    dispatchers: int = 1
    sandbox_options: tuple[str, ...] = field(default=(), repr=False)
    carrier: str = ""
    simulator_port: int = 8801
    simulator_options: tuple[str, ...] = field(default=(), repr=False)
    dispatch_worker: tuple[str, ...] = ("worker", "dispatch")
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    levels: Mapping[str, int] = field(default_factory=dict, repr=False)
    sandbox_key: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    signing_secret: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @property
    def web_url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def callbacks_url(self) -> str:
        return f"http://127.0.0.1:{self.callbacks_port or self.web_port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def simulator(self) -> Vendor | None:
        """The simulated carrier, as its process makes it."""
        if not self.carrier:
            return None
        return simulator_class(self.carrier)(Options(self.sandbox_key, port=self.simulator_port))

    @property
    def ledger(self) -> Path:
        return self.directory / "sandbox-ledger.jsonl"

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **self.variables,
            "RVM_PUBLIC_URL": self.web_url,
            **({"RVM_CARRIERS_URL": self.callbacks_url} if self.callbacks_port else {}),
            "RVM_SANDBOX_KEY": self.sandbox_key,
            "RVM_SANDBOX_SIGNING_SECRET": self.signing_secret,
        }

    def commands(self) -> dict[str, list[str]]:
        """The commands of the processes by name, in starting order."""
        manage = [sys.executable, str(MANAGE)]
        web = [
            sys.executable,
            "-m",
            "gunicorn",
            "-c",
            "python:rvm.project.web_server.configuration",
            "rvm.project.wsgi",
        ]
        web += ["--graceful-timeout", "5"]
        sandbox = ["sandbox", "--port", str(self.sandbox_port), "--ledger", str(self.ledger), *self.sandbox_options]
        simulator = [
            "simulator",
            self.carrier,
            "--port",
            str(self.simulator_port),
            "--quiet",
            *self.simulator_options,
        ]
        return {
            "sandbox": manage + sandbox,
            **({"simulator": manage + simulator} if self.carrier else {}),
            "web": [*web, "--bind", f"127.0.0.1:{self.web_port}", "--workers", "2"],
            **(
                {"callbacks": [*web, "--bind", f"127.0.0.1:{self.callbacks_port}", "--workers", "1"]}
                if self.callbacks_port
                else {}
            ),
            **{f"dispatch-{number + 1}": [*manage, *self.dispatch_worker] for number in range(self.dispatchers)},
            "reports": [*manage, "worker", "reports"],
            "calls": [*manage, "worker", "calls"],
            "imports": [*manage, "worker", "imports"],
            "events": [*manage, "events"],
            "tick": [*manage, "tick"],
        }


class Running:
    """The child processes of a started stack."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Start or restart one process; the log of its previous run is kept beside the new one, numbered."""
        if name in self.processes:
            earlier = len(list(self.stack.directory.glob(f"{name}.log.*")))
            self.log(name).rename(self.stack.directory / f"{name}.log.{earlier + 1}")
        self.processes[name] = spawn(
            self.stack.commands()[name], log=self.log(name), env=self.stack.environment(), cwd=MANAGE.parent
        )
        if level := self.stack.levels.get(name):
            give_way(self.processes[name], level)
        return self.processes[name]

    def log(self, name: str) -> Path:
        return self.stack.directory / f"{name}.log"

    def crashed(self) -> Server | None:
        """A process of the stack, or a server that this process has started for it, that ended without being stopped; or None."""
        ended = (name for name, process in self.processes.items() if process.poll() is not None)
        return next((Server(name, self.processes[name], self.log(name)) for name in ended), ended_server())

    def wait_until_ready(self) -> None:
        """Wait until sandbox, simulator and web respond. Raises ServerError with the end of the log of the one that does not."""
        checks = {"sandbox": f"{self.stack.sandbox_url}/livez", "web": f"{self.stack.web_url}/readyz"}
        if simulator := self.stack.simulator:
            checks["simulator"] = f"{simulator.base_url}/livez"
        if self.stack.callbacks_port:
            checks["callbacks"] = f"{self.stack.callbacks_url}/livez"
        for name, url in checks.items():
            wait_until(lambda url=url: answers(url), self.processes[name], name=name, log=self.log(name))  # type: ignore[misc]


@contextmanager
def running(stack: Stack) -> Iterator[Running]:
    """Start all processes, yield when they are ready, and stop all of them at the end. Raises ServerError."""
    stack.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    refuse_taken_ports(stack)
    with ExitStack() as exits:
        children = Running(stack)
        exits.callback(_stop_all, children)
        for name in stack.commands():
            children.start(name)
        children.wait_until_ready()
        yield children


def _stop_all(children: Running) -> None:
    # All are signaled before any is waited for, so that stopping takes only as long as the slowest.
    for process in children.processes.values():
        if process.poll() is None:
            process.terminate()
    for process in reversed(children.processes.values()):
        stop(process, patience_seconds=PATIENCE_SECONDS)


def add_port_options(parser: CommandParser) -> None:
    """The options for the three ports, of which the first decides the others unless they are given."""
    parser.add_argument("--port", type=int, default=8000, help="of the web server, on 127.0.0.1")
    parser.add_argument("--callbacks-port", type=int, help="of the carriers' web server; by default the next one")
    parser.add_argument("--sandbox-port", type=int, help="of the sandbox carrier; by default 800 after the first")


def add_carrier_option(parser: CommandParser) -> None:
    parser.add_argument(
        "--carrier",
        choices=names(),
        default="",
        help="send through this carrier, simulated on this machine, in place of the sandbox",
    )


def ports_of(options: Mapping[str, Any]) -> tuple[int, int, int]:
    """The ports of web server, sandbox and carriers' web server that the options choose."""
    port: int = options["port"]
    return port, options["sandbox_port"] or port + 800, options["callbacks_port"] or port + 1


def carrier_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a stack for the carrier that the options choose: its simulator has the port after the sandbox's."""
    return {"carrier": options["carrier"], "simulator_port": ports_of(options)[1] + 1}


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own loopback address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def refuse_taken_ports(stack: Stack) -> None:
    """Raises ServerError if another process listens where one of the stack shall."""
    ports = {
        "web server": stack.web_port,
        "sandbox carrier": stack.sandbox_port,
        "simulated carrier": stack.simulator_port if stack.carrier else 0,
        "carriers' web server": stack.callbacks_port,
    }
    for name, port in ports.items():
        if port:
            refuse_taken_port(name, port)


def refuse_taken_port(name: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise ServerError(
                f"Port {port} on 127.0.0.1, where the {name} shall listen, is taken. Stop what runs there (another "
                f"`make up`?) or choose other ports: `make up PORT=8101` also moves the two others, to 8102 and 8901, "
                f"and CALLBACKS_PORT= and SANDBOX_PORT= name them one by one. `make demo` takes the same."
            ) from None
