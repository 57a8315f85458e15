"""Carrier-independent values for what carriers say about drops: responses to submissions, and later reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.vendor_texts import safe_text

# The longest id, code and text of a vendor that are kept; longer ones are cut.
MAX_REFERENCE = 100
MAX_CODE = 40
MAX_TEXT = 200


class Outcome(StrEnum):
    """What a carrier's response to a submission proves."""

    ACCEPTED = "accepted"  # the carrier has the request and will report
    REFUSED = "refused"  # the carrier will never act on the request
    NOT_SENT = "not_sent"  # documented as not processed (429, 503 before acceptance): safe to try again
    UNKNOWN = "unknown"  # anything else: the carrier may have accepted the request


@dataclass(frozen=True, slots=True)
class Submission:
    """A carrier's response to a submission, or to a look-up that found the drop. `code` and `text` are the carrier's own, masked."""

    outcome: Outcome
    carrier_reference: str = ""
    reason: Reason | None = None
    code: str = ""
    text: str = ""
    retry_after: timedelta | None = None

    def __post_init__(self) -> None:
        _mask(self)


class ReportStatus(StrEnum):
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Report:
    """A carrier's later message about one drop. `event_id` is the carrier's id of the message and identifies duplicates.

    If the carrier does not repeat the attempt key, `attempt_key` is None, and `recipient` (E.164) and `carrier_reference` identify
    the drop: see `delivery.reports.correlation`. `unsigned`: the setup has a signing secret and this report carries no signature, so
    it proves less than a signed one.
    """

    attempt_key: UUID | None
    status: ReportStatus
    occurred_at: datetime | None
    event_id: str = ""
    carrier_reference: str = ""
    reason: Reason | None = None
    code: str = ""
    text: str = ""
    recipient: str = field(default="", repr=False)
    unsigned: bool = False

    def __post_init__(self) -> None:
        _mask(self)


def _mask(said: Submission | Report) -> None:
    """A vendor's own texts hold no number from here on, and its ids no NUL, which PostgreSQL cannot store, whatever its adapter does
    with them."""
    for name in ("code", "text"):
        object.__setattr__(said, name, safe_text(getattr(said, name)))
    for name in ("carrier_reference", "event_id", "recipient"):
        if "\0" in getattr(said, name, ""):
            object.__setattr__(said, name, getattr(said, name).replace("\0", ""))
