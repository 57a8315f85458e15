"""Purposes of use cases, and the bases in law on which messages for them may rest. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import NamedTuple


class Purpose(StrEnum):
    APPOINTMENT = "appointment"
    WELLNESS = "wellness"
    PRE_REGISTRATION = "pre_registration"
    PRE_OPERATIVE = "pre_operative"
    TEST_RESULT = "test_result"
    POST_DISCHARGE = "post_discharge"
    PRESCRIPTION = "prescription"
    HOME_HEALTHCARE = "home_healthcare"
    OTHER = "other"
    MARKETING = "marketing"


class Basis(StrEnum):
    EXPRESS_CONSENT = "express_consent"
    HEALTHCARE_EXEMPTION = "healthcare_exemption"
    WRITTEN_CONSENT = "written_consent"


PURPOSE_LABELS: dict[Purpose, str] = {
    Purpose.APPOINTMENT: "Appointment reminder",
    Purpose.WELLNESS: "Wellness outreach",
    Purpose.PRE_REGISTRATION: "Hospital pre-registration",
    Purpose.PRE_OPERATIVE: "Pre-operative instructions",
    Purpose.TEST_RESULT: "Test-result notice",
    Purpose.POST_DISCHARGE: "Follow-up after discharge",
    Purpose.PRESCRIPTION: "Prescription notice",
    Purpose.HOME_HEALTHCARE: "Home healthcare instructions",
    Purpose.OTHER: "Other care message",
    Purpose.MARKETING: "Marketing",
}
BASIS_LABELS: dict[Basis, str] = {
    Basis.EXPRESS_CONSENT: "The person's prior express consent",
    Basis.HEALTHCARE_EXEMPTION: "The healthcare exemption",
    Basis.WRITTEN_CONSENT: "The person's prior express written consent",
}
PURPOSES = [(purpose.value, label) for purpose, label in PURPOSE_LABELS.items()]
BASES = [(basis.value, label) for basis, label in BASIS_LABELS.items()]
# What a person gives; the exemption needs none.
CONSENT_BASES = [(basis, label) for basis, label in BASES if basis != Basis.HEALTHCARE_EXEMPTION]
# 47 CFR 64.1200(a)(9)(iv)(C): the exemption is "strictly limited" to these.
EXEMPTED = frozenset(Purpose) - {Purpose.OTHER, Purpose.MARKETING}


# What a consent covers that was given without naming purposes, as after an opt-out for everything.
CARE = tuple(purpose.value for purpose in Purpose if purpose is not Purpose.MARKETING)


def purposes_text(purposes: Iterable[str]) -> str:
    """The purposes as people call them, in a row; empty for none."""
    return ", ".join(PURPOSE_LABELS[Purpose(purpose)] for purpose in purposes)


class ConsentRequired(StrEnum):
    ATTESTED = "attested"
    RECORDED = "recorded"


CONSENT_REQUIREMENTS = [
    (ConsentRequired.ATTESTED.value, "The organisation states that everybody has consented"),
    (ConsentRequired.RECORDED.value, "A consent of each number is on record"),
]


class NeededConsent(NamedTuple):
    """What a recorded consent must be to count: for the purpose, if `written` in writing, and at most `valid_days` old."""

    purpose: str
    written: bool
    valid_days: int | None


def needed_consent(required: str, purpose: str, basis: str, valid_days: int | None) -> NeededConsent | None:
    """The recorded consent that a use case with these columns needs; None if it needs none."""
    if required != ConsentRequired.RECORDED:
        return None
    return NeededConsent(purpose, basis == Basis.WRITTEN_CONSENT, valid_days)


class Wrong(NamedTuple):
    """Why a use case cannot rest on its basis: the field to change, a stable code, and a sentence."""

    field: str
    code: str
    message: str


def wrong_basis(purpose: str, basis: str, *, charging: Collection[str]) -> Wrong | None:
    """What is wrong with a basis for a purpose, or None. `charging`: names of setups that do not declare their messages free to the
    person."""
    if purpose == Purpose.MARKETING and basis != Basis.WRITTEN_CONSENT:
        return Wrong(
            "basis",
            "written_consent_needed",
            "Marketing needs the prior express written consent of each person; choose `written_consent`.",
        )
    if basis != Basis.HEALTHCARE_EXEMPTION:
        return None
    if purpose not in EXEMPTED:
        exempted = ", ".join(sorted(EXEMPTED))
        return Wrong(
            "basis",
            "exemption_purpose",
            f"The healthcare exemption covers these purposes only: {exempted}. Choose one of them, or rest the messages on consent.",
        )
    if charging:
        setups = " and ".join(f"“{name}”" for name in charging)
        return Wrong(
            "basis",
            "exemption_not_free",
            f"The healthcare exemption covers only messages that cost the person nothing, and the telephony setup {setups} does not "
            "declare them free to the recipient. Have the carrier confirm it and declare it on the setup, or choose consent.",
        )
    return None
