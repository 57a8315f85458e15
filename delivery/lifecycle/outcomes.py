"""What an answer, a silence or a report means for a voicemail and its drop.

Pure: every rule by which a voicemail leaves `sending`, `uncertain` and `accepted` stands here, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import GUESSES, Reason
from delivery.lifecycle.retry_policy import Retry, after_not_sent
from delivery.lifecycle.status import DropStatus, VoicemailStatus

# When an uncertain drop is looked up: right after it became so, then ever more rarely until the setup's horizon.
LOOKUP_WAITS = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 30, 120, 600, 3600))

# An answer that comes after the lease was given up, or after an early report that the drop was accepted, still says what happened:
# the earlier status, and the ends that the answer may bring it to.
LATE_ANSWERS = (
    (VoicemailStatus.UNCERTAIN, (VoicemailStatus.ACCEPTED, VoicemailStatus.FAILED)),
    (VoicemailStatus.ACCEPTED, (VoicemailStatus.FAILED,)),
)


@dataclass(frozen=True, slots=True)
class StatusChange:
    """The next status of both. `retry` is set where the voicemail is queued again."""

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
    """After an answer to a request. `drops` counts this one; `failover` says that it went through the failover setup."""
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
    """How long to wait before asking the carrier again, after `checks` look-ups."""
    return LOOKUP_WAITS[min(checks, len(LOOKUP_WAITS) - 1)]


_REPORTED = {
    ReportStatus.ACCEPTED: (VoicemailStatus.ACCEPTED, DropStatus.ACCEPTED),
    ReportStatus.DELIVERED: (VoicemailStatus.DELIVERED, DropStatus.DELIVERED),
    ReportStatus.FAILED: (VoicemailStatus.FAILED, DropStatus.FAILED),
}
_OPEN_DROP = (DropStatus.SENDING, DropStatus.UNCERTAIN)


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
    """What a report changes, given where its voicemail and its drop are: (None, None) where it comes late or twice.

    `latest`: the report is about the voicemail's latest drop. An earlier drop's report can only make the voicemail delivered, and so
    can one on the drop before a retry that waits: else the person would get the message twice. `provisional`: an unsigned result
    ended the drop, and a signed one overrides it.
    """
    to_voicemail, to_drop = _REPORTED[report.status]
    overridden = (
        provisional and drop is DropStatus.FAILED and not report.unsigned and to_drop is not DropStatus.ACCEPTED
    )
    guessed = overridden or (
        _is_guess(drop_reason) and not (drop_reason == Reason.UNREPORTED and to_drop is DropStatus.ACCEPTED)
    )
    forward = drop in _OPEN_DROP or (drop is DropStatus.ACCEPTED and to_drop is not DropStatus.ACCEPTED) or guessed
    overtakes = (
        to_drop is DropStatus.DELIVERED
        and (voicemail in _UNDER_WAY or (voicemail is VoicemailStatus.FAILED and forward))
        and (not latest or voicemail is VoicemailStatus.QUEUED)
    )
    if not forward and not (overtakes and drop in _CLOSED_DROP):
        return None, None
    open_voicemail = voicemail in (VoicemailStatus.SENDING, VoicemailStatus.UNCERTAIN) or (
        voicemail is VoicemailStatus.ACCEPTED and to_voicemail is not VoicemailStatus.ACCEPTED
    )
    guessed_voicemail = voicemail is VoicemailStatus.FAILED and (overridden or _is_guess(voicemail_reason))
    if overtakes or (latest and (open_voicemail or guessed_voicemail)):
        return to_voicemail, to_drop
    return None, to_drop


# Where a delivery of the attempt before finds a voicemail that is being tried again.
_UNDER_WAY = (VoicemailStatus.QUEUED, VoicemailStatus.SENDING, VoicemailStatus.UNCERTAIN, VoicemailStatus.ACCEPTED)
# What we took for the end of an attempt, until its carrier says that the message was left.
_CLOSED_DROP = (DropStatus.FAILED, DropStatus.NOT_SENT)


def _is_guess(reason: str) -> bool:
    return reason in GUESSES
