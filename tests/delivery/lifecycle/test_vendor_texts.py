"""What vendors say is kept without the numbers and addresses that they were sent, whichever way it comes in."""

from __future__ import annotations

import pytest
from django.utils import timezone

from delivery.carriers.abilities import Check, MediaRejected, MediaUploadFailed
from delivery.carriers.base import CallbackMalformed, CallbackRejected
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.vendor_texts import safe_text
from delivery.models import CarrierReport, Drop, Voicemail
from delivery.reports.inbox import merge, receive
from rvm.platform.scopes import Scope
from tests.delivery.states import make_submitted
from tests.factories import make_api

TEXT = "Bad Request: to: +12025550142 is not a reachable number"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("to: +1 (202) 555-0142 failed", "to: [number] failed"),
        ('{"to":12025550142}', '{"to":[number]}'),
        ("to=%2B12025550142&x=1", "to=[number]&x=1"),
        (
            "Could not fetch https://rvm.example.org/recordings/01/2/pRoOf.mp3 (410)",
            "Could not fetch https://rvm.example.org/… (410)",
        ),
        (r"fetch https:\/\/rvm.example.org\/carriers\/01\/2\/pRoOf\/", r"fetch https:\/\/rvm.example.org/…"),
        ("GET /carriers/01/2/pRoOf/ answered 500", "GET /… answered 500"),
        ("one\nline\x1b[31m", "one line [31m"),
        (
            "error 3015 of drop 01938a5e-7c1b-7f3e-9d2a-202555014212",
            "error 3015 of drop 01938a5e-7c1b-7f3e-9d2a-202555014212",
        ),
    ],
)
def test_a_text_is_kept_without_what_the_vendor_was_sent(said: str, kept: str) -> None:
    assert safe_text(said) == kept


def test_no_value_that_an_adapter_makes_holds_a_number() -> None:
    values = [
        Submission(Outcome.REFUSED, code="+12025550142", text=TEXT),
        Report(None, ReportStatus.FAILED, None, code="12025550142", text=TEXT, recipient="+12025550142"),
        Check(False, TEXT),
        *(error(TEXT) for error in (MediaRejected, MediaUploadFailed, CallbackRejected, CallbackMalformed)),
    ]
    assert [value for value in values if "2025550142" in f"{value!r} {value}"] == []


@pytest.mark.django_db
def test_a_number_in_a_vendors_text_is_nowhere_in_clear() -> None:
    """The raw event, which has it, is encrypted."""
    drop = make_submitted("accepted")
    report = Report(drop.id, ReportStatus.FAILED, timezone.now(), reason=Reason.REFUSED, code="4007", text=TEXT)
    receive(drop.setup_id, TEXT.encode(), [report])
    merge(timezone.now())
    kept = "Bad Request: to: [number] is not a reachable number"
    for model in (Voicemail, Drop, CarrierReport):
        assert model._default_manager.get().carrier_text == kept
    masked = make_api(drop.workspace, scopes=[Scope.VOICEMAIL_READ])
    assert kept in masked.get("voicemail").content.decode()
