"""Who may be reached at which minute, told naively: the rules as the file has them, local times, and a list of holidays.

Independent of what it judges: no span, no cache, no search. Holidays of 2026 are written down as almanacs have them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from usecases.state_rules import FOLDER
from usecases.windows import Hours

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FEDERAL = "01-01 01-19 02-16 05-25 06-19 07-04 09-07 10-12 11-11 11-26 12-25"
# Independence Day is a Saturday: some states keep the Friday, others the Monday.
_OTHERS = {
    "federal": "07-03",
    "AL": "07-03 02-17",
    "LA": "07-03 02-17 04-03",
    "MS": "07-06",
    "RI": "07-06",
    "UT": "07-03 07-24",
}
HOLIDAYS = {
    name: {date.fromisoformat(f"2026-{day}") for day in f"{_FEDERAL} {more}".split()} for name, more in _OTHERS.items()
}


@cache
def rules(version: str) -> list[dict]:
    return tomllib.loads((FOLDER / f"{version}.toml").read_text())["rules"]


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@cache
def _window(text: str) -> tuple[time, time]:
    start, end = text.split("-")
    return time.fromisoformat(start), time.fromisoformat(end)


@cache
def _texts_of(version: str, state: str, weekday: int, is_holiday: bool) -> list[str]:
    """The windows of the state's rule on such a day, all of which hold; ["closed"] for none."""
    [rule] = [each for each in rules(version) if each["state"] == state]
    found = "closed"
    for span, text in rule["hours"].items():
        first, _, last = span.partition("-")
        if DAYS.index(first) <= weekday <= DAYS.index(last or first):
            found = text
    return [found, rule.get("on_holidays", "closed")] if is_holiday else [found]


def _binds(rule: dict, states: Collection[str]) -> bool:
    return rule["state"] == "US" or not states or rule["state"] in states


def _law_allows(version: str, rule: dict, local: datetime) -> bool:
    calendar = rule.get("holidays")
    is_holiday = bool(calendar) and local.date() in HOLIDAYS[calendar]
    for text in _texts_of(version, rule["state"], local.weekday(), is_holiday):
        if text == "closed" or not _window(text)[0] <= local.time() < _window(text)[1]:
            return False
    return True


def may_be_heard(moment: datetime, zones: Sequence[str], states: Collection[str], hours: Hours) -> bool:
    """Whether a message may arrive at this very minute; `moment` in 2026."""
    bound = [rule for rule in rules(hours.rules) if _binds(rule, states)] if hours.rules else []
    more = {rule["zone"] for rule in bound if "zone" in rule}
    for name in {*zones, *more}:
        local = moment.astimezone(_zone(name))
        if local.isoweekday() not in hours.days or not hours.start <= local.time() < hours.end:
            return False
        if not hours.holidays and local.date() in HOLIDAYS["federal"]:
            return False
        if not all(_law_allows(hours.rules, rule, local) for rule in bound):
            return False
        for freeze in hours.freezes:
            concerned = not states or freeze.state == "US" or freeze.state in states
            if (
                concerned
                and freeze.starts_on <= local.date()
                and (freeze.ends_on is None or local.date() <= freeze.ends_on)
            ):
                return False
    return True


def may_be_sent(moment: datetime, zones: Sequence[str], states: Collection[str], hours: Hours) -> bool:
    """Whether a message that is sent now arrives at an allowed minute, however long the carrier takes."""
    minutes = round(hours.closes_early / timedelta(minutes=1))
    return all(
        may_be_heard(moment + timedelta(minutes=later), zones, states, hours) for later in range(minutes, -1, -1)
    )
