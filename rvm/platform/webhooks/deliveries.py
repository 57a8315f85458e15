"""What people ask of deliveries: one or all since a moment again, and a test of a destination.

A replay has the ids of its events, so a receiver that remembers ids knows it. What a disabled destination is asked to get waits until
it is enabled.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import first_id_at
from rvm.platform.models import WebhookAttempt, WebhookDelivery, WebhookDestination
from rvm.platform.webhooks.event_types import PING, tell

# Whether the destination d is told of the event e: of what it has chosen, and of its own tests whatever it has chosen.
IS_TOLD = f"""
CASE WHEN e.type = '{PING}' THEN e.data ->> 'destination_id' = d.id::text
     ELSE cardinality(d.accepted_event_types) = 0 OR e.type = ANY(d.accepted_event_types) END
"""
_COUNT = f"""
SELECT count(*)
  FROM platform_webhookdestination d
  JOIN platform_event e ON e.workspace_id = d.workspace_id AND e.live = d.live AND e.id > %s AND e.id <= %s
 WHERE d.id = %s AND ({IS_TOLD})
"""  # noqa: S608 - of constants

# A receiver that keeps asking for rest is tried without end; so many of a delivery's attempts are shown, the newest.
MAX_SHOWN = 100


def attempts(delivery: WebhookDelivery) -> list[WebhookAttempt]:
    """The delivery's attempts, the first one first; of more than MAX_SHOWN the newest."""
    newest = WebhookAttempt.objects.filter(delivery=delivery).order_by("-number", "-id")[:MAX_SHOWN]
    return list(reversed(newest))


def first_position() -> UUID:
    """The position of a new destination, which is told of what happens from now on."""
    return first_id_at(database_now())


@transaction.atomic
def replay(delivery: WebhookDelivery) -> WebhookDelivery:
    """The delivery of the same event anew, before what waits of its subject; one that has not ended is due at once instead."""
    _try_soon(delivery.destination_id)
    again = WebhookDelivery.objects.select_for_update().get(pk=delivery.pk)
    if again.state == WebhookDelivery.State.PENDING:
        WebhookDelivery.objects.filter(pk=again.pk).update(due_at=Now())
    else:
        again = WebhookDelivery.objects.create(
            destination_id=delivery.destination_id,
            event_id=delivery.event_id,
            type=delivery.type,
            subject_id=delivery.subject_id,
            due_at=Now(),
            replay=True,
        )
    again.refresh_from_db()
    return again


@transaction.atomic
def replay_since(destination: WebhookDestination, moment: datetime) -> int:
    """Have the destination read the feed again from the moment on, in its order; how many events it gets again.

    What waits of these events is read again, too, in its place among them. A moment at which it has not arrived yet changes nothing.
    """
    position, seen = first_id_at(moment), _position(destination)
    # Thirty days take seconds to count, and while the destination is locked the process that sends to it settles nothing of any.
    count = _count(destination, position, seen)
    _try_soon(destination.pk)
    was = _position(destination)
    if position >= was:
        return 0
    waiting = Q(destination_id=destination.pk, state=WebhookDelivery.State.PENDING, event_id__gt=position)
    WebhookAttempt.objects.filter(delivery_id__in=WebhookDelivery.objects.filter(waiting).values("pk")).delete()
    WebhookDelivery.objects.filter(waiting).delete()
    WebhookDestination.objects.filter(pk=destination.pk).update(position=position)
    if was < seen:  # somebody else was faster
        return _count(destination, position, was)
    return count + _count(destination, max(position, seen), was)


def _position(destination: WebhookDestination) -> UUID:
    return WebhookDestination.objects.values_list("position", flat=True).get(pk=destination.pk)


def _count(destination: WebhookDestination, after: UUID, until: UUID) -> int:
    """How many events the destination is told of behind `after`, up to `until`."""
    [(count,)] = sql.run(_COUNT, [after, until, destination.pk])
    return int(count)


@transaction.atomic
def ping(destination: WebhookDestination) -> None:
    """Have the destination told of an event for a test, behind all that happened before; one that is left alone after failures is
    tried at once."""
    _try_soon(destination.pk)
    tell(PING, destination)


def _try_soon(destination_id: UUID) -> None:
    """Leave the destination alone no longer; also the lock under which its deliveries are changed."""
    WebhookDestination.objects.filter(pk=destination_id).update(waits_until=None)
