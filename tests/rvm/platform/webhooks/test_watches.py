"""What is said of events that wait and of destinations that take nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import uuid7
from rvm.platform.models import Outbox, WebhookDelivery, Workspace
from rvm.platform.webhooks import watches
from tests.rvm.platform.webhooks.factories import make_destination

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def waits(workspace: Workspace, seconds: int) -> None:
    Outbox.objects.create(
        workspace=workspace,
        live=True,
        type="campaign.completed",
        subject_id=uuid7(),
        occurred_at=database_now() - timedelta(seconds=seconds),
        data={},
    )


def test_events_that_wait_for_half_a_minute_are_a_warning(workspace: Workspace) -> None:
    assert watches.warning() == ""
    waits(workspace, 20)
    assert watches.warning() == ""
    Outbox.objects.all().delete()
    waits(workspace, 40)
    assert watches.warning().endswith("Start `manage.py events`.")
    assert watches.backlog().unpublished_seconds >= 40


def test_what_waits_for_a_destination_that_is_left_alone_is_no_backlog(workspace: Workspace) -> None:
    past = database_now() - timedelta(minutes=7)
    for fields in ({}, {"waits_until": past + timedelta(days=1)}, {"disabled_at": past}):
        WebhookDelivery.objects.create(
            destination=make_destination(workspace, **fields),
            event_id=uuid7(),
            type="campaign.completed",
            subject_id=uuid7(),
            due_at=past,
        )
    backlog = watches.backlog()
    assert backlog.due == 1
    assert backlog.oldest_due_seconds >= 420


def test_destinations_that_take_nothing_are_failed_work(workspace: Workspace) -> None:
    long_ago = NOW - timedelta(hours=2)
    make_destination(workspace, name="Well")
    make_destination(workspace, name="Disabled by a person", disabled_at=NOW)
    make_destination(workspace, name="Fails since just now", failures=9, failing_since=NOW)
    make_destination(workspace, name="Deleted", failures=9, failing_since=long_ago, deleted_at=NOW)
    make_destination(workspace, name="Fails", failures=9, failing_since=long_ago)
    make_destination(workspace, name="Disabled", disabled_at=NOW, disabled_because="It answered 410.")
    found = [(each.name, each.reason) for each in watches.failing_destinations(NOW)]
    assert found == [
        ("Fails", "It has taken nothing since Mon, Mar 2, 2026, 1:00 PM UTC; its log of deliveries says why."),
        ("Disabled", "Disabled. It answered 410."),
    ]
    assert watches.failing() == 3
