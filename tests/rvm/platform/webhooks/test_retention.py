"""Deliveries go with the events that they tell of, with their attempts, and no others."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import uuid7_at
from rvm.platform.models import WebhookAttempt, WebhookDelivery, WebhookDestination, Workspace
from rvm.platform.retention import purges
from rvm.platform.webhooks import retention
from tests.factories import make_workspace
from tests.rvm.platform.webhooks.factories import make_destination

pytestmark = pytest.mark.django_db


def delivered(destination: WebhookDestination, at: datetime) -> WebhookDelivery:
    delivery = WebhookDelivery.objects.create(
        destination=destination,
        event_id=uuid7_at(int(at.timestamp() * 1000)),
        type="campaign.completed",
        subject_id=uuid7_at(0),
        state="delivered",
    )
    WebhookAttempt.objects.create(delivery=delivery, number=1, at=at, milliseconds=1)
    return delivery


def test_deliveries_are_removed_with_events_of_thirty_days(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purges, "STEP_ROWS", 2)
    now = database_now()
    destination, deleted = make_destination(workspace), make_destination(workspace, deleted_at=now)
    other = make_destination(make_workspace())
    old = now - timedelta(days=31)
    for each in (destination, destination, deleted, other):
        delivered(each, old)
    kept = delivered(destination, now - timedelta(days=29))
    assert retention.count(workspace.pk, now - timedelta(days=30)) == 3
    assert sum(retention.purge(workspace.pk, now)) == 3
    assert set(WebhookDelivery.objects.values_list("destination_id", "pk")) == {
        (destination.pk, kept.pk),
        (other.pk, WebhookDelivery.objects.get(destination=other).pk),
    }
    assert WebhookAttempt.objects.count() == 2
