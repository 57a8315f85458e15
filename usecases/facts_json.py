"""Facts of a decision as JSON, so that the decision can be kept and made again, also under rules that are no longer in force.

Pure. The JSON holds no number, name or address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import date, datetime, time, timedelta
from typing import Any

from usecases.eligibility import Facts
from usecases.windows import Freeze, Hours

_WITH_DEFAULTS = frozenset(field.name for field in fields(Facts) if field.default is not MISSING)
_OF_FACTS = tuple(field.name for field in fields(Facts) if field.name not in ("expires_at", "hours", "zones", "states"))


def as_json(facts: Facts) -> dict[str, Any]:
    hours = facts.hours
    return {
        **{name: getattr(facts, name) for name in _OF_FACTS},
        "expires_at": facts.expires_at.isoformat() if facts.expires_at else None,
        "zones": list(facts.zones),
        "states": list(facts.states),
        "hours": {
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
        },
    }


def from_json(kept: Mapping[str, Any]) -> Facts:
    """The facts again. Raises KeyError and ValueError for JSON that `as_json` did not make."""
    expires_at = kept["expires_at"]
    return Facts(
        # Facts that a guard of later sees are missing in what was kept before it.
        **{name: kept[name] for name in _OF_FACTS if name in kept or name not in _WITH_DEFAULTS},
        expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
        zones=tuple(kept["zones"]),
        states=tuple(kept["states"]),
        hours=_hours(kept["hours"]),
    )


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
