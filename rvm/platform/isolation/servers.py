"""The processes from which the children of isolated calls are forked: one for each module of tasks, started at its first call.

A server has no secret and no descriptor of this process, and ends when this process ends.
"""

from __future__ import annotations

import atexit
import os
import select
import socket
import subprocess
import sys
from contextlib import suppress
from io import FileIO
from pathlib import Path
from threading import Lock
from typing import IO

from rvm.platform.isolation.frames import STATUS

_CHILD = Path(__file__).with_name("child.py")
# The interpreter finds its own libraries by it. A server gets no other variable of our environment.
_INHERITED = ("LD_LIBRARY_PATH",)
# numpy would start a thread for each core, and a process with threads cannot be forked safely.
_ADDED = {"OPENBLAS_NUM_THREADS": "1"}
# In place of a status, if the server ended before the child's status came.
SERVER_ENDED = 1 << 16

_servers: dict[tuple[int, str], _Server] = {}  # by process, because a forked one has none yet, and module
_lock = Lock()


class Child:
    """A child that waits for its call, with the ends of its pipes."""

    def __init__(self, control: socket.socket, stdin: IO[bytes], stdout: IO[bytes]) -> None:
        self.stdin, self.stdout = stdin, stdout
        self._control = control

    def status(self, seconds: float) -> int | None:
        """How the child ended: its exit code, a signal as a negative number, or SERVER_ENDED. None if it has not ended by then."""
        poller = select.poll()
        poller.register(self._control, select.POLLIN)
        if not poller.poll(seconds * 1000):
            return None
        with suppress(OSError):
            if said := self._control.recv(STATUS.size):
                return int(STATUS.unpack(said)[0])
        return SERVER_ENDED

    def end(self, *, answered: bool = False) -> None:
        """Have the child killed if it is still there, and return when it has ended. One that has answered is about to end by itself:
        nobody waits until its memory is given back."""
        for pipe in (self.stdin, self.stdout):
            with suppress(OSError):
                pipe.close()
        with suppress(OSError), self._control:
            if not answered:
                self._control.shutdown(socket.SHUT_WR)
                self._control.recv(STATUS.size)


def started(module: str) -> Child:
    """A new child with the module imported. Raises OSError."""
    ours, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    (their_stdin, stdin), (stdout, their_stdout) = os.pipe(), os.pipe()
    child = Child(ours, FileIO(stdin, "wb"), FileIO(stdout, "rb"))
    try:
        _hand_over(module, [control.fileno(), their_stdin, their_stdout])
    except BaseException:
        control.close()
        child.end()
        raise
    finally:
        control.close()
        os.close(their_stdin)
        os.close(their_stdout)
    return child


def _hand_over(module: str, descriptors: list[int]) -> None:
    key = (os.getpid(), module)
    with _lock:
        if key in _servers:
            if _servers[key].give(descriptors):
                return
            _servers.pop(key).close()  # something killed it
        server = _Server(module)
        if not server.give(descriptors):
            server.close()
            raise OSError(0, "the server of children ended at once")
        _servers[key] = server


class _Server:
    def __init__(self, module: str) -> None:
        self._calls, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and script
                [sys.executable, "-I", str(_CHILD), module],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # a traceback could contain a cell of a list
                cwd="/",
                env=environment | _ADDED,
                start_new_session=True,  # Ctrl-C reaches the parent only
            )
        except BaseException:
            self._calls.close()
            raise
        finally:
            theirs.close()

    def give(self, descriptors: list[int]) -> bool:
        """Whether it could be given the descriptors of a call."""
        try:
            socket.send_fds(self._calls, [b"c"], descriptors)
        except OSError:
            return False
        return True

    def close(self) -> None:
        self._calls.close()
        self._process.kill()
        self._process.wait()


@atexit.register
def _end_servers() -> None:
    for (pid, _), server in _servers.items():
        if pid == os.getpid():
            server.close()
