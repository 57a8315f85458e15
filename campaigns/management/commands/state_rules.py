"""`manage.py state_rules list|check|load`: the sets of state rules, what a new one would change, and putting it in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from campaigns.planning.rule_changes import Effect, PolicyEffect, changed_states, effects, policy_effects
from rvm.platform.database.clock import database_now
from rvm.platform.times.zones import default_zone
from usecases.models import StateRuleSet
from usecases.rules_in_force import make_known, rules_in_force
from usecases.services.rule_sets import RuleFileRefused, load_rule_set, read_rule_file
from usecases.state_rules import (
    FEDERATION,
    STATE_NAMES,
    Certainty,
    RuleSet,
    StateRule,
    Window,
    add_trial,
    rule_set,
    versions,
)

# Lines that are printed of each kind; one more line sums up the others.
MAX_LINES = 20
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Command(BaseCommand):
    help = (
        "Sets of state rules: `list` says which there are and which one is in force; `check FILE` reads a new one and says what it "
        "would change; `load FILE` puts it in force for all processes (with --dry-run it only checks)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="which sets there are, and which one is in force")
        check = actions.add_parser("check", help="read a set, and say what it would change")
        check.add_argument("file", type=Path, help="named by the day of the set, such as 2026-12-15.toml")
        load = actions.add_parser("load", help="put a set in force for all processes")
        load.add_argument("file", type=Path)
        load.add_argument("--dry-run", action="store_true", help="only say what it would change, as check does")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "list":
            return self._list()
        now = database_now()
        try:
            found, text = read_rule_file(options["file"], now.astimezone(default_zone()).date())
            self._say(found, now)
            if options["action"] == "check" or options["dry_run"]:
                self.stdout.write("Nothing was changed.")
                return None
            load_rule_set(found, text)
        except RuleFileRefused as refused:
            raise CommandError(_refusals(refused.messages)) from None
        self.stdout.write(
            f"Set {found.version} is loaded. It binds every claim that begins from now on, in every process."
        )
        return None

    def _list(self) -> None:
        current = rules_in_force()
        loaded = {row.version: row for row in StateRuleSet.objects.order_by("version")}
        for version in sorted({*versions(), *loaded}):
            came = (
                f"loaded at {loaded[version].loaded_at:%Y-%m-%d %H:%M} UTC"
                if version in loaded
                else "released with RVM"
            )
            state = "in force" if version == current else "kept for decisions made under it"
            self.stdout.write(f"{version}  {came}, {state}; {_certainties(rule_set(make_known(version)))}")

    def _say(self, new: RuleSet, now: datetime) -> None:
        current = rules_in_force()
        old = rule_set(current)
        self.stdout.write(f"Set {new.version}: {_certainties(new)}. In force: {current}.")
        stale = new.stale(now.date())
        if stale:
            self.stdout.write(f"Not compared with their sources for half a year: {', '.join(stale)}.")
        changed = changed_states(old, new)
        if not changed:
            self.stdout.write("No rule binds differently.")
            return
        self._lines("Rules that change", [_change(state, *pair) for state, pair in changed.items()])
        with add_trial(new) as version:
            self._effects(sorted(effects(version, now), key=_gravity, reverse=True))
            self._policies(sorted(policy_effects(version, changed, now), key=lambda each: -len(each.hours)))

    def _effects(self, found: Sequence[Effect]) -> None:
        if not found:
            self.stdout.write("Nobody who waits has other hours in the coming week.")
            return
        people, expiring = sum(each.affected for each in found), sum(each.expiring for each in found)
        title = f"Waiting campaigns that change: {len(found):,}, with {people:,} people who have other hours in the coming week"
        self._lines(f"{title}{_expiring(expiring)}", [_effect(each) for each in found])

    def _policies(self, found: Sequence[PolicyEffect]) -> None:
        if found:
            self._lines(f"Use cases whose hours change: {len(found):,}", [_policy(each) for each in found])
        else:
            self.stdout.write("The hours of no live use case change.")

    def _lines(self, title: str, lines: Sequence[str]) -> None:
        self.stdout.write(f"{title}:")
        for line in lines[:MAX_LINES]:
            self.stdout.write(f"  {line}")
        if len(lines) > MAX_LINES:
            self.stdout.write(f"  and {len(lines) - MAX_LINES:,} more")


def _refusals(messages: Sequence[str]) -> str:
    more = [f"and {len(messages) - MAX_LINES} more"] if len(messages) > MAX_LINES else []
    return "\n".join(["The set is refused:", *(f"  {each}" for each in [*messages[:MAX_LINES], *more])])


def _certainties(found: RuleSet) -> str:
    counted = Counter(rule.certainty for rule in found.rules.values())
    return f"{len(found.rules)} rules, " + ", ".join(f"{counted[each]} {each.value}" for each in Certainty)


def _change(state: str, old: StateRule | None, new: StateRule | None) -> str:
    name = "federal" if state == FEDERATION else f"{STATE_NAMES[state]} ({state})"
    if new is None:
        return f"{name}: no rule any more; was {_rule(old)}"
    was = f"{_rule(old)} -> " if old else "new: "
    return f"{name}: {was}{_rule(new)} [{new.certainty.value}]"


def _rule(rule: StateRule | None) -> str:
    if rule is None:
        return "none"
    runs: list[tuple[str, str, Window | None]] = []
    for day, window in zip(_DAYS, rule.windows, strict=True):
        if runs and runs[-1][2] == window:
            runs[-1] = (runs[-1][0], day, window)
        else:
            runs.append((day, day, window))
    parts = [f"{first if first == last else f'{first}-{last}'} {_window(window)}" for first, last, window in runs]
    if rule.holidays:
        parts.append(f"holidays {_window(rule.on_holidays)}")
    if rule.zone:
        parts.append(f"also by {rule.zone}")
    if rule.max_per_24h:
        parts.append(f"{rule.max_per_24h} in 24 h")
    return ", ".join(parts)


def _window(window: Window | None) -> str:
    return f"{window[0]:%H:%M}-{window[1]:%H:%M}" if window else "closed"


def _gravity(effect: Effect) -> tuple[int, int]:
    return effect.expiring, effect.affected


def _effect(effect: Effect) -> str:
    state = f", {effect.state}" if effect.state else ""
    never = f", {effect.never:,} have no hour any more" if effect.never else ""
    return (
        f"{effect.name} ({effect.workspace}{state}): {effect.affected:,} of {effect.people:,} people, {effect.hours:+.1f} hours a "
        f"week each{never}{_expiring(effect.expiring)}"
    )


def _expiring(count: int) -> str:
    return f", {abs(count):,} {'more' if count > 0 else 'fewer'} expire unsent" if count else ""


def _policy(effect: PolicyEffect) -> str:
    hours: Iterable[str] = (f"{state} {before:g} -> {after:g}" for state, (before, after) in effect.hours.items())
    return f"{effect.name} ({effect.workspace}): hours a week {', '.join(hours)}"
