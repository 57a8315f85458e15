"""Parsing of `Range` headers (RFC 9110, section 14). Pure.

Players seek with single ranges. A header with several ranges, or a malformed one, is ignored and the whole recording is served, as
the standard allows.
"""

from __future__ import annotations

import re

_SINGLE = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})", re.IGNORECASE | re.ASCII)


class RangeNotSatisfiable(ValueError):
    """The range contains none of the recording's `size` bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(f"The recording has {size} bytes; the range asks for none of them.")
        self.size = size


def parse_range(header: str, size: int) -> range | None:
    """The requested positions within `size` bytes; None for the whole recording. Raises RangeNotSatisfiable."""
    match = _SINGLE.fullmatch(header.strip())
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if first == "":
        wanted = range(max(size - int(last), 0), size)
    elif last and int(last) < int(first):
        return None
    else:
        wanted = range(int(first), min(int(last) + 1, size) if last else size)
    if not wanted:
        raise RangeNotSatisfiable(size)
    return wanted
