"""The number plan: an overlay has the zones of what it lies over, what is not certain is not narrowed, and nothing differs from the
library that nobody reviewed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from phonenumbers import timezone as number_zones

from rvm.phone_numbers.number_plan import (
    ANYWHERE,
    AREA_CODES,
    AreaCode,
    Kind,
    Service,
    area_code,
    compiler,
    rows_of,
    zones_of_1,
)
from rvm.phone_numbers.number_plan.__main__ import main
from rvm.phone_numbers.numbers import zones_of
from usecases.windows import Hours, next_open

Library = dict[str, tuple[str, ...]]

GEOGRAPHIC = [area for area in AREA_CODES.values() if area.kind is Kind.GEOGRAPHIC]


def number(code: str) -> str:
    """A number that nobody has, in an exchange that the library does not list."""
    return f"+1{code}5550142"


@cache
def clock(zone: str, since: int = 2026) -> tuple[timedelta | None, ...]:
    """The zone's offsets at noon UTC of each day, from December of the year until the end of 2030."""
    first, last = datetime(since, 12, 1, 12, tzinfo=UTC), datetime(2030, 12, 31, tzinfo=UTC)
    there = ZoneInfo(zone)
    return tuple((first + timedelta(days=n)).astimezone(there).utcoffset() for n in range((last - first).days))


def clocks(zones: Iterable[str]) -> set[tuple[timedelta | None, ...]]:
    return {clock(zone) for zone in zones}


# the invariant


def test_an_overlay_has_every_zone_of_each_code_that_it_lies_over() -> None:
    lacking = {
        (area.code, other): set(AREA_CODES[other].zones) - set(area.zones)
        for area in AREA_CODES.values()
        for other in area.over
        if not set(AREA_CODES[other].zones) <= set(area.zones)
    }
    assert lacking == {}
    assert sum(bool(area.over) for area in AREA_CODES.values()) > 150


def test_an_overlay_has_no_zone_that_none_of_the_codes_below_it_has() -> None:
    """Their territory is its own; 321 has one of its own besides, in the same zone."""
    for area in GEOGRAPHIC:
        below = {zone for other in area.over for zone in AREA_CODES[other].zones}
        assert not area.over or set(area.zones) == below, area.code


def test_codes_lie_over_known_geographic_codes_and_never_in_a_circle() -> None:
    def below(area: AreaCode) -> Iterator[str]:
        for other in area.over:
            assert AREA_CODES[other].kind is Kind.GEOGRAPHIC, (area.code, other)
            yield other
            yield from below(AREA_CODES[other])

    for area in AREA_CODES.values():
        assert area.code not in below(area)
        assert {AREA_CODES[other].country for other in area.over} <= {area.country}


def test_every_geographic_code_has_a_zone_and_no_other_has() -> None:
    assert {area.code for area in AREA_CODES.values() if area.zones} == {area.code for area in GEOGRAPHIC}
    assert len(GEOGRAPHIC) > 450


def test_every_zone_of_the_plan_is_in_the_pinned_tz_database() -> None:
    named = {
        zone
        for name in ("area_codes", "exchanges", "corrections")
        for row in rows_of(name)
        for zone in row["zones"].split()
    }
    assert named <= available_timezones()


def test_zones_of_a_code_that_run_alike_stand_once() -> None:
    for area in GEOGRAPHIC:
        assert len({clock(zone, since=2019) for zone in area.zones}) == len(area.zones), area.code


@pytest.mark.parametrize("code", sorted(area.code for area in GEOGRAPHIC))
def test_an_exchange_that_the_library_does_not_list_has_all_zones_of_its_code(code: str) -> None:
    listed = {exchange for row in rows_of("exchanges") if row["code"] == code for exchange in row["exchanges"].split()}
    unlisted = [f"{n}" for n in range(200, 1000) if f"{n}" not in listed]
    assert "555" in unlisted
    # No line's digits: some of these exchanges have people behind them.
    assert {zones_of_1(f"+1{code}{exchange}") for exchange in unlisted} == {AREA_CODES[code].zones}


def test_an_exchange_with_fewer_zones_has_those_of_its_code_and_a_place() -> None:
    rows = list(rows_of("exchanges"))
    for row in rows:
        assert set(row["zones"].split()) < set(AREA_CODES[row["code"]].zones), row
        assert row["place"] and row["exchanges"], row
    known = [(row["code"], exchange) for row in rows for exchange in row["exchanges"].split()]
    assert len(known) == len(set(known)) > 3_000


@pytest.mark.parametrize("code", ["800", "833", "888", "900", "500", "600", "700", "710", "387", "764", "999", "535"])
def test_a_number_whose_area_is_not_known_may_be_anywhere(code: str) -> None:
    assert zones_of(number(code)) == ANYWHERE
    assert clocks(ANYWHERE) == {each for area in GEOGRAPHIC for each in clocks(area.zones)}


# places that people know

EASTERN, CENTRAL, MOUNTAIN, PACIFIC = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
ALASKA, ALEUTIAN, ARIZONA = "America/Anchorage", "America/Adak", "America/Phoenix"
ATLANTIC, NEWFOUNDLAND = "America/Halifax", "America/St_Johns"
ALBERTA, VANCOUVER, MANITOBA, SASKATCHEWAN = (
    "America/Edmonton",
    "America/Vancouver",
    "America/Winnipeg",
    "America/Regina",
)
PEACE_RIVER, LOWER_NORTH_SHORE = "America/Dawson_Creek", "America/Blanc-Sablon"

CODES = [
    ("Orlando", "407 321 689", {EASTERN}),
    ("north-west Florida", "850 448", {CENTRAL, EASTERN}),
    ("Alaska", "907", {ALASKA, ALEUTIAN}),
    ("Vancouver", "604", {VANCOUVER}),
    ("British Columbia", "250 236 257 672 778", {VANCOUVER, PEACE_RIVER, ALBERTA}),
    ("Alberta", "403 780 587 825 368", {ALBERTA}),
    ("Saskatchewan", "306 639 474", {SASKATCHEWAN, ALBERTA, MANITOBA}),
    ("Manitoba", "204 431 584", {MANITOBA}),
    ("north-west Ontario", "807", {"America/Toronto", MANITOBA, "America/Atikokan"}),
    ("east Quebec", "418 581 367 273", {"America/Toronto", ATLANTIC, LOWER_NORTH_SHORE}),
    ("Newfoundland and Labrador", "709 879", {NEWFOUNDLAND, ATLANTIC}),
    ("Phoenix and Tucson", "602 480 623 520", {ARIZONA}),
    ("north and west Arizona with the Navajo Nation", "928", {ARIZONA, MOUNTAIN}),
    ("Indiana", "219 574 812 930", {EASTERN, CENTRAL}),
    ("Indianapolis", "317 463 765 260", {EASTERN}),
    ("west Kentucky", "270 364", {EASTERN, CENTRAL}),
    ("east Kentucky", "606", {EASTERN, CENTRAL}),
    ("Louisville", "502 859", {EASTERN}),
    ("Chattanooga", "423 729", {EASTERN, CENTRAL}),
    ("middle and west Tennessee", "931 615 629 731 901", {CENTRAL}),
    ("El Paso", "915", {MOUNTAIN}),
    ("west Texas", "432", {CENTRAL, MOUNTAIN}),
    ("Oregon without Portland", "541 458", {PACIFIC, "America/Boise"}),
    ("Idaho", "208 986", {"America/Boise", PACIFIC}),
    ("Nevada without Las Vegas", "775", {PACIFIC, MOUNTAIN}),
    ("Nebraska", "308 402 531", {CENTRAL, MOUNTAIN}),
    ("the Dakotas", "605 701", {CENTRAL, MOUNTAIN}),
    ("west Kansas", "620 785", {CENTRAL, MOUNTAIN}),
    ("Upper Michigan", "906", {EASTERN, CENTRAL}),
    ("south-east Alabama", "334 483", {CENTRAL, EASTERN}),
    ("Houston", "713 281 832 346 621", {CENTRAL}),
    ("New York", "212 646 332 917 718 347 929 465", {EASTERN}),
    ("Hawaii", "808", {"Pacific/Honolulu"}),
    ("Puerto Rico", "787 939", {"America/Puerto_Rico"}),
    ("Guam", "671", {"Pacific/Guam"}),
    ("Northern Mariana Islands", "670", {"Pacific/Saipan"}),
    ("American Samoa", "684", {"Pacific/Pago_Pago"}),
    ("US Virgin Islands", "340", {"America/St_Thomas"}),
    ("Jamaica", "876 658", {"America/Jamaica"}),
    ("Dominican Republic", "809 829 849", {"America/Santo_Domingo"}),
    ("Turks and Caicos", "649", {"America/Grand_Turk"}),
    ("Bermuda", "441", {"Atlantic/Bermuda"}),
]  # fmt: skip


@pytest.mark.parametrize(("codes", "zones"), [row[1:] for row in CODES], ids=[row[0] for row in CODES])
def test_the_area_codes_of_a_region_have_its_zones(codes: str, zones: set[str]) -> None:
    assert {code: set(zones_of(number(code))) for code in codes.split()} == {code: zones for code in codes.split()}


PLACES = [
    # the library is right
    ("Pensacola", "850", "432", {CENTRAL}), ("Tallahassee", "850", "224", {EASTERN}),
    ("Evansville", "812", "424", {CENTRAL}), ("Bloomington", "812", "332", {EASTERN}),
    ("Boise", "208", "384", {"America/Boise"}), ("Coeur d'Alene", "208", "664", {PACIFIC}),
    ("Chattanooga", "423", "266", {EASTERN}), ("Dunlap", "423", "949", {CENTRAL}),
    ("Flagstaff", "928", "774", {ARIZONA}), ("Window Rock", "928", "871", {ARIZONA, MOUNTAIN}),
    ("Anchorage", "907", "276", {ALASKA}), ("Ontario, Oregon", "541", "889", {"America/Boise"}),
    ("Iron Mountain", "906", "774", {CENTRAL}), ("Sioux Falls", "605", "336", {CENTRAL}),
    ("Omaha", "402", "341", {CENTRAL}), ("Victoria", "250", "383", {VANCOUVER}),
    # it is wrong, by the town or since the law changed
    ("Unalaska", "907", "581", {ALASKA}), ("Tallahassee once more", "850", "431", {EASTERN}),
    ("Port St. Joe", "850", "227", {CENTRAL, EASTERN}), ("Vevay", "812", "427", {EASTERN}),
    ("Terre Haute", "812", "478", {EASTERN}), ("Dawson Creek", "250", "782", {PEACE_RIVER}),
    ("Cranbrook", "250", "426", {ALBERTA, VANCOUVER}), ("Atikokan", "807", "597", {"America/Atikokan"}),
    ("Rankin Inlet", "867", "645", {"America/Rankin_Inlet"}), ("Whitehorse", "867", "667", {"America/Whitehorse"}),
    ("Lloydminster", "306", "825", {ALBERTA}), ("Phenix City", "334", "297", {CENTRAL, EASTERN}),
    # it has no place for them
    ("Adak", "907", "592", {ALASKA, ALEUTIAN}), ("an exchange of 850 without a place", "850", "200", {CENTRAL, EASTERN}),
    ("a number of Nunavut's", "867", "555", {"America/Atikokan", "America/Cambridge_Bay", ALBERTA, "America/Iqaluit",
                                            "America/Rankin_Inlet", "America/Whitehorse"}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "exchange", "zones"), [row[1:] for row in PLACES], ids=[row[0] for row in PLACES])
def test_an_exchange_has_the_zones_of_its_place(code: str, exchange: str, zones: set[str]) -> None:
    assert set(zones_of_1(f"+1{code}{exchange}")) == zones


HOURS = [
    ("Orlando after nine in the evening", "689", "2026-12-03T02:30", "2026-12-03T13:00"),
    ("Pensacola before eight in the morning", "448", "2026-12-03T13:15", "2026-12-03T14:00"),
    ("Tallahassee after nine in the evening", "448", "2026-12-03T02:30", "2026-12-03T14:00"),
    ("Unalaska before eight in summer", "907", "2027-07-01T15:30", "2027-07-01T17:00"),
    ("Labrador in summer after nine", "879", "2027-07-02T00:15", "2027-07-02T11:00"),
    ("the south of Idaho before eight", "986", "2026-12-03T15:30", "2026-12-03T16:00"),
    ("Vancouver in its new winter: nine is nine", "604", "2026-12-03T04:30", "2026-12-03T15:00"),
    ("Calgary in its new winter", "403", "2026-12-03T03:30", "2026-12-03T14:00"),
    ("Winnipeg in its new winter", "204", "2026-12-03T02:30", "2026-12-03T13:00"),
]


@pytest.mark.parametrize(("code", "now", "opens"), [row[1:] for row in HOURS], ids=[row[0] for row in HOURS])
def test_a_window_of_eight_to_nine_opens_at_the_persons_eight(code: str, now: str, opens: str) -> None:
    moment, expected = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (now, opens))
    assert next_open(moment, zones_of(number(code)), Hours(time(8), time(21))) == expected


# the tz database

# Zones of the United States and Canada, beside those whose names the plan uses, and area codes that must have their clocks.
ELSEWHERE = {
    "America/Creston": "250 778", "America/Dawson": "867", "America/Detroit": "313 906", "America/Fort_Nelson": "250 236",
    "America/Glace_Bay": "902 782", "America/Goose_Bay": "709 879", "America/Indiana/Indianapolis": "317 463",
    "America/Indiana/Knox": "574", "America/Indiana/Marengo": "812 930", "America/Indiana/Petersburg": "812 930",
    "America/Indiana/Tell_City": "812 930", "America/Indiana/Vevay": "812 930", "America/Indiana/Vincennes": "812 930",
    "America/Indiana/Winamac": "574 219", "America/Inuvik": "867", "America/Juneau": "907",
    "America/Kentucky/Louisville": "502", "America/Kentucky/Monticello": "606", "America/Menominee": "906",
    "America/Metlakatla": "907", "America/Moncton": "506 428", "America/Nome": "907",
    "America/North_Dakota/Beulah": "701", "America/North_Dakota/Center": "701",
    "America/North_Dakota/New_Salem": "701", "America/Resolute": "867", "America/Sitka": "907",
    "America/Swift_Current": "306 639 474", "America/Yakutat": "907",
}  # fmt: skip


def zones_of_country(*countries: str) -> set[str]:
    lines = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8").splitlines()
    return {line.split("\t")[2] for line in lines if line.startswith(countries)}


def test_no_zone_of_the_united_states_and_canada_has_left_the_clocks_of_its_area_codes() -> None:
    """A release of the tz database that parts two zones which ran alike must be read into the plan."""
    known = zones_of_country("US", "CA")
    assert known - {zone for area in AREA_CODES.values() for zone in area.zones} == ELSEWHERE.keys()
    for zone, codes in ELSEWHERE.items():
        for code in codes.split():
            assert clock(zone) in clocks(AREA_CODES[code].zones), (zone, code)


def test_zones_of_a_country_are_those_of_its_own_area_codes() -> None:
    for area in GEOGRAPHIC:
        assert set(area.zones) <= zones_of_country(area.country), area.code


# the library


def test_the_tables_are_what_the_installed_library_and_the_reviewed_rows_make() -> None:
    """Fails after an upgrade of phonenumbers that says other things: run `python -m rvm.phone_numbers.number_plan` and review."""
    made = compiler.compiled()
    assert made.keys() == {"area_codes", "exchanges"}
    for name, text in made.items():
        assert text.splitlines() == compiler.stored(name).splitlines(), (
            "run python -m rvm.phone_numbers.number_plan and review its diff"
        )


# Codes of which the library has a clock that no code of the territory has, and geographic codes that it does not know.
WRONG_IN_THE_LIBRARY = {"689", "879", "907"}
UNKNOWN_TO_THE_LIBRARY = {
    "357", "436", "457", "465", "471", "483", "565", "621", "624", "679", "729", "761", "837", "861", "924",
}  # fmt: skip


def test_the_plan_differs_from_the_library_in_these_codes_only() -> None:
    said: dict[str, set[str]] = {}
    for prefix, zones in number_zones.TIMEZONE_DATA.items():
        if prefix.startswith("1") and len(prefix) >= 4:
            said.setdefault(prefix[1:4], set()).update(zones)
    assert {
        code for code, zones in said.items() if not clocks(zones) <= clocks(AREA_CODES[code].zones)
    } == WRONG_IN_THE_LIBRARY
    assert {area.code for area in GEOGRAPHIC} - said.keys() == UNKNOWN_TO_THE_LIBRARY


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    """The library's zones by prefix, to be changed."""
    changed: Library = dict(compiler.TIMEZONE_DATA)
    monkeypatch.setattr(compiler, "TIMEZONE_DATA", changed)
    return changed


@pytest.mark.parametrize(
    ("prefix", "zones"),
    [
        ("1907", (ALASKA,)),
        ("1907", ()),
        ("1212", (EASTERN, ATLANTIC)),
        ("1212", ()),
        ("1812336", (CENTRAL,)),
        ("1999", (EASTERN,)),
    ],
)
def test_a_release_that_says_other_things_fails_that_comparison(
    library: Library, prefix: str, zones: tuple[str, ...]
) -> None:
    test_the_tables_are_what_the_installed_library_and_the_reviewed_rows_make()
    if zones:
        library[prefix] = zones
    else:
        del library[prefix]
    with pytest.raises((AssertionError, compiler.ReviewNeeded)):
        test_the_tables_are_what_the_installed_library_and_the_reviewed_rows_make()


def test_an_area_code_that_only_the_library_knows_asks_for_a_review(library: Library) -> None:
    library["1999"] = (EASTERN,)
    with pytest.raises(compiler.ReviewNeeded, match="zones for 999; add a row"):
        compiler.compiled()


def test_a_correction_of_what_the_library_has_mended_asks_for_a_review(library: Library) -> None:
    library["1689"] = (EASTERN,)
    with pytest.raises(compiler.ReviewNeeded, match="'689'"):
        compiler.compiled()


def test_a_place_that_the_library_puts_into_two_zones_asks_for_a_review(library: Library) -> None:
    library["1812336"] = (CENTRAL,)  # Bloomington, Indiana
    with pytest.raises(compiler.ReviewNeeded, match=r"Bloomington, IN \(812\) in several zones"):
        compiler.compiled()


def test_a_zone_that_the_library_adds_reaches_the_code_and_its_overlays(library: Library) -> None:
    library["1212"] = (EASTERN, ATLANTIC)
    made = compiler.compiled()["area_codes"]
    changed = {line[:3] for line in made.splitlines() if line not in compiler.stored("area_codes").splitlines()}
    assert changed == {"212", "332", "646", "917"}


def test_the_command_says_what_would_change(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    before = compiler.stored("area_codes")
    assert main(["--check"]) == 0 and "Nothing changes." in capsys.readouterr().out
    library["1907"] = (ALASKA,)
    assert main(["--check"]) == 1
    assert "-907," in (told := capsys.readouterr().out) and "+907," in told
    assert main(["--write"]) == 2
    library["1999"] = (EASTERN,)
    assert main(["--check"]) == 1 and "999" in capsys.readouterr().err
    assert compiler.stored("area_codes") == before


def test_the_command_writes_the_tables(library: Library, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("rvm.phone_numbers.number_plan.__main__.FOLDER", tmp_path)
    library["1212"] = (EASTERN, ATLANTIC)
    assert main([]) == 0
    assert f"{ATLANTIC} {EASTERN}" in (tmp_path / "area_codes.csv").read_text()


# what an area code is


def test_what_the_plan_knows_of_an_area_code() -> None:
    known = area_code("+16215550142")
    assert known is not None
    assert (known.country, known.regions, known.kind, known.over) == ("US", ("TX",), Kind.GEOGRAPHIC, ("713",))
    assert known.service is Service.IN_SERVICE
    planned = area_code("+17615550142")
    assert planned is not None and planned.service is Service.PLANNED
    reserved = area_code("+18805550142")
    assert reserved is not None and reserved.kind is Kind.RESERVED
    assert area_code("+19995550142") is None
    assert {area.code for area in AREA_CODES.values() if area.kind is Kind.TOLL_FREE} == {
        "800", "833", "844", "855", "866", "877", "888",
    }  # fmt: skip
