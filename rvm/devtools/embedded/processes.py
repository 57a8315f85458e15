"""Child processes that end with their parent: the kernel signals them when it dies, even by `kill -9`.

A server that outlives its parent would hold its data directory and block the next start, so every child requests a
signal at the parent's death (PR_SET_PDEATHSIG). Each child also has a session of its own: Ctrl-C in the terminal reaches
only the parent, which stops the children in order.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.01
# The environment of the servers, which do not need this process's variables and secrets.
CLEAN_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


class ServerError(Exception):
    """A local server cannot be started or used; the text tells the user at the terminal what to do."""


class Server(NamedTuple):
    name: str
    process: subprocess.Popen[bytes]
    log: Path


# The servers that this process has started and not stopped.
_servers: list[Server] = []


@contextmanager
def serving(server: Server) -> Iterator[None]:
    _servers.append(server)
    try:
        yield
    finally:
        _servers.remove(server)


def ended_server() -> Server | None:
    """One of this process's servers that has ended by itself."""
    return next((server for server in _servers if server.process.poll() is not None), None)


class Account(NamedTuple):
    """The system account of a server, if it is not that of this process."""

    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """The account for servers: `nobody` if this process is root, as which PostgreSQL does not run; otherwise None."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
    at_our_death: signal.Signals = signal.SIGTERM,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own; its output goes to `log`, truncated first, or to this process's output.

    The calling thread must live as long as the child, because Linux sends `at_our_death` when that thread ends.
    """
    prepare = exits_with_parent(at_our_death)
    output = log.open("wb") if log else None
    try:
        return subprocess.Popen(  # noqa: S603 - commands are built by our own code, never from input
            [str(part) for part in command],
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            env=env,
            cwd=cwd,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            preexec_fn=prepare,  # runs after setuid, which would clear the setting
        )
    finally:
        if output:
            output.close()


def give_way(process: subprocess.Popen[bytes], level: int) -> None:
    """Have the child and its later children get less of the CPU where it is short: by a factor of 3 at level 5, of 9 at level 10.

    Between sessions Linux shares it by the levels of these, where it does so at all, and by those of processes only within one.
    """
    os.setpriority(os.PRIO_PROCESS, process.pid, level)
    for _ in range(20):
        try:
            Path(f"/proc/{process.pid}/autogroup").write_text(str(level))
        except BlockingIOError:  # one a tenth of a second for the whole machine
            time.sleep(0.1)
        except OSError:
            return
        else:
            return


def exits_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """A `preexec_fn` by which the child gets the signal when the thread that starts it ends; None except on Linux."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # looked up before the fork
    parent = os.getpid()

    def prepare() -> None:
        prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
        if os.getppid() != parent:  # the parent died between fork and prctl
            os._exit(1)

    return prepare


def stop(
    process: subprocess.Popen[bytes], *, polite: signal.Signals = signal.SIGTERM, patience_seconds: float = 10.0
) -> int:
    """Send `polite`, wait up to `patience_seconds`, kill the rest of the process group, and return the child's exit code."""
    if process.poll() is None:
        process.send_signal(polite)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience_seconds)
    with suppress(ProcessLookupError, PermissionError):  # usually the whole group has ended
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def wait_until(
    ready: Callable[[], bool],
    process: subprocess.Popen[bytes],
    *,
    name: str,
    log: Path,
    patience_seconds: float = 180.0,
) -> None:
    """Wait until `ready()` is true. Raises ServerError with the end of the log if the child ends or the time runs out."""
    deadline = time.monotonic() + patience_seconds
    while not ready():
        if process.poll() is not None:
            raise ServerError(f"{name} ended with code {process.returncode} while starting.{tail(log)}")
        if time.monotonic() > deadline:
            raise ServerError(f"{name} was not ready after {patience_seconds:.0f} seconds.{tail(log)}")
        time.sleep(POLL_SECONDS)


def tail(log: Path, lines: int = 5) -> str:
    """The last lines of a log, formatted to follow a sentence."""
    try:
        text = log.read_text(errors="replace").splitlines()[-lines:]
    except OSError:
        return ""
    return "".join(f"\n    {line}" for line in [f"The end of {log}:", *text]) if text else f" Its log {log} is empty."
