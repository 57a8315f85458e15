"""Where a person may be: zones and states of the number, of the codes on the same territory, and of what a list says."""

from __future__ import annotations

import pytest

from rvm.phone_numbers.number_plan import AREA_CODES, ELSEWHERE, EXCHANGES, US_STATES, VERSION, Kind
from rvm.phone_numbers.numbers import states_of, zones_of
from rvm.phone_numbers.places import Places, as_state, places_in, places_known, places_of, zones_only


@pytest.mark.parametrize(
    ("number", "states"),
    [
        ("+13055550142", ("FL",)),
        ("+14485550142", ("FL",)),  # an overlay of 850
        ("+13645550142", ("KY",)),
        ("+19305550142", ("IN",)),
        ("+19285550142", ("AZ",)),
        ("+18085550142", ("HI",)),
        ("+17875550142", ("PR",)),
        ("+12025550142", ("DC",)),
        ("+16715550142", ("GU",)),
        ("+14165550142", ("ON",)),
        ("+18675550142", ("NT", "NU", "YT")),
        # The Cayman Islands are KY and Montserrat is MS by ISO 3166, but neither is a state.
        ("+13455550142", (ELSEWHERE,)),
        ("+16645550142", (ELSEWHERE,)),
        ("+447911123456", (ELSEWHERE,)),
        ("+15550010001", (ELSEWHERE,)),
        # Of no place: toll-free, personal, and an area code that the plan does not have.
        ("+18005550142", ()),
        ("+15005550142", ()),
        ("+12385550142", ()),
    ],
)
def test_a_number_may_be_of_a_person_in_these_states(number: str, states: tuple[str, ...]) -> None:
    assert states_of(number) == states
    assert places_of(number).states == states


def test_every_area_code_with_zones_has_states_and_every_other_may_be_anywhere() -> None:
    for code, area in AREA_CODES.items():
        found = states_of(f"+1{code}5550142")
        assert bool(found) == bool(area.zones), code
        assert set(area.regions) <= set(found) or not area.zones, code
        if area.country == "US" and area.kind is Kind.GEOGRAPHIC:
            assert set(found) <= US_STATES, code


def test_codes_on_the_same_territory_have_the_same_states() -> None:
    for code, area in AREA_CODES.items():
        for other in area.over:
            assert states_of(f"+1{code}5550142") == states_of(f"+1{other}5550142"), code


def test_a_list_of_places_keeps_zones_and_states_apart() -> None:
    places = Places(("America/Chicago", "America/New_York"), ("FL", "KY"))
    listed = places.listed()
    assert listed == ("America/Chicago", "America/New_York", "state:FL", "state:KY")
    assert places_in(listed) == places
    assert zones_only(listed) == places.zones
    assert as_state("TX") == "state:TX"


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (None, Places(("America/New_York",), ("FL",))),
        ([], Places(("America/New_York",), ("FL",))),
        (["America/Chicago"], Places(("America/Chicago",), ("FL",))),
        (["state:TX"], Places(("America/New_York",), ("TX",))),
        (["America/Chicago", "state:FL", "state:TX"], Places(("America/Chicago",), ("FL", "TX"))),
    ],
)
def test_what_a_list_does_not_say_the_number_says(listed: list[str] | None, expected: Places) -> None:
    assert places_known(listed, "+13055550142") == expected


def test_the_version_of_the_plan_names_its_tables() -> None:
    assert len(VERSION) == 12
    assert int(VERSION, 16) >= 0


def test_the_places_of_every_area_code_and_exchange_are_its_zones_and_states() -> None:
    exchanges = [*EXCHANGES, *(f"{code}200" for code in AREA_CODES), "555001", "555200"]
    for exchange in exchanges:
        number = f"+1{exchange}0142"
        assert places_of(number) == Places(zones_of(number), states_of(number)), number
