"""The body and the headers of a webhook: by the Standard Webhooks specification, or signed as the reference platform signs."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import orjson
from standardwebhooks import Webhook

from rvm.platform.api.rendering import to_json
from rvm.platform.events.feed import envelope
from rvm.platform.models import WebhookDestination


def body_of(event_id: UUID, type_name: str, occurred_at: datetime, data: str) -> bytes:
    """`{id, type, timestamp, data}`; `data` is the event's, as JSON."""
    return to_json(envelope(event_id, type_name, occurred_at.astimezone(UTC), orjson.Fragment(data)))


def headers_of(kind: str, secrets: Sequence[str], event_id: UUID, now: datetime, body: bytes) -> list[str]:
    """The headers of one attempt, signed with each of the secrets, which are in the order of their making.

    The hex form has room for one signature: it is the older secret's until that ends, so a receiver has until then to get the newer.
    """
    if kind == WebhookDestination.Signature.HEX:
        signature = "sha256=" + _hex(secrets[0], int(now.timestamp()), body)
    else:
        signature = " ".join(Webhook(secret).sign(str(event_id), now, body.decode()) for secret in secrets)
    return [
        "Content-Type: application/json",
        f"webhook-id: {event_id}",
        f"webhook-timestamp: {int(now.timestamp())}",
        f"webhook-signature: {signature}",
    ]


def _hex(secret: str, timestamp: int, body: bytes) -> str:
    return hmac.new(secret.encode(), f"v1:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
