"""After which failures a use case may let its failover setup try.

Pure. Only what another carrier may do better, and only where the first one left no doubt that nobody was reached. The words are
those of failed voicemails' reasons; `delivery.lifecycle.reasons` takes them from here.
"""

from __future__ import annotations

from enum import StrEnum


class FailoverReason(StrEnum):
    VOICEMAIL_NOT_DETECTED = "voicemail_not_detected"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    NUMBER_NOT_SUPPORTED = "number_not_supported"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    SPAM_BLOCKED = "spam_blocked"
    RECORDING_REFUSED = "recording_refused"
    CARRIER_DENIED = "carrier_denied"
    CARRIER_ACCOUNT = "carrier_account"
    NO_FUNDS = "no_funds"
    REFUSED = "refused"


CHOICES = [(reason.value, reason.value.replace("_", " ").capitalize()) for reason in FailoverReason]
