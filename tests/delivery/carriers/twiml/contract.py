"""The contract's data of Twilio and SignalWire."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime
from typing import ClassVar
from uuid import UUID

import orjson

from delivery.carriers.base import Callback
from delivery.carriers.twilio import ANSWERED_BY, ENDS, ERRORS
from delivery.lifecycle.events import Outcome
from delivery.lifecycle.reasons import Reason
from delivery.transport.interface import CarrierResponse
from tests.delivery.carriers.contract import RECIPIENT, Contract, Documented
from tests.delivery.carriers.twiml.vendors import FORM, Vendor


def error(code: str, status: int = 400) -> CarrierResponse:
    body = {"code": int(code), "message": f"About {RECIPIENT}.", "more_info": "", "status": status}
    return CarrierResponse(status, orjson.dumps(body))


class TwimlContract(Contract):
    """A code is how the call ended, with who answered; "played" is the question after the recording."""

    vendor: ClassVar[Vendor]
    throttled = error("20429", 429)
    codes = {
        "played": None,
        **ENDS,
        **{f"completed {answered_by}": reason for answered_by, reason in ANSWERED_BY.items()},
        "completed machine_start": Reason.UNREPORTED,
        "completed machine_end_beep": Reason.UNREPORTED,
        "completed": Reason.UNREPORTED,
    }

    def result(
        self,
        url: str,
        drop_id: UUID,
        code: str,
        *,
        at: datetime,
        said: datetime | None = None,
        event_id: str = "0",
    ) -> Callback:
        step = "played" if code == "played" else "ended"
        began = f"&began={int(at.timestamp()) - 60}&seconds=30" if code == "played" else ""
        status, _, answered_by = ("in-progress" if code == "played" else code).partition(" ")
        fields = {
            "To": RECIPIENT,
            "CallStatus": status,
            "AnsweredBy": answered_by or None,
            "Timestamp": format_datetime(said or at),
            "SequenceNumber": event_id,
        }
        url = f"{url}?step={step}{began}"
        raw = self.vendor.said(step, **fields)
        return self.signed_anew(Callback(raw, {"content-type": FORM}, url, at, drop_id), raw)

    def signed_anew(self, callback: Callback, raw: bytes) -> Callback:
        return replace(callback, raw=raw, headers={**callback.headers, **self.vendor.sign(callback.url, raw)})


def documented(vendor: Vendor) -> tuple[Documented, ...]:
    """All answers to a submission that the vendor documents."""
    created = CarrierResponse(201, orjson.dumps(vendor.fixture("answers", "call")))
    return (
        Documented(created, Outcome.ACCEPTED),
        *(Documented(error(code), *outcome) for code, outcome in vendor.adapter.errors.items()),
        Documented(error("20003", 401), *ERRORS["20003"]),
        Documented(error("20429", 429), *ERRORS["20429"]),
        Documented(error("20404", 404), Outcome.UNKNOWN),
        Documented(error("20500", 500), Outcome.UNKNOWN),
        Documented(error("20503", 503), Outcome.UNKNOWN),
    )
