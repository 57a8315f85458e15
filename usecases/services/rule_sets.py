"""Reading and loading of a new set of state rules from a file."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from pathlib import Path

from django.db import transaction

from rvm.platform import audit
from usecases.models import StateRuleSet
from usecases.rules_in_force import rules_in_force
from usecases.state_rules import RuleSet, read_all_rules

# A set has a rule for each state; a larger file is none.
MAX_BYTES = 200_000


class RuleFileRefused(Exception):
    """A file that cannot be loaded; `messages` name each place that is wrong."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


def read_rule_file(path: Path, today: date) -> tuple[RuleSet, str]:
    """The set of a file named by its day, such as 2026-12-15.toml, and its text. Raises RuleFileRefused."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RuleFileRefused([f"{path.name} is larger than {MAX_BYTES:,} bytes; that is no set of rules."])
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RuleFileRefused([f"{path} cannot be read: {error.strerror}."]) from None
    except UnicodeDecodeError as error:
        raise RuleFileRefused([f"{path.name} is no UTF-8 text (byte {error.start})."]) from None
    try:
        found, refused = read_all_rules(text, path.stem)
    except tomllib.TOMLDecodeError as error:
        raise RuleFileRefused([f"{path.name} is no TOML: {error}."]) from None
    wrong = [*_wrong_name(path, today), *(str(each) for each in refused)]
    wrong += [
        f"Rule for {state}: reviewed_on: {rule.reviewed_on} lies in the future."
        for state, rule in found.rules.items()
        if rule.reviewed_on > today
    ]
    if wrong:
        raise RuleFileRefused(wrong)
    return found, text


def _wrong_name(path: Path, today: date) -> list[str]:
    """Why the file's name is not that of a new set: sets are in force by their day, the newest one."""
    try:
        day = date.fromisoformat(path.stem)
    except ValueError:
        day = None
    if day is None or path.suffix != ".toml" or day.isoformat() != path.stem:
        return [f"{path.name}: name the file by the day of the set, such as {today.isoformat()}.toml."]
    if day > today + timedelta(days=1):
        return [f"{path.name}: this day lies in the future; a set is in force as soon as it is loaded."]
    return []


@transaction.atomic
def load_rule_set(found: RuleSet, text: str) -> StateRuleSet:
    """Put the set in force: it binds every claim that begins after the commit. Raises RuleFileRefused if it is not newer than the one
    in force."""
    now_in_force = rules_in_force()
    if found.version <= now_in_force:
        not_newer = f"The set {now_in_force} is in force, and {found.version} is not newer."
        raise RuleFileRefused([f"{not_newer} A set is never changed after its release: name the file by a later day."])
    row, created = StateRuleSet.objects.get_or_create(version=found.version, defaults={"text": text})
    if not created:
        raise RuleFileRefused([f"The set {found.version} was loaded meanwhile."])
    audit.record("state_rules.loaded", row, actor=None, workspace=None, version=row.version, instead_of=now_in_force)
    return row
