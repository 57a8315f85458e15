"""Verification of webhooks: only what RVM signed, and lately, is believed."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from rvm_client.errors import NotVerified
from rvm_client.rows import Event

# As the destination has it: Standard Webhooks, or the signature of the reference platform.
Signature = Literal["standard", "hex"]
WINDOW_SECONDS = 300
_HEX = "sha256="


def verify(
    body: bytes, headers: Mapping[str, str], secrets: str | Sequence[str], *, signature: Signature = "standard"
) -> Event:
    """The event of a webhook. `body` are the bytes as they came; `secrets` are the destination's (`whsec_…`), several where one is
    being replaced; `signature` is that of the destination, and no other is taken.

    A webhook is refused that was signed more than five minutes ago, or ahead. Within that time the same one may come
    again: its `id` is then the same. Raises NotVerified, and ValueError for a secret that is none.
    """
    known = [_verifier(secret, signature) for secret in ([secrets] if isinstance(secrets, str) else secrets)]
    if not known:
        raise ValueError("A webhook is verified with at least one secret.")
    lower = {name.lower(): value for name, value in headers.items()}
    if signature == "standard" and lower.get("webhook-signature", "").startswith(_HEX):
        raise NotVerified('The webhook has the signature “hex”, which is verified where signature="hex" says so.')
    why = ""
    for each in known:
        try:
            content = each(body, lower)
        except WebhookVerificationError as error:
            why = str(error)
        except ValueError:  # bytes that are no text, or a signature that is not written like one
            why = "Malformed"
        else:
            # Of the two, only the standard signature covers the header with the id.
            return _event(content, lower["webhook-id"] if signature == "standard" else None)
    raise NotVerified(f"The webhook is not one that RVM has just signed with this secret: {why}.")


def _verifier(secret: str, signature: Signature) -> Callable[[bytes, dict[str, str]], Any]:
    """What gives the content of a webhook that is signed with the secret, and raises for another one."""
    standard = _webhook(secret)
    if signature == "standard":
        return standard.verify
    if signature != "hex":
        raise ValueError("The signature of a destination is “standard” or “hex”.")
    return lambda body, headers: _verified_hex(secret, body, headers)


def _verified_hex(secret: str, body: bytes, headers: Mapping[str, str]) -> Any:
    try:
        timestamp, given = headers["webhook-timestamp"], headers["webhook-signature"]
    except KeyError:
        raise WebhookVerificationError("Missing required headers") from None
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise WebhookVerificationError("Invalid Signature Headers")
    signed = _HEX + hmac.new(secret.encode(), f"v1:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signed.encode(), given.encode(errors="replace")):
        raise WebhookVerificationError("No matching signature found")
    ahead = int(timestamp) - time.time()
    if abs(ahead) > WINDOW_SECONDS:
        raise WebhookVerificationError(f"Message timestamp too {'new' if ahead > 0 else 'old'}")
    return json.loads(body)


def is_secret(text: str) -> bool:
    """Whether it can be the secret of a destination."""
    try:
        _webhook(text)
    except ValueError:
        return False
    return text.startswith("whsec_")


def _webhook(secret: str) -> Webhook:
    try:
        return Webhook(secret)
    except Exception as error:
        raise ValueError(
            "The secret of a destination begins with whsec_ and is shown once, when it is made."
        ) from error


def _event(content: Any, webhook_id: str | None) -> Event:
    """The event, whose id is the webhook's where that is signed, and otherwise stands in the content."""
    if not isinstance(content, dict) or not isinstance(content.get("type"), str):
        raise NotVerified("The webhook is signed, and is no event of RVM.")
    event_id = webhook_id or content.get("id")
    if not isinstance(event_id, str) or not event_id:
        raise NotVerified("The webhook is signed, and its event has no id.")
    data = content.get("data")
    return {
        "id": event_id,
        "type": content["type"],
        "timestamp": str(content.get("timestamp", "")),
        "data": data if isinstance(data, dict) else {},
    }
