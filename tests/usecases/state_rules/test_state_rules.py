"""State rules are data with sources: what cannot be used is refused by its column, and what was released stays as it was."""

from __future__ import annotations

import hashlib
from datetime import date, time, timedelta
from pathlib import Path

import pytest

from rvm.phone_numbers.number_plan import AREA_CODES, US_STATES
from rvm.spreadsheets.cells.state_zones import STATES
from tests.docs.pages import DOCS, table
from usecases.state_rules import (
    FEDERATION,
    FOLDER,
    MAX_AGE,
    STATE_NAMES,
    Certainty,
    RuleSet,
    StateRuleInvalid,
    current_version,
    read_rules,
    rule_set,
    versions,
)

CURRENT = rule_set(current_version())

# The files as they were released. A released set is never changed: what changes is a new file, and a new line here.
RELEASED = {"2026-11-29": "a33eca2fcd7abb05e01705cc8eff02f17ba40b2def4ddc5a9551f31bfe5b87b6"}


def test_released_sets_stay_as_they_were() -> None:
    assert {
        version: hashlib.sha256((FOLDER / f"{version}.toml").read_bytes()).hexdigest() for version in versions()
    } == RELEASED


@pytest.mark.parametrize("version", versions())
def test_every_released_set_can_be_read(version: str) -> None:
    assert date.fromisoformat(version) <= date.fromisoformat(current_version())
    assert FEDERATION in rule_set(version).rules


def of(state: str, day: str) -> str:
    window = CURRENT.rules[state].window_on(date.fromisoformat(day))
    return f"{window[0]:%H:%M}-{window[1]:%H:%M}" if window else "closed"


# The days of the first week of March 2026, which has no holiday: a Monday, a Saturday, a Sunday.
MONDAY, SATURDAY, SUNDAY, HOLIDAY = "2026-03-02", "2026-03-07", "2026-03-08", "2026-11-26"
TABLE = [
    # state, weekdays, Saturday, Sunday, Thanksgiving, calls in 24 hours
    ("US", "08:00-21:00", "08:00-21:00", "08:00-21:00", "08:00-21:00", None),
    ("FL", "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00", 3),
    ("OK", "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00", 3),
    ("MD", "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00", 3),
    ("WA", "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00", None),
    ("CT", "09:00-20:00", "09:00-20:00", "09:00-20:00", "09:00-20:00", None),
    ("TX", "09:00-21:00", "09:00-21:00", "12:00-21:00", "09:00-21:00", None),
    ("AL", "08:00-20:00", "08:00-20:00", "closed", "closed", None),
    ("LA", "08:00-20:00", "08:00-20:00", "closed", "closed", None),
    ("MS", "08:00-20:00", "08:00-20:00", "closed", "closed", None),
    ("KY", "10:00-21:00", "10:00-21:00", "10:00-21:00", "10:00-21:00", None),
    ("MA", "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00", None),
    ("MI", "09:00-21:00", "09:00-21:00", "09:00-21:00", "09:00-21:00", None),
    ("MN", "09:00-21:00", "09:00-21:00", "09:00-21:00", "09:00-21:00", None),
    ("NM", "09:00-21:00", "09:00-21:00", "09:00-21:00", "09:00-21:00", None),
    ("NV", "09:00-20:00", "09:00-20:00", "09:00-20:00", "09:00-20:00", None),
    ("IL", "09:00-21:00", "09:00-21:00", "09:00-21:00", "09:00-21:00", None),
    ("NE", "08:00-21:00", "08:00-21:00", "13:00-21:00", "13:00-21:00", None),
    ("PA", "08:00-21:00", "08:00-12:00", "08:00-21:00", "closed", None),
    ("RI", "09:00-18:00", "10:00-17:00", "closed", "closed", None),
    ("SD", "09:00-21:00", "closed", "closed", "09:00-21:00", None),
    ("UT", "08:00-21:00", "08:00-21:00", "closed", "closed", None),
    ("WY", "08:00-20:00", "08:00-20:00", "08:00-20:00", "08:00-20:00", None),
    ("TN", "08:00-21:00", "08:00-21:00", "08:00-21:00", "08:00-21:00", None),
]


@pytest.mark.parametrize(
    ("state", "weekdays", "saturday", "sunday", "holiday", "most"), TABLE, ids=[r[0] for r in TABLE]
)
def test_the_rules_in_force_are_those_of_the_register(
    state: str, weekdays: str, saturday: str, sunday: str, holiday: str, most: int | None
) -> None:
    assert [of(state, day) for day in (MONDAY, SATURDAY, SUNDAY, HOLIDAY)] == [weekdays, saturday, sunday, holiday]
    assert CURRENT.rules[state].max_per_24h == most


def test_no_rule_is_in_force_that_the_register_does_not_have() -> None:
    assert set(CURRENT.rules) == {row[0] for row in TABLE}


def test_what_nobody_verified_is_marked_so() -> None:
    marked = {
        certainty: {s for s, rule in CURRENT.rules.items() if rule.certainty is certainty} for certainty in Certainty
    }
    assert marked[Certainty.VERIFIED] == {"US", "FL", "OK", "MD", "WA", "CT"}
    assert marked[Certainty.UNVERIFIED] == {"PA", "RI", "SD", "UT", "WY", "TN"}
    assert CURRENT.rules["MS"].zone == "America/Chicago"


def test_rules_know_the_states_of_the_number_plan_and_of_lists() -> None:
    assert set(STATES) >= US_STATES
    assert list(STATE_NAMES) == sorted(US_STATES)
    assert {"DC", "PR", "GU", "VI", "AS", "MP"} <= US_STATES
    assert len(US_STATES) == 56


def test_a_person_who_may_be_anywhere_is_bound_by_all_rules_and_one_abroad_by_the_federal_one_alone() -> None:
    def binding(*states: str) -> set[str]:
        return {rule.state for rule in CURRENT.binding(states)}

    assert binding() == set(CURRENT.rules)
    assert binding("elsewhere") == binding("NY") == binding("ON") == {"US"}
    assert binding("FL", "NY", "TX") == {"US", "FL", "TX"}


GOOD = """
[[rules]]
state = "US"
hours = { mon-sun = "08:00-21:00" }
sources = ["https://example.com/law"]
certainty = "verified"
reviewed_on = 2026-01-02

[[rules]]
state = "TX"
hours = { mon-sat = "09:00-21:00", sun = "12:00-21:00" }
holidays = "federal"
on_holidays = "10:00-12:00"
zone = "America/Chicago"
max_per_24h = 2
sources = ["https://example.com/texas"]
certainty = "weak"
reviewed_on = 2026-03-04
note = "A note."
"""


def test_a_rule_is_read_with_all_that_it_says() -> None:
    rule = read_rules(GOOD, "test").rules["TX"]
    assert (rule.windows[0], rule.windows[6]) == ((time(9), time(21)), (time(12), time(21)))
    assert (rule.on_holidays, rule.zone, rule.max_per_24h) == ((time(10), time(12)), "America/Chicago", 2)
    assert (rule.sources, rule.certainty) == (("https://example.com/texas",), Certainty.WEAK)
    assert (rule.reviewed_on, rule.note) == (date(2026, 3, 4), "A note.")
    # Of a holiday on a Sunday nothing is left that both forbid.
    assert rule.window_on(date(2027, 7, 4)) is None


@pytest.mark.parametrize(
    ("written", "instead", "field"),
    [
        ('sources = ["https://example.com/texas"]', "", "sources"),
        ('sources = ["https://example.com/texas"]', "sources = []", "sources"),
        ('sources = ["https://example.com/texas"]', 'sources = "https://example.com"', "sources"),
        ('sources = ["https://example.com/texas"]', 'sources = ["a book"]', "sources"),
        ('"09:00-21:00"', '"21:00-09:00"', "hours"),
        ('"09:00-21:00"', '"09:00-09:00"', "hours"),
        ('"09:00-21:00"', '"9-21"', "hours"),
        ('"09:00-21:00"', '"09:00-24:00"', "hours"),
        ("mon-sat", "sat-mon", "hours"),
        ("mon-sat", "mon-sun", "hours"),
        ("mon-sat", "everyday", "hours"),
        ('hours = { mon-sat = "09:00-21:00", sun = "12:00-21:00" }', "hours = {}", "hours"),
        ('hours = { mon-sat = "09:00-21:00", sun = "12:00-21:00" }', "", "hours"),
        ('state = "TX"', 'state = "XX"', "state"),
        ('state = "TX"', 'state = "ON"', "state"),
        ('state = "TX"', "", "state"),
        ('state = "TX"', 'state = "US"', "state"),
        ('state = "US"', 'state = "FL"', "state"),
        ('"America/Chicago"', '"America/Dallas"', "zone"),
        ('"America/Chicago"', '"../etc"', "zone"),
        ('holidays = "federal"', 'holidays = "texan"', "holidays"),
        ('holidays = "federal"', "", "on_holidays"),
        ('on_holidays = "10:00-12:00"', 'on_holidays = "12:00-10:00"', "on_holidays"),
        ("max_per_24h = 2", "max_per_24h = 0", "max_per_24h"),
        ("max_per_24h = 2", 'max_per_24h = "two"', "max_per_24h"),
        ('certainty = "weak"', 'certainty = "sure"', "certainty"),
        ('certainty = "weak"', "", "certainty"),
        ("reviewed_on = 2026-03-04", "", "reviewed_on"),
        ("reviewed_on = 2026-03-04", 'reviewed_on = "2026-03-04"', "reviewed_on"),
        ('note = "A note."', 'hint = "A note."', "hint"),
    ],
)
def test_a_rule_that_cannot_be_used_is_refused_by_its_column(written: str, instead: str, field: str) -> None:
    assert written in GOOD
    with pytest.raises(StateRuleInvalid) as refused:
        read_rules(GOOD.replace(written, instead), "test")
    assert refused.value.field == field
    assert field in str(refused.value)


def test_a_set_that_was_never_released_is_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="2020-01-01"):
        rule_set("2020-01-01")
    with pytest.raises(LookupError):
        rule_set("../2026-11-29")


def test_a_rule_is_stale_when_nobody_looked_at_it_for_half_a_year() -> None:
    reviewed: RuleSet = read_rules(GOOD, "test")
    assert reviewed.stale(date(2026, 1, 2) + MAX_AGE) == []
    assert reviewed.stale(date(2026, 1, 3) + MAX_AGE) == ["US"]
    assert reviewed.stale(date(2026, 3, 5) + MAX_AGE) == ["US", "TX"]
    assert timedelta(days=180) == MAX_AGE


def test_every_state_of_a_rule_has_area_codes() -> None:
    regions = {region for area in AREA_CODES.values() for region in area.regions}
    assert set(CURRENT.rules) - {FEDERATION} <= regions


def _row(state: str) -> list[str]:
    rule = CURRENT.rules[state]
    days = [of(state, day) for day in (MONDAY, SATURDAY, SUNDAY)]
    holidays = of(state, HOLIDAY) if rule.holidays else ""
    name = "federal" if state == FEDERATION else f"{STATE_NAMES[state]} ({state})"
    sources = " ".join(f"<{source}>" for source in rule.sources)
    most = str(rule.max_per_24h or "")
    return [name, *days, holidays, most, rule.certainty.value, rule.reviewed_on.isoformat(), sources]


def test_the_page_on_guards_has_the_rules_in_force() -> None:
    page = DOCS / "guards.md"
    assert table(page, "state") == [_row(state) for state in CURRENT.rules]
    assert f"Set `{current_version()}`" in page.read_text()
