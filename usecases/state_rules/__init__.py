"""State rules: the hours in which laws of states and of the federation allow calls, as data with sources.

Each released set is one TOML file of this folder, named by its day and kept for ever, so that a decision made under it can be made
again. A set is never changed after its release: a review makes the next one. `2026-11-29.toml` describes the columns. Sets that an
installation has loaded later are in its database, and are told to this module by `usecases.rules_in_force`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cache, lru_cache
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

from rvm.phone_numbers.number_plan import US_STATES
from rvm.platform.times.tz_database import zone as zone_named
from rvm.spreadsheets.cells.state_zones import STATES
from usecases.state_rules.holidays import CALENDARS, is_holiday

FOLDER = Path(__file__).parent
# The rule of the federation, which binds everybody.
FEDERATION = "US"
# A rule that nobody has compared with its sources for longer is reported.
MAX_AGE = timedelta(days=180)
# All states and territories of the United States, by their two letters.
STATE_NAMES = {code: name for code, (name, _) in sorted(STATES.items()) if code in US_STATES}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])")
_ADDRESS = re.compile(r"https?://\S+\Z")
_COLUMNS = frozenset(
    {
        "state", "hours", "zone", "holidays", "on_holidays", "max_per_24h", "sources", "certainty", "reviewed_on", "note",
    }
)  # fmt: skip

Window = tuple[time, time]


class Certainty(StrEnum):
    VERIFIED = "verified"
    WEAK = "weak"  # seen on pages of vendors only, or on one weak page
    UNVERIFIED = "unverified"  # from memory or from a damaged page, in its stricter reading


class StateRuleInvalid(ValueError):
    """A rule cannot be used; `field` is its column, and the message names rule and column."""

    def __init__(self, rule: str, field: str, message: str) -> None:
        super().__init__(f"{rule}: {field}: {message}")
        self.field = field


@dataclass(frozen=True, slots=True)
class StateRule:
    """One state's rule. `windows`: local hours by weekday, Monday first; None is a day without calls.

    `zone` also binds, besides the person's own zones. `holidays`: the calendar of days on which `on_holidays` holds, which is None
    for no calls; without a calendar holidays are days like others. `max_per_24h`: calls to a person, None if not limited.
    """

    state: str
    windows: tuple[Window | None, ...]
    zone: str
    holidays: str
    on_holidays: Window | None
    max_per_24h: int | None
    sources: tuple[str, ...]
    certainty: Certainty
    reviewed_on: date
    note: str

    def window_on(self, day: date) -> Window | None:
        """The local hours of a local day; None if the rule forbids calls on it."""
        window = self.windows[day.weekday()]
        if window is None or not self.holidays or not is_holiday(self.holidays, day):
            return window
        return _common(window, self.on_holidays)


@dataclass(frozen=True, slots=True)
class RuleSet:
    version: str
    rules: Mapping[str, StateRule]

    def binding(self, states: tuple[str, ...]) -> tuple[StateRule, ...]:
        """The rules for a person who may be in any of `states`. Without a state the person may be anywhere, and all rules bind."""
        return tuple(rule for state, rule in self.rules.items() if not states or state == FEDERATION or state in states)

    def stale(self, today: date) -> list[str]:
        """States whose rule was last compared with its sources more than MAX_AGE ago."""
        return [state for state, rule in self.rules.items() if today - rule.reviewed_on > MAX_AGE]


def versions(folder: Path = FOLDER) -> list[str]:
    """All released sets, the oldest first."""
    return sorted(path.stem for path in folder.glob("*.toml"))


@cache
def current_version() -> str:
    """The newest released set. A newer one may have been loaded: see `usecases.rules_in_force`."""
    return versions()[-1]


# Sets from the database that this process has seen, by version.
_LOADED: dict[str, RuleSet] = {}
_TRIALS = count(1)


def add_loaded(loaded: RuleSet) -> None:
    """Make a set known that is not among the released ones. A version means the same set for ever."""
    _LOADED.setdefault(loaded.version, loaded)


@contextmanager
def add_trial(tried: RuleSet) -> Iterator[str]:
    """A version by which the set is known meanwhile, for questions what it would change."""
    version = f"{tried.version} on trial {next(_TRIALS)}"  # a version of its own, as calendars are kept by it
    _LOADED[version] = replace(tried, version=version)
    try:
        yield version
    finally:
        del _LOADED[version]


def is_known(version: str) -> bool:
    return version in _LOADED or version in _released()


@cache
def _released() -> frozenset[str]:
    return frozenset(versions())


def rule_set(version: str, folder: Path = FOLDER) -> RuleSet:
    """The released or loaded set of this version. Raises LookupError if there is none, and StateRuleInvalid."""
    return _LOADED.get(version) or _released_set(version, folder)


@lru_cache(maxsize=32)
def _released_set(version: str, folder: Path) -> RuleSet:
    if version not in versions(folder):
        raise LookupError(f"There is no set of state rules {version!r}.")
    return read_rules((folder / f"{version}.toml").read_text(encoding="utf-8"), version)


def read_rules(text: str, version: str) -> RuleSet:
    """The set that a TOML text says. Raises StateRuleInvalid for its first rule that cannot be used, and tomllib.TOMLDecodeError."""
    found, refused = read_all_rules(text, version)
    for each in refused:
        raise each
    return found


def read_all_rules(text: str, version: str) -> tuple[RuleSet, list[StateRuleInvalid]]:
    """The rules of a TOML text that can be used, and why each other cannot. Raises tomllib.TOMLDecodeError."""
    read = tomllib.loads(text)
    refused = [StateRuleInvalid(version, name, "There is no such table.") for name in sorted(set(read) - {"rules"})]
    rows = read.get("rules", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        rows = []
        refused.append(StateRuleInvalid(version, "rules", "Rules are written as [[rules]]."))
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.strip() == "[[rules]]"]
    rules: dict[str, StateRule] = {}
    for number, row in enumerate(rows, 1):
        reader = _Row(row, number, lines[number - 1] if len(lines) == len(rows) else None)
        try:
            rule = reader.rule()
            if rule.state in rules:
                raise reader.refuse("state", "This state has a rule already.")
            rules[rule.state] = rule
        except StateRuleInvalid as invalid:
            refused.append(invalid)
    if FEDERATION not in rules and not any(row.get("state") == FEDERATION for row in rows):
        refused.append(StateRuleInvalid(version, "state", f"The rule of the federation ({FEDERATION}) is missing."))
    return RuleSet(version, rules), refused


class _Row:
    """One rule as the file has it; each method reads a column, or refuses it by its name."""

    def __init__(self, row: Mapping[str, Any], number: int, line: int | None) -> None:
        self._row = row
        at = f", line {line}" if line else ""
        self._name = f"Rule {number} ({str(row.get('state', 'without a state'))[:40]}){at}"

    def refuse(self, field: str, message: str) -> StateRuleInvalid:
        return StateRuleInvalid(self._name, field, message)

    def rule(self) -> StateRule:
        if unknown := sorted(set(self._row) - _COLUMNS):
            raise self.refuse(unknown[0], "There is no such column.")
        calendar = self.calendar()
        return StateRule(
            state=self.state(),
            windows=_windows(self._row.get("hours"), self.refuse),
            zone=self.zone(),
            holidays=calendar,
            on_holidays=self.on_holidays(calendar),
            max_per_24h=self.max_per_24h(),
            sources=self.sources(),
            certainty=self.certainty(),
            reviewed_on=self.reviewed_on(),
            note=str(self._row.get("note", "")),
        )

    def state(self) -> str:
        state = self.text("state")
        if state != FEDERATION and state not in US_STATES:
            raise self.refuse("state", f"“{state}” is no state; write its two letters, such as TX.")
        return state

    def text(self, field: str) -> str:
        """The column's text, shortened to what a message can show if it is something else."""
        return str(self._row.get(field, ""))[:100]

    def zone(self) -> str:
        zone = self.text("zone")
        try:
            if zone:
                zone_named(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise self.refuse("zone", f"“{zone}” is no time zone.") from None
        return zone

    def calendar(self) -> str:
        calendar = self.text("holidays")
        if calendar and calendar not in CALENDARS:
            known = ", ".join(sorted(CALENDARS))
            raise self.refuse("holidays", f"There is no calendar “{calendar}”; there are: {known}.")
        return calendar

    def on_holidays(self, calendar: str) -> Window | None:
        if "on_holidays" not in self._row:
            return None
        if not calendar:
            raise self.refuse("on_holidays", "Hours of holidays need a calendar of them.")
        return _window(self._row["on_holidays"], "on_holidays", self.refuse)

    def max_per_24h(self) -> int | None:
        most = self._row.get("max_per_24h")
        if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
            raise self.refuse("max_per_24h", "At least one call; leave it out where calls are not limited.")
        return most

    def sources(self) -> tuple[str, ...]:
        sources = self._row.get("sources")
        if not isinstance(sources, list) or not sources or not all(_ADDRESS.match(str(each)) for each in sources):
            raise self.refuse("sources", "A rule names at least one source, each by its address.")
        return tuple(sources)

    def certainty(self) -> Certainty:
        if self.text("certainty") not in set(Certainty):
            raise self.refuse("certainty", f"This is one of {', '.join(Certainty)}.")
        return Certainty(self.text("certainty"))

    def reviewed_on(self) -> date:
        day = self._row.get("reviewed_on")
        if not isinstance(day, date) or isinstance(day, datetime):
            raise self.refuse("reviewed_on", "This is the day on which somebody compared the rule with its sources.")
        return day


def _windows(hours: Any, refuse: Any) -> tuple[Window | None, ...]:
    """By weekday, from spans of days such as `mon-sat`; a day that no span names has no calls."""
    found: dict[int, Window] = {}
    if not isinstance(hours, dict) or not hours:
        raise refuse("hours", "A rule allows some hours on some days.")
    for span, text in hours.items():
        for day in _span(span, refuse):
            if day in found:
                raise refuse("hours", f"Two spans name {_DAYS[day]}.")
            found[day] = _window(text, "hours", refuse)
    return tuple(found.get(day) for day in range(7))


def _span(text: str, refuse: Any) -> Iterator[int]:
    first, _, last = text.partition("-")
    if first not in _DAYS or (last or first) not in _DAYS:
        raise refuse("hours", f"“{text}” is no span of weekdays; write it as in mon-fri, sat.")
    start, end = _DAYS.index(first), _DAYS.index(last or first)
    if start > end:
        raise refuse("hours", f"“{text}” ends before it begins; weeks begin with mon.")
    yield from range(start, end + 1)


def _window(text: Any, field: str, refuse: Any) -> Window:
    written = _HOURS.fullmatch(str(text))
    numbers = [int(each) for each in written.groups()] if written else [24, 0, 0, 0]
    if max(numbers[0], numbers[2]) > 23:
        raise refuse(field, f"“{text}” is no window; write it as in 08:00-20:00.")
    start, end = time(numbers[0], numbers[1]), time(numbers[2], numbers[3])
    if start >= end:
        raise refuse(field, f"“{text}” is empty: it must end later in the day than it starts.")
    return start, end


def _common(one: Window, other: Window | None) -> Window | None:
    if other is None:
        return None
    start, end = max(one[0], other[0]), min(one[1], other[1])
    return (start, end) if start < end else None
