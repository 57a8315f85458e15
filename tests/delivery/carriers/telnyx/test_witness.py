"""Telnyx's own client as the witness of its webhooks: what it takes we take, and what it rejects we reject."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature

from delivery.carriers.base import CallbackRejected
from delivery.carriers.telnyx import Telnyx
from tests.delivery.calls.telnyx_webhooks import CREDENTIALS, KEY, OTHER_KEY, public, signed, webhook
from tests.delivery.carriers.callback_security import came
from tests.delivery.carriers.contract import ATTEMPT

CARRIER = Telnyx(CREDENTIALS)
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
HOOK = webhook("playback_ended", ATTEMPT)
bodies = st.text(max_size=200).map(str.encode) | st.just(HOOK)


@pytest.fixture(autouse=True)
def _its_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", NOW.timestamp)


def it_takes(raw: bytes, headers: dict[str, str]) -> bool:
    try:
        verify_webhook_signature(raw, headers, public(KEY))
    except WebhookVerificationError:
        return False
    return True


def we_take(raw: bytes, headers: dict[str, str]) -> bool:
    try:
        return CARRIER.verify(came(raw, headers, at=NOW))
    except CallbackRejected:
        return False


@given(raw=bodies, offset=st.integers(-400, 400))
def test_a_signature_counts_for_both_for_five_minutes(raw: bytes, offset: int) -> None:
    headers = signed(raw, NOW + timedelta(seconds=offset))
    assert it_takes(raw, headers) == we_take(raw, headers) == (abs(offset) <= 300)


@given(raw=bodies, other=bodies)
def test_a_body_that_was_not_signed_counts_for_neither(raw: bytes, other: bytes) -> None:
    headers = signed(other, NOW)
    assert it_takes(raw, headers) == we_take(raw, headers) == (raw == other)


@given(raw=bodies)
def test_another_key_counts_for_neither(raw: bytes) -> None:
    headers = signed(raw, NOW, OTHER_KEY)
    assert it_takes(raw, headers) is we_take(raw, headers) is False


@given(position=st.integers(0, 63), bit=st.integers(0, 7))
def test_one_bit_of_the_signature_decides_for_both(position: int, bit: int) -> None:
    headers = signed(HOOK, NOW)
    signature = bytearray(base64.b64decode(headers["telnyx-signature-ed25519"]))
    signature[position] ^= 1 << bit
    headers["telnyx-signature-ed25519"] = base64.b64encode(signature).decode()
    assert it_takes(HOOK, headers) is we_take(HOOK, headers) is False


@given(
    signature=st.none()
    | st.text(max_size=100)
    | st.binary(min_size=63, max_size=65).map(base64.b64encode).map(bytes.decode),
    timestamp=st.none() | st.text(max_size=12) | st.just(str(int(NOW.timestamp()))),
)
def test_what_it_rejects_we_reject(signature: str | None, timestamp: str | None) -> None:
    given_ones = {"telnyx-signature-ed25519": signature, "telnyx-timestamp": timestamp}
    headers = {name: value for name, value in given_ones.items() if value is not None}
    assert it_takes(HOOK, headers) or not we_take(HOOK, headers)
