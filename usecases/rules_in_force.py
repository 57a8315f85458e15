"""State rules in force: the newest released set, or a newer one that the operator has loaded into the database.

The version is read with every claim, every preview and every question, so that all processes see a new set at once. The text of a set
never changes; a process reads it when it first meets the version.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from usecases import state_rules
from usecases.freezes import FREEZES_SQL, freezes_in
from usecases.windows import Freeze

# The newest loaded set, or null.
NEWEST_LOADED_SQL = "(SELECT max(version) FROM usecases_stateruleset)"


class Law(NamedTuple):
    """What binds besides the policies: the version of the state rules, and the freezes that are in force or to come."""

    rules: str
    freezes: tuple[Freeze, ...]


def law_in_force(now: datetime) -> Law:
    [(frozen, loaded)] = sql.run(f"SELECT {FREEZES_SQL}, {NEWEST_LOADED_SQL}", [now])
    return Law(in_force(loaded), freezes_in(tuple(frozen)))


def rules_in_force() -> str:
    """The version of the state rules in force."""
    [(loaded,)] = sql.run(f"SELECT {NEWEST_LOADED_SQL}", [])
    return in_force(loaded)


def in_force(loaded: str | None) -> str:
    """The newer of the newest loaded set, as NEWEST_LOADED_SQL gives it, and the newest released one."""
    return make_known(max(loaded or "", state_rules.current_version()))


def make_known(version: str) -> str:
    """The version itself; its set is read from the database if this process has not met it. Raises LookupError if it is not there,
    and StateRuleInvalid."""
    if version and not state_rules.is_known(version):
        rows = sql.run("SELECT text FROM usecases_stateruleset WHERE version = %s", [version])
        if not rows:
            raise LookupError(f"There is no set of state rules {version!r}.")
        state_rules.add_loaded(state_rules.read_rules(rows[0][0], version))
    return version


def overdue_review() -> str:
    """A sentence for operators and administrators about rules that nobody has compared with their sources for long, or "" while every
    rule is fresh."""
    stale = state_rules.rule_set(rules_in_force()).stale(database_now().date())
    if not stale:
        return ""
    those = ", ".join(stale)
    return (
        f"Nobody has compared the calling hours of {those} with the law for more than {state_rules.MAX_AGE.days} days; they may have "
        "changed. Take a newer version of RVM, or have the rules reviewed and load them (docs/guards.md)."
    )
