"""Webhooks of Telnyx as documented, signed with a key of the tests."""

from __future__ import annotations

import base64
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

WEBHOOKS: dict[str, Any] = orjson.loads(Path("fixtures/carriers/telnyx/webhooks.json").read_bytes())
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
CALL = WEBHOOKS["hangup"]["data"]["payload"]["call_control_id"]


def public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


CREDENTIALS = {"api_key": "KEY0123-secret", "connection_id": "7267000000000000000", "public_key": public(KEY)}


def state(attempt_key: UUID | str, *, played: bool = False) -> str:
    return base64.b64encode(f"{attempt_key}{' played' if played else ''}".encode()).decode()


def webhook(
    name: str, attempt_key: UUID | None = None, *, event_id: str = "", played: bool = False, **fields: Any
) -> bytes:
    """A webhook of the fixtures with fields of its payload replaced, left out where None."""
    event = orjson.loads(orjson.dumps(WEBHOOKS[name]))
    payload = event["data"]["payload"]
    if attempt_key is not None:
        payload["client_state"] = state(attempt_key, played=played)
    payload |= fields
    event["data"]["id"] = event_id or event["data"]["id"]
    event["data"]["payload"] = {key: value for key, value in payload.items() if value is not None}
    return orjson.dumps(event)


def signed(raw: bytes, at: datetime | str, key: Ed25519PrivateKey = KEY) -> dict[str, str]:
    seconds = at if isinstance(at, str) else str(int(at.timestamp()))
    signature = base64.b64encode(key.sign(seconds.encode(errors="replace") + b"|" + raw)).decode()
    return {"telnyx-timestamp": seconds, "telnyx-signature-ed25519": signature}
