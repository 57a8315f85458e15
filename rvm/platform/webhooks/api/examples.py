"""Examples of webhook destinations and deliveries in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from rvm.platform.api.schema import give_examples
from rvm.platform.webhooks.api.serializers import (
    EventTypesSerializer,
    IssuedWebhookDestinationSerializer,
    NewWebhookDestination,
    SecretRotation,
    WebhookDeliveryDetailSerializer,
    WebhookDeliverySerializer,
    WebhookDestinationChanges,
    WebhookDestinationSerializer,
    WebhookReplay,
    WebhookReplayedSerializer,
    WebhookTestSerializer,
)

_WORKSPACE = "01920f3a-5e00-7000-8000-0000000000a0"
_ID = "01920f3b-8d00-7000-8000-0000000000e1"
_MADE = "2026-03-02T15:00:00Z"
_URL = "https://hooks.clinic.example/rvm"
_TYPES = ["voicemail.delivered", "voicemail.failed"]

_DESTINATION: dict[str, Any] = {
    "id": _ID,
    "workspace_id": _WORKSPACE,
    "live": True,
    "name": "Scheduling system",
    "description": None,
    "url": _URL,
    "accepted_event_types": _TYPES,
    "signature": "standard",
    "concurrency": 4,
    "pace_per_second": None,
    "state": "enabled",
    "failing_since": None,
    "failures": 0,
    "next_attempt_at": None,
    "disabled_at": None,
    "disabled_because": None,
    "secrets": [{"last4": "9kQ=", "created_at": _MADE, "expires_at": None}],
    "created_by_entity_id": "01920f3a-6f00-7000-8000-0000000000a7",
    "created_at": _MADE,
    "updated_at": _MADE,
}
_DELIVERY: dict[str, Any] = {
    "id": "01920f3b-9a01-7000-8000-0000000000d3",
    "destination_id": _ID,
    "event_id": "01920f3b-9a00-7001-8000-0000000000e2",
    "type": "voicemail.delivered",
    "subject_id": "01920f3b-8e00-7000-8000-0000000000b1",
    "state": "delivered",
    "attempts": 2,
    "next_attempt_at": None,
    "replay": False,
    "created_at": "2026-03-02T15:04:00Z",
    "ended_at": "2026-03-02T15:04:06Z",
}
_ATTEMPTS: list[dict[str, Any]] = [
    {
        "number": 1,
        "at": "2026-03-02T15:04:00Z",
        "milliseconds": 31,
        "status": 503,
        "error": "The receiver answered 503.",
        "answer": "Down for maintenance",
    },
    {
        "number": 2,
        "at": "2026-03-02T15:04:06Z",
        "milliseconds": 24,
        "status": 204,
        "error": None,
        "answer": None,
    },
]

give_examples(
    {
        NewWebhookDestination: {"name": "Scheduling system", "url": _URL, "accepted_event_types": _TYPES},
        WebhookDestinationChanges: {"accepted_event_types": _TYPES},
        WebhookDestinationSerializer: _DESTINATION,
        IssuedWebhookDestinationSerializer: {**_DESTINATION, "secret": "whsec_<32 random bytes in base64>"},
        SecretRotation: {"overlap_hours": 24},
        WebhookDeliverySerializer: _DELIVERY,
        WebhookDeliveryDetailSerializer: {**_DELIVERY, "log": _ATTEMPTS},
        WebhookTestSerializer: {
            "type": "webhook.ping",
            "deliveries": f"/v1/{_WORKSPACE}/webhook-destinations/{_ID}/deliveries?type=webhook.ping",
        },
        WebhookReplay: {"since": _MADE},
        WebhookReplayedSerializer: {"events": 18},
        EventTypesSerializer: {
            "items": [
                {
                    "name": "voicemail.delivered",
                    "description": "The carrier reports that the message is in the mailbox.",
                }
            ]
        },
    }
)
