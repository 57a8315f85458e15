"""Agreements with carriers, without which no voicemail leaves through a live setup: which of them a setup has, and what tells of a
missing one. `TelephonySetup.agreed` is the rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

from usecases.models import TelephonySetup

NO_AGREEMENT = (
    "The telephony setup “{name}” has no signed agreement with its carrier, so nothing is sent through it. An administrator states "
    "on the setup when the business associate agreement was signed, or why none is needed."
)


class Agreement(StrEnum):
    NOT_NEEDED = "not_needed"  # a simulated setup reaches nobody
    SIGNED = "signed"
    EXCEPTION = "exception"
    MISSING = "missing"


def agreement_of(setup: TelephonySetup) -> Agreement:
    if not setup.live:
        return Agreement.NOT_NEEDED
    if setup.agreed:
        return Agreement.SIGNED if setup.baa_signed_on else Agreement.EXCEPTION
    return Agreement.MISSING


def missing_agreement(setup: TelephonySetup) -> str:
    """A sentence about the missing agreement of the setup, or ""."""
    return "" if setup.agreed else NO_AGREEMENT.format(name=setup.name)


def warning() -> str:
    """Warning for /readyz, or "". That page is public, so it gives the number of setups without names."""
    lacking = TelephonySetup.objects.without_agreement().count()
    those = f"{lacking} live telephony setups have" if lacking > 1 else "1 live telephony setup has"
    return (
        f"{those} no signed agreement with the carrier; nothing is sent through it. The admin's list of setups says which."
        if lacking
        else ""
    )


def missing_agreements(workspaces: Iterable[UUID]) -> list[str]:
    """Sentences about the live setups of these workspaces that have no agreement."""
    lacking = TelephonySetup.objects.without_agreement().filter(workspace__in=list(workspaces)).order_by("name", "id")
    return [missing_agreement(setup) for setup in lacking.defer("credentials")]
