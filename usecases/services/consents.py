"""Services that record consents: new ones, and those that a lift of a suppression rests on.

They add rows; no service changes or deletes one. A consent only permits, and only under a use case that needs recorded consent.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from rvm.platform import audit
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.errors import ServiceError
from rvm.platform.models import User, Workspace
from usecases.consents.bases import CARE, CONSENT_BASES, Basis, Purpose
from usecases.models import Consent, Suppression
from usecases.services.persistence import in_one_line

MAX_SOURCE_LENGTH: int = Consent._meta.get_field("source").max_length or 0
MAX_EVIDENCE_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class NewConsent:
    """A statement of consent. `source`: how the person gave it. `at`: when. `evidence`: what proves it, in words. Without `purposes`
    it covers care messages; one for a lift covers what the suppression was for."""

    source: str
    at: datetime
    evidence: str = field(repr=False)
    purposes: Collection[str] = ()
    basis: str = Basis.EXPRESS_CONSENT.value
    expires_at: datetime | None = None


@transaction.atomic
def record_consent(
    *, workspace: Workspace, number: str, consent: NewConsent, actor: User | None, now: datetime
) -> Consent:
    """Add a consent to reach an E.164 number. It lifts no suppression. Raises ServiceError."""
    index = blind_index()
    person = {
        "number": number,
        "number_index": index.of(workspace.pk, number),
        "index_key": index.current,
        "last4": number[-4:],
    }
    return _add(workspace, person, consent, consent.purposes or CARE, actor, now)


def record_for_list(
    *, workspace: Workspace, list_id: UUID, purpose: str, basis: str, statement: str, actor: User | None, now: datetime
) -> Consent:
    """Add what is stated of all people of a list at its import. It covers the list and counts for no number by itself."""
    return Consent.objects.create(
        workspace=workspace,
        number_index=b"",
        index_key=blind_index().current,
        last4="",
        list_id=list_id,
        purposes=[purpose],
        basis=basis if basis in dict(CONSENT_BASES) else Basis.EXPRESS_CONSENT.value,
        source="statement at the import of a list",
        at=now,
        evidence=statement,
        created_by=actor,
    )


def record_for_lift(row: Suppression, consent: NewConsent, *, actor: User | None, now: datetime) -> Consent:
    """Add the consent that a lift of the suppression rests on, in its transaction, and end consents that the suppression has undone:
    those given before it, where it was for everything. Where it was for some purposes, the new one covers these, but marketing only
    if it was given in writing. Raises ServiceError.
    """
    if not row.purposes:
        end_earlier(row, actor)
    written = consent.basis == Basis.WRITTEN_CONSENT
    covered = [purpose for purpose in row.purposes or CARE if written or purpose != Purpose.MARKETING]
    return _add(row.workspace, _person(row), consent, covered, actor, now)


def _add(
    workspace: Workspace,
    person: dict[str, Any],
    consent: NewConsent,
    purposes: Collection[str],
    actor: User | None,
    now: datetime,
) -> Consent:
    source = in_one_line(consent.source)[:MAX_SOURCE_LENGTH]
    if not source:
        raise ServiceError("blank", "Say how the person consented, such as “signed form”.", field="source")
    if consent.at > now:
        raise ServiceError(
            "consent_ahead", "The consent is dated in the future; say when it was given.", field="given_at"
        )
    if consent.expires_at is not None and consent.expires_at <= now:
        raise ServiceError("too_early", "The consent has expired already.", field="expires_at")
    if Purpose.MARKETING in purposes and consent.basis != Basis.WRITTEN_CONSENT:
        message = "A consent to marketing counts only in writing; record it as `written_consent`, or without marketing."
        raise ServiceError("written_consent_needed", message, field="basis")
    row = Consent.objects.create(
        workspace=workspace,
        **person,
        purposes=sorted(set(purposes)),
        basis=consent.basis,
        source=source,
        at=consent.at,
        expires_at=consent.expires_at,
        evidence=consent.evidence,
        created_by=actor,
    )
    audit.record(
        "consent.recorded",
        row,
        actor=actor,
        workspace=workspace,
        purposes=row.purposes,
        basis=row.basis,
        source=row.source,
        given_at=row.at,
    )
    return row


def _person(row: Suppression | Consent) -> dict[str, Any]:
    return {
        "number": row.number,
        "number_index": bytes(row.number_index),
        "index_key": row.index_key,
        "last4": row.last4,
    }


def revocation_of(row: Consent, channel: str, at: datetime, actor: User | None) -> dict[str, Any]:
    """The columns of the row that revokes the consent."""
    return {
        "workspace_id": row.workspace_id,
        "revokes": row,
        **_person(row),
        "purposes": row.purposes,
        "basis": row.basis,
        "source": channel,
        "at": at,
        "evidence": "",
        "created_by": actor,
    }


def end_earlier(suppression: Suppression, actor: User | None) -> None:
    number = suppression.number
    indexes = {bytes(suppression.number_index)}
    if number is not None:
        indexes.update(blind_index().all_of(suppression.workspace_id, number))
    earlier = Consent.objects.given().filter(
        number_index__in=indexes,
        workspace_id=suppression.workspace_id,
        revocation=None,
        at__lte=suppression.created_at,
    )
    ended = [Consent(**revocation_of(row, "opt-out", suppression.created_at, actor)) for row in earlier]
    # Another lift may end the same ones.
    Consent.objects.bulk_create(ended, ignore_conflicts=True)
