"""The program of a server of children: `python -I child.py MODULE`. It forks a child for each call, with the module already imported.

To import a module with its libraries takes ten times as long as a call. The next call's child is forked while nobody waits, and not
beside a call that has just begun, whose caller and child are at work. The server itself reads no untrusted byte, and nothing that one
call leaves behind reaches another. A script has no package, so its first lines add the project's root to the import path.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import ctypes
import gc
import importlib
import os
import resource
import select
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, BinaryIO

import orjson

from rvm.platform.isolation.frames import BYTES, CALL, END, FAULT, HEAD, ITEM, MEMORY, REFUSED, STATUS, frame

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_HANDED_OVER = 3  # descriptors of a call: the control socket, and the child's standard input and output
_MAX_DESCRIPTORS = 1 << 16
_PAUSE_MILLISECONDS = 20  # with nothing to do, before the next call's child is forked: a short call's time


def serve(calls: socket.socket) -> None:
    """Give each control socket that arrives to a fresh child, until the parent ends.

    A child lives as long as the other end of its control socket, which gets the child's status when it has ended.
    """
    running: dict[int, _Child] = {}  # by the descriptor that is ready when the child has ended
    controls: dict[int, _Child] = {}  # by the descriptor that is ready when the caller has no more use for the child
    poller = select.poll()
    poller.register(calls, select.POLLIN)
    child: _Child | None = _Child()
    while True:
        ready = poller.poll(None if child else _PAUSE_MILLISECONDS)
        if not ready:
            child = _Child()
        # A new call comes last: its descriptors may have the numbers of those that are closed here.
        for descriptor, _ in sorted(ready, key=lambda each: each[0] == calls.fileno()):
            if descriptor == calls.fileno():
                message, handed_over, _, _ = socket.recv_fds(calls, 1, _HANDED_OVER)
                if not message:
                    return
                child = child or _Child()
                child.begin(handed_over)
                running[child.ended] = controls[child.control.fileno()] = child
                poller.register(child.ended, select.POLLIN)
                poller.register(child.control, select.POLLIN)
                child = None
            elif descriptor in controls:
                poller.unregister(descriptor)
                os.kill(controls.pop(descriptor).id, signal.SIGKILL)
            elif descriptor in running:
                poller.unregister(descriptor)
                over = running.pop(descriptor)
                if controls.pop(over.control.fileno(), None):
                    poller.unregister(over.control)
                over.close()


class _Child:
    """A child of the server that waits for its one call: its id, a descriptor that is ready when it has ended, and from its call on
    the control socket of its caller."""

    control: socket.socket

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.id = _forked(theirs)
        self.ended = os.pidfd_open(self.id)

    def begin(self, handed_over: list[int]) -> None:
        """Give it the pipes of a call. If something has killed it, its status says so, as during a call."""
        control, *pipes = handed_over
        self.control = socket.socket(fileno=control)
        with suppress(OSError), self._ours:
            socket.send_fds(self._ours, [b"c"], pipes)
        for pipe in pipes:
            os.close(pipe)

    def close(self) -> None:
        """Tell the caller how the child ended, if the caller is still there."""
        _, status = os.waitpid(self.id, 0)
        with suppress(OSError), self.control:
            self.control.send(STATUS.pack(os.waitstatus_to_exitcode(status)))
        os.close(self.ended)


def _forked(calls: socket.socket) -> int:
    """The id of a new child that gets the pipes of its call from this socket, and has no other descriptor of the server."""
    server = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        os.dup2(calls.fileno(), 0)
        os.closerange(3, _MAX_DESCRIPTORS)
        _exit_with(server)
        waiting = socket.socket(fileno=0)
        _, pipes, _, _ = socket.recv_fds(waiting, 1, _HANDED_OVER - 1)
        waiting.detach()
        if pipes:
            for wanted, pipe in enumerate(pipes):
                os.dup2(pipe, wanted)
            os.closerange(3, _MAX_DESCRIPTORS)
            _answer()
    finally:
        os._exit(1)


def _answer() -> None:
    """Run the one call that standard input has."""
    source = os.fdopen(0, "rb", closefd=False)
    call = _call(source)
    task, refusal = _function_named(call["task"]), _function_named(call["refusal"])
    apply_limits(call["limits"])
    try:
        for item in task(source, **call["arguments"]):
            _write(frame(BYTES, item) if isinstance(item, bytes) else frame(ITEM, orjson.dumps(item)))
        last = frame(END)
    except refusal as refused:
        last = frame(REFUSED, orjson.dumps([refused.code, refused.message]))
    except MemoryError:
        last = frame(MEMORY)
    except Exception as error:
        last = frame(FAULT, orjson.dumps([type(error).__name__, _place(error)]))
    _write(last)
    os._exit(0)  # no clean-up is needed, and clean-up may fail after a MemoryError


def _exit_with(server: int) -> None:
    """Have the kernel kill this process when the server ends, which ends with the parent."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != server:
        os._exit(1)


def apply_limits(limits: Mapping[str, int]) -> None:
    """Limit memory and CPU time of this process, and forbid new processes, core dumps, and files beyond the three open ones."""
    bounds = {
        resource.RLIMIT_AS: limits["memory_bytes"],
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 3,
    }
    for kind, most in bounds.items():
        resource.setrlimit(kind, (most, most))
    # The soft limit sends SIGXCPU, by which the parent recognises the cause; the hard limit kills one second later.
    resource.setrlimit(resource.RLIMIT_CPU, (limits["cpu_seconds"], limits["cpu_seconds"] + 1))


def _call(source: BinaryIO) -> dict[str, Any]:
    kind, length = HEAD.unpack(source.read(HEAD.size))
    if kind != CALL:
        os._exit(1)
    call: dict[str, Any] = orjson.loads(source.read(length))
    return call


def _function_named(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _write(content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(1, left) :]


def _place(error: BaseException) -> str:
    """The file and line of the error, without the line's text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGINT):  # the parent handles them, and its end is the server's
        signal.signal(number, signal.SIG_IGN)
    socket_of_parent = socket.socket(fileno=os.dup(0))
    tasks = importlib.import_module(sys.argv[1])
    getattr(tasks, "warm_up", lambda: None)()  # what each child would have to do first
    sys.stdout = sys.stderr  # printed text must not mix with frames
    gc.freeze()  # a collection in a child would copy the pages that it shares with the server
    serve(socket_of_parent)
    os._exit(0)
