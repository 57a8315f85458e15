"""What binds where a lane says something itself: its use case's word, its own, or the narrower of the two.

Pure. One table, from which SQL and Python are made; what a lane does not say is as its use case says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from usecases.windows import EVERY_DAY


class _Rule(NamedTuple):
    """A function of SQL and one of Python that choose alike from what is said, the lane's own word first."""

    sql: str
    choose: Callable[[Sequence[Any]], Any]


_LARGER, _SMALLER = _Rule("greatest", max), _Rule("least", min)
_OWN = _Rule("coalesce", itemgetter(0))

# Hours are those that both allow, so they may be none; of the pace the other word is the setup's.
_RULES: Mapping[str, _Rule] = {
    "window_start": _LARGER,
    "window_end": _SMALLER,
    "pace_per_second": _SMALLER,
    "max_attempts": _OWN,
    "retry_minutes": _OWN,
}


def effective(name: str, lane: object, use_case: object) -> Any:
    """What binds of the field `name`, which both have."""
    said = [getattr(row, name) for row in (lane, use_case)]
    return _RULES[name].choose([value for value in said if value is not None])


def effective_sql(name: str) -> str:
    """The same in SQL, of a lane `l` and a use case `u`."""
    return f"{_RULES[name].sql}(l.{name}, u.{name})"


def effective_days(own: Collection[int] | None) -> Collection[int]:
    """Use cases send on every day."""
    return EVERY_DAY if own is None else own
