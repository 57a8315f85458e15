"""What the tests of isolated calls run in the child."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO


class NoSong(ValueError):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def echo(source: BinaryIO) -> Iterator[bytes]:
    """Gives back what it is given as it comes."""
    while chunk := source.read(100_000):
        yield chunk


def sizes(source: BinaryIO, *, twice: bool) -> Iterator[dict[str, int]]:
    yield {"size": len(source.read()) * (2 if twice else 1)}


def count(source: BinaryIO, *, until: int) -> Iterator[int]:
    yield from range(until)


def refuse(source: BinaryIO) -> Iterator[int]:
    """Before it has read anything."""
    yield 1
    raise NoSong("no_song", "This is no song.")


def break_down(source: BinaryIO) -> Iterator[int]:
    yield int(source.read())


def environment(source: BinaryIO) -> Iterator[dict[str, str]]:
    yield dict(os.environ)


def attempts(source: BinaryIO) -> Iterator[str]:
    """Which of the things that nobody needs for a calculation were possible."""

    def descriptor_of_socket() -> None:
        socket.socket().close()

    def read_a_file() -> None:
        Path("/proc/self/environ").read_bytes()

    def fork() -> None:
        if os.fork() == 0:
            os._exit(0)

    tried: dict[str, Any] = {"socket": descriptor_of_socket, "file": read_a_file}
    if os.getuid() != 0:  # root forks whatever its limit says
        tried["process"] = fork
    for name, attempt in tried.items():
        try:
            attempt()
        except OSError:
            continue
        yield name


def descriptors(source: BinaryIO) -> Iterator[int]:
    """Those that are open."""
    for descriptor in range(1024):
        with suppress(OSError):
            os.fstat(descriptor)
            yield descriptor


def hoard(source: BinaryIO) -> Iterator[int]:
    yield len(bytearray(1 << 30))


def compute(source: BinaryIO) -> Iterator[int]:
    while True:
        pass
    yield 0


def sleep(source: BinaryIO) -> Iterator[int]:
    yield os.getpid()
    time.sleep(600)


def print_something(source: BinaryIO) -> Iterator[int]:
    print("this is no frame")  # noqa: T201
    yield 1


def be_asked_to_end(source: BinaryIO) -> Iterator[str]:
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(os.getpid(), number)
    yield "still here"


def answer_and_go_on(source: BinaryIO) -> Iterator[int]:
    yield os.getpid()
    os.write(1, b"E\0\0\0\0")
    time.sleep(600)


def lie(source: BinaryIO) -> Iterator[int]:
    """Announces more than there is memory for, as a child that has been taken over could."""
    os.write(1, b"I\xff\xff\xff\xff")
    yield 1


_warm: list[int] = []


def warm_up() -> None:
    _warm.append(os.getpid())


def warmed_up_by(source: BinaryIO) -> Iterator[int]:
    """The processes that warmed up, and the parent of this one."""
    yield from _warm
    yield os.getppid()
