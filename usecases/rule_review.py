"""The warning about state rules that nobody has compared with their sources for long."""

from __future__ import annotations

from rvm.platform.database.clock import database_now
from usecases.state_rules import MAX_AGE, current_version, rule_set


def overdue_review() -> str:
    """A sentence for operators and administrators, or "" while every rule is fresh."""
    stale = rule_set(current_version()).stale(database_now().date())
    if not stale:
        return ""
    those = ", ".join(stale)
    return (
        f"Nobody has compared the calling hours of {those} with the law for more than {MAX_AGE.days} days; they may have changed. "
        "Take a newer version of RVM, or have the rules reviewed (docs/guards.md)."
    )
