"""A webhook is believed when it is signed with a known secret, lately, and as it came."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from rvm_client import NotVerified
from rvm_client.webhooks import verify
from standardwebhooks.webhooks import Webhook

OLD, NEW, FOREIGN = (f"whsec_{base64.b64encode(name * 4).decode()}" for name in (b"old-key-", b"new-key-", b"foreign-"))
BODY = json.dumps(
    {"type": "voicemail.delivered", "timestamp": "2026-11-30T10:00:00Z", "data": {"voicemail_id": "v1"}}
).encode()


def signed(*secrets: str, body: bytes = BODY, ago: timedelta = timedelta()) -> dict[str, str]:
    moment = datetime.now(UTC) - ago
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(moment.timestamp())),
        "Webhook-Signature": " ".join(
            Webhook(secret).sign("msg_1", moment.replace(microsecond=0), body.decode()) for secret in secrets
        ),
    }


@pytest.mark.parametrize("known", [OLD, NEW, [OLD, NEW], [NEW, OLD], [FOREIGN, OLD]])
def test_a_webhook_with_both_signatures_is_verified_by_either_secret(known: str | list[str]) -> None:
    assert verify(BODY, signed(OLD, NEW), known) == {
        "id": "msg_1",
        "type": "voicemail.delivered",
        "timestamp": "2026-11-30T10:00:00Z",
        "data": {"voicemail_id": "v1"},
    }


def test_a_receiver_with_both_secrets_takes_what_is_signed_with_either() -> None:
    for secret in (OLD, NEW):
        assert verify(BODY, signed(secret), [OLD, NEW])["id"] == "msg_1"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY, signed(FOREIGN)),
        (BODY + b" ", signed(OLD)),
        (BODY, signed(OLD) | {"Webhook-Id": "msg_2"}),
        (BODY, signed(OLD, ago=timedelta(hours=1))),
        (BODY, signed(OLD, ago=timedelta(hours=-1))),
        (BODY, signed(OLD) | {"Webhook-Timestamp": "now"}),
        (BODY, signed(OLD) | {"Webhook-Signature": "v1"}),
        (BODY, signed(OLD) | {"Webhook-Signature": "v1,a"}),
        (BODY, signed(OLD) | {"Webhook-Signature": "v2,AAAA"}),
        (BODY, {}),
        (b"\xff", signed(OLD)),
        (b"[]", signed(OLD, body=b"[]")),
        (b"{}", signed(OLD, body=b"{}")),
        (b"<html>", signed(OLD, body=b"<html>")),
    ],
)
def test_everything_else_is_refused(body: bytes, headers: Mapping[str, str]) -> None:
    with pytest.raises(NotVerified):
        verify(body, headers, [OLD, NEW])


@pytest.mark.parametrize("secrets", ["", "whsec_", "whsec_§", []])
def test_a_secret_that_is_none_is_a_fault_of_the_program(secrets: str | list[str]) -> None:
    with pytest.raises(ValueError, match="secret"):
        verify(BODY, signed(OLD), secrets)
