"""The service that revokes a consent. What stops is always a suppression, so a revocation adds one for its purposes."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from rvm.platform import audit
from rvm.platform.errors import ServiceError
from rvm.platform.models import User
from usecases.models import Consent, Suppression
from usecases.services.consents import MAX_SOURCE_LENGTH, revocation_of
from usecases.services.persistence import in_one_line, lock, unless_taken
from usecases.services.suppressions import MAX_REASON_LENGTH, suppress_number
from usecases.suppression_kinds import SuppressionKind
from usecases.suppressions import suppress_index

# What `revokes` of two rows would violate.
_REVOKED_ONCE = "usecases_consent_revokes_id_key"


@transaction.atomic
def revoke_consent(
    consent: Consent,
    *,
    channel: str,
    revoked_at: datetime | None = None,
    by_program: bool = False,
    actor: User | None,
    now: datetime,
) -> Consent:
    """Revoke a consent, and suppress the number for its purposes, from the next claim on. Raises ServiceError.

    `channel`: how the person said so. What waits for the number under use cases of these purposes ends in the same transaction.
    """
    if consent.list_id:
        raise ServiceError(
            "consent_of_list",
            "It covers the people of a list, not one person; withdraw them from the campaign, or cancel the campaign.",
        )
    row, at, said = lock(consent), revoked_at or now, in_one_line(channel)[:MAX_SOURCE_LENGTH]
    if not said:
        raise ServiceError("blank", "Say how the person revoked it, such as “telephone”.", field="channel")
    if at > now:
        raise ServiceError("consent_ahead", "The revocation is dated in the future.", field="revoked_at")
    # By the minute, as people write it.
    if at < row.at.replace(second=0, microsecond=0):
        raise ServiceError("consent_older", "It was revoked before it was given; check the time.", field="revoked_at")
    revoked = ServiceError("consent_revoked", "This consent was revoked already; its number is suppressed.")
    if Consent.objects.filter(revokes=row).exists():
        raise revoked
    with unless_taken(_REVOKED_ONCE, revoked):
        Consent.objects.create(**revocation_of(row, said, at, actor))
    _suppress(row, said, by_program, actor)
    audit.record(
        "consent.revoked",
        row,
        actor=actor,
        workspace=row.workspace,
        channel=said,
        purposes=row.purposes,
    )
    return row


def _suppress(row: Consent, channel: str, by_program: bool, actor: User | None) -> None:
    """Suppress the number of a revoked consent for its purposes; a number that does not open, for everything."""
    reason = f"consent revoked: {channel}"
    if row.number is None:
        suppress_index(
            workspace_id=row.workspace_id,
            number_index=bytes(row.number_index),
            index_key=row.index_key,
            last4=row.last4,
            reason=reason[:MAX_REASON_LENGTH],
        )
        return
    suppress_number(
        workspace=row.workspace,
        number=row.number,
        kind=SuppressionKind.OPT_OUT,
        source=Suppression.Source.API if by_program else Suppression.Source.PERSON,
        purposes=row.purposes,
        reason=reason,
        actor=actor,
    )
