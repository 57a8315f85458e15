"""Status changes that follow from a carrier's response or report.

Pure. All rules by which a response or report moves a voicemail out of `sending`, `uncertain` or `accepted` are here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import GUESSES, Reason
from delivery.lifecycle.retry_policy import Retry, after_not_sent
from delivery.lifecycle.status import DROP_UNDER_WAY, OPEN_ENDED, UNDER_WAY, DropStatus, VoicemailStatus

# Waits before each look-up of an uncertain drop: short at first, then longer, until the setup's horizon.
LOOKUP_WAITS = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 30, 120, 600, 3600))

# A response that arrives after the lease ended, or after an early report of acceptance, is still evidence. Pairs of the voicemail's
# current status and the statuses that such a late response may set.
LATE_RESPONSES = (
    (VoicemailStatus.UNCERTAIN, (VoicemailStatus.ACCEPTED, VoicemailStatus.FAILED)),
    (VoicemailStatus.ACCEPTED, (VoicemailStatus.FAILED,)),
)


@dataclass(frozen=True, slots=True)
class StatusChange:
    """Next statuses of a voicemail and its drop. `retry` is set if the voicemail is queued again."""

    voicemail: VoicemailStatus
    drop: DropStatus
    reason: Reason | None = None
    retry: Retry | None = None


def resolve_submission(
    submission: Submission,
    drops: int,
    now: datetime,
    *,
    failover: bool = False,
    has_failover: bool = False,
    jitter: float = 0.0,
) -> StatusChange:
    """The status change that a response to a submission causes.

    `drops` counts this drop; `failover`: it went through the failover setup; `jitter` is a random number from 0 to 1.
    """
    match submission.outcome:
        case Outcome.ACCEPTED:
            return StatusChange(VoicemailStatus.ACCEPTED, DropStatus.ACCEPTED)
        case Outcome.REFUSED:
            return StatusChange(VoicemailStatus.FAILED, DropStatus.FAILED, submission.reason or Reason.REFUSED)
        case Outcome.NOT_SENT:
            retry = after_not_sent(
                now,
                drops=drops,
                failover=failover,
                has_failover=has_failover,
                jitter=jitter,
                at_least=submission.retry_after,
            )
            return StatusChange(VoicemailStatus.QUEUED, DropStatus.NOT_SENT, Reason.NOT_SENT, retry)
        case Outcome.UNKNOWN:
            return StatusChange(VoicemailStatus.UNCERTAIN, DropStatus.UNCERTAIN)


def lookup_wait(checks: int) -> timedelta:
    """The wait before the next look-up, after `checks` look-ups."""
    return LOOKUP_WAITS[min(checks, len(LOOKUP_WAITS) - 1)]


_REPORTED = {
    ReportStatus.ACCEPTED: (VoicemailStatus.ACCEPTED, DropStatus.ACCEPTED),
    ReportStatus.DELIVERED: (VoicemailStatus.DELIVERED, DropStatus.DELIVERED),
    ReportStatus.FAILED: (VoicemailStatus.FAILED, DropStatus.FAILED),
}


def resolve_report(
    report: Report,
    *,
    voicemail: VoicemailStatus,
    voicemail_reason: str,
    latest: bool,
    drop: DropStatus,
    drop_reason: str,
    provisional: bool = False,
) -> tuple[VoicemailStatus | None, DropStatus | None]:
    """New statuses of the voicemail and the drop, None for each that does not change: both for a late or duplicate report.

    `latest`: the report is about the voicemail's latest drop. A report about an earlier drop, or about the drop before a queued
    retry, can change the voicemail only to delivered, so that the person does not get the message twice. `provisional`: an unsigned
    result ended the drop, and a signed one overrides it.
    """
    to_voicemail, to_drop = _REPORTED[report.status]
    overridden = (
        provisional and drop is DropStatus.FAILED and not report.unsigned and to_drop is not DropStatus.ACCEPTED
    )
    guessed = overridden or (
        _is_guess(drop_reason) and not (drop_reason == Reason.UNREPORTED and to_drop is DropStatus.ACCEPTED)
    )
    forward = (drop in DROP_UNDER_WAY and drop is not to_drop) or guessed
    overtakes = (
        to_drop is DropStatus.DELIVERED
        and (voicemail in OPEN_ENDED or (voicemail is VoicemailStatus.FAILED and forward))
        and (not latest or voicemail is VoicemailStatus.QUEUED)
    )
    if not forward and not (overtakes and drop in _CLOSED_DROP):
        return None, None
    open_voicemail = voicemail in UNDER_WAY and voicemail is not to_voicemail
    guessed_voicemail = voicemail is VoicemailStatus.FAILED and (overridden or _is_guess(voicemail_reason))
    if overtakes or (latest and (open_voicemail or guessed_voicemail)):
        return to_voicemail, to_drop
    return None, to_drop


# Ends of a drop that a report of delivery corrects.
_CLOSED_DROP = (DropStatus.FAILED, DropStatus.NOT_SENT)


def _is_guess(reason: str) -> bool:
    return reason in GUESSES
