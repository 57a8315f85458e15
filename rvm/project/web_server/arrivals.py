"""What has arrived of a request, and how long the rest may take. Without sockets and clocks, for the worker that has both."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

# A client that sends a byte now and then is cut off as well: for each of its bytes it gets this much longer.
BYTES_PER_SECOND = 16 * 1024
# From the first byte of a request to the end of its head, and the longest silence within a body.
HEAD_SECONDS, SILENCE_SECONDS = 10.0, 20.0
# gunicorn refuses longer lines, and answers that to whoever sends them.
MAX_HEAD_BYTES = 64 * 1024
# Larger bodies are not collected: a thread reads them while they arrive. An upload of a recording is smaller, one of a list is not.
MAX_BODY_BYTES = 10 * 1024 * 1024

_LENGTH = re.compile(rb"\r\ncontent-length[ \t]*:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
# Bodies of which the end is not known before, or that the client sends only after it has been told so.
_UNKNOWN = re.compile(rb"\r\n(?:transfer-encoding|expect)[ \t]*:", re.IGNORECASE)


class Need(NamedTuple):
    """How many bytes a request has, head and body, and whether a thread reads the body itself."""

    size: int
    streams: bool


def need_of(data: bytes | bytearray) -> Need | None:
    """What the request that begins here needs; None until its head has arrived. Only gunicorn's parser judges whether it is valid."""
    end = data.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
    if end < 0:
        return None
    head = bytes(data[: end + 2])
    length = _LENGTH.search(head)
    if _UNKNOWN.search(head) or (length and int(length[1]) > MAX_BODY_BYTES):
        return Need(end + 4, streams=True)
    return Need(end + 4 + (int(length[1]) if length else 0), streams=False)


@dataclass
class Arrival:
    """`deadline` is when the client is cut off; `idle_seconds` counts only until the first byte."""

    now: float
    idle_seconds: float
    data: bytearray = field(default_factory=bytearray, repr=False)
    need: Need | None = None
    deadline: float = field(init=False)
    _body_since: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        begun, self.data = self.data, bytearray()
        self.deadline = self.now + self.idle_seconds
        if begun:
            self.add(begun, self.now)

    def add(self, chunk: bytes | bytearray, now: float) -> None:
        if not self.data:
            self.deadline = now + HEAD_SECONDS
        self.data += chunk
        if self.need is None:
            self.need = need_of(self.data)
            if self.need:
                self._body_since = now
        if self.need and not self.is_whole:
            slowest = self._body_since + SILENCE_SECONDS + len(self.data) / BYTES_PER_SECOND
            self.deadline = min(now + SILENCE_SECONDS, slowest)

    @property
    def is_whole(self) -> bool:
        """Whether a thread can take the request, and waits for nothing but what it reads itself."""
        return self.need is not None and len(self.data) >= self.need.size

    @property
    def is_endless(self) -> bool:
        return self.need is None and len(self.data) > MAX_HEAD_BYTES
