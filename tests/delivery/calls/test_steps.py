"""A call's steps through the real view: what is played, and that the late steps of a dead call do nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.db import connection
from django.test import Client
from structlog.testing import capture_logs

from delivery.carriers.base import DropRequest
from delivery.engine.claim import Claim
from delivery.engine.results import Result, record
from delivery.lifecycle.events import Outcome, Submission
from delivery.lifecycle.reasons import Reason
from delivery.models import CallCommand, CarrierReport, Drop, Voicemail
from delivery.recordings.recordings import store_recording
from delivery.reports.inbox import merge
from delivery.retention.erasure import erase_voicemails
from delivery.web import callbacks
from rvm.platform.database.clock import database_now
from rvm.platform.sending_hold.service import hold
from tests import factories
from tests.delivery.audio.mp3_bytes import encoded
from tests.delivery.carriers.twiml.vendors import FORM, VENDORS, Vendor
from tests.delivery.states import NOW, both, make_drop, make_submitted
from usecases.callbacks.addresses import drop_address
from usecases.models import UseCase
from usecases.suppressions import is_suppressed

pytestmark = [pytest.mark.django_db, pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)]

HANG_UP = b"<Response><Hangup/></Response>"
UNCHANGED = ("accepted", "", "accepted", "")


@pytest.fixture
def drop(vendor: Vendor, settings: Any, tmp_path: Path) -> Drop:
    settings.MEDIA_ROOT = str(tmp_path)
    use_case = factories.make_use_case()
    recording = store_recording(use_case.workspace, "Reminder", encoded(12))
    now = database_now()
    times = {"status": "accepted", "created_at": now, "accepted_at": now}
    drop = make_submitted("accepted", use_case=use_case, recording=recording, drop=times)
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


def link(answer: Any) -> str:
    """The address of the recording that is to be played."""
    return str(unescape(answer.content.decode().partition("<Play>")[2].partition("</Play>")[0]))


def path(url: str) -> str:
    return "/" + url.partition("//")[2].partition("/")[2]


def fetched(answer: Any, how: str = "whole") -> Any:
    """A request of the vendor for the recording that it was told to play: of these bytes, all of them read unless it is cut off."""
    headers = {
        "whole": {},
        "HEAD": {},
        "cut off": {},
        "not modified": {"If-None-Match": "*", "If-Modified-Since": "Wed, 01 Jan 2098 00:00:00 GMT"},
    }.get(how, {"Range": f"bytes={how}"})
    client: Any = Client()
    found = client.head(path(link(answer))) if how == "HEAD" else client.get(path(link(answer)), headers=headers)
    assert found.status_code in (200, 206)
    if how == "cut off":
        assert next(iter(found.streaming_content))  # it is sent, and not taken to the end
    elif how != "HEAD":
        assert found.getvalue()
    return found


def fetched_before(drop: Drop) -> None:
    Drop.objects.filter(pk=drop.pk).update(fetches=1, fetched_bytes=drop.voicemail.recording.size_bytes)


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
    fetched(answer)
    assert call(vendor, earlier(after(answer), 60), "played").content == HANG_UP
    call(vendor, addresses["StatusCallback"], "ended")
    merge(NOW + timedelta(seconds=1))
    assert both(drop) == ("delivered", "", "delivered", "")
    drop.refresh_from_db()
    assert drop.carrier_reference == vendor.fixture("callbacks", "answered")["CallSid"]


def test_what_went_on_at_once_was_not_played(vendor: Vendor, drop: Drop) -> None:
    answer = call(vendor, told(vendor, drop)["Url"], "answered")
    fetched(answer)
    call(vendor, after(answer), "played")
    merge(NOW)
    assert both(drop) == ("failed", "unreported", "failed", "unreported")


@pytest.mark.parametrize(
    ("requests", "end"),
    [
        ([], "failed"),
        (["HEAD"], "failed"),
        (["0-99"], "failed"),
        (["100-"], "failed"),
        (["cut off"], "failed"),
        (["0-19999", "30000-"], "failed"),
        (["whole"], "delivered"),
        (["0-"], "delivered"),
        (["0-9999999"], "delivered"),
        (["HEAD", "0-99", "whole"], "delivered"),
        (["cut off", "whole"], "delivered"),
        (["0-19999", "20000-39999", "40000-"], "delivered"),
        (["0-29999", "20000-"], "delivered"),
        (["not modified"], "delivered"),
    ],
    ids=lambda each: each if isinstance(each, str) else " and ".join(each) or "nothing",
)
def test_a_message_whose_sound_the_vendor_was_never_given_whole_is_not_delivered(
    vendor: Vendor, drop: Drop, requests: list[str], end: str
) -> None:
    """The fetch fails as slowly as the recording lasts, and the vendor goes on to the next verb."""
    answer = call(vendor, told(vendor, drop)["Url"], "answered")
    for each in requests:
        fetched(answer, each)
    with capture_logs() as logs:
        call(vendor, earlier(after(answer), 60), "played")
    merge(NOW)
    reason = "" if end == "delivered" else "unreported"
    assert both(drop) == (end, reason, end, reason)
    assert [each["event"] for each in logs if each["log_level"] == "warning"] == ["played_without_sound"] * bool(reason)


def test_a_sound_that_another_drop_was_given_proves_nothing(vendor: Vendor, drop: Drop) -> None:
    """Each drop has an address of its own, so that no cache of the vendor's can serve one drop what another has fetched."""
    times = {"status": "accepted", "created_at": drop.created_at, "accepted_at": drop.accepted_at}
    voicemail = drop.voicemail
    other = make_submitted("accepted", use_case=voicemail.use_case, recording=voicemail.recording, drop=times)
    first, second = (call(vendor, told(vendor, each)["Url"], "answered") for each in (other, drop))
    assert link(first) != link(second)
    fetched(first)
    call(vendor, earlier(after(second), 60), "played")
    merge(NOW)
    assert both(drop)[:2] == ("failed", "unreported")


def test_the_same_sound_is_given_anew_whatever_a_cache_asks(vendor: Vendor, drop: Drop) -> None:
    answer = call(vendor, told(vendor, drop)["Url"], "answered")
    found = fetched(answer)
    assert found["Cache-Control"] == "no-store"
    assert "ETag" not in found and "Last-Modified" not in found


def test_a_web_process_that_dies_before_the_last_byte_leaves_the_drop_unproved(vendor: Vendor, drop: Drop) -> None:
    answer = call(vendor, told(vendor, drop)["Url"], "answered")
    body = iter(Client().get(path(link(answer))).streaming_content)  # type: ignore[attr-defined]
    assert next(body)  # and it is killed: nothing is written any more
    drop.refresh_from_db()
    assert (drop.fetches, drop.fetched_bytes) == (1, 0)
    assert list(body) == []
    drop.refresh_from_db()
    assert drop.fetched_bytes == drop.voicemail.recording.size_bytes


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
    fetched_before(drop)
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
    fetched(answer)
    callbacks._listeners.clear()  # all that a process remembers
    call(vendor, earlier(after(answer), 60), "played")
    merge(NOW)
    assert both(drop)[0] == "delivered"


def test_a_repeated_callback_gets_the_same_answer_and_changes_nothing_twice(vendor: Vendor, drop: Drop) -> None:
    url = told(vendor, drop)["Url"]
    first, second = (call(vendor, url, "answered").content for _ in range(2))
    assert first.partition(b"began=")[0] == second.partition(b"began=")[0]
    played = earlier(after(call(vendor, url, "answered")), 60)
    fetched(call(vendor, url, "answered"))
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


def test_of_two_calls_of_a_drop_whose_answer_was_lost_the_first_that_asks_is_played_to(
    vendor: Vendor, drop: Drop
) -> None:
    url = told(vendor, drop)["Url"]
    assert b"<Play>" in call(vendor, url, "answered").content
    assert call(vendor, url, "answered", CallSid="another").content == HANG_UP
    assert b"<Play>" in call(vendor, url, "answered").content


@pytest.mark.parametrize("known", ["named by the answer", "told to play", "reported before"])
@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled", "completed"])
def test_the_end_of_a_second_call_neither_ends_the_drop_nor_has_it_called_again(
    vendor: Vendor, drop: Drop, known: str, status: str
) -> None:
    UseCase.objects.update(max_attempts=2, retry_minutes=30)
    addresses, first = told(vendor, drop), vendor.fixture("callbacks", "answered")["CallSid"]
    if known == "named by the answer":
        Drop.objects.update(carrier_reference=first)
    elif known == "reported before":
        call(vendor, addresses["StatusCallback"], "ended", CallStatus="ringing", CallSid=first)
        Drop.objects.update(status="uncertain")
        Voicemail.objects.update(status="uncertain")
        merge(NOW)
    answer = call(vendor, addresses["Url"], "answered")
    call(vendor, addresses["StatusCallback"], "ended", CallStatus=status, AnsweredBy=None, CallSid="another")
    merge(NOW)
    assert both(drop) == UNCHANGED
    fetched(answer)
    call(vendor, earlier(after(answer), 60), "played")
    merge(NOW)
    assert both(drop)[0] == "delivered"


def test_a_call_whose_drop_ended_by_another_call_before_it_was_answered_is_played_nothing(
    vendor: Vendor, drop: Drop
) -> None:
    """The answer to the submission was lost, and the second call was the first to be heard of: then the first reaches nobody."""
    UseCase.objects.update(max_attempts=2, retry_minutes=30)
    addresses = told(vendor, drop)
    call(vendor, addresses["StatusCallback"], "ended", CallStatus="busy", CallSid="another")
    merge(NOW)
    assert both(drop)[0] == "queued"
    assert call(vendor, addresses["Url"], "answered").content == HANG_UP


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed"])
def test_whoever_may_have_been_played_the_message_is_not_called_again(vendor: Vendor, drop: Drop, status: str) -> None:
    UseCase.objects.update(max_attempts=2, retry_minutes=30)
    addresses = told(vendor, drop)
    call(vendor, addresses["Url"], "answered")
    call(vendor, addresses["StatusCallback"], "ended", CallStatus=status)
    merge(NOW)
    assert both(drop)[:2] == ("failed", "unreported")


def answered_and_denied(vendor: Vendor, drop: Drop, answer: Submission, *, merged: bool = False) -> Any:
    """What the call is told, which then was never made by the answer to its submission."""
    addresses = told(vendor, drop)
    Voicemail.objects.update(status="sending", attempts=1)
    Drop.objects.update(status="sending", accepted_at=None)
    asked = call(vendor, addresses["Url"], "answered")
    if merged:
        merge(database_now())
    route: Any = SimpleNamespace(
        adapter=vendor.carrier, failover=False, has_failover=True, workspace_id=drop.workspace_id, live=True
    )
    claimed = Claim(drop.pk, drop.voicemail_id, drop.pk, 1, factories.RECIPIENT, "", database_now(), route)
    record([Result(claimed, answer)], database_now())
    merge(database_now())
    return asked


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize(
    "answer",
    [Submission(Outcome.NOT_SENT, code="10004"), Submission(Outcome.REFUSED, reason=Reason.REFUSED, code="21214")],
    ids=["put off", "refused"],
)
def test_an_answer_that_denies_a_call_which_was_told_to_play_has_nobody_called_again(
    vendor: Vendor, drop: Drop, answer: Submission, merged: bool
) -> None:
    """The vendor obeyed the request, and answered with the refusal of its own second try."""
    UseCase.objects.update(max_attempts=3, retry_minutes=1, failover_reasons=["refused"])
    asked = answered_and_denied(vendor, drop, answer, merged=merged)
    assert both(drop) == UNCHANGED
    fetched(asked)
    call(vendor, earlier(after(asked), 60), "played")
    merge(database_now())
    assert both(drop)[0] == "delivered"


def test_a_denial_that_is_not_believed_still_has_the_person_suppressed_who_opted_out(
    vendor: Vendor, drop: Drop
) -> None:
    answered_and_denied(vendor, drop, Submission(Outcome.REFUSED, reason=Reason.OPTED_OUT))
    assert both(drop) == UNCHANGED
    assert is_suppressed(drop.workspace_id, factories.RECIPIENT)


def test_a_call_that_a_person_answered_is_played_nothing_whatever_is_said_later(vendor: Vendor, drop: Drop) -> None:
    url = told(vendor, drop)["Url"]
    call(vendor, url, "answered", AnsweredBy="human")
    assert call(vendor, url, "answered").content == HANG_UP


def test_what_a_call_is_told_is_written_down_with_its_report_before_the_answer_leaves(
    vendor: Vendor, drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*arguments: Any) -> Any:
        assert CallCommand.objects.get().state == "told"
        assert CarrierReport.objects.get().status == "accepted"
        raise KeyboardInterrupt

    url = told(vendor, drop)["Url"]
    with monkeypatch.context() as patch:
        patch.setattr(vendor.adapter, "respond", killed)
        with pytest.raises(KeyboardInterrupt):
            call(vendor, url, "answered")
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
