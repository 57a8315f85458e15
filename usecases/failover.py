"""Failures after which a use case may let its failover setup try.

Pure. Only failures that another carrier may avoid, and that prove that the person was not reached. The values are reasons of failed
voicemails; `delivery.lifecycle.reasons` imports them from here.
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
