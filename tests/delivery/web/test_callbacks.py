"""The address where carriers report, through the real URL: proved on the raw bytes, kept, answered."""

from __future__ import annotations

import hashlib
import hmac
import os
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import orjson
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from django_rq import get_queue

from delivery.models import CarrierReport, Drop
from delivery.reports.inbox import merge
from delivery.runtime import wakeups
from delivery.web.callbacks import MAX_BYTES
from rvm.platform.database.ids import uuid7
from tests import factories
from tests.delivery.states import NOW, both, make_submitted
from usecases.models import TelephonySetup

pytestmark = pytest.mark.django_db
SECRET = factories.SANDBOX_CREDENTIALS["signing_secret"].encode()


@pytest.fixture(autouse=True)
def _nothing_was_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    get_queue("reports").connection.flushdb()
    monkeypatch.setattr(wakeups, "_woken", {})


def body(*keys: object, status: str = "delivered") -> bytes:
    return orjson.dumps({"events": [{"reference": str(key), "status": status, "event_id": "e-1"} for key in keys]})


def signature(raw: bytes, at: int, secret: bytes = SECRET) -> str:
    return "sha256=" + hmac.new(secret, str(at).encode() + b"." + raw, hashlib.sha256).hexdigest()


def send(setup: TelephonySetup | str, raw: bytes, **headers: str) -> HttpResponse:
    """POST the bytes; properly signed unless `headers` say otherwise."""
    at = int(timezone.now().timestamp())
    token = setup if isinstance(setup, str) else factories.fixed_token(setup)
    signed = {"x-sandbox-timestamp": str(at), "x-sandbox-signature": signature(raw, at)} | headers
    answer: Any = Client(enforce_csrf_checks=True).post(
        f"/carriers/{token}/", raw, content_type="application/json", headers={k: v for k, v in signed.items() if v}
    )
    return answer


def test_a_verified_report_is_kept_answered_and_merged() -> None:
    drop = make_submitted("accepted")
    assert send(drop.setup, body(drop.id)).status_code == 200
    report = CarrierReport.objects.get()
    assert (report.drop_id, report.status, report.event_id, report.setup_id) == (
        drop.id,
        "delivered",
        "e-1",
        drop.setup_id,
    )
    assert both(drop)[0] == "accepted"
    merge(NOW)
    assert both(drop) == ("delivered", "", "delivered", "")


@pytest.mark.django_db(transaction=True)
def test_a_kept_report_rings_for_its_merge() -> None:
    drop = make_submitted("accepted")
    send(drop.setup, body(drop.id))
    assert get_queue("reports").count == 1


@pytest.mark.django_db(transaction=True)
def test_a_flood_rings_seldom_and_rings_again_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    rings: list[str] = []
    monkeypatch.setattr(wakeups, "wake", rings.append)
    clock = SimpleNamespace(now=100.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(wakeups, "time", clock)
    drop = make_submitted("accepted")
    for clock.now in (100.0, 100.1, 100.2, 100.3, 100.4):
        send(drop.setup, body(drop.id))
    assert rings == ["reports", "reports"]


@pytest.mark.django_db(transaction=True)
def test_a_callback_over_a_connection_that_died_meanwhile_is_kept_all_the_same() -> None:
    drop = make_submitted("accepted")
    token = factories.fixed_token(drop.setup)
    assert send(token, body(drop.id)).status_code == 200
    pid = connection.connection.info.backend_pid
    url = os.environ["DATABASE_URL"].rpartition("/")[0]
    with psycopg.connect(f"{url}/{settings.DATABASES['default']['NAME']}", autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    assert send(token, body(drop.id)).status_code == 200
    assert CarrierReport.objects.count() == 2


def old(raw: bytes) -> dict[str, str]:
    at = int((timezone.now() - timedelta(minutes=6)).timestamp())
    return {"x-sandbox-timestamp": str(at), "x-sandbox-signature": signature(raw, at)}


def wrong_secret(raw: bytes) -> dict[str, str]:
    at = int(timezone.now().timestamp())
    return {"x-sandbox-timestamp": str(at), "x-sandbox-signature": signature(raw, at, b"other")}


@pytest.mark.parametrize(
    "forge",
    [
        lambda raw: {"x-sandbox-signature": ""},
        lambda raw: {"x-sandbox-timestamp": ""},
        lambda raw: {"x-sandbox-signature": "sha256=00"},
        lambda raw: {"x-sandbox-timestamp": "now"},
        old,
        wrong_secret,
    ],
    ids=["unsigned", "without its time", "forged", "no time", "replayed", "another secret"],
)
def test_what_does_not_prove_its_origin_is_refused_and_not_kept(forge: Any) -> None:
    drop = make_submitted("accepted")
    raw = body(drop.id)
    assert send(drop.setup, raw, **forge(raw)).status_code == 401
    assert not CarrierReport.objects.exists()
    assert get_queue("reports").count == 0


def test_a_body_that_was_changed_on_its_way_is_refused() -> None:
    drop = make_submitted("accepted")
    at = int(timezone.now().timestamp())
    good = signature(body(drop.id), at)
    headers = {"x-sandbox-timestamp": str(at), "x-sandbox-signature": good}
    assert send(drop.setup, body(drop.id, status="failed"), **headers).status_code == 401


def test_one_setups_signature_does_not_open_another_setups_address() -> None:
    drop = make_submitted("accepted")
    other = factories.make_setup(credentials={**factories.SANDBOX_CREDENTIALS, "signing_secret": "its-own"})
    assert send(other, body(drop.id)).status_code == 401


@pytest.mark.parametrize(("size", "status"), [(MAX_BYTES, 400), (MAX_BYTES + 1, 413), (4 * MAX_BYTES, 413)])
def test_a_body_beyond_the_limit_is_refused_before_it_is_verified(size: int, status: int) -> None:
    assert send(factories.make_setup(), b" " * size).status_code == status


@pytest.mark.parametrize(
    "raw", [b"", b"garbage", b"[]", b"\xff\x00", b'{"events": 1}', b'{"events": [{}]}', body("not-a-key"), b"[" * 5000]
)
def test_a_proved_body_that_cannot_be_read_is_refused(raw: bytes) -> None:
    assert send(factories.make_setup(), raw).status_code == 400
    assert not CarrierReport.objects.exists()


@pytest.mark.parametrize("token", ["unknown", "x" * 500, "%00", "%F0%9F%98%80", "a b", "..%2f"])
def test_an_unknown_address_is_not_found(token: str) -> None:
    assert send(token, body(uuid7())).status_code == 404


def test_reading_the_address_is_not_allowed() -> None:
    assert Client().get(f"/carriers/{factories.fixed_token(factories.make_setup())}/").status_code == 405


def test_a_proved_report_on_no_drop_of_ours_is_kept_and_answered_well() -> None:
    setup = factories.make_setup()
    assert send(setup, body(uuid7())).status_code == 200
    merge(NOW)
    assert CarrierReport.objects.get().effect == "unknown_drop"


def test_a_replay_within_the_time_window_changes_nothing_twice() -> None:
    drop = make_submitted("accepted")
    raw = body(drop.id)
    assert [send(drop.setup, raw).status_code for _ in range(3)] == [200] * 3
    merge(NOW)
    assert both(drop)[0] == "delivered"
    assert [report.effect for report in CarrierReport.objects.all()] == ["applied", "kept", "kept"]


def test_hundreds_of_events_in_one_callback_are_all_kept() -> None:
    drop = make_submitted("accepted")
    assert send(drop.setup, body(*[uuid7() for _ in range(400)], drop.id)).status_code == 200
    assert merge(NOW) == 401
    assert both(drop)[0] == "delivered"


def test_a_disabled_or_deleted_setup_still_hears_its_carrier() -> None:
    drop = make_submitted("accepted")
    TelephonySetup.objects.update(enabled=False, deleted_at=NOW)
    assert send(drop.setup, body(drop.id)).status_code == 200


@pytest.mark.parametrize("broken", ["carrier = 'gone'", "credentials = '\\x00'::bytea"])
def test_a_setup_that_cannot_be_used_asks_its_carrier_to_come_again(broken: str) -> None:
    drop = make_submitted("accepted")
    token = factories.fixed_token(drop.setup)
    connection.cursor().execute(f"UPDATE usecases_telephonysetup SET {broken} WHERE id = %s", [drop.setup_id])
    assert send(token, body(drop.id)).status_code == 503
    assert Drop.objects.get().status == "accepted"
    assert not CarrierReport.objects.exists()


def test_nothing_of_a_callback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    raw = b'{"events": [{"to": "+12025550142"}]}'
    assert send(factories.make_setup(), raw).status_code == 400
    assert "callback_malformed" in caplog.text
    assert "2025550142" not in caplog.text
