"""Drafts that nobody continues expire, with the people in them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.lifecycle import drafts
from campaigns.lifecycle.drafts import count, purge
from campaigns.models import Campaign, LaunchApproval, RecipientImport
from delivery.models import Voicemail
from rvm.platform.database.clock import database_now
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.retention import holds
from rvm.platform.retention_kinds import TERMS, RetentionKind
from tests.delivery.states import counter_totals, row_counts
from tests.factories import make_campaign, make_import

pytestmark = pytest.mark.django_db

DAYS = timedelta(days=TERMS[RetentionKind.DRAFTS].days or 0)


def left_alone(campaign: Campaign, ago: timedelta = DAYS + timedelta(hours=1)) -> Campaign:
    at = database_now() - ago
    Campaign.objects.filter(pk=campaign.pk).update(updated_at=at)
    RecipientImport.objects.filter(campaign=campaign).update(updated_at=at)
    LaunchApproval.objects.filter(campaign=campaign).update(asked_at=at)
    return campaign


def purged(workspace: Workspace) -> int:
    return sum(purge(workspace.pk, database_now()))


def test_a_draft_that_nobody_continues_is_canceled_without_its_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "STEP_ROWS", 2)
    draft = left_alone(make_campaign(count=5))
    assert count(draft.workspace_id, database_now() - DAYS) == 1
    assert purged(draft.workspace) == 6
    draft.refresh_from_db()
    assert draft.state == "canceled" and draft.ended_at is not None
    people = Voicemail.objects.filter(lane=draft.lane)
    assert set(people.values_list("status", "reason", "recipient")) == {("canceled", "canceled", None)}
    assert counter_totals(draft.pk) == row_counts(draft.pk) == {("canceled", "canceled"): 5}
    [event] = AuditEvent.objects.filter(action="campaign.expired")
    assert (event.subject_id, event.actor) == (draft.pk, None)
    assert purged(draft.workspace) == 0


def test_what_somebody_continues_and_what_was_launched_stays() -> None:
    young = left_alone(make_campaign(count=1), DAYS - timedelta(hours=1))
    workspace, use_case = young.workspace, young.use_case
    listed = left_alone(make_campaign(use_case, count=1))
    make_import(listed)
    asked = left_alone(make_campaign(use_case, count=1))
    LaunchApproval.objects.create(campaign=asked, kind="launch", people=1, above=0, version=b"")
    launched = left_alone(make_campaign(use_case, count=1, state="scheduled"))
    assert purged(workspace) == 0
    assert not Voicemail.objects.filter(recipient__isnull=True).exists()
    assert set(Campaign.objects.values_list("state", flat=True)) == {"draft", launched.state}


def test_a_draft_that_is_changed_while_it_is_purged_stays_a_draft(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "STEP_ROWS", 2)
    draft = left_alone(make_campaign(count=5))
    steps = purge(draft.workspace_id, database_now())
    next(steps)
    Campaign.objects.filter(pk=draft.pk).update(updated_at=database_now())
    assert list(steps) == []
    draft.refresh_from_db()
    assert draft.state == "draft"
    assert Voicemail.objects.filter(lane=draft.lane, status="queued").count() == 3


def test_a_stopped_purge_goes_on_with_the_draft_and_a_hold_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "STEP_ROWS", 2)
    draft = left_alone(make_campaign(count=3))
    next(purge(draft.workspace_id, database_now()))
    hold = holds.place(draft.workspace, campaign_id=draft.pk, name="A", reason="B", actor=None)
    assert purged(draft.workspace) == count(draft.workspace_id, database_now()) == 0
    holds.lift(hold, reason="C", actor=None, now=database_now())
    assert purged(draft.workspace) == 4
    draft.refresh_from_db()
    assert draft.state == "canceled"
