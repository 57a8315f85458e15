"""Commands to calls: asked for by callbacks through the real view, sent once, and never into a call whose drop is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import orjson
import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from django_rq import get_queue
from structlog.testing import capture_logs

from delivery.calls import commands, steps
from delivery.calls.commands import AGAIN, GOOD_FOR, LEASE, CommandSender
from delivery.calls.commands import TALLY as ABANDONED
from delivery.carriers.abilities import Action
from delivery.carriers.telnyx import Telnyx
from delivery.models import CallCommand, CarrierReport, Drop, Voicemail
from delivery.reports.inbox import merge
from delivery.transport.interface import CarrierRequest, CarrierResponse
from delivery.web import callbacks
from delivery.web.gauges import tally
from delivery.worker.maintenance import is_work_due
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import uuid7
from rvm.platform.models import FailedWork
from tests import factories
from tests.delivery.calls.telnyx_webhooks import CALL, CREDENTIALS, signed, webhook
from tests.delivery.fake_carrier import Answer, FakeTransport, refused_connection, timed_out
from tests.delivery.states import both, make_drop, make_submitted
from tests.sessions import Session
from usecases.callbacks.addresses import drop_path
from usecases.models import TelephonySetup, UseCase

pytestmark = pytest.mark.django_db

OTHER_CALL = "v3:another-call"
MOMENT = timedelta(milliseconds=1)


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "_listeners", {})
    get_queue("calls").connection.flushdb()


def make_call(status: str = "accepted", **fields: Any) -> Drop:
    """A drop whose call is under way."""
    setup = factories.make_setup(
        carrier="telnyx", credentials={**CREDENTIALS, "base_url": "http://127.0.0.1:1"}, simulated=True
    )
    return make_submitted(status, use_case=factories.make_use_case(setup=setup), **fields)


def report(drop: Drop, name: str, **fields: Any) -> HttpResponse:
    """POST a webhook to the drop's address; properly signed."""
    raw = webhook(name, drop.pk, **fields)
    key = drop.setup.callback_secrets.get(version=drop.callback_version).callback_key
    answer: Any = Client().post(
        drop_path(key, drop.pk), raw, content_type="application/json", headers=signed(raw, timezone.now())
    )
    return answer


def ok(request: CarrierRequest) -> Answer:
    return CarrierResponse(200, b'{"data":{"result":"ok"}}')


def ended(request: CarrierRequest) -> Answer:
    return CarrierResponse(422, b'{"errors":[{"code":"90018","title":"Call has already ended"}]}')


def send(answer: Any = ok, at: datetime | None = None, transport: FakeTransport | None = None) -> list[str]:
    """Send what is due, at `at` or now, and return the actions of the requests."""
    transport = transport or FakeTransport(answer)
    before = len(transport.sent)
    CommandSender(transport, lambda: at or database_now(), lambda: 0.0).run(lambda: False)
    return [request.url.rpartition("/")[2] for request in transport.sent[before:]]


def outbox() -> list[tuple[str, str]]:
    return list(CallCommand.objects.order_by("created_at", "id").values_list("action", "state"))


def test_a_greeting_that_has_ended_is_followed_by_the_recording_and_its_end_by_a_hang_up() -> None:
    drop = make_call()
    assert report(drop, "premium_greeting").status_code == 200
    transport = FakeTransport(ok)
    assert send(transport=transport) == ["playback_start"]
    [request] = transport.sent
    command = CallCommand.objects.get()
    body = orjson.loads(request.body)
    assert body["command_id"] == str(command.pk)
    assert body["audio_url"].startswith("http") and f"/recordings/{drop.setup_id}/" in body["audio_url"]
    assert f"/v2/calls/{CALL}/actions/" in request.url
    report(drop, "playback_ended", played=True)
    assert send() == ["hangup"]
    assert outbox() == [("play", "taken"), ("hang_up", "taken")]
    assert [each.status for each in CarrierReport.objects.all()] == ["delivered"]


@pytest.mark.parametrize("result", ["human_residence", "human_business", "fax_detected", "silence", "not_sure"])
def test_whoever_is_no_machine_is_hung_up_on(result: str) -> None:
    drop = make_call()
    report(drop, "premium_detection", result=result)
    assert send() == ["hangup"]
    assert CarrierReport.objects.get().status == "failed"


@pytest.mark.django_db(transaction=True)
def test_a_command_wakes_its_worker_at_once() -> None:
    report(make_call(), "premium_greeting")
    assert get_queue("calls").count == 1


def test_the_tick_wakes_the_worker_for_what_is_due() -> None:
    assert not is_work_due(database_now())["calls"]
    report(make_call(), "premium_greeting")
    assert is_work_due(database_now())["calls"]
    send()
    assert not is_work_due(database_now() + GOOD_FOR[Action.HANG_UP])["calls"]


def test_a_repeated_callback_asks_for_nothing_more() -> None:
    drop = make_call()
    for _ in range(3):
        report(drop, "premium_greeting")
        send()
    assert outbox() == [("play", "taken")]
    Drop.objects.filter(pk=drop.pk).update(status="delivered")  # it was left, and the first callback comes again
    report(drop, "premium_greeting")
    assert outbox() == [("play", "taken")]


def test_report_and_command_are_kept_together_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object) -> bool:
        raise RuntimeError("the outbox is full")

    monkeypatch.setattr(commands, "_insert", fails)
    drop = make_call()
    with pytest.raises(RuntimeError), transaction.atomic():
        report(drop, "premium_detection", result="human_residence")
    assert not CarrierReport.objects.exists()


@pytest.mark.parametrize("status", ["delivered", "failed"])
def test_a_late_step_of_a_drop_that_is_over_plays_nothing_and_hangs_up(status: str) -> None:
    drop = make_call(status)
    report(drop, "premium_greeting")
    assert send() == ["hangup"]


def test_the_call_of_a_drop_that_was_retried_is_played_nothing() -> None:
    drop = make_call()
    report(drop, "premium_greeting")
    make_drop(Voicemail.objects.get(pk=drop.voicemail_id), "sending")  # after the command was asked for, before it left
    assert send() == ["hangup"]
    assert outbox() == [("play", "dropped"), ("hang_up", "taken")]


def test_a_drop_that_ends_between_the_callback_and_the_command_is_played_nothing() -> None:
    drop = make_call()
    report(drop, "premium_greeting")
    Drop.objects.filter(pk=drop.pk).update(status="failed", reason="unreported")
    assert send() == ["hangup"]


def test_nothing_is_played_while_all_sending_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    report(make_call(), "premium_greeting")
    monkeypatch.setattr(steps, "is_held", lambda: True)
    assert send() == ["hangup"]


def test_nothing_is_played_to_a_person_who_has_said_no_meanwhile() -> None:
    drop = make_call()
    report(drop, "premium_greeting")
    factories.make_suppression(drop.workspace, factories.RECIPIENT)
    assert send() == ["hangup"]


def test_a_second_call_of_one_drop_is_hung_up() -> None:
    drop = make_call()
    report(drop, "premium_greeting")
    report(drop, "premium_greeting", call_control_id=OTHER_CALL)
    transport = FakeTransport(ok)
    assert send(transport=transport) == ["playback_start", "hangup"]
    assert [OTHER_CALL in request.url for request in transport.sent] == [False, True]


def test_a_drop_of_another_setup_is_told_nothing() -> None:
    drop, other = make_call(), make_call()
    raw = webhook("premium_greeting", other.pk)
    key = drop.setup.callback_secrets.get(version=1).callback_key
    address = drop_path(key, drop.pk)
    Client().post(address, raw, content_type="application/json", headers=signed(raw, timezone.now()))
    assert outbox() == []


def test_an_unsigned_callback_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of an adapter that takes unsigned callbacks: only the drop of the address can be told anything."""
    drop, other = make_call(), make_call()
    monkeypatch.setattr(Telnyx, "verify", lambda self, callback: False)
    key = drop.setup.callback_secrets.get(version=1).callback_key
    for about, status in ((other, 401), (drop, 200)):
        raw = webhook("premium_greeting", about.pk)
        answer: Any = Client().post(drop_path(key, drop.pk), raw, content_type="application/json")
        assert answer.status_code == status
    assert list(CallCommand.objects.values_list("drop_id", flat=True)) == [drop.pk]


def test_a_command_that_is_too_late_does_not_leave_and_its_call_is_hung_up() -> None:
    report(make_call(), "premium_greeting")
    late = database_now() + GOOD_FOR[Action.PLAY] + MOMENT
    assert send(at=late) == ["hangup"]
    assert outbox() == [("play", "dropped"), ("hang_up", "taken")]


def test_a_hang_up_that_is_too_late_is_dropped() -> None:
    report(make_call(), "premium_detection", result="human_residence")
    assert send(at=database_now() + GOOD_FOR[Action.HANG_UP] + MOMENT) == []
    assert outbox() == [("hang_up", "dropped")]


def test_a_refused_play_is_followed_by_a_hang_up() -> None:
    report(make_call(), "premium_greeting")
    assert send(ended) == ["playback_start", "hangup"]
    assert outbox() == [("play", "refused"), ("hang_up", "refused")]


def test_a_command_that_was_not_sent_leaves_again_in_a_moment() -> None:
    report(make_call(), "premium_greeting")
    assert send(refused_connection) == ["playback_start"]
    assert outbox() == [("play", "waiting")]
    assert send() == []
    assert send(at=database_now() + AGAIN) == ["playback_start"]


def test_a_play_without_a_clear_answer_leaves_again_under_the_same_key() -> None:
    report(make_call(), "premium_greeting")
    transport = FakeTransport(timed_out)
    send(transport=transport)
    transport.answer = ok
    send(transport=transport, at=database_now() + AGAIN)
    keys = [orjson.loads(request.body)["command_id"] for request in transport.sent]
    assert keys == [str(CallCommand.objects.get().pk)] * 2
    assert outbox() == [("play", "taken")]


def test_a_play_without_a_clear_answer_is_not_repeated_at_a_vendor_without_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Telnyx, "command_window", None)
    report(make_call(), "premium_greeting")
    assert send(timed_out) == ["playback_start"]
    assert send(at=database_now() + AGAIN) == []
    assert outbox() == [("play", "unknown")]


def test_a_refusal_of_a_repeated_play_hangs_up_on_nobody() -> None:
    """The first request may have been obeyed, and its message is under way."""
    report(make_call(), "premium_greeting")
    send(timed_out)
    assert send(ended, at=database_now() + AGAIN) == ["playback_start"]
    assert outbox() == [("play", "unknown")]


def test_a_hang_up_is_repeated_until_it_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Telnyx, "command_window", None)
    report(make_call(), "premium_detection", result="human_residence")
    assert send(timed_out) == ["hangup"]
    assert send(at=database_now() + AGAIN) == ["hangup"]
    assert outbox() == [("hang_up", "taken")]


def test_a_command_of_a_killed_worker_waits_for_the_end_of_its_lease_and_leaves_under_its_key() -> None:
    report(make_call(), "premium_greeting")
    [taken] = commands._take_due(database_now())  # and the worker dies
    assert send() == []
    transport = FakeTransport(ok)
    assert send(transport=transport, at=database_now() + LEASE) == ["playback_start"]
    assert orjson.loads(transport.sent[0].body)["command_id"] == str(taken.id)
    assert outbox() == [("play", "taken")]


def test_a_late_answer_to_a_lost_lease_changes_nothing() -> None:
    report(make_call(), "premium_greeting")
    slow, quick = FakeTransport(ended), FakeTransport(ok)
    sender = CommandSender(slow, database_now, lambda: 0.0)
    [taken] = commands._take_due(database_now())
    sender._start(taken, 0.0)
    send(transport=quick, at=database_now() + LEASE)
    [(sending, end)] = slow.poll(0)
    sender._record(sending, end)
    assert outbox() == [("play", "taken")]


def test_a_command_whose_worker_stood_still_after_it_was_taken_waits_as_if_it_had_not_been() -> None:
    """Another worker may have it by then. It certainly has not left, so a vendor without keys is still told to play."""
    report(make_call(), "premium_greeting")
    transport, times = FakeTransport(ok), iter([0.0, LEASE.total_seconds()])
    CommandSender(transport, database_now, lambda: next(times, LEASE.total_seconds())).run(lambda: False)
    assert not transport.sent
    assert outbox() == [("play", "waiting")]
    assert send(at=database_now() + AGAIN) == ["playback_start"]


def test_a_setup_that_cannot_be_used_stops_no_other_call_and_is_told() -> None:
    broken, fine = make_call(), make_call()
    report(broken, "premium_greeting")
    report(fine, "premium_greeting")
    broken.setup.credentials = {"api_key": "", "base_url": "http://127.0.0.1:1"}
    broken.setup.save()
    with capture_logs() as logs:
        assert send() == ["playback_start"]
    assert [each["event"] for each in logs if each["log_level"] == "error"] == ["command_not_sent"]
    assert FailedWork.objects.get().kind == "command"
    late = database_now() + GOOD_FOR[Action.HANG_UP] + GOOD_FOR[Action.PLAY]
    send(at=late)
    send(at=late + 2 * GOOD_FOR[Action.HANG_UP])
    assert not CallCommand.objects.filter(state__in=["waiting", "leaving"]).exists()


def test_a_worker_that_is_to_stop_begins_nothing() -> None:
    report(make_call(), "premium_greeting")
    transport = FakeTransport(ok)
    CommandSender(transport, database_now, lambda: 0.0).run(lambda: True)
    assert transport.sent == []
    assert outbox() == [("play", "waiting")]


def test_a_step_of_an_unknown_drop_is_told_nothing() -> None:
    drop = make_call()
    unknown = uuid7()
    raw = webhook("premium_greeting", unknown)
    token = factories.fixed_token(drop.setup)
    answer: Any = Client().post(
        f"/carriers/{token}/", raw, content_type="application/json", headers=signed(raw, timezone.now())
    )
    assert answer.status_code == 200
    assert outbox() == []


def test_no_number_and_no_link_is_kept_with_a_command_or_logged() -> None:
    drop = make_call()
    with capture_logs() as logs:
        report(drop, "premium_greeting")
        send()
    shown = f"{logs} {CallCommand.objects.values().get()}"
    assert factories.RECIPIENT not in shown
    assert "/recordings/" not in shown


class Killed(BaseException):
    """Ends a worker where it stands, as SIGKILL does: nothing is caught and nothing is written."""


class KilledTransport(FakeTransport):
    """Its process dies once a request has left, before the answer is recorded."""

    def poll(self, seconds: float) -> list[Any]:
        if self.sent:
            raise Killed
        return []


@pytest.mark.parametrize("killed", ["before it leaves", "after it left"])
@pytest.mark.parametrize("window", [timedelta(seconds=60), None], ids=["keys", "no keys"])
@pytest.mark.parametrize("retried", [False, True], ids=["alive", "retried"])
def test_a_killed_worker_leaves_no_call_with_two_plays_and_none_with_one_after_a_retry(
    killed: str, window: timedelta | None, retried: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Telnyx, "command_window", window)
    drop = make_call()
    report(drop, "premium_greeting")
    first = KilledTransport(ok)
    if killed == "before it leaves":
        monkeypatch.setattr(Telnyx, "command_request", stop)
    with pytest.raises(Killed):
        CommandSender(first, database_now, lambda: 0.0).run(lambda: False)
    monkeypatch.undo()
    monkeypatch.setattr(Telnyx, "command_window", window)
    if retried:
        make_drop(Voicemail.objects.get(pk=drop.voicemail_id), "sending")
    second = FakeTransport(ok)
    for later in (LEASE, 2 * LEASE, GOOD_FOR[Action.HANG_UP]):
        send(transport=second, at=database_now() + later)
    plays = [request for request in (*first.sent, *second.sent) if request.url.endswith("playback_start")]
    assert len({orjson.loads(request.body)["command_id"] for request in plays}) <= 1
    again = [request.url.rpartition("/")[2] for request in second.sent]
    assert again == (["hangup"] if retried else ["playback_start"] if window else [])
    assert not CallCommand.objects.filter(state__in=["waiting", "leaving"]).exists()


def stop(*args: object) -> CarrierRequest:
    raise Killed


@pytest.mark.parametrize("call", [CALL, OTHER_CALL])
def test_nothing_is_played_to_a_call_that_is_to_be_hung_up(call: str) -> None:
    """A person answered, and a later event takes the call for a machine's before that report is merged. Each call by itself."""
    drop = make_call()
    report(drop, "premium_detection", result="human_residence")
    report(drop, "premium_greeting", call_control_id=call)
    assert send() == (["hangup"] if call == CALL else ["hangup", "playback_start"])


def test_a_play_does_not_leave_once_its_call_is_to_be_hung_up() -> None:
    drop = make_call()
    report(drop, "premium_greeting")
    report(drop, "premium_detection", result="human_residence")
    assert send() == ["hangup"]
    assert outbox() == [("play", "dropped"), ("hang_up", "taken")]


@pytest.mark.parametrize(
    ("state", "status", "reason"),
    [
        ("waiting", "failed", "unreported"),
        ("leaving", "failed", "unreported"),
        ("taken", "failed", "unreported"),
        ("unknown", "failed", "unreported"),
        ("refused", "queued", ""),
        ("dropped", "queued", ""),
        ("late", "queued", ""),  # it waits for a worker that was away
    ],
)
@pytest.mark.parametrize("call", [CALL, OTHER_CALL])
def test_whoever_may_have_been_played_the_message_is_not_called_again(
    state: str, status: str, reason: str, call: str
) -> None:
    """The events of calls are unordered, and one drop may have two calls: an end that names no message proves nothing then, and what
    is said of another call than the one that was told to play it ends nothing."""
    drop = make_call()
    UseCase.objects.update(max_attempts=2, retry_minutes=30)
    report(drop, "premium_greeting")
    if state == "late":
        CallCommand.objects.update(not_after=database_now() - MOMENT)
    else:
        CallCommand.objects.update(state=state)
    report(drop, "hangup", call_control_id=call)
    merge(database_now())
    voicemail = Voicemail.objects.get(pk=drop.voicemail_id)
    expected = ("accepted", "") if call == OTHER_CALL and status == "failed" else (status, reason)
    assert (voicemail.status, voicemail.reason) == expected
    report(drop, "playback_ended", played=True)
    merge(database_now())
    voicemail.refresh_from_db()
    assert voicemail.status == "delivered"


# a second call of one drop, which a vendor makes that obeys one request twice


@pytest.mark.parametrize("name", ["premium_detection", "hangup"])
def test_what_is_said_of_another_call_than_the_one_named_first_ends_nothing(name: str) -> None:
    drop = make_call(drop={"status": "accepted", "carrier_reference": CALL})
    UseCase.objects.update(max_attempts=2, retry_minutes=30)
    said = {"result": "human_residence"} if name == "premium_detection" else {"hangup_cause": "user_busy"}
    report(drop, name, call_control_id=OTHER_CALL, **said)
    merge(database_now())
    assert both(drop) == ("accepted", "", "accepted", "")
    assert CarrierReport.objects.get().effect == "kept"
    report(drop, name, **said)
    merge(database_now())
    assert both(drop)[2:] == ("failed", "human_answered" if name == "premium_detection" else "busy")


def test_only_the_call_that_the_vendor_named_first_is_played_the_message() -> None:
    drop = make_call(drop={"status": "accepted", "carrier_reference": CALL})
    report(drop, "premium_greeting", call_control_id=OTHER_CALL)
    report(drop, "premium_greeting")
    transport = FakeTransport(ok)
    assert send(transport=transport) == ["hangup", "playback_start"]
    assert [OTHER_CALL in request.url for request in transport.sent] == [True, False]


def test_a_message_that_another_call_has_left_is_delivered_all_the_same() -> None:
    drop = make_call(drop={"status": "accepted", "carrier_reference": OTHER_CALL})
    report(drop, "playback_ended", played=True)
    merge(database_now())
    assert both(drop)[0] == "delivered"


@pytest.mark.django_db(transaction=True)
def test_a_report_that_ends_the_drop_and_a_play_that_is_asked_for_wait_for_each_other() -> None:
    """Else the end could be merged without knowing of the PLAY, which is asked for without knowing of the end."""
    drop = make_call()
    with transaction.atomic():
        Voicemail.objects.select_for_update(no_key=True).get(pk=drop.voicemail_id)
        asking = Session(lambda: report(drop, "premium_greeting").status_code)
        asking.wait_until_blocked()
        Drop.objects.filter(pk=drop.pk).update(status="failed", reason="busy")
    assert asking.result() == 200
    assert outbox() == [("hang_up", "waiting")]


# a HANG_UP that is not taken


REFUSED_ACCESS = CarrierResponse(401, b'{"errors":[{"code":"10009","title":"Authentication failed"}]}')


@pytest.mark.parametrize(
    "refusal",
    [
        CarrierResponse(503, b""),
        CarrierResponse(500, b'{"errors":[{"code":"10007"}]}'),
        CarrierResponse(429, b'{"errors":[{"code":"10011"}]}'),
        REFUSED_ACCESS,
        CarrierResponse(403, b"<html>"),
        refused_connection(CarrierRequest("POST", "")),
        timed_out(CarrierRequest("POST", "")),
    ],
    ids=["503", "500", "429", "401", "403", "no connection", "no answer"],
)
def test_a_hang_up_that_is_not_taken_is_asked_again_under_its_key_ever_more_rarely_and_then_given_up(
    refusal: Answer,
) -> None:
    report(make_call(), "premium_detection", result="human_residence")
    transport = FakeTransport(lambda _: refusal)
    at, asked = database_now(), []
    until = CallCommand.objects.get().not_after
    with capture_logs() as logs:
        while CallCommand.objects.filter(state__in=["waiting", "leaving"]).exists():
            before = len(transport.sent)
            send(transport=transport, at=at)
            asked += [at] * (len(transport.sent) - before)
            at = CallCommand.objects.get().due_at
    waits = [(later - earlier).total_seconds() for earlier, later in pairwise(asked)]
    assert [round(wait, 1) for wait in waits[:6]] == [0.5, 1, 2, 4, 8, 8]
    assert asked[-1] == until
    assert {orjson.loads(request.body)["command_id"] for request in transport.sent} == {
        str(CallCommand.objects.get().pk)
    }
    [told] = [each for each in logs if each["event"] == "hang_up_abandoned"]
    assert (told["log_level"], told["attempts"]) == ("error", len(asked))
    assert tally(ABANDONED) == 1
    assert FailedWork.objects.get(kind="command").reason == "The carrier took no command to hang up."


def test_a_hang_up_that_is_taken_at_last_is_not_given_up() -> None:
    report(make_call(), "premium_detection", result="human_residence")
    answers = [CarrierResponse(503, b""), CarrierResponse(429, b""), *[ok(CarrierRequest("POST", ""))]]
    transport = FakeTransport(lambda _: answers.pop(0))
    for seconds in (0, 1, 3):
        send(transport=transport, at=database_now() + timedelta(seconds=seconds))
    assert outbox() == [("hang_up", "taken")]
    assert tally(ABANDONED) == 0


def test_a_vendor_that_says_how_long_to_wait_is_asked_no_sooner() -> None:
    report(make_call(), "premium_detection", result="human_residence")
    now = database_now()
    send(lambda _: CarrierResponse(429, b"", {"retry-after": "7"}), at=now)
    assert CallCommand.objects.get().due_at == now + timedelta(seconds=7)


def test_a_command_that_refuses_the_account_opens_the_breaker_in_the_carriers_words() -> None:
    drop = make_call()
    report(drop, "premium_greeting")
    send(lambda _: CarrierResponse(503, REFUSED_ACCESS.body))
    assert not TelephonySetup.objects.filter(breaker_until__isnull=False).exists()
    send(lambda _: REFUSED_ACCESS, at=database_now() + AGAIN)
    setup = TelephonySetup.objects.get(pk=drop.setup_id)
    assert setup.breaker_until is not None
    assert "It said: 10009 Authentication failed." in setup.breaker_reason
