"""Cells that say where a patient lives, what they agreed to, and how they are to be called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rvm.phone_numbers.number_plan import AREA_CODES
from rvm.spreadsheets.cells import cell_values
from rvm.spreadsheets.cells.state_zones import PROVINCES_BY_LETTER, STATES, ZIP_PREFIXES, ZONE_NAMES
from rvm.spreadsheets.refusals import CellInvalid

EASTERN, CENTRAL, MOUNTAIN, PACIFIC = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"

TIME_ZONES = [
    ("", ()),
    (" \u00a0", ()),
    ("America/Chicago", (CENTRAL,)),
    ("america/chicago", (CENTRAL,)),
    ("America/New York", (EASTERN,)),
    ("Pacific/Honolulu", ("Pacific/Honolulu",)),
    ("Europe/London", ("Europe/London",)),
    ("US/Mountain", (MOUNTAIN,)),
    ("Eastern", (EASTERN,)),
    ("EST", (EASTERN,)),
    ("edt", (EASTERN,)),
    ("E.S.T.", (EASTERN,)),
    ("PT", (PACIFIC,)),
    ("Pacific Time (US & Canada)", (PACIFIC,)),
    ("(UTC-06:00) Central Time (US & Canada)", (CENTRAL,)),
    ("Mountain Standard Time", (MOUNTAIN,)),
    ("MST", (MOUNTAIN, "America/Phoenix")),
    ("Arizona", ("America/Phoenix",)),
    ("Hawaii", ("Pacific/Honolulu",)),
    ("Alaska Time", ("America/Anchorage",)),
    ("AST", ("America/Halifax", "America/Puerto_Rico")),
]
STATES_SAID = [
    ("", ()),
    ("TX", (CENTRAL, MOUNTAIN)),
    ("tx", (CENTRAL, MOUNTAIN)),
    ("Texas", (CENTRAL, MOUNTAIN)),
    ("N.Y.", (EASTERN,)),
    ("New York", (EASTERN,)),
    ("NEW  YORK", (EASTERN,)),
    ("North Carolina", (EASTERN,)),
    ("FL", (EASTERN, CENTRAL)),
    ("IN", (EASTERN, CENTRAL)),
    ("OR", (PACIFIC, MOUNTAIN)),
    ("AZ", ("America/Phoenix", MOUNTAIN)),
    ("DC", (EASTERN,)),
    ("D.C.", (EASTERN,)),
    ("Washington, D.C.", (EASTERN,)),
    ("Washington", (PACIFIC,)),
    ("PR", ("America/Puerto_Rico",)),
    ("Guam", ("Pacific/Guam",)),
    ("U.S. Virgin Islands", ("America/Puerto_Rico",)),
    ("US-CA", (PACIFIC,)),
    ("CA-ON", ("America/Toronto", "America/Winnipeg", "America/Atikokan")),
    ("CA", (PACIFIC,)),
    ("Québec", ("America/Toronto", "America/Halifax", "America/Puerto_Rico")),
    ("NL", ("America/St_Johns", "America/Goose_Bay")),
]
POSTAL_CODES = [
    ("", ()),
    ("02139", (EASTERN,)),
    ("2139", (EASTERN,)),
    ("2139.0", (EASTERN,)),
    ("'02139", (EASTERN,)),
    ("02139-1234", (EASTERN,)),
    ("02139-", (EASTERN,)),
    ("021391234", (EASTERN,)),
    ("21391234", (EASTERN,)),
    ("501", (EASTERN,)),  # 00501
    ("00901", ("America/Puerto_Rico",)),
    ("901", ("America/Puerto_Rico",)),
    ("90210", (PACIFIC,)),
    ("60601", (CENTRAL,)),
    ("80202", (MOUNTAIN,)),
    ("79901", (CENTRAL, MOUNTAIN)),  # El Paso: by state, so both
    ("96813", ("Pacific/Honolulu",)),
    ("96799", ("Pacific/Honolulu", "Pacific/Pago_Pago")),
    ("99501", ("America/Anchorage", "America/Adak")),
    ("６０６０１", (CENTRAL,)),
    ("K1A 0B1", ("America/Toronto", "America/Winnipeg", "America/Atikokan")),
    ("v6b1a1", ("America/Vancouver", "America/Edmonton", "America/Dawson_Creek")),
    ("T5J", ("America/Edmonton",)),
]


@pytest.mark.parametrize(("cell", "zones"), TIME_ZONES)
def test_a_zone_is_known_by_its_name_and_by_what_people_call_it(cell: str, zones: tuple[str, ...]) -> None:
    assert cell_values.time_zone(cell) == zones


@pytest.mark.parametrize(("cell", "zones"), STATES_SAID)
def test_a_state_gives_every_zone_that_it_has(cell: str, zones: tuple[str, ...]) -> None:
    assert cell_values.state(cell) == zones


@pytest.mark.parametrize(("cell", "zones"), POSTAL_CODES)
def test_a_postal_code_gives_the_zones_of_its_state(cell: str, zones: tuple[str, ...]) -> None:
    assert cell_values.postal_code(cell) == zones


@pytest.mark.parametrize(
    ("read", "cell", "code"),
    [
        (cell_values.time_zone, "-05:00", "time_zone_unknown"),
        (cell_values.time_zone, "UTC-5", "time_zone_unknown"),
        (cell_values.time_zone, "2025550142", "time_zone_unknown"),
        (cell_values.time_zone, "../etc/passwd", "time_zone_unknown"),
        (cell_values.time_zone, "Standard Time", "time_zone_unknown"),
        (cell_values.state, "XX", "state_unknown"),
        (cell_values.state, "AE", "state_unknown"),
        (cell_values.state, "US", "state_unknown"),
        (cell_values.state, "Bavaria", "state_unknown"),
        (cell_values.postal_code, "09012", "postal_code_unknown"),  # a military address may be anywhere
        (cell_values.postal_code, "96201", "postal_code_unknown"),
        (cell_values.postal_code, "00000", "postal_code_unknown"),
        (cell_values.postal_code, "12", "postal_code_unknown"),
        (cell_values.postal_code, "123456", "postal_code_unknown"),
        (cell_values.postal_code, "SW1A 1AA", "postal_code_unknown"),
        (cell_values.postal_code, "D1A 0B1", "postal_code_unknown"),
        (cell_values.country, "Atlantis", "country_unknown"),
        (cell_values.country, "999", "country_unknown"),
    ],
)
def test_a_cell_that_says_nothing_known_is_refused_and_not_repeated(read: object, cell: str, code: str) -> None:
    with pytest.raises(CellInvalid) as refusal:
        read(cell)  # type: ignore[operator]
    assert refusal.value.code == code
    assert cell not in refusal.value.message.split("write")[0]


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(cell: str) -> None:
    for read in (cell_values.time_zone, cell_values.state, cell_values.postal_code, cell_values.country):
        try:
            answer = read(cell)
        except CellInvalid:
            continue
        assert isinstance(answer, str | tuple)


@pytest.mark.parametrize(
    ("cell", "region"),
    [
        ("", "US"),
        ("1", "US"),
        ("+1", "US"),
        ("US", "US"),
        ("usa", "US"),
        ("EE. UU.", "US"),
        ("+52", "MX"),
        ("52.0", "MX"),
        ("0052", "MX"),
        ("México", "MX"),
        ("mx", "MX"),
        ("Canada", "CA"),
        ("+ 44", "GB"),
        ("PR", "PR"),
    ],
)
def test_a_country_is_known_by_its_name_its_letters_and_its_calling_code(cell: str, region: str) -> None:
    assert cell_values.country(cell) == region


def test_every_zone_of_the_tables_exists() -> None:
    for zones in [zones for _, zones in STATES.values()] + list(ZONE_NAMES.values()):
        assert zones
        for zone in zones:
            assert ZoneInfo(zone).key == zone


@cache
def clock(zone: str) -> tuple[timedelta | None, ...]:
    """The zone's offsets at noon UTC of each day from 2020 to 2030."""
    first = datetime(2020, 1, 1, 12, tzinfo=UTC)
    return tuple((first + timedelta(days=n)).astimezone(ZoneInfo(zone)).utcoffset() for n in range(11 * 365))


# A few towns keep a neighbour's time: their numbers have it, their whole state has not.
CUSTOMS = {("AL", EASTERN), ("SK", "America/Winnipeg")}


def test_states_have_the_clocks_of_their_area_codes_and_area_codes_those_of_their_states() -> None:
    regions = {region for area in AREA_CODES.values() for region in area.regions}
    assert STATES.keys() - regions == {"FM", "MH", "PW"}
    for area in AREA_CODES.values():
        of_states = {clock(zone) for region in area.regions for zone in STATES[region][1]}
        customs = {zone for region, zone in CUSTOMS if region in area.regions}
        assert not area.regions or {clock(zone) for zone in area.zones if zone not in customs} <= of_states, area.code
    for region in regions:
        of_codes = {clock(zone) for area in AREA_CODES.values() if region in area.regions for zone in area.zones}
        assert {clock(zone) for zone in STATES[region][1]} <= of_codes, region


def test_the_tables_name_every_state_and_territory_once() -> None:
    assert len(STATES) == 50 + 1 + 5 + 3 + 13
    assert len({name for name, _ in STATES.values()}) == len(STATES)
    listed = {code for line in ZIP_PREFIXES.split() for code in line.partition(":")[2].split("+")}
    by_letter = {code for codes in PROVINCES_BY_LETTER.values() for code in codes}
    assert listed | by_letter == set(STATES)
    assert not listed & by_letter


def test_no_prefix_stands_twice_in_the_table() -> None:
    seen: set[int] = set()
    for line in ZIP_PREFIXES.split():
        first, _, last = line.partition(":")[0].partition("-")
        prefixes = set(range(int(first), int(last or first) + 1))
        assert prefixes
        assert not prefixes & seen
        seen |= prefixes


TEXTS = [
    ("  Ann \u00a0 Walker ", "Ann Walker"),
    ("'=1+1", "=1+1"),
    ("\u200bAnn\ufeff", "Ann"),
    ("a\r\n b", "a\nb"),
    ("O'Neil", "O'Neil"),
    ("", ""),
]


@pytest.mark.parametrize(("cell", "text"), TEXTS)
def test_a_text_is_kept_without_what_nobody_sees(cell: str, text: str) -> None:
    assert cell_values.text(cell) == text
