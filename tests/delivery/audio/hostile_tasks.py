"""What a decoder could do that its input has taken over; the tests put these in the place of the measurement."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterator
from typing import Any, BinaryIO


def crash(source: BinaryIO, *, with_levels: bool) -> Iterator[dict[str, Any]]:
    source.read()
    ctypes.string_at(0)
    yield {}


def decode_without_end(source: BinaryIO, *, with_levels: bool) -> Iterator[dict[str, Any]]:
    while source.read() is not None:
        pass
    yield {}


def hang(source: BinaryIO, *, with_levels: bool) -> Iterator[dict[str, Any]]:
    time.sleep(600)
    yield {}


def hoard(source: BinaryIO, *, with_levels: bool) -> Iterator[dict[str, Any]]:
    yield {"samples": len(bytearray(1 << 32))}


def be_killed(source: BinaryIO, *, with_levels: bool) -> Iterator[dict[str, Any]]:
    os.kill(os.getpid(), signal.SIGKILL)
    yield {}


def say_nothing(source: BinaryIO, *, with_levels: bool) -> Iterator[dict[str, Any]]:
    yield from ()


def say_something_else(source: BinaryIO, *, with_levels: bool) -> Iterator[Any]:
    yield {"samples": "all", "audible_seconds": [], "levels": {"waveform": "<script>"}}


def say_too_much(source: BinaryIO, *, with_levels: bool) -> Iterator[Any]:
    yield {"samples": 1, "audible_seconds": 1, "levels": {"waveform": [1], "peak_dbfs": {}, "unknown": 1}}


def look_around(source: BinaryIO, *, with_levels: bool) -> Iterator[dict[str, Any]]:
    """Ends like a sound that does not play if it finds a key, a file or a connection."""
    import socket

    found = [name for name in os.environ if name.startswith(("RVM_", "DATABASE", "REDIS"))]
    for attempt in (lambda: os.open("/proc/self/environ", os.O_RDONLY), socket.socket):
        try:
            attempt()
        except OSError:
            continue
        found.append("opened")
    yield {"samples": 0 if found else 1 << 30, "audible_seconds": 60.0, "levels": None}
