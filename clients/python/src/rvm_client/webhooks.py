"""Verification of webhooks by the Standard Webhooks specification: only what RVM signed, and lately, is believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from rvm_client.errors import NotVerified
from rvm_client.rows import Event


def verify(body: bytes, headers: Mapping[str, str], secrets: str | Sequence[str]) -> Event:
    """The event of a webhook. `body` are the bytes as they came; `secrets` are the destination's (`whsec_…`), several where one is
    being replaced.

    A webhook is refused that was signed more than five minutes ago, or ahead. Within that time the same one may come
    again: its `id` is then the same. Raises NotVerified, and ValueError for a secret that is none.
    """
    known = [_webhook(secret) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    if not known:
        raise ValueError("A webhook is verified with at least one secret.")
    lower = {name.lower(): value for name, value in headers.items()}
    why = ""
    for each in known:
        try:
            content = each.verify(body, lower)
        except WebhookVerificationError as error:
            why = str(error)
        except ValueError:  # bytes that are no text, or a signature that is not written like one
            why = "Malformed"
        else:
            return _event(content, lower["webhook-id"])
    raise NotVerified(f"The webhook is not one that RVM has just signed with this secret: {why}.")


def _webhook(secret: str) -> Webhook:
    try:
        return Webhook(secret)
    except Exception as error:
        raise ValueError(
            "The secret of a destination begins with whsec_ and is shown once, when it is made."
        ) from error


def _event(content: Any, webhook_id: str) -> Event:
    if not isinstance(content, dict) or not isinstance(content.get("type"), str):
        raise NotVerified("The webhook is signed, and is no event of RVM.")
    data = content.get("data")
    return {
        "id": webhook_id,
        "type": content["type"],
        "timestamp": str(content.get("timestamp", "")),
        "data": data if isinstance(data, dict) else {},
    }
