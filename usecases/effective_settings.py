"""Effective settings of a lane: its own value, its use case's value, or the narrower of the two.

Pure. SQL and Python are generated from one table. A setting that the lane does not have is taken from its use case.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from usecases.windows import EVERY_DAY


class _Rule(NamedTuple):
    """A function of SQL and an equal one of Python that choose from the given values, the lane's first."""

    sql: str
    choose: Callable[[Sequence[Any]], Any]


_LARGER, _SMALLER = _Rule("greatest", max), _Rule("least", min)
_OWN = _Rule("coalesce", itemgetter(0))

# Hours are those that both allow, so there may be none. The pace is compared with the setup's, not the use case's.
_RULES: Mapping[str, _Rule] = {
    "window_start": _LARGER,
    "window_end": _SMALLER,
    "pace_per_second": _SMALLER,
    "max_attempts": _OWN,
    "retry_minutes": _OWN,
}


def effective(name: str, lane: object, use_case: object) -> Any:
    """The effective value of the field `name`, which both rows have."""
    values = [getattr(row, name) for row in (lane, use_case)]
    return _RULES[name].choose([value for value in values if value is not None])


def effective_sql(name: str) -> str:
    """The same as an SQL expression for a lane `l` and a use case `u`."""
    return f"{_RULES[name].sql}(l.{name}, u.{name})"


def effective_days(own: Collection[int] | None) -> Collection[int]:
    """The lane's days, or every day: use cases do not restrict days."""
    return EVERY_DAY if own is None else own
