"""Types of events about webhooks themselves."""

from __future__ import annotations

from rest_framework import serializers

from rvm.platform.events import outbox
from rvm.platform.events.types import EventType
from rvm.platform.models import WebhookDestination

PING, DISABLED = "webhook.ping", "webhook_destination.disabled"


class DestinationEventSerializer(serializers.Serializer[None]):
    destination_id = serializers.UUIDField()


TYPES = [
    EventType(PING, "Somebody tests the destination; it alone is told.", DestinationEventSerializer),
    EventType(
        DISABLED,
        "A destination is sent nothing until somebody enables it: it took nothing for too long, or somebody disabled it.",
        DestinationEventSerializer,
    ),
]


def tell(name: str, destination: WebhookDestination) -> None:
    """Add an event about the destination, in the transaction of its change."""
    outbox.add(
        name,
        destination.pk,
        workspace_id=destination.workspace_id,
        live=destination.live,
        destination_id=destination.pk,
    )
