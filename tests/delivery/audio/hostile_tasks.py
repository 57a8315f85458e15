"""What a decoder could do that its input has taken over; the tests put these in the place of the measurement."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Iterator
from typing import Any, BinaryIO

from delivery.audio.rejections import AudioRejected
from tests.delivery.audio.mp3_bytes import encoded

_MP3 = encoded(12)  # made while the server may still open files


def crash(source: BinaryIO, **_: object) -> Iterator[dict[str, Any]]:
    source.read()
    ctypes.string_at(0)
    yield {}


def decode_without_end(source: BinaryIO, **_: object) -> Iterator[dict[str, Any]]:
    while source.read() is not None:
        pass
    yield {}


def hang(source: BinaryIO, **_: object) -> Iterator[dict[str, Any]]:
    time.sleep(600)
    yield {}


def hoard(source: BinaryIO, **_: object) -> Iterator[dict[str, Any]]:
    yield {"samples": len(bytearray(1 << 32))}


def be_killed(source: BinaryIO, **_: object) -> Iterator[dict[str, Any]]:
    os.kill(os.getpid(), signal.SIGKILL)
    yield {}


def say_nothing(source: BinaryIO, **_: object) -> Iterator[dict[str, Any]]:
    yield from ()


def say_something_else(source: BinaryIO, **_: object) -> Iterator[Any]:
    yield {"samples": "all", "audible_seconds": [], "levels": {"waveform": "<script>"}}


def say_too_much(source: BinaryIO, **_: object) -> Iterator[Any]:
    yield {"samples": 1, "audible_seconds": 1, "levels": {"waveform": [1], "peak_dbfs": {}, "unknown": 1}}


def look_around(source: BinaryIO, **_: object) -> Iterator[dict[str, Any]]:
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


def convert_to_noise(source: BinaryIO, **_: object) -> Iterator[Any]:
    """In the place of the conversion: what comes back is no MP3."""
    yield {"seconds": 12.0, "announced": 12.0}
    yield bytes(range(256)) * 1000


def convert_and_look_around(source: BinaryIO, **_: object) -> Iterator[Any]:
    """In the place of the conversion: breaks if it finds a key, a file or a connection."""
    [seen] = look_around(source)
    if seen["samples"]:
        yield {"seconds": 12.0, "announced": 12.0}
        yield _MP3


def refuse_in_own_words(source: BinaryIO, **_: object) -> Iterator[Any]:
    yield from ()
    raise AudioRejected("not_a_code", "Pay here.")
