"""Signatures of inbound messages, as in Standard Webhooks 1.0: HMAC-SHA256 over id, time and the raw body. Pure.

The header `webhook-signature` may have several signatures; one by any valid secret is enough.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

PREFIX = "whsec_"
TOLERANCE = timedelta(minutes=5)


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def is_signed(secret: str, message_id: str, timestamp: str, body: bytes, given: str) -> bool:
    wanted = signature(secret, message_id, timestamp, body).encode()
    return any([hmac.compare_digest(wanted, each.encode()) for each in given.split()])


def is_timely(timestamp: str, now: datetime) -> bool:
    """Whether the message was signed within five minutes of `now`."""
    return (
        timestamp.isascii()
        and timestamp.isdecimal()
        and abs(int(timestamp[:15]) - now.timestamp()) <= TOLERANCE.seconds
    )


def is_signed_by_any(known: Iterable[str], message_id: str, timestamp: str, body: bytes, given: str) -> bool:
    try:
        return any([is_signed(secret, message_id, timestamp, body, given) for secret in known])
    except binascii.Error:
        return False
