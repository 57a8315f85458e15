"""The interface carries a vendor that calls, detects the machine and asks for its next step: a sketch, on the real view.

The sketch follows Twilio's synchronous pattern and signature (docs/architecture/carrier-interface.md). It is no adapter: it proves
that one needs nothing that the interface lacks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID
from xml.sax.saxutils import escape

import pytest
from django.test import Client

from delivery import carriers
from delivery.carriers.base import CallbackRejected, CallbackResponse, Carrier, Credential, DropRequest
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import Reason
from delivery.models import Drop
from delivery.reports.inbox import merge
from delivery.transport.interface import CarrierRequest, CarrierResponse
from tests import factories
from tests.delivery.states import NOW, both, make_submitted
from usecases.callbacks.addresses import drop_address

pytestmark = pytest.mark.django_db
TOKEN = b"auth-token"


class CallAndDetect(Carrier):
    """What was asked for travels in the query of our own address, which the vendor signs and gives back."""

    name = "call_and_detect"
    label = "Call and detect"
    credential_fields = (Credential("token", "Auth token"),)

    def submit_request(self, drop: DropRequest) -> CarrierRequest:
        def step(step: str) -> str:
            return f"{drop.callback_url}?{urlencode({'step': step, 'drop': str(drop.attempt_key), 'play': drop.recording_url})}"

        fields = {
            "To": drop.recipient,
            "From": drop.sender,
            "MachineDetection": "DetectMessageEnd",
            "Url": step("answered"),
            "StatusCallback": step("ended"),
        }
        return CarrierRequest("POST", "http://127.0.0.1:1/Calls.json", (), urlencode(fields).encode())

    def read_submission(self, response: CarrierResponse) -> Submission:
        return Submission(Outcome.ACCEPTED if response.status == 201 else Outcome.UNKNOWN)

    def verify_callback(self, raw: bytes, headers: Mapping[str, str], now: datetime, url: str = "") -> bool:
        if not hmac.compare_digest(headers.get("x-twilio-signature", ""), signature(url, raw)):
            raise CallbackRejected("X-Twilio-Signature does not match.")
        return True

    def parse_callback(self, raw: bytes, headers: Mapping[str, str], url: str = "") -> list[Report]:
        asked, said = _query(url), dict(parse_qsl(raw.decode()))
        machine = said.get("AnsweredBy", "").startswith("machine_end")
        status, reason = {
            ("answered", True): (ReportStatus.ACCEPTED, None),
            ("answered", False): (ReportStatus.FAILED, Reason.HUMAN_ANSWERED),
            ("played", True): (ReportStatus.DELIVERED, None),
            # A call that ended proves nothing about the message; what was played whole has been reported by then, or corrects this.
            ("ended", machine): (ReportStatus.FAILED, Reason.UNREPORTED),
        }[asked["step"], machine]
        return [Report(UUID(asked["drop"]), status, None, reason=reason, carrier_reference=said["CallSid"])]

    def respond_to_callback(self, raw: bytes, headers: Mapping[str, str], url: str = "") -> CallbackResponse:
        asked, said = _query(url), dict(parse_qsl(raw.decode()))
        actions = "<Hangup/>"
        if asked["step"] == "answered" and said["AnsweredBy"].startswith("machine_end"):
            # Fetched only once the recording was played to its end: the proof that it was.
            after = f"{url.partition('?')[0]}?{urlencode(asked | {'step': 'played'})}"
            actions = f"<Play>{escape(asked['play'])}</Play><Redirect>{escape(after)}</Redirect>"
        return CallbackResponse(f"<Response>{actions}</Response>".encode(), "text/xml")


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def signature(url: str, raw: bytes) -> str:
    """Base64 of HMAC-SHA1 over the whole address and the sorted form fields, as the vendor's request_validator.py does it."""
    fields = "".join(name + value for name, value in sorted(parse_qsl(raw.decode())))
    return base64.b64encode(hmac.new(TOKEN, (url + fields).encode(), hashlib.sha1).digest()).decode()


@pytest.fixture
def drop(monkeypatch: pytest.MonkeyPatch) -> Drop:
    monkeypatch.setitem(carriers.CARRIERS, CallAndDetect.name, CallAndDetect)
    drop = make_submitted("accepted")
    drop.setup.carrier, drop.setup.credentials = CallAndDetect.name, {"token": TOKEN.decode()}
    drop.setup.save()
    return drop


def addresses(drop: Drop, public: str) -> dict[str, str]:
    """What the vendor was told when the drop was submitted."""
    url = drop_address(drop.setup.callback_secrets.get().callback_key, drop.id)
    assert url.startswith(public)
    request = CallAndDetect({}).submit_request(
        DropRequest(drop.id, factories.RECIPIENT, "+12025550199", "http://x/r&1.mp3", url)
    )
    return dict(parse_qsl(request.body.decode()))


def call(url: str, public: str, **said: str) -> Any:
    raw = urlencode({"CallSid": "CA1"} | said).encode()
    headers = {"x-twilio-signature": signature(url, raw)}
    return Client().post(
        url.removeprefix(public), raw, content_type="application/x-www-form-urlencoded", headers=headers
    )


def test_a_machine_is_told_to_play_and_only_what_was_played_whole_is_delivered(drop: Drop, settings: Any) -> None:
    public = settings.RVM_PUBLIC_URL
    told = addresses(drop, public)
    answer = call(told["Url"], public, AnsweredBy="machine_end_beep")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/xml")
    assert b"<Play>http://x/r&amp;1.mp3</Play><Redirect>" in answer.content
    merge(NOW)
    assert both(drop) == ("accepted", "", "accepted", "")
    after = answer.content.decode().partition("<Redirect>")[2].partition("</Redirect>")[0].replace("&amp;", "&")
    assert call(after, public, AnsweredBy="machine_end_beep").content == b"<Response><Hangup/></Response>"
    call(told["StatusCallback"], public, AnsweredBy="machine_end_beep", CallStatus="completed")
    merge(NOW + timedelta(seconds=1))
    assert both(drop) == ("delivered", "", "delivered", "")


def test_a_person_is_hung_up_on_at_once_and_the_drop_fails(drop: Drop, settings: Any) -> None:
    answer = call(addresses(drop, settings.RVM_PUBLIC_URL)["Url"], settings.RVM_PUBLIC_URL, AnsweredBy="human")
    assert answer.content == b"<Response><Hangup/></Response>"
    merge(NOW)
    assert both(drop) == ("failed", "human_answered", "failed", "human_answered")


def test_the_end_of_the_call_may_come_before_the_end_of_the_message(drop: Drop, settings: Any) -> None:
    public = settings.RVM_PUBLIC_URL
    told = addresses(drop, public)
    call(told["StatusCallback"], public, AnsweredBy="machine_end_beep", CallStatus="completed")
    merge(NOW)
    assert both(drop)[1] == "unreported"
    call(told["Url"].replace("step=answered", "step=played"), public, AnsweredBy="machine_end_beep")
    merge(NOW)
    assert both(drop) == ("delivered", "", "delivered", "")


def test_a_changed_address_is_rejected_with_its_query(drop: Drop, settings: Any) -> None:
    public = settings.RVM_PUBLIC_URL
    url, raw = addresses(drop, public)["Url"], b"CallSid=CA1&AnsweredBy=machine_end_beep"
    forged = url.replace("r%261.mp3", "other.mp3")
    assert forged != url
    answer = Client().post(
        forged.removeprefix(public),
        raw,
        content_type="application/x-www-form-urlencoded",
        headers={"x-twilio-signature": signature(url, raw)},
    )
    assert answer.status_code == 401
