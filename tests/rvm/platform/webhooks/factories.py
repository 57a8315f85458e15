"""Destinations, and events of the feed that they are told of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import uuid7, uuid7_at
from rvm.platform.events import outbox, publisher
from rvm.platform.models import Event, WebhookAttempt, WebhookDelivery, WebhookDestination, WebhookSecret, Workspace

SECRET = "whsec_" + "c2VjcmV0" * 5


def make_destination(
    workspace: Workspace, url: str = "https://hooks.example.org/rvm", **fields: Any
) -> WebhookDestination:
    destination = WebhookDestination.objects.create(
        workspace=workspace, url=url, **{"name": "Records", "live": True, **fields}
    )
    WebhookSecret.objects.create(destination=destination, secret=SECRET, last4=SECRET[-4:])
    return destination


def make_delivery(destination: WebhookDestination, **fields: Any) -> WebhookDelivery:
    """A delivery with an attempt that failed; without a `state`, the receiver has taken it with its second attempt."""
    now = database_now()
    ended = {"due_at": now} if "state" in fields else {"state": "delivered", "attempts": 2, "ended_at": now}
    delivery = WebhookDelivery.objects.create(
        **{
            "destination": destination,
            "event_id": uuid7(),
            "type": "voicemail.delivered",
            "subject_id": uuid7(),
            **ended,
            **fields,
        }
    )
    failed = {"status": 503, "error": "The receiver answered 503.", "answer": "Busy"}
    WebhookAttempt.objects.create(delivery=delivery, number=1, at=now, milliseconds=31, **failed)
    if delivery.state == "delivered":
        WebhookAttempt.objects.create(delivery=delivery, number=2, at=now, milliseconds=24, status=204)
    delivery.refresh_from_db()
    return delivery


def happens(
    workspace: Workspace,
    count: int = 1,
    *,
    type_name: str = "voicemail.delivered",
    subject: UUID | None = None,
    **data: Any,
) -> list[UUID]:
    """Publish events, each of a subject of its own if none is given, and return their ids."""
    before = set(Event.objects.values_list("id", flat=True))
    for _ in range(count):
        outbox.add(type_name, subject or uuid7(), workspace_id=workspace.pk, live=True, **data)
    while publisher.publish():
        pass
    return list(Event.objects.exclude(id__in=before).order_by("id").values_list("id", flat=True))


def happened(workspace: Workspace, ago: timedelta, type_name: str = "voicemail.delivered") -> UUID:
    """An event of the feed that is some time old."""
    moment: datetime = database_now() - ago
    event = Event.objects.create(
        id=uuid7_at(int(moment.timestamp() * 1000)),
        workspace=workspace,
        live=True,
        type=type_name,
        subject_id=uuid7(),
        occurred_at=moment,
        data={},
    )
    return event.pk


def deliveries(destination: WebhookDestination) -> list[WebhookDelivery]:
    return list(WebhookDelivery.objects.filter(destination=destination).order_by("id"))
