"""Campaigns that do not start or go on, and lists that cannot be read, are on the administrators' list of their workspace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from campaigns.imports import runner
from campaigns.lifecycle import scheduler
from campaigns.models import Campaign, OptOutImport, RecipientImport
from campaigns.states import CampaignState
from rvm.platform.health.failed_work import notice
from rvm.platform.models import FailedWork
from tests import factories

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)


def failing() -> list[tuple[str, str, str]]:
    rows = FailedWork.objects.exclude(kind="process").order_by("kind", "subject")
    return list(rows.values_list("kind", "name", "reason"))


def test_a_campaign_that_has_not_started_at_its_time_is_listed() -> None:
    campaign = factories.make_campaign(state=CampaignState.SCHEDULED, starts_at=NOW)
    notice(NOW + timedelta(minutes=1))
    assert failing() == []
    notice(NOW + timedelta(minutes=3))
    was = "It was to start at Mon, Mar 2, 2026, 5:00 PM UTC;"
    assert failing() == [("campaign_late", campaign.name, f"{was} the tick has not started it.")]
    factories.make_import(campaign, state="importing")
    notice(NOW + timedelta(minutes=3))
    assert failing()[0] == ("campaign_late", campaign.name, f"{was} a list of it is still being read.")
    Campaign.objects.update(state=CampaignState.RUNNING)
    notice(NOW + timedelta(minutes=4))
    assert ("campaign_late", campaign.name) not in [row[:2] for row in failing()]


def test_a_campaign_whose_step_fails_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = factories.make_campaign(state=CampaignState.SCHEDULED, starts_at=NOW)

    def broken(*_: object) -> None:
        raise KeyError("2025550142")

    monkeypatch.setattr(scheduler, "begin", broken)
    scheduler.start_due(NOW)
    scheduler.start_due(NOW)
    row = FailedWork.objects.get()
    assert (row.kind, row.name, row.workspace_id, row.count) == (
        "campaign_step",
        campaign.name,
        campaign.workspace_id,
        2,
    )
    assert row.reason == "A fault of the program (KeyError)."


def test_lists_that_cannot_be_read_are_listed_while_their_file_is_kept() -> None:
    campaign = factories.make_campaign()
    factories.make_import(campaign, state="failed", error="Its sheet is empty.")
    OptOutImport.objects.create(
        workspace=campaign.workspace, file_name="stop.csv", size_bytes=1, format="csv", state="failed", error="No rows."
    )
    notice(NOW)
    assert failing() == [("list", "list.csv", "Its sheet is empty."), ("opt_outs", "stop.csv", "No rows.")]
    RecipientImport.objects.update(file_removed_at=NOW)
    OptOutImport.objects.update(state="discarded")
    notice(NOW)
    assert failing() == []


def test_a_list_without_progress_is_listed() -> None:
    row = factories.make_import(factories.make_campaign(), state="checking")
    notice(row.updated_at + timedelta(minutes=4))
    assert failing() == []
    notice(row.updated_at + timedelta(minutes=6))
    assert [kind for kind, *_ in failing()] == ["list_stuck"]


def test_a_list_that_stops_while_it_is_imported_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    row = factories.make_import(factories.make_campaign(), state="importing")

    def broken(*_: object) -> None:
        raise KeyError("2025550142")

    monkeypatch.setattr(runner, "insert", broken)
    runner.work_on(row.pk)
    assert failing() == [("import_broke", "list.csv", "A fault of the program (KeyError).")]
