"""UUID version 7 (RFC 9562): ids that sort by time of creation, so that pages and partitions can follow them.

The twelve bits after the millisecond hold its fraction (method 3 of section 6.2). Within a process, ids strictly increase, even if
the clock stops or goes back.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

_VERSION_AND_VARIANT = (0x7 << 76) | (0x2 << 62)
_RANDOM_BITS = (0x0FFF << 64) | ((1 << 62) - 1)


_lock = threading.Lock()
_last = 0


def uuid7() -> UUID:
    """A new id that sorts after all earlier ids of this process: 60 bits of time in 1/4096 ms, then 62 random bits."""
    global _last
    place = (time.time_ns() << 12) // 1_000_000  # noqa: TID251 - no query for each id, and nothing compares their times
    with _lock:
        _last = place = place if place > _last else _last + 1
    random = int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=(place >> 12 << 80) | _VERSION_AND_VARIANT | ((place & 0x0FFF) << 64) | random)


def uuid7_at(milliseconds: int) -> UUID:
    """A new id that sorts as if created at `milliseconds` after the epoch, in random order within that millisecond."""
    [identifier] = uuid7s_at(milliseconds, 1)
    return identifier


def uuid7s_at(milliseconds: int, count: int) -> list[UUID]:
    """So many new ids of that millisecond, in their order."""
    drawn = os.urandom(10 * count)
    randoms = sorted(int.from_bytes(drawn[at : at + 10], "big") & _RANDOM_BITS for at in range(0, len(drawn), 10))
    return [UUID(int=(milliseconds << 80) | _VERSION_AND_VARIANT | random) for random in randoms]


def uuid7_sql(millisecond: str, place: str) -> str:
    """A SQL expression of a new id that sorts by a millisecond since the epoch, then by a place from 0 to 4095 (both SQL)."""
    bits = f"lpad(to_hex({millisecond}), 12, '0') || '7' || lpad(to_hex({place}), 3, '0')"
    return f"({bits} || right(gen_random_uuid()::text, 17))::uuid"


def counted_id_sql(clock: str, half: str) -> str:
    """A SQL expression of the id with a clock in 1/4096 ms (SQL; `clock_at`) and a second half that is given (SQL, as bytes)."""
    return f"encode(int8send(({clock} >> 12 << 16) | x'7000'::bigint | ({clock} & 4095)) || {half}, 'hex')::uuid"


def clock_at(moment: datetime) -> int:
    """The millisecond of `moment` in 1/4096 ms: what ids count up from that are given to many rows at a time."""
    return int(moment.timestamp() * 1000) << 12


def first_id_at(moment: datetime) -> UUID:
    """The smallest possible id of `moment`; it turns a time filter into a range of the primary key."""
    return UUID(int=(int(moment.timestamp() * 1000) << 80) | _VERSION_AND_VARIANT)


def is_first_of_moment(identifier: UUID) -> bool:
    """Whether the id is one of `first_id_at`."""
    return identifier.int & ((1 << 80) - 1) == _VERSION_AND_VARIANT


def time_of(identifier: UUID) -> datetime:
    """The creation time of a version 7 id, to the millisecond, in UTC."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)


def second_half() -> bytes:
    """The second half of a version 7 id, whose first half counts up by itself: the variant and 62 random bits."""
    half = int.from_bytes(os.urandom(8), "big") >> 2
    return (half | 1 << 63).to_bytes(8, "big")


def id_in(text: str) -> UUID | None:
    """The id that a text says, or None if it says none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def ids_in(texts: Iterable[str]) -> list[UUID]:
    """The ids that texts say, in their order; others name no row."""
    return [found for text in texts if (found := id_in(text)) is not None]
