"""A webhook is believed when it is signed with a known secret, lately, and as it came."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from rvm_client import NotVerified
from rvm_client.webhooks import verify
from standardwebhooks.webhooks import Webhook

from rvm.platform.models import WebhookDestination
from rvm.platform.webhooks.sending.signatures import body_of, headers_of

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


HEX_BODY = BODY[:-1] + b', "id": "e1"}'


def hex_signed(secret: str = OLD, body: bytes = HEX_BODY, ago: int = 0, timestamp: str | None = None) -> dict[str, str]:
    said = timestamp or str(int(datetime.now(UTC).timestamp()) - ago)
    mark = hmac.new(secret.encode(), f"v1:{said}:".encode() + body, hashlib.sha256).hexdigest()
    return {"Webhook-Timestamp": said, "Webhook-Signature": f"sha256={mark}"}


@pytest.mark.parametrize("known", [OLD, [NEW, OLD]])
def test_the_signature_of_the_reference_platform_is_verified_where_it_is_chosen(known: str | list[str]) -> None:
    assert verify(HEX_BODY, hex_signed(), known, signature="hex") == {
        "id": "e1",
        "type": "voicemail.delivered",
        "timestamp": "2026-11-30T10:00:00Z",
        "data": {"voicemail_id": "v1"},
    }


@pytest.mark.parametrize("signature", WebhookDestination.Signature.values)
def test_what_the_platform_sends_is_verified_under_either_signature(signature: str) -> None:
    event, now = UUID(int=7), datetime.now(UTC)
    body = body_of(event, "voicemail.failed", now, '{"voicemail_id":"v1"}')
    headers = dict(line.split(": ", 1) for line in headers_of(signature, [OLD], event, now, body))
    assert verify(body, headers, OLD, signature=signature)["id"] == str(event)  # type: ignore[arg-type]


def test_the_id_is_read_where_it_is_signed() -> None:
    """The header could be changed on the way, and the webhook done twice."""
    assert verify(HEX_BODY, hex_signed() | {"Webhook-Id": "another"}, OLD, signature="hex")["id"] == "e1"


@pytest.mark.parametrize("ago", [299, -299])
def test_a_hex_signature_within_five_minutes_is_taken(ago: int) -> None:
    assert verify(HEX_BODY, hex_signed(ago=ago), OLD, signature="hex")["id"] == "e1"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (HEX_BODY, hex_signed(FOREIGN)),
        (HEX_BODY + b" ", hex_signed()),
        (HEX_BODY, hex_signed(ago=3600)),
        (HEX_BODY, hex_signed(ago=-3600)),
        (HEX_BODY, hex_signed(timestamp="now")),
        (HEX_BODY, hex_signed(timestamp="9" * 400)),
        (HEX_BODY, hex_signed() | {"Webhook-Signature": ""}),
        (HEX_BODY, hex_signed() | {"Webhook-Signature": "sha256=é\udcff"}),
        (HEX_BODY, hex_signed() | {"Webhook-Signature": hex_signed()["Webhook-Signature"].partition("=")[2]}),
        (HEX_BODY, signed(OLD, body=HEX_BODY)),
        (HEX_BODY, {}),
        (b"\xff", hex_signed(body=b"\xff")),
        (b"[]", hex_signed(body=b"[]")),
        (BODY, hex_signed(body=BODY)),
    ],
)
def test_everything_else_is_refused_where_hex_is_chosen(body: bytes, headers: Mapping[str, str]) -> None:
    with pytest.raises(NotVerified):
        verify(body, headers, OLD, signature="hex")


def test_a_signature_is_verified_as_the_receiver_chose_and_not_as_the_sender_says() -> None:
    with pytest.raises(NotVerified, match='signature="hex"'):
        verify(HEX_BODY, hex_signed(), OLD)
    with pytest.raises(ValueError, match="standard"):
        verify(HEX_BODY, hex_signed(), OLD, signature="md5")  # type: ignore[arg-type]
