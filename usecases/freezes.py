"""Freezes of states as the guards see them: those that are in force or to come, from rows of StateFreeze."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache

from rvm.platform.database import sql
from usecases.windows import Freeze

# An array of texts: state, first day, last day or nothing. Days are local, and the earliest clock is a day behind.
FREEZES_SQL = """
ARRAY(SELECT concat_ws(' ', f.state, f.starts_on, f.ends_on) FROM usecases_statefreeze f
       WHERE f.ends_on IS NULL OR f.ends_on >= (%s::timestamptz)::date - 1 ORDER BY f.state, f.starts_on, f.id)
"""


def freezes(now: datetime) -> tuple[Freeze, ...]:
    """The freezes that are in force at `now` or begin later."""
    [(rows,)] = sql.run(f"SELECT {FREEZES_SQL}", [now])
    return freezes_in(tuple(rows))


@lru_cache(maxsize=64)
def freezes_in(rows: tuple[str, ...]) -> tuple[Freeze, ...]:
    """The freezes of an array that FREEZES_SQL selects."""
    return tuple(_freeze(*row.split(" ")) for row in rows)


def _freeze(state: str, starts_on: str, ends_on: str = "") -> Freeze:
    return Freeze(state, date.fromisoformat(starts_on), date.fromisoformat(ends_on) if ends_on else None)
