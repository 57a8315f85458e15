"""The sandbox carrier's signature on callbacks, by which a receiver verifies the sender."""

from __future__ import annotations

import hashlib
import hmac


def signature(secret: str, timestamp: str, raw: bytes) -> str:
    """The value of `X-Sandbox-Signature` for a body sent with `X-Sandbox-Timestamp: <timestamp>`."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + raw, hashlib.sha256).hexdigest()
