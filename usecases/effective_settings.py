"""Effective settings of a lane: its own value, its use case's value, or the narrower of the two.

Pure. SQL and Python are generated from one table. A setting that the lane does not have is taken from its use case.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import time, timedelta
from operator import itemgetter
from typing import Any, NamedTuple

from usecases.state_rules import current_version
from usecases.windows import Freeze, Hours


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


def effective_days(own: Collection[int] | None, allowed: Collection[int]) -> frozenset[int]:
    """The days on which both the lane and its use case send."""
    return frozenset(allowed) if own is None else frozenset(own) & frozenset(allowed)


def effective_hours(
    lane: Any,
    use_case: Any,
    *,
    freezes: tuple[Freeze, ...] = (),
    closes_early: timedelta = timedelta(),
    rules: str | None = None,
) -> Hours:
    """The hours that both the lane and its use case allow; empty if they have none in common. `rules` as of `hours_allowed`."""
    return hours_allowed(
        (effective("window_start", lane, use_case), effective("window_end", lane, use_case)),
        effective_days(lane.days, use_case.days),
        holidays=use_case.sends_on_holidays,
        state_overlay=use_case.state_overlay,
        freezes=freezes,
        closes_early=closes_early,
        rules=rules,
    )


def hours_allowed(
    window: tuple[time, time],
    days: Collection[int],
    *,
    holidays: bool,
    state_overlay: bool,
    freezes: tuple[Freeze, ...],
    closes_early: timedelta,
    rules: str | None = None,
) -> Hours:
    """The hours of a policy, with the state rules of this version unless the policy does without them. Freezes bind every policy.

    Whatever decides names the version in force; None is the newest released one, for texts about windows and days alone."""
    version = (rules or current_version()) if state_overlay else ""
    return Hours(*window, frozenset(days), holidays, version, freezes, closes_early)
