"""The purge goes through all workspaces in small steps, passes over what fails, and rests when nothing is left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from delivery.worker import tick
from rvm.platform.database.clock import database_now
from rvm.platform.models import AuditEvent, RetentionRule, Workspace
from rvm.platform.retention import holds, purges, rules
from rvm.platform.retention.purges import REST, Purge, Purger, steps
from rvm.platform.retention_kinds import DECIDED, TERMS, RetentionKind
from tests.factories import make_user, make_workspace

pytestmark = pytest.mark.django_db

NOW = datetime.fromisoformat("2026-03-02T15:00:00Z")


def counting(name: str, *removed: int, error: Exception | None = None) -> Purge:
    def run(workspace_id: UUID, now: datetime) -> Iterator[int]:
        yield from removed
        if error is not None:
            raise error

    return Purge(RetentionKind.LISTS, name, run, lambda workspace_id, before: sum(removed))


def test_what_fails_does_not_keep_the_others_from_being_purged(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_workspace()
    broken, whole = counting("broken", 1, error=ValueError("no")), counting("whole", 2, 2)
    monkeypatch.setattr(purges, "PURGES", [broken, whole])
    seen: list[tuple[str, int]] = []
    with pytest.raises(ValueError, match="no"):
        seen.extend((step.purge.rows, step.removed) for step in steps(NOW) if step.removed)
    assert seen == [("broken", 1), ("whole", 2), ("whole", 2)] * 2


def test_the_tick_takes_a_part_of_a_second_at_a_time_and_rests_at_the_end(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []

    def run(workspace_id: UUID, now: datetime) -> Iterator[int]:
        for number in range(3):
            taken.append(number)
            yield 1

    monkeypatch.setattr(purges, "PURGES", [Purge(RetentionKind.LISTS, "rows", run, lambda *_: 0)])
    monkeypatch.setattr(purges, "STEP_SECONDS", 0.0)
    purger = Purger()
    for _ in range(5):
        purger(NOW)
    assert taken == [0, 1, 2]
    purger(NOW + REST - timedelta(seconds=1))
    assert len(taken) == 3
    purger(NOW + REST)
    assert len(taken) == 4
    assert any(isinstance(step, Purger) for step in tick.STEPS)


def test_the_command_goes_on_to_the_end_and_says_what_it_removed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = StringIO()
    monkeypatch.setattr(purges, "PURGES", [counting("lists", 2000, 500), counting("drafts")])
    call_command("purge", stdout=said)
    assert said.getvalue().splitlines()[-2:] == ["0 s: removed lists: 2,500", "Nothing is left to remove."]
    monkeypatch.setattr(purges, "PURGES", [counting("lists", error=ValueError("+12025550142"))])
    with pytest.raises(CommandError, match=r"A part failed \(ValueError\)"):
        call_command("purge", stdout=said)


def test_days_are_changed_within_bounds_and_recorded_with_both_values(workspace: Workspace) -> None:
    actor = make_user(workspace=workspace)
    kind = RetentionKind.CALLBACKS
    rules.set_days(workspace, kind, 120, actor=actor)
    rules.set_days(workspace, kind, 120, actor=actor)
    [event] = AuditEvent.objects.filter(action="retention.changed")
    assert event.details == {"kind": "callbacks", "was": 90, "now": 120}
    assert rules.days_of(workspace.pk)[kind] == 120
    assert rules.before(workspace.pk, kind, NOW) == NOW - timedelta(days=120)
    for wrong, days in ((kind, 29), (kind, 2193), (RetentionKind.AUDIT, 10), (RetentionKind.ANSWERS, 2)):
        with pytest.raises(ValueError, match="may be kept"):
            rules.set_days(workspace, wrong, days, actor=actor)
    assert RetentionRule.objects.count() == 1


def test_nothing_is_removed_while_a_hold_stands(workspace: Workspace) -> None:
    hold = holds.place(workspace, campaign_id=workspace.pk, name="Flu", reason="Alder", actor=None)
    moments = {kind: rules.before(workspace.pk, kind, NOW) for kind in DECIDED}
    assert [kind for kind, moment in moments.items() if moment] == [RetentionKind.NUMBERS]
    holds.place(workspace, campaign_id=None, name="All", reason="Audit", actor=None)
    assert rules.before(workspace.pk, RetentionKind.NUMBERS, NOW) is None
    assert holds.lift(hold, reason="Over", actor=None, now=database_now())
    assert not holds.lift(hold, reason="Over", actor=None, now=database_now())
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {"legal_hold.placed", "legal_hold.lifted"}


def test_the_default_of_each_kind_is_within_its_bounds() -> None:
    assert set(TERMS) == set(RetentionKind)
    for kind in DECIDED:
        term = TERMS[kind]
        assert term.least is not None and term.days is not None and term.most is not None
        assert 0 < term.least <= term.days <= term.most
