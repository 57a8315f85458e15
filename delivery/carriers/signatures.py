"""Verification of signed callbacks: a timestamp of now, and the usual signature, HMAC-SHA256 over it and the raw bytes."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import timedelta

from delivery.carriers.base import Callback, CallbackRejected

TOLERANCE = timedelta(seconds=300)  # the maximum difference between a callback's timestamp and our clock


def check_timestamp(callback: Callback, timestamp: str) -> bytes:
    """The value of the callback's timestamp header, in Unix seconds. Raises CallbackRejected unless it is within TOLERANCE of our
    clock. `timestamp` is the header's name as the vendor writes it."""
    seconds = callback.headers.get(timestamp.lower(), "")
    # isdigit alone accepts digits of every script; twelve digits suffice until the year 33658
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 12):
        raise CallbackRejected(f"{timestamp} is missing or is not a number of seconds.")
    if abs(callback.at.timestamp() - int(seconds)) > TOLERANCE.total_seconds():
        raise CallbackRejected(f"{timestamp} is more than {TOLERANCE.seconds} seconds from our clock.")
    return seconds.encode()


def check_signature(callback: Callback, *, secrets: Iterable[bytes], signature: str, timestamp: str) -> None:
    """Raise CallbackRejected unless the signature header is "sha256=" and the hex HMAC of timestamp, dot and body under a secret.

    `signature` and `timestamp` are the headers' names as the vendor writes them.
    """
    signed = check_timestamp(callback, timestamp) + b"." + callback.raw
    given = callback.headers.get(signature.lower(), "").encode(errors="replace")
    expected = [b"sha256=" + hmac.new(secret, signed, hashlib.sha256).hexdigest().encode() for secret in secrets]
    if not any([hmac.compare_digest(given, one) for one in expected]):
        raise CallbackRejected(f"{signature} does not match the body.")
