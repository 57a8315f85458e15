"""Server-sent events: from the bytes of a stream to frames. Pure, by the HTML standard's section on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Longer lines are not of RVM.
MAX_LINE = 1 << 20


@dataclass(frozen=True)
class Frame:
    """`data` is empty where the stream only says that it lives; `id` is where it is then."""

    id: str
    event: str = ""
    data: str = ""
    retry_seconds: float | None = None


def frames(pieces: Iterable[bytes]) -> Iterator[Frame]:
    """The frames of a stream. One that has not arrived whole is not there. Raises ValueError for what is no stream."""
    last_id, event, data, retry, is_empty = "", "", list[str](), None, True
    for line in _lines(pieces):
        if not line:
            if not is_empty:
                yield Frame(last_id, event, "\n".join(data), retry)
            event, data, retry, is_empty = "", [], None, True
            continue
        is_empty = False
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "event":
            event = value
        elif name == "id" and "\0" not in value:
            last_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            retry = int(value[:9]) / 1000


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    """The lines, of which only line ends are ends: str.splitlines knows more, which may stand in data."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > MAX_LINE:
            raise ValueError("a line of the stream has no end")
        for line in lines:
            yield line.removesuffix(b"\r").decode()
