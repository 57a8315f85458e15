"""Telnyx's adapter: what it sends, what each answer and each event proves, and what a call is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.carriers.abilities import Action, CallStep, Command
from delivery.carriers.base import Callback, CallbackMalformed, CallbackRejected, CredentialMalformed
from delivery.carriers.parsing import title_and_detail
from delivery.carriers.telnyx import ANSWERS, DETECTED, ERRORS, GREETED, HUNG_UP, PLAYED, SIP, Telnyx
from delivery.engine.circuit_breaker import ACCOUNT_REASONS
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import REASONS, Reason
from delivery.transport.interface import CarrierResponse
from rvm.simulators.framework.schemas import Schemas
from tests.delivery.calls.telnyx_webhooks import (
    CALL,
    CREDENTIALS,
    KEY,
    OTHER_KEY,
    WEBHOOKS,
    public,
    signed,
    state,
    webhook,
)
from tests.delivery.carriers.callback_security import FORGERIES, GENUINE, Signed, came
from tests.delivery.carriers.contract import ATTEMPT, CALLBACK, DROP, RECIPIENT, Contract, Documented

CARRIER = Telnyx(CREDENTIALS)
COMMAND_KEY = UUID("0190c0de-0000-7000-8000-00000000000a")
SCHEMAS = Schemas("telnyx")
# Forgeries of the text before a hexadecimal signature, which is none here.
OF_A_SCHEME = {"signature under another scheme"}


def answer(status: int, body: object, **headers: str) -> CarrierResponse:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return CarrierResponse(status, raw, {name.replace("_", "-"): value for name, value in headers.items()})


def errors(code: str, title: str = "Not so", detail: str = "Because.") -> dict[str, Any]:
    return {"errors": [{"code": code, "title": title, "detail": detail}]}


def dialed(**changed: object) -> dict[str, Any]:
    data = {"record_type": "call", "call_control_id": CALL, "call_leg_id": "leg", "call_session_id": "session"}
    return {"data": {**data, "is_alive": False, **changed}}


def status_of(code: str) -> int:
    """The status of a code: known of 20100 alone."""
    if code == "20100":
        return 402
    return 429 if ERRORS[code] == (Outcome.NOT_SENT, Reason.NOT_SENT) and code.isdigit() else 403


class TestTelnyx(Contract):
    name = "telnyx"
    credentials = CREDENTIALS
    replaced = CREDENTIALS | {"public_key": public(OTHER_KEY)}
    rotated = CREDENTIALS | {"public_key": f"{public(OTHER_KEY)},{public(KEY)}"}
    signature = "telnyx-signature-ed25519"
    has_timestamp = True
    answers = (
        Documented(answer(200, dialed()), Outcome.ACCEPTED),
        *(
            Documented(answer(status, errors("99999")), outcome, reason)
            for status, (outcome, reason) in ANSWERS.items()
        ),
        *(
            Documented(answer(status_of(code), errors(code)), outcome, reason)
            for code, (outcome, reason) in ERRORS.items()
            if code.isdigit()
        ),
        *(
            Documented(answer(403, errors("10010", detail=f"It is so {code}. It is so.")), outcome, reason)
            for code, (outcome, reason) in ERRORS.items()
            if not code.isdigit()
        ),
        Documented(answer(500, errors("10007")), Outcome.UNKNOWN),
        Documented(answer(408, errors("10008")), Outcome.UNKNOWN),
    )
    throttled = answer(429, errors("90103"))
    codes = {
        "completed": None,
        **{result: reason for result, reason in DETECTED.items() if reason},
        **PLAYED,
        **HUNG_UP,
    }

    def result(
        self,
        url: str,
        drop_id: UUID,
        code: str,
        *,
        at: datetime,
        said: datetime | None = None,
        event_id: str = "event-1",
    ) -> Callback:
        if DETECTED.get(code):
            raw = webhook("premium_detection", drop_id, event_id=event_id, result=code, to=RECIPIENT)
        elif code == "completed" or code in PLAYED:
            raw = webhook("playback_ended", drop_id, event_id=event_id, status=code, status_detail=f"To {RECIPIENT}")
        else:
            raw = webhook("hangup", drop_id, event_id=event_id, hangup_cause=code, sip_hangup_cause="unspecified")
        if said:
            event = orjson.loads(raw)
            event["data"]["occurred_at"] = said.isoformat()
            raw = orjson.dumps(event)
        return self.signed_anew(Callback(raw, {"content-type": "application/json"}, url, at, drop_id), raw)

    def signed_anew(self, callback: Callback, raw: bytes) -> Callback:
        return replace(callback, raw=raw, headers={**callback.headers, **signed(raw, callback.at)})


# requests


def checked(request: Any) -> dict[str, Any]:
    """The body of a request that fits the vendor's schema."""
    path = request.url.removeprefix("https://api.telnyx.com").replace(CALL, "{call_control_id}")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in request.headers)}
    body = orjson.loads(request.body) if request.body else None
    parts = {"headers": headers, "query": {}, "body": body}
    assert SCHEMAS.violations(f"{request.method} {path}", parts) == []
    return body or {}


def test_a_dial_detects_before_anything_is_played_and_reports_to_the_drops_address() -> None:
    body = checked(CARRIER.submit_request(DROP))
    assert body == {
        "connection_id": CREDENTIALS["connection_id"],
        "to": DROP.recipient,
        "from": DROP.sender,
        "answering_machine_detection": "premium",
        "client_state": state(ATTEMPT),
        "command_id": str(ATTEMPT),
        "webhook_url": CALLBACK,
        "webhook_url_method": "POST",
        "timeout_secs": 60,
        "time_limit_secs": 240,
    }


def test_commands_carry_their_own_keys_and_a_play_marks_what_follows_it() -> None:
    play = Command(COMMAND_KEY, Action.PLAY, CALL, ATTEMPT, DROP.recording_url)
    assert checked(CARRIER.command_request(play)) == {
        "command_id": str(COMMAND_KEY),
        "audio_url": DROP.recording_url,
        "audio_type": "mp3",
        "client_state": state(ATTEMPT, played=True),
    }
    hang_up = replace(play, action=Action.HANG_UP, recording_url="")
    assert checked(CARRIER.command_request(hang_up)) == {"command_id": str(COMMAND_KEY)}
    assert DROP.recording_url not in repr(play)


def test_the_id_of_a_call_cannot_lead_elsewhere() -> None:
    command = Command(COMMAND_KEY, Action.HANG_UP, "../../v2/x?y#z", ATTEMPT)
    assert CARRIER.command_request(command).url.endswith("/v2/calls/..%2F..%2Fv2%2Fx%3Fy%23z/actions/hangup")


def test_the_check_asks_for_the_balance() -> None:
    assert checked(CARRIER.check_request()) == {}


# answers


def test_an_acceptance_names_the_call() -> None:
    assert CARRIER.read_submission(answer(200, dialed())) == Submission(Outcome.ACCEPTED, carrier_reference=CALL)


@pytest.mark.parametrize(
    "unclear",
    [
        answer(200, {}),
        answer(200, {"data": {}}),
        answer(200, dialed(call_control_id=None)),
        answer(200, dialed() | errors("10010")),
        answer(403, b"<html>Forbidden</html>"),
        answer(429, b"slow down"),
        answer(401, {"errors": []}),
        answer(422, {"errors": ["no"]}),
        answer(201, b""),
    ],
    ids=range(9),
)
def test_what_is_not_the_vendors_document_proves_nothing(unclear: CarrierResponse) -> None:
    assert CARRIER.read_submission(unclear).outcome is Outcome.UNKNOWN


def test_a_missing_profile_is_the_accounts_fault_and_no_channel_a_pause() -> None:
    """As in a live answer: the code in the detail says more than the status."""
    missing = errors("10010", "Authorization failed", "Connection has no Outbound Profile assigned D38.")
    read = CARRIER.read_submission(answer(403, missing))
    assert (read.outcome, read.reason, read.code) == (Outcome.NOT_SENT, Reason.CARRIER_ACCOUNT, "D38")
    full = errors("10010", "User channel limit exceeded D1", "")
    read = CARRIER.read_submission(answer(403, full))
    assert (read.outcome, read.reason, read.retry_after) == (
        Outcome.NOT_SENT,
        Reason.NOT_SENT,
        timedelta(seconds=5),
    )


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 410, 422, 429, 451])
def test_a_known_code_decides_under_any_status_with_which_a_request_is_refused(status: int) -> None:
    for code, known in ERRORS.items():
        said = errors(code) if code.isdigit() else errors("10010", detail=f"It is so {code}.")
        read = CARRIER.read_submission(answer(status, said))
        assert (read.outcome, read.reason, read.code) == (*known, code)
        refused = CARRIER.read_refusal(answer(status, said))
        assert (refused.reason if refused else None) == (known[1] if known[1] in ACCOUNT_REASONS else None)


@pytest.mark.parametrize("status", [408, 500, 503])
def test_no_code_decides_in_a_servers_own_trouble(status: int) -> None:
    for code in ERRORS:
        assert CARRIER.read_submission(answer(status, errors(code))).outcome is Outcome.UNKNOWN
        assert CARRIER.read_refusal(answer(status, errors(code))) is None
        assert CARRIER.read_command(answer(status, errors(code))) is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("status", "said", "reason"),
    [
        (
            403,
            f"Dialed number {RECIPIENT} (pertinent countries: JM) is not included in whitelisted countries: US, CA D13",
            Reason.NUMBER_NOT_SUPPORTED,
        ),
        (404, "The destination number is invalid. D50", Reason.NUMBER_NOT_SUPPORTED),
        (403, "Restricted origination number D54", Reason.REFUSED),
    ],
)
def test_one_destination_or_one_sender_stops_no_other(status: int, said: str, reason: Reason) -> None:
    read = CARRIER.read_submission(answer(status, errors("10010", "Authorization failed", said)))
    assert (read.outcome, read.reason) == (Outcome.REFUSED, reason)
    assert RECIPIENT not in read.text


def test_the_limits_own_header_says_how_long_to_wait() -> None:
    limited = answer(429, errors("10011"), x_ratelimit_limit="30", x_ratelimit_remaining="0", x_ratelimit_reset="3")
    assert CARRIER.read_submission(limited).retry_after == timedelta(seconds=3)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.ACCEPTED),
        (400, Outcome.REFUSED),
        (401, Outcome.NOT_SENT),  # the account may be put right while the call goes on
        (402, Outcome.NOT_SENT),
        (403, Outcome.NOT_SENT),
        (404, Outcome.REFUSED),
        (422, Outcome.REFUSED),
        (429, Outcome.NOT_SENT),
        (408, Outcome.UNKNOWN),
        (302, Outcome.UNKNOWN),
        (500, Outcome.UNKNOWN),
        (503, Outcome.UNKNOWN),
    ],
)
def test_what_an_answer_to_a_command_proves(status: int, outcome: Outcome) -> None:
    assert CARRIER.read_command(answer(status, errors("90018"))) is outcome


@pytest.mark.parametrize("status", [400, 402, 403, 422])
def test_a_command_that_the_account_cannot_pay_may_be_given_again(status: int) -> None:
    assert CARRIER.read_command(answer(status, errors("20100"))) is Outcome.NOT_SENT


@pytest.mark.parametrize(
    ("response", "ok", "words"),
    [
        (answer(200, {"data": {"available_credit": "12.50", "currency": "USD"}}), True, "12.50 USD"),
        (answer(200, {"data": {"available_credit": "-0.01", "currency": "USD"}}), False, "no credit left"),
        (answer(200, {"data": {"available_credit": "0.00"}}), False, "no credit left"),
        (answer(401, errors("10009", "Authentication failed", "")), False, "Authentication failed"),
        (answer(403, errors("20012", "Account inactive", "")), False, "Account inactive"),
        (answer(402, errors("20100", "Insufficient funds", "")), False, "Add funds at Telnyx. Insufficient"),
        (answer(403, errors("10010", "Blocked for unpaid bills D19", "")), False, "no funds left"),
        (answer(402, b""), False, "no funds left"),
        (answer(200, b"<html>"), False, "not Telnyx's"),
        (answer(502, b""), False, "502"),
    ],
)
def test_a_check_says_how_the_account_is(response: CarrierResponse, ok: bool, words: str) -> None:
    check = CARRIER.read_check(response)
    assert check.ok is ok
    assert words in check.detail


# events


def parsed(name: str, **fields: Any) -> list[Report]:
    return CARRIER.parse(came(webhook(name, ATTEMPT, **fields)))


def step(name: str, **fields: Any) -> Action | None:
    found = CARRIER.step_after(came(webhook(name, ATTEMPT, **fields)))
    assert found is None or found == CallStep(ATTEMPT, found.action, CALL)
    return found.action if found else None


def test_a_call_that_begins_settles_its_drop_and_names_itself() -> None:
    [report] = parsed("initiated")
    assert (report.attempt_key, report.status, report.carrier_reference) == (ATTEMPT, ReportStatus.ACCEPTED, CALL)
    assert report.occurred_at is not None
    assert report.event_id == WEBHOOKS["initiated"]["data"]["id"]
    assert step("initiated") is None


@pytest.mark.parametrize("name", ["premium_detection", "detection"])
@pytest.mark.parametrize("result", DETECTED)
def test_a_machine_is_waited_for_and_all_else_is_hung_up_on(name: str, result: str) -> None:
    reason = DETECTED[result]
    assert [report.reason for report in parsed(name, result=result)] == ([reason] if reason else [])
    assert step(name, result=result) == (Action.HANG_UP if reason else None)


@pytest.mark.parametrize("name", ["premium_greeting", "greeting"])
@pytest.mark.parametrize("result", GREETED)
def test_the_message_follows_the_greeting_unless_its_end_is_not_sure(name: str, result: str) -> None:
    reason = GREETED[result]
    assert [report.reason for report in parsed(name, result=result)] == ([reason] if reason else [])
    assert step(name, result=result) == (Action.HANG_UP if reason else Action.PLAY)


@pytest.mark.parametrize("name", ["premium_detection", "detection", "premium_greeting", "greeting"])
@pytest.mark.parametrize("result", [None, "", "martian", 7, [], "prompt_ended"])
def test_a_result_that_is_not_documented_says_nothing(name: str, result: object) -> None:
    assert parsed(name, result=result) == []
    assert step(name, result=result) is None


def test_only_a_playback_to_its_end_is_a_delivery_and_each_end_is_hung_up_after() -> None:
    for status in ("completed", *PLAYED, "unheard of", None):
        [report] = parsed("playback_ended", status=status, played=True)
        assert (report.status is ReportStatus.DELIVERED) == (status == "completed")
        assert step("playback_ended", status=status) == (None if status == "call_hangup" else Action.HANG_UP)
    assert parsed("playback_ended", status="unheard of")[0].reason is Reason.UNREPORTED


def test_a_part_that_may_have_been_left_is_not_left_again() -> None:
    for status in ("call_hangup", "cancelled", "cancelled_amd", "unknown"):
        assert not REASONS[PLAYED[status]].retryable
    for cause in HUNG_UP:
        [report] = parsed("hangup", hangup_cause=cause, played=True)
        assert report.reason is Reason.UNREPORTED, "the end of the playback tells, and may come later"


def test_a_call_that_ends_before_a_message_ends_by_its_cause() -> None:
    for cause, reason in HUNG_UP.items():
        [report] = parsed("hangup", hangup_cause=cause)
        assert (report.reason, report.code) == (reason, cause)
        assert step("hangup", hangup_cause=cause) is None


@pytest.mark.parametrize("cause", ["call_rejected", "unspecified", None, "new_cause"])
def test_the_sip_code_says_why_where_the_cause_does_not(cause: str | None) -> None:
    for sip, reason in SIP.items():
        assert [each.reason for each in parsed("hangup", hangup_cause=cause, sip_hangup_cause=sip)] == [reason]
    otherwise = Reason.CARRIER_DENIED if cause == "call_rejected" else Reason.UNKNOWN
    for sip_code in ("603", "unspecified", None):
        assert [each.reason for each in parsed("hangup", hangup_cause=cause, sip_hangup_cause=sip_code)] == [otherwise]


@pytest.mark.parametrize("name", ["answered", "playback_started"])
def test_other_events_say_nothing(name: str) -> None:
    assert parsed(name) == []
    assert step(name) is None


@pytest.mark.parametrize("kind", ["call.bridged", "message.finalized", ""])
def test_unknown_events_say_nothing(kind: str) -> None:
    event = orjson.loads(webhook("hangup", ATTEMPT))
    event["data"]["event_type"] = kind
    callback = came(orjson.dumps(event))
    assert CARRIER.parse(callback) == []
    assert CARRIER.step_after(callback) is None


@pytest.mark.parametrize("client_state", [None, "", "not base64", state("no key"), 7])
def test_without_its_state_a_call_is_the_one_of_the_drops_address_and_nobodys_at_the_fixed_one(
    client_state: object,
) -> None:
    raw = webhook("playback_ended", client_state=client_state)
    [report] = CARRIER.parse(came(raw, drop_id=ATTEMPT))
    assert report.attempt_key == ATTEMPT
    assert CARRIER.parse(came(raw)) == []
    assert CARRIER.step_after(came(raw)) is None


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"data":[]}', b'{"data":{"event_type":"call.hangup"}}', b"\xff"])
def test_what_is_no_event_is_malformed(raw: bytes) -> None:
    with pytest.raises(CallbackMalformed):
        CARRIER.parse(came(raw))


@given(
    payload=st.dictionaries(
        st.sampled_from(["result", "status", "call_control_id", "hangup_cause"]), st.integers(-9, 9)
    )
)
def test_no_values_of_an_event_raise(payload: dict[str, Any]) -> None:
    for name in WEBHOOKS:
        if name != "source":
            callback = came(webhook(name, ATTEMPT, **payload))
            CARRIER.parse(callback)
            CARRIER.step_after(callback)


# signatures


def hook() -> Signed:
    raw = webhook("playback_ended", ATTEMPT)
    return Signed(
        carrier=CARRIER,
        raw=raw,
        sign=signed,
        sign_wrongly=lambda raw, at: signed(raw, at, OTHER_KEY),
        signature="telnyx-signature-ed25519",
        timestamp="telnyx-timestamp",
    )


@pytest.mark.parametrize("forgery", [name for name in FORGERIES if name not in OF_A_SCHEME])
def test_a_forgery_is_rejected(forgery: str) -> None:
    post = FORGERIES[forgery](hook())
    if forgery == "body of another callback":
        post = (webhook("hangup", ATTEMPT), post[1])
    with pytest.raises(CallbackRejected):
        hook().verify(post)


@pytest.mark.parametrize("genuine", GENUINE)
def test_a_genuine_webhook_is_taken(genuine: str) -> None:
    assert hook().verify(GENUINE[genuine](hook())) is True


@pytest.mark.parametrize(
    "public_key", ["short", "A" * 44, f"{public(KEY)},", f"{public(KEY)};{public(OTHER_KEY)}", "é"]
)
def test_a_malformed_public_key_is_refused_by_its_name(public_key: str) -> None:
    with pytest.raises(CredentialMalformed) as caught:
        Telnyx(CREDENTIALS | {"public_key": public_key})
    assert caught.value.name == "public_key"


def test_an_error_whose_title_and_detail_are_the_same_is_said_once() -> None:
    same = "Authentication failed"
    assert title_and_detail({"title": same, "detail": same}) == same
    assert title_and_detail({"title": same, "detail": "No key."}) == f"{same}: No key."
