"""What carriers say about drops, in our words: the answer to a submission, and reports afterwards. Plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from delivery.lifecycle.reasons import Reason


class Outcome(StrEnum):
    """What an answer to a submission proves."""

    ACCEPTED = "accepted"  # the carrier has it and will report
    REFUSED = "refused"  # the carrier will never act on it
    NOT_SENT = "not_sent"  # documented as not processed (429, 503 before acceptance): safe to try again
    UNKNOWN = "unknown"  # anything else: it may have been accepted


@dataclass(frozen=True, slots=True)
class Submission:
    """A carrier's answer to a submission, or to a look-up that found it. `code` and `text` are the carrier's own."""

    outcome: Outcome
    carrier_reference: str = ""
    reason: Reason | None = None
    code: str = ""
    text: str = ""
    retry_after: timedelta | None = None


class ReportStatus(StrEnum):
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Report:
    """One thing a carrier says about one drop. `event_id` is the carrier's id of the saying, for duplicates.

    Where the carrier does not repeat our key, `attempt_key` is None and `recipient` (E.164) and `carrier_reference` say which drop is
    meant: see `delivery.reports.correlation`. `unsigned`: a signing secret is set up and this one came without a signature, so it
    proves less than the setup's others.
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
