"""Models of telephony setups, sender numbers, use cases, freezes of states, consents, suppressions and inbound messages."""

from usecases.models.bounds import (
    ATTEMPTS_BOUNDS,
    PACE_BOUNDS,
    RETRY_MINUTES_BOUNDS,
    RETRY_MINUTES_HELP,
    WINDOW_START_HELP,
)
from usecases.models.callback_secret import CallbackSecret, CallbackSecretQuerySet
from usecases.models.consent import Consent
from usecases.models.inbound import InboundMessage, InboundSecret
from usecases.models.phone_number import USABLE_SQL, PhoneNumber, e164
from usecases.models.states import StateFreeze, StateRuleSet
from usecases.models.suppression import Suppression, SuppressionCopying, SuppressionQuerySet
from usecases.models.telephony_setup import (
    AGREED_SQL,
    INSTALLED_CARRIERS,
    RINGING_CARRIERS,
    TelephonySetup,
    TelephonySetupQuerySet,
)
from usecases.models.use_case import Channel, NumberAssignment, UseCase, new_days

__all__ = [
    "AGREED_SQL",
    "ATTEMPTS_BOUNDS",
    "INSTALLED_CARRIERS",
    "PACE_BOUNDS",
    "RETRY_MINUTES_BOUNDS",
    "RETRY_MINUTES_HELP",
    "RINGING_CARRIERS",
    "USABLE_SQL",
    "WINDOW_START_HELP",
    "CallbackSecret",
    "CallbackSecretQuerySet",
    "Channel",
    "Consent",
    "InboundMessage",
    "InboundSecret",
    "NumberAssignment",
    "PhoneNumber",
    "StateFreeze",
    "StateRuleSet",
    "Suppression",
    "SuppressionCopying",
    "SuppressionQuerySet",
    "TelephonySetup",
    "TelephonySetupQuerySet",
    "UseCase",
    "e164",
    "new_days",
]
