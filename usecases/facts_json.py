"""Facts of a decision as JSON, so that the decision can be kept and made again, also under rules that are no longer in force.

Pure. The JSON holds no number, name or address. It is whole, or in two parts: what a lane's decisions have in common, and what is
true of one person and differs from `PLAIN`, whose facts speak against nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import date, datetime, time, timedelta
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from usecases.caps import Caps
from usecases.eligibility import Facts
from usecases.windows import Freeze, Hours

# Facts that are equal for all voicemails of a lane.
COMMON = ("simulated", "stopped", "use_case_deleted", "hours", "number_plan", "caps", "needs_consent")
PLAIN = Facts(
    simulated=False,
    stopped=False,
    use_case_deleted=False,
    has_sender=True,
    suppressed=False,
    expires_at=None,
    hours=Hours(time.min, time.max),
    zones=(),
)


def as_json(facts: Facts) -> dict[str, Any]:
    return {name: _plain(getattr(facts, name)) for name in _types()}


def common_json(facts: Facts) -> dict[str, Any]:
    """The facts that are equal for all voicemails of a lane."""
    return {name: _plain(getattr(facts, name)) for name in COMMON}


def own_json(facts: Facts) -> dict[str, Any]:
    """The facts about one person that differ from `PLAIN`."""
    return {name: _plain(value) for name in _own() if (value := getattr(facts, name)) != getattr(PLAIN, name)}


def from_json(kept: Mapping[str, Any]) -> Facts:
    """The facts again. Those that a later guard sees are missing in what was kept before it. Raises KeyError and ValueError for JSON
    that `as_json` did not make."""
    return Facts(
        **{
            name: _again(hint, kept[name])
            for name, hint in _types().items()
            if name in kept or name not in _with_defaults()
        }
    )


def from_parts(common: Mapping[str, Any] | None, own: Mapping[str, Any]) -> Facts:
    """The facts of `common_json` and `own_json` again. Without the common ones only those that decided are known."""
    return from_json({**as_json(PLAIN), **(common or {}), **own})


@cache
def _with_defaults() -> frozenset[str]:
    return frozenset(each.name for each in fields(Facts) if each.default is not MISSING)


@cache
def _types() -> dict[str, Any]:
    hints = get_type_hints(Facts)
    return {field.name: hints[field.name] for field in fields(Facts)}


@cache
def _own() -> tuple[str, ...]:
    return tuple(name for name in _types() if name not in COMMON)


def _plain(value: Any) -> Any:
    match value:
        case Hours():
            return _hours_json(value)
        case Caps():
            return [value.per_day, value.per_24h, value.per_week]
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case tuple() | list():
            return [_plain(each) for each in value]
        case frozenset():
            return sorted(value)
    return value


def _again(hint: Any, value: Any) -> Any:
    """The value of a fact of this type."""
    if value is None:
        return None
    if get_origin(hint) in (Union, UnionType):
        [hint] = [each for each in get_args(hint) if each is not NoneType]
    if get_origin(hint) in (tuple, frozenset):
        return get_origin(hint)(_again(get_args(hint)[0], each) for each in value)
    if hint is Hours:
        return _hours(value)
    if hint is Caps:
        return Caps(*value)
    if hint in (datetime, date, time):
        return hint.fromisoformat(value)
    return timedelta(seconds=value) if hint is timedelta else hint(value)


def _hours_json(hours: Hours) -> dict[str, Any]:
    return {
        "start": hours.start.isoformat(),
        "end": hours.end.isoformat(),
        "days": sorted(hours.days),
        "holidays": hours.holidays,
        "rules": hours.rules,
        "freezes": [
            [freeze.state, freeze.starts_on.isoformat(), freeze.ends_on.isoformat() if freeze.ends_on else None]
            for freeze in hours.freezes
        ],
        "closes_early_seconds": hours.closes_early.total_seconds(),
    }


def _hours(kept: Mapping[str, Any]) -> Hours:
    return Hours(
        start=time.fromisoformat(kept["start"]),
        end=time.fromisoformat(kept["end"]),
        days=frozenset(kept["days"]),
        holidays=kept["holidays"],
        rules=kept["rules"],
        freezes=tuple(
            Freeze(state, date.fromisoformat(starts_on), date.fromisoformat(ends_on) if ends_on else None)
            for state, starts_on, ends_on in kept["freezes"]
        ),
        closes_early=timedelta(seconds=kept["closes_early_seconds"]),
    )
