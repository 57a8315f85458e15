"""Reasons why voicemails end in a status other than delivered: one table for all carriers and guards.

Pure. Adapters map their carriers' codes to these; the carrier's code and text are stored beside the reason.
docs/integrate/reasons.md shows the table, and a test keeps the two equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from usecases.eligibility import SkipReason
from usecases.failover import FailoverReason
from usecases.suppression_kinds import SuppressionKind


class Reason(StrEnum):
    # reported or refused by a carrier
    VOICEMAIL_NOT_DETECTED = FailoverReason.VOICEMAIL_NOT_DETECTED.value
    NO_ANSWER = FailoverReason.NO_ANSWER.value
    BUSY = FailoverReason.BUSY.value
    UNREACHABLE = FailoverReason.UNREACHABLE.value
    MAILBOX_NOT_SET_UP = "mailbox_not_set_up"
    MAILBOX_FULL = "mailbox_full"
    HUMAN_ANSWERED = "human_answered"
    NUMBER_NOT_SUPPORTED = FailoverReason.NUMBER_NOT_SUPPORTED.value
    DO_NOT_CALL = "do_not_call"
    OPTED_OUT = "opted_out"
    LITIGATOR = "litigator"
    NUMBER_REASSIGNED = "number_reassigned"
    TOO_MANY_ATTEMPTS = FailoverReason.TOO_MANY_ATTEMPTS.value
    SPAM_BLOCKED = FailoverReason.SPAM_BLOCKED.value
    RECORDING_REFUSED = FailoverReason.RECORDING_REFUSED.value
    CARRIER_DENIED = FailoverReason.CARRIER_DENIED.value
    CARRIER_ACCOUNT = FailoverReason.CARRIER_ACCOUNT.value
    NO_FUNDS = FailoverReason.NO_FUNDS.value
    REFUSED = FailoverReason.REFUSED.value
    UNKNOWN = "unknown"
    # concluded by the platform about a submission
    NOT_SENT = "not_sent"
    UNCONFIRMED = "unconfirmed"
    UNREPORTED = "unreported"
    # decided by our guards before submission
    SUPPRESSED = SkipReason.SUPPRESSED.value
    NO_CONSENT = SkipReason.NO_CONSENT.value
    USE_CASE_DELETED = SkipReason.USE_CASE_DELETED.value
    NO_SENDER = SkipReason.NO_SENDER.value
    # decided by a user, the API or the expiry time
    CANCELED = "canceled"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ReasonFacts:
    """Properties of a reason. `detail` is its explanation for users.

    `retryable`: a later attempt can succeed and cannot reach the recipient twice.
    `may_have_reached`: the recipient may have got the message, so it is never sent again automatically.
    `suppresses`: the kind of the suppression that a report of it adds; None if it adds none.
    `of_sending`: it tells of the carrier, the account or the recording, so others would fail as well; not of the one person.
    """

    detail: str
    retryable: bool = False
    may_have_reached: bool = False
    suppresses: SuppressionKind | None = None
    of_sending: bool = False


REASONS: dict[Reason, ReasonFacts] = {
    Reason.VOICEMAIL_NOT_DETECTED: ReasonFacts("No voicemail box answered.", retryable=True),
    Reason.NO_ANSWER: ReasonFacts("Nothing answered.", retryable=True),
    Reason.BUSY: ReasonFacts("The line was busy.", retryable=True),
    Reason.UNREACHABLE: ReasonFacts("The number could not be reached.", retryable=True),
    Reason.MAILBOX_NOT_SET_UP: ReasonFacts("The person has not set up a voicemail box."),
    Reason.MAILBOX_FULL: ReasonFacts("The voicemail box is full."),
    Reason.HUMAN_ANSWERED: ReasonFacts("A person answered, so no message was left."),
    Reason.NUMBER_NOT_SUPPORTED: ReasonFacts("The carrier cannot leave voicemail at this kind of number."),
    Reason.DO_NOT_CALL: ReasonFacts(
        "The number is on the carrier's do-not-call list.", suppresses=SuppressionKind.DO_NOT_VOICEMAIL
    ),
    Reason.OPTED_OUT: ReasonFacts("The person opted out with the carrier.", suppresses=SuppressionKind.OPT_OUT),
    Reason.LITIGATOR: ReasonFacts(
        "The carrier blocks this number as a known litigant.", suppresses=SuppressionKind.DO_NOT_VOICEMAIL
    ),
    Reason.NUMBER_REASSIGNED: ReasonFacts(
        "The number now belongs to somebody else.", suppresses=SuppressionKind.WRONG_NUMBER
    ),
    Reason.TOO_MANY_ATTEMPTS: ReasonFacts("The carrier's own limit of attempts for this number is reached."),
    Reason.SPAM_BLOCKED: ReasonFacts("The receiving network blocked the message as spam.", of_sending=True),
    Reason.RECORDING_REFUSED: ReasonFacts("The carrier could not use the recording.", of_sending=True),
    Reason.CARRIER_DENIED: ReasonFacts("The carrier's network denied the voicemail.", of_sending=True),
    Reason.CARRIER_ACCOUNT: ReasonFacts(
        "The carrier account is not set up for this voicemail; see the telephony setup.", of_sending=True
    ),
    Reason.NO_FUNDS: ReasonFacts("The carrier account has no funds left.", of_sending=True),
    Reason.REFUSED: ReasonFacts("The carrier refused the voicemail.", of_sending=True),
    Reason.UNKNOWN: ReasonFacts(
        "The carrier gave a code that this version does not know; it is kept beside this reason.", of_sending=True
    ),
    Reason.NOT_SENT: ReasonFacts("The carrier could not be reached; nothing was sent.", retryable=True),
    Reason.UNCONFIRMED: ReasonFacts(
        "It is not known whether the carrier got the request; the person may have been reached.", may_have_reached=True
    ),
    Reason.UNREPORTED: ReasonFacts(
        "The carrier accepted the voicemail and never reported; the person may have been reached.",
        may_have_reached=True,
    ),
    Reason.SUPPRESSED: ReasonFacts("The number is on the suppression list."),
    Reason.NO_CONSENT: ReasonFacts(
        "The use case needs a recorded consent, and none of this number stands for its purpose."
    ),
    Reason.USE_CASE_DELETED: ReasonFacts("The use case was deleted before the voicemail was sent."),
    Reason.NO_SENDER: ReasonFacts("The use case has no sender number left."),
    Reason.CANCELED: ReasonFacts("Canceled before it was sent."),
    Reason.WITHDRAWN: ReasonFacts("Taken out of the campaign before it was sent."),
    Reason.EXPIRED: ReasonFacts("Its time ran out before it could be sent."),
}
# Conclusions drawn without a report: a late report corrects them, and only a user who accepts the risk can send again.
GUESSES = frozenset(reason for reason, facts in REASONS.items() if facts.may_have_reached)


def detail_of(reason: str) -> str:
    """The explanation of the reason that a row has; empty where it has none."""
    return REASONS[Reason(reason)].detail if reason else ""


def suppression_kind(reason: Reason) -> SuppressionKind:
    """The kind of the suppression that a report with this reason adds. Raises ValueError if it adds none."""
    kind = REASONS[reason].suppresses
    if kind is None:
        raise ValueError(f"{reason} suppresses nobody")
    return kind
