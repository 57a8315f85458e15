"""UUID version 7 (RFC 9562): ids that sort by time of creation, so that pages and partitions can follow them."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from uuid import UUID

_VERSION_AND_VARIANT = (0x7 << 76) | (0x2 << 62)
_RANDOM_BITS = (0x0FFF << 64) | ((1 << 62) - 1)


def uuid7() -> UUID:
    """A new id: 48 bits of Unix milliseconds, then 74 random bits."""
    return uuid7_at(time.time_ns() // 1_000_000)


def uuid7_at(milliseconds: int) -> UUID:
    """A new id that sorts as if made at `milliseconds` after the epoch."""
    random = int.from_bytes(os.urandom(10), "big") & _RANDOM_BITS
    return UUID(int=(milliseconds << 80) | _VERSION_AND_VARIANT | random)


def first_id_at(moment: datetime) -> UUID:
    """The smallest id that can have been made at `moment`: turns a time filter into a range of the primary key."""
    return UUID(int=(int(moment.timestamp() * 1000) << 80) | _VERSION_AND_VARIANT)


def time_of(identifier: UUID) -> datetime:
    """When a version 7 id was made, to the millisecond."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)
