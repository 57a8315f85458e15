"""The side that asks: starts the child, feeds it and takes what it says, in turns, and leaves no process behind."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal

import orjson
import structlog

from rvm.platform.isolation import frames
from rvm.platform.isolation.frames import HEAD, MAX_FRAME_BYTES, frame

log = structlog.get_logger(__name__)

_CHILD = Path(__file__).with_name("child.py")
# By which an interpreter finds its own libraries; nothing else of our environment is for the child.
_INHERITED = ("LD_LIBRARY_PATH",)
_READ_BYTES = 256 * 1024
# A child has closed its pipe: how long its end is waited for.
_LAST_SECONDS = 5.0


@dataclass(frozen=True)
class Limits:
    """What one call may cost.

    `memory_bytes` bounds the child's address space, `cpu_seconds` what it computes, and `wait_seconds` how long it is waited for in
    all; the time that the caller takes for what came back does not count.
    """

    memory_bytes: int
    cpu_seconds: int
    wait_seconds: float


class ChildEnded(Exception):
    """The child did not come to its end: it needed more time or memory, was stopped or not started by the system, or is at fault."""

    def __init__(self, why: Literal["time", "memory", "stopped", "fault"]) -> None:
        super().__init__(why)
        self.why = why


def isolated(
    task: Callable[..., Iterator[Any]],
    chunks: Iterable[bytes],
    *,
    limits: Limits,
    refusal: type[Exception],
    **arguments: Any,
) -> Iterator[Any]:
    """What `task(source, **arguments)` yields in a child, whose `source` reads `chunks`: bytes, or values that JSON can say.

    `task` and `refusal` are found there by their names, so both stand at the top of modules that import neither Django nor settings.
    A `refusal` has a `code` and a `sentence`, and is raised here as `refusal(code, sentence)`. Raises ChildEnded, and what `chunks`
    does.

    The child is gone once the caller leaves, whether at the end, by `close()` or by an exception. It also goes with the thread that
    asked for its first value, so ask from one that lives until the last.
    """
    process = _started()
    try:
        call = {"task": _name(task), "refusal": _name(refusal), "limits": asdict(limits), "arguments": arguments}
        talk = _frames(process, frame(frames.CALL, orjson.dumps(call)), chunks, limits.wait_seconds)
        for kind, content in talk:
            if kind == frames.ITEM:
                yield orjson.loads(content)
            elif kind == frames.BYTES:
                yield content
            elif kind == frames.END:
                return
            elif kind == frames.REFUSED:
                raise refusal(*orjson.loads(content))
            elif kind == frames.MEMORY:
                raise ChildEnded("memory")
            else:
                log.error("child_broke", task=_name(task), error=orjson.loads(content))
                raise ChildEnded("fault")
    finally:
        _end(process)


def _started() -> subprocess.Popen[bytes]:
    """The child binds itself: a function between fork and exec might never return in a process that has threads."""
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and script
            [sys.executable, "-I", str(_CHILD), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # a traceback could show a cell
            bufsize=0,
            cwd="/",
            env={name: os.environ[name] for name in _INHERITED if name in os.environ},
            start_new_session=True,  # Ctrl-C is for us
        )
    except OSError as error:
        log.error("child_not_started", error=error.strerror)
        raise ChildEnded("stopped") from None


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    process.wait()


def _name(what: Callable[..., Any]) -> str:
    return f"{what.__module__}:{what.__qualname__}"


def _frames(
    process: subprocess.Popen[bytes], call: bytes, chunks: Iterable[bytes], wait_seconds: float
) -> Iterator[tuple[bytes, bytes]]:
    """Each whole frame as it comes. The child is fed as it takes it, and waits while the caller is busy."""
    if process.stdin is None or process.stdout is None:
        raise TypeError("a child is talked to through pipes")
    poller = select.poll()
    feed = _Feed(process.stdin, poller, call, chunks)
    said = process.stdout.fileno()
    os.set_blocking(said, False)
    poller.register(said, select.POLLIN)
    received, waited = bytearray(), 0.0
    while True:
        yield from _whole(received)
        began = time.monotonic()
        ready = {descriptor for descriptor, _ in poller.poll(max(0.0, wait_seconds - waited) * 1000)}
        waited += time.monotonic() - began
        if not ready:
            raise ChildEnded("time")
        if said in ready:
            data = os.read(said, _READ_BYTES)
            if not data:
                raise ChildEnded(_why(process))
            received += data
        if ready - {said}:
            feed.go_on()


def _whole(received: bytearray) -> Iterator[tuple[bytes, bytes]]:
    """The frames that `received` has whole; it loses them."""
    while len(received) >= HEAD.size:
        kind, length = HEAD.unpack_from(received)
        if length > MAX_FRAME_BYTES:
            raise ChildEnded("fault")
        if len(received) < HEAD.size + length:
            return
        content = bytes(memoryview(received)[HEAD.size : HEAD.size + length])
        del received[: HEAD.size + length]
        yield kind, content


class _Feed:
    """What the child is still to read, of which one piece at a time is held."""

    def __init__(self, pipe: IO[bytes], poller: select.poll, call: bytes, chunks: Iterable[bytes]) -> None:
        self._pipe, self._poller = pipe, poller
        self._left, self._chunks = memoryview(call), iter(chunks)
        os.set_blocking(pipe.fileno(), False)
        poller.register(pipe, select.POLLOUT)

    def go_on(self) -> None:
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return self._close()
            self._left = memoryview(chunk)
        try:
            self._left = self._left[os.write(self._pipe.fileno(), self._left) :]
        except BrokenPipeError:  # it reads no more, and says why
            return self._close()

    def _close(self) -> None:
        self._poller.unregister(self._pipe)
        self._pipe.close()


def _why(process: subprocess.Popen[bytes]) -> Literal["time", "stopped", "fault"]:
    """Of a child that stopped in the middle."""
    try:
        ended = process.wait(_LAST_SECONDS)
    except subprocess.TimeoutExpired:
        return "fault"
    if ended == -signal.SIGXCPU:
        return "time"
    return "stopped" if ended in (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP) else "fault"
