"""Places of a person as a voicemail keeps them: one list of time zones and of states, all that the person may be in.

A state stands in the list as `state:TX`. A list without a state says nothing about states.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from rvm.phone_numbers.number_plan import AREA_CODES, EXCHANGES
from rvm.phone_numbers.numbers import states_of, zones_of

_STATE = "state:"


class Places(NamedTuple):
    """Zones and states that are not known are empty, which means any."""

    zones: tuple[str, ...]
    states: tuple[str, ...]

    def listed(self) -> tuple[str, ...]:
        """As one list, in the order of the alphabet."""
        return tuple(sorted({*self.zones, *map(as_state, self.states)}))


def as_state(code: str) -> str:
    return _STATE + code


@lru_cache(maxsize=16_384)
def places_in(listed: tuple[str, ...]) -> Places:
    """The zones and states of a list."""
    states = tuple(each.removeprefix(_STATE) for each in listed if each.startswith(_STATE))
    return Places(tuple(each for each in listed if not each.startswith(_STATE)), states)


def places_of(e164: str) -> Places:
    """All zones and states in which the number's owner may be."""
    if e164.startswith("+1") and (known := _BY_AREA.get(e164[2:5])) is not None and e164[2:8] not in EXCHANGES:
        return known
    return Places(zones_of(e164), states_of(e164))


def places_known(listed: Iterable[str] | None, e164: str) -> Places:
    """What the list says, and what the number says where the list says nothing."""
    if not listed:
        return places_of(e164)
    said = places_in(tuple(listed))
    return Places(said.zones or zones_of(e164), said.states or states_of(e164))


def zones_only(listed: Iterable[str]) -> tuple[str, ...]:
    return places_in(tuple(listed)).zones


# The places of all numbers of an area code, looked up for each row of a list; but for exchanges with zones of their own.
_BY_AREA = {
    code: Places(zones_of(f"+1{code}"), states_of(f"+1{code}")) for code, area in AREA_CODES.items() if area.zones
}
