"""Services with which people and programs put a number on the suppression list, and lift a suppression."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from rvm.platform import audit
from rvm.platform.errors import ServiceError
from rvm.platform.events import outbox
from rvm.platform.models import User, Workspace
from rvm.platform.organisations import shares_with_others
from rvm.platform.times import moments
from usecases.consents.bases import Basis, Purpose
from usecases.models import Suppression
from usecases.services.consents import NewConsent, end_earlier, record_for_lift
from usecases.services.persistence import in_one_line, lock
from usecases.suppression_kinds import SuppressionKind, SuppressionScope
from usecases.suppressions import LIFTED_ELSEWHERE, copies_of, suppress

MAX_REASON_LENGTH: int = Suppression._meta.get_field("reason").max_length or 0
MAX_LIFT_REASON_LENGTH: int = Suppression._meta.get_field("lift_reason").max_length or 0


@transaction.atomic
def suppress_number(
    *,
    workspace: Workspace,
    number: str,
    kind: SuppressionKind,
    source: Suppression.Source,
    purposes: Collection[str] = (),
    scope: SuppressionScope = SuppressionScope.ORGANISATION,
    reason: str = "",
    actor: User | None,
) -> tuple[Suppression, bool]:
    """Put an E.164 number on the list of the workspace, and by default of all workspaces of its organisation.

    Returns the active suppression, and whether it is new: the same statement of the same source is kept once. What waits for the
    number ends in the same transaction.
    """
    row, created = suppress(
        workspace_id=workspace.pk,
        number=number,
        kind=kind,
        source=source,
        purposes=purposes,
        scope=scope,
        reason=in_one_line(reason)[:MAX_REASON_LENGTH],
        actor=actor,
    )
    if created:
        _record_event("created", row, actor)
    return row, created


@transaction.atomic
def lift(
    suppression: Suppression, *, reason: str, consent: NewConsent | None = None, actor: User | None, now: datetime
) -> Suppression:
    """Lift one suppression, from the next claim on. The row stays; a later statement of the same is a new row. Raises ServiceError.

    What the person or a carrier said is lifted on a consent that is newer than the suppression, and that is recorded. Where it was
    for everything, earlier consents to reach the number end. What holds for the organisation is lifted in all of its workspaces:
    check `needs_organisation` first. Reason, consent and person are kept in this workspace only.
    """
    row, copies = _locked(suppression)
    if row.lifted_at is not None:
        raise ServiceError("suppression_lifted", f"It was lifted on {moments.day(row.lifted_at)} already.")
    reason = in_one_line(reason)
    if not reason:
        raise reason_missing()
    if row.needs_consent:
        _check_consent(row, consent, now)
    row.lifted_at, row.lifted_by, row.lift_reason = now, actor, reason[:MAX_LIFT_REASON_LENGTH]
    if consent:
        row.consent = record_for_lift(row, consent, actor=actor, now=now)
    row.import_id, row.waiting = None, False
    row.save(
        update_fields=["lifted_at", "lifted_by", "lift_reason", "consent", "import_id", "waiting"], force_update=True
    )
    _record_event(
        "lifted",
        row,
        actor,
        reason=row.lift_reason,
        consent_source=consent.source if consent else "",
        consent_at=consent.at if consent else None,
    )
    Suppression.objects.filter(pk__in=[copy.pk for copy in copies]).update(
        lifted_at=now, lift_reason=LIFTED_ELSEWHERE, import_id=None, waiting=False
    )
    for copy in copies:
        if consent and not copy.purposes:
            end_earlier(copy, actor)  # the new consent was given to this workspace, so that one may need another
        _record_event("lifted", copy, actor, reason=LIFTED_ELSEWHERE)
    outbox.add_all(
        "suppression.lifted",
        [(each.workspace_id, each.pk, {"suppression_id": each.pk, "kind": each.kind}) for each in (row, *copies)],
        live=True,
    )
    return row


def _record_event(name: str, row: Suppression, actor: User | None, **details: Any) -> None:
    audit.record(
        f"suppression.{name}",
        row,
        actor=actor,
        workspace=row.workspace,
        kind=row.kind,
        source=row.source,
        purposes=row.purposes,
        scope=row.scope,
        **details,
    )


def _locked(suppression: Suppression) -> tuple[Suppression, list[Suppression]]:
    """The current suppression and its active copies in other workspaces, locked. Raises ServiceError."""
    same = with_copies(suppression).select_related("workspace").defer("consent", "number")
    rows = list(same.select_for_update(of=("self",), no_key=True))
    row = lock(suppression)
    return row, [each for each in rows if each.pk != row.pk]


def with_copies(suppression: Suppression) -> QuerySet[Suppression]:
    """The suppression and its active copies in other workspaces, in the order in which they are locked: the same statement may be
    lifted in two workspaces at a time."""
    return Suppression.objects.filter(copies_of(suppression)).order_by("pk")


def needs_organisation(scope: str, workspace_id: UUID) -> bool:
    """Whether a lift in this workspace ends suppressions of other workspaces too, for which the right in all of them is needed."""
    return scope == SuppressionScope.ORGANISATION and shares_with_others(workspace_id)


def _check_consent(row: Suppression, consent: NewConsent | None, now: datetime) -> None:
    if consent is None:
        raise ServiceError(
            "consent_needed",
            "The person or a carrier said that this number must not be reached. It can be lifted only with a new consent: say how "
            "and when it was given, and what proves it.",
            field="consent",
        )
    if row.purposes == [Purpose.MARKETING] and consent.basis != Basis.WRITTEN_CONSENT:
        raise ServiceError(
            "written_consent_needed",
            "The number may be reached for marketing again only on a consent that was given in writing.",
            field="consent",
        )
    if consent.at > now:
        raise ServiceError(
            "consent_ahead", "The consent is dated in the future; say when it was given.", field="consent"
        )
    # By the minute, as people write it.
    if consent.at < row.created_at.replace(second=0, microsecond=0):
        raise ServiceError(
            "consent_older",
            f"The consent is older than the suppression, which was recorded on {moments.moment(row.created_at)}; only a "
            "consent given after that lifts it.",
            field="consent",
        )


def reason_missing() -> ServiceError:
    return ServiceError("blank", "Say why the number may be reached again.", field="reason")
