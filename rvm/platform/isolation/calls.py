"""The parent's side of an isolated call: has a child started, alternates between feeding and reading it, and always ends it."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import IO, Any, Literal

import orjson

from rvm.platform.isolation import frames
from rvm.platform.isolation.frames import HEAD, MAX_FRAME_BYTES, frame
from rvm.platform.isolation.servers import SERVER_ENDED, Child, started

_READ_BYTES = 256 * 1024
# What the pipe to a child takes at once, where the system lets a pipe take so much: all of a usual sound.
_PIPE_BYTES = 1024 * 1024
# The longest wait for a child to exit after it has closed its pipe.
_LAST_SECONDS = 5.0
# Ends that are no fault of the child: a signal of somebody else, or the end of its server.
_BY_OTHERS = (-signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP, SERVER_ENDED)


@dataclass(frozen=True)
class Limits:
    """Resource limits of one call.

    `memory_bytes` bounds the child's address space, `cpu_seconds` its CPU time, and `wait_seconds` the total time spent waiting for
    it. The time in which the caller processes results does not count.
    """

    memory_bytes: int
    cpu_seconds: int
    wait_seconds: float


class ChildEnded(Exception):
    """The child ended early: it exceeded its time or memory, the system killed it or could not start it, or it has a bug."""

    def __init__(self, why: Literal["time", "memory", "stopped", "fault"]) -> None:
        super().__init__(why)
        self.why = why


def isolated(
    task: Callable[..., Iterator[Any]] | str,
    chunks: Iterable[bytes],
    *,
    limits: Limits,
    refusal: type[Exception],
    **arguments: Any,
) -> Generator[Any, None, None]:
    """The values that `task(source, **arguments)` yields in a child process: bytes, or values that JSON can represent.

    The child begins at once, with as much of `chunks` as a pipe takes; the rest is for it when its values are asked for.

    `source` is a binary file that reads `chunks`. The child imports `task` and `refusal` by name, so both are at the top level of
    modules that import neither Django nor settings. A task whose libraries only the child may load is given as "module:function".
    A `refusal` has a `code` and a `message`, and is raised here as `refusal(code, message)`. Raises ChildEnded, and any exception of
    `chunks`.

    The child ends when the generator ends, is closed or raises, and with this process.
    """
    values = _values(task, chunks, limits, refusal, arguments)
    next(values)
    return values


def _values(
    task: Callable[..., Iterator[Any]] | str,
    chunks: Iterable[bytes],
    limits: Limits,
    refusal: type[Exception],
    arguments: dict[str, Any],
) -> Generator[Any, None, None]:
    """None when the child has begun, and then what `isolated` says."""
    name = task if isinstance(task, str) else _name(task)
    child = _started(name.partition(":")[0])
    answered = False
    try:
        call = {"task": name, "refusal": _name(refusal), "limits": asdict(limits), "arguments": arguments}
        poller = select.poll()
        feed = _Feed(child.stdin, poller, frame(frames.CALL, orjson.dumps(call)), chunks)
        feed.fill()
        yield None
        for kind, content in _frames(child, poller, feed, limits.wait_seconds):
            if kind == frames.ITEM:
                yield orjson.loads(content)
            elif kind == frames.BYTES:
                yield content
            elif kind == frames.END:
                answered = True
                return
            elif kind == frames.REFUSED:
                raise refusal(*orjson.loads(content))
            elif kind == frames.MEMORY:
                raise ChildEnded("memory")
            else:
                _log_error("child_broke", task=name, error=orjson.loads(content))
                raise ChildEnded("fault")
    finally:
        child.end(answered=answered)


def _started(module: str) -> Child:
    try:
        return started(module)
    except OSError as error:
        _log_error("child_not_started", error=error.strerror)
        raise ChildEnded("stopped") from None


def _log_error(event: str, **facts: Any) -> None:
    # The server of children has this module too, and each fork of it copies what is loaded.
    import structlog

    structlog.get_logger(__name__).error(event, **facts)


def _name(what: Callable[..., Any]) -> str:
    return f"{what.__module__}:{what.__qualname__}"


def _frames(child: Child, poller: select.poll, feed: _Feed, wait_seconds: float) -> Iterator[tuple[bytes, bytes]]:
    """Each complete frame on arrival, while the child is fed as fast as it reads. The child waits while the caller is busy."""
    stdout = child.stdout.fileno()
    os.set_blocking(stdout, False)
    poller.register(stdout, select.POLLIN)
    received, waited = bytearray(), 0.0
    while True:
        yield from _complete_frames(received)
        began = time.monotonic()
        ready = {descriptor for descriptor, _ in poller.poll(max(0.0, wait_seconds - waited) * 1000)}
        waited += time.monotonic() - began
        if not ready:
            raise ChildEnded("time")
        if stdout in ready:
            data = os.read(stdout, _READ_BYTES)
            if not data:
                raise ChildEnded(_cause_of_end(child))
            received += data
        if ready - {stdout}:
            feed.send_next()


def _complete_frames(received: bytearray) -> Iterator[tuple[bytes, bytes]]:
    """The complete frames at the start of `received`, which are removed from it. Raises ChildEnded for an oversized frame."""
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
    """The unsent input of the child, of which one chunk at a time is in memory."""

    def __init__(self, pipe: IO[bytes], poller: select.poll, call: bytes, chunks: Iterable[bytes]) -> None:
        self._pipe, self._poller = pipe, poller
        self._left, self._chunks = memoryview(call), iter(chunks)
        with suppress(OSError):  # those of all processes of a user together are limited
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        os.set_blocking(pipe.fileno(), False)
        poller.register(pipe, select.POLLOUT)

    def fill(self) -> None:
        """Send what the pipe takes now."""
        with suppress(BlockingIOError):
            while not self._pipe.closed:
                self.send_next()

    def send_next(self) -> None:
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return self._close()
            self._left = memoryview(chunk)
        try:
            self._left = self._left[os.write(self._pipe.fileno(), self._left) :]
        except BrokenPipeError:  # the child stopped reading; its last frame gives the reason
            return self._close()

    def _close(self) -> None:
        self._poller.unregister(self._pipe)
        self._pipe.close()


def _cause_of_end(child: Child) -> Literal["time", "stopped", "fault"]:
    """The reason why a child closed its pipe without a final frame."""
    ended = child.status(_LAST_SECONDS)
    if ended == -signal.SIGXCPU:
        return "time"
    return "stopped" if ended in _BY_OTHERS else "fault"
