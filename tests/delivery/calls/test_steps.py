"""A call's steps through the real view: what is played, and that the late steps of a dead call do nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.db import connection
from django.test import Client

from delivery.carriers.base import DropRequest
from delivery.models import CarrierReport, Drop, Voicemail
from delivery.reports.inbox import merge
from delivery.retention.erasure import erase_voicemails
from delivery.web import callbacks
from rvm.platform.sending_hold.service import hold
from tests import factories
from tests.delivery.carriers.twiml.vendors import FORM, VENDORS, Vendor
from tests.delivery.states import NOW, both, make_drop, make_submitted
from usecases.callbacks.addresses import drop_address

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)]

HANG_UP = b"<Response><Hangup/></Response>"
UNCHANGED = ("accepted", "", "accepted", "")


@pytest.fixture
def drop(vendor: Vendor) -> Drop:
    drop = make_submitted("accepted")
    drop.setup.carrier, drop.setup.credentials, drop.setup.simulated = vendor.name, vendor.credentials, False
    drop.setup.save()
    return drop


def told(vendor: Vendor, drop: Drop) -> dict[str, str]:
    """What the vendor was told when the drop was submitted."""
    url = drop_address(drop.setup.callback_secrets.get().callback_key, drop.id)
    request = vendor.carrier.submit_request(DropRequest(drop.id, factories.RECIPIENT, "+12025550199", "", url))
    return dict(parse_qsl(request.body.decode()))


def call(vendor: Vendor, url: str, step: str, **changed: str | None) -> Any:
    raw = vendor.said(step, **changed)
    path = "/" + url.partition("//")[2].partition("/")[2]
    return Client().post(path, raw, content_type=FORM, headers=vendor.sign(url, raw))


def after(answer: Any) -> str:
    found = answer.content.decode().partition('<Redirect method="POST">')[2].partition("</Redirect>")[0]
    return str(found).replace("&amp;", "&")


def earlier(url: str, seconds: int) -> str:
    """The address as it would be had the recording begun so much earlier."""
    fields = dict(parse_qsl(url.partition("?")[2]))
    return url.replace(f"began={fields['began']}", f"began={int(fields['began']) - seconds}")


def test_a_machine_is_played_to_and_only_what_was_played_whole_is_delivered(vendor: Vendor, drop: Drop) -> None:
    addresses = told(vendor, drop)
    answer = call(vendor, addresses["Url"], "answered")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/xml")
    assert f"/recordings/{drop.setup_id}/".encode() in answer.content
    merge(NOW)
    assert both(drop) == UNCHANGED
    assert call(vendor, earlier(after(answer), 60), "played").content == HANG_UP
    call(vendor, addresses["StatusCallback"], "ended")
    merge(NOW + timedelta(seconds=1))
    assert both(drop) == ("delivered", "", "delivered", "")
    drop.refresh_from_db()
    assert drop.carrier_reference == vendor.fixture("callbacks", "answered")["CallSid"]


def test_what_went_on_at_once_was_not_played(vendor: Vendor, drop: Drop) -> None:
    answer = call(vendor, told(vendor, drop)["Url"], "answered")
    call(vendor, after(answer), "played")
    merge(NOW)
    assert both(drop) == ("failed", "unreported", "failed", "unreported")


@pytest.mark.parametrize(("answered_by", "reason"), [("human", "human_answered"), ("fax", "human_answered")])
def test_a_person_or_a_fax_is_hung_up_on_at_once_and_the_drop_fails(
    vendor: Vendor, drop: Drop, answered_by: str, reason: str
) -> None:
    addresses = told(vendor, drop)
    assert call(vendor, addresses["Url"], "answered", AnsweredBy=answered_by).content == HANG_UP
    call(vendor, addresses["StatusCallback"], "ended", CallStatus="completed")
    merge(NOW)
    assert both(drop) == ("failed", reason, "failed", reason)


@pytest.mark.parametrize(
    ("status", "reason"),
    [("busy", "busy"), ("no-answer", "no_answer"), ("failed", "unreachable"), ("canceled", "refused")],
)
def test_a_call_that_nobody_answered_says_why(vendor: Vendor, drop: Drop, status: str, reason: str) -> None:
    call(vendor, told(vendor, drop)["StatusCallback"], "ended", CallStatus=status)
    merge(NOW)
    assert both(drop) == ("failed", reason, "failed", reason)


def test_the_end_of_the_call_may_come_before_the_end_of_the_message(vendor: Vendor, drop: Drop) -> None:
    addresses = told(vendor, drop)
    answer = call(vendor, addresses["Url"], "answered")
    call(vendor, addresses["StatusCallback"], "ended")
    merge(NOW)
    assert both(drop)[:2] == ("failed", "unreported")
    call(vendor, earlier(after(answer), 60), "played")
    merge(NOW + timedelta(seconds=1))
    assert both(drop) == ("delivered", "", "delivered", "")


def test_a_callback_settles_a_drop_whose_answer_was_lost(vendor: Vendor, drop: Drop) -> None:
    Voicemail.objects.filter(pk=drop.voicemail_id).update(status="uncertain")
    Drop.objects.filter(pk=drop.pk).update(status="uncertain", accepted_at=None)
    assert b"<Play>" in call(vendor, told(vendor, drop)["Url"], "answered").content
    merge(NOW)
    assert both(drop) == UNCHANGED


def test_a_restart_between_two_steps_changes_nothing(vendor: Vendor, drop: Drop) -> None:
    answer = call(vendor, told(vendor, drop)["Url"], "answered")
    callbacks._listeners.clear()  # all that a process remembers
    call(vendor, earlier(after(answer), 60), "played")
    merge(NOW)
    assert both(drop)[0] == "delivered"


def test_a_repeated_callback_gets_the_same_answer_and_changes_nothing_twice(vendor: Vendor, drop: Drop) -> None:
    url = told(vendor, drop)["Url"]
    first, second = (call(vendor, url, "answered").content for _ in range(2))
    assert first.partition(b"began=")[0] == second.partition(b"began=")[0]
    played = earlier(after(call(vendor, url, "answered")), 60)
    for _ in range(3):
        assert call(vendor, played, "played").content == HANG_UP
        merge(NOW)
    assert both(drop) == ("delivered", "", "delivered", "")
    assert CarrierReport.objects.filter(effect="applied").count() == 1


def _ended(drop: Drop) -> None:
    Voicemail.objects.filter(pk=drop.voicemail_id).update(status="failed", reason="busy")
    Drop.objects.filter(pk=drop.pk).update(status="failed", reason="busy", ended_at=NOW)


def _unreported(drop: Drop) -> None:
    Voicemail.objects.filter(pk=drop.voicemail_id).update(status="failed", reason="unreported")
    Drop.objects.filter(pk=drop.pk).update(status="failed", reason="unreported", ended_at=NOW)


def _retried(drop: Drop) -> None:
    make_drop(Voicemail.objects.get(pk=drop.voicemail_id))


def _canceled(drop: Drop) -> None:
    Voicemail.objects.filter(pk=drop.voicemail_id).update(status="canceled", reason="canceled")


def _erased(drop: Drop) -> None:
    erase_voicemails([bytes(Voicemail.objects.get(pk=drop.voicemail_id).recipient_index)])


def _suppressed(drop: Drop) -> None:
    factories.make_suppression(drop.workspace, factories.RECIPIENT)


def _unreadable(drop: Drop) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE delivery_voicemail SET recipient = '\\x00' WHERE id = %s", [drop.voicemail_id])


def _held(drop: Drop) -> None:
    hold(None, "A snapshot is restored.")


@pytest.mark.parametrize(
    "end",
    [_ended, _unreported, _retried, _canceled, _erased, _suppressed, _unreadable, _held],
    ids=lambda end: end.__name__[1:],
)
def test_a_late_step_of_a_dead_call_is_hung_up_on(vendor: Vendor, drop: Drop, end: Callable[[Drop], None]) -> None:
    url = told(vendor, drop)["Url"]
    assert b"<Play>" in call(vendor, url, "answered").content
    end(drop)
    assert call(vendor, url, "answered").content == HANG_UP


def test_a_second_call_of_one_drop_is_hung_up_on(vendor: Vendor, drop: Drop) -> None:
    url = told(vendor, drop)["Url"]
    Drop.objects.update(carrier_reference=vendor.fixture("callbacks", "answered")["CallSid"])
    assert call(vendor, url, "answered", CallSid="another").content == HANG_UP
    assert b"<Play>" in call(vendor, url, "answered").content


def test_a_step_of_another_setups_drop_is_unknown(vendor: Vendor, drop: Drop) -> None:
    other = make_submitted("accepted")
    key = drop.setup.callback_secrets.get().callback_key
    assert call(vendor, f"{drop_address(key, other.id)}?step=answered", "answered").content == HANG_UP


def test_a_changed_address_is_rejected_with_its_query(vendor: Vendor, drop: Drop) -> None:
    url, raw = told(vendor, drop)["Url"], vendor.said("answered")
    path = "/" + url.replace("answered", "played").partition("//")[2].partition("/")[2]
    assert Client().post(path, raw, content_type=FORM, headers=vendor.sign(url, raw)).status_code == 401
    assert Client().post(path, raw, content_type=FORM).status_code == 401
    assert not CarrierReport.objects.exists()
