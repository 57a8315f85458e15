"""Selectors of setups, numbers and use cases, within one workspace and without deleted rows, and of suppressions and consents.

`live`: True selects those that reach people, False those of the sandbox, None both.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Prefetch, QuerySet
from django.db.models.functions import JSONObject

from rvm.platform.database import sql
from rvm.platform.database.prepared import prepared, set_prefetched
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.errors import ServiceError
from rvm.platform.models import ApiKey, User, Workspace
from rvm.platform.observability.representation import hides
from usecases.models import (
    AGREED_SQL,
    INSTALLED_CARRIERS,
    RINGING_CARRIERS,
    USABLE_SQL,
    Consent,
    PhoneNumber,
    Suppression,
    TelephonySetup,
    UseCase,
)
from usecases.suppressions import suppressions_of

NO_SUCH_USE_CASE = "This workspace has no such use case."
NO_SUCH_SETUP = "This workspace has no such telephony setup."


def setups(workspace: Workspace, *, live: bool | None) -> QuerySet[TelephonySetup]:
    return TelephonySetup.objects.not_deleted().of_world(live).filter(workspace=workspace).with_callback_secrets()


def phone_numbers(workspace: Workspace, *, live: bool | None) -> QuerySet[PhoneNumber]:
    """Numbers of setups that are not deleted, with the use cases (not deleted) to which they are assigned."""
    assigned = Prefetch("use_cases", UseCase.objects.not_deleted().order_by("name"))
    found = PhoneNumber.objects.not_deleted().of_world(live).filter(workspace=workspace)
    return found.select_related("setup").defer("setup__credentials").prefetch_related(assigned)


def use_cases(
    workspace: Workspace, *, entity_name: str = "", channel: str = "", setup_id: UUID | None = None
) -> QuerySet[UseCase]:
    """Use cases that match all given filters, newest first, with their numbers. Empty filters are ignored."""
    filters = {"entity_name": entity_name, "channel": channel, "setup_id": setup_id}
    found = UseCase.objects.not_deleted().filter(
        workspace=workspace, **{name: value for name, value in filters.items() if value}
    )
    found = found.select_related("workspace", "setup", "failover_setup").defer(
        "setup__credentials", "failover_setup__credentials"
    )
    return found.order_by("-id").prefetch_related(Prefetch("phone_numbers", PhoneNumber.objects.order_by("e164")))


def use_case_by_id(workspace_id: UUID, use_case_id: UUID) -> QuerySet[UseCase]:
    """The use case with its setups; its workspace is known to whoever asks. For queries that are `prepared`."""
    found = UseCase.objects.not_deleted().filter(workspace=workspace_id, pk=use_case_id)
    return found.select_related("setup", "failover_setup").defer("setup__credentials", "failover_setup__credentials")


_use_cases_by_id = prepared(use_case_by_id)


@prepared
def _numbers_of(use_case_id: UUID) -> QuerySet[PhoneNumber]:
    return PhoneNumber.objects.filter(use_cases=use_case_id).order_by("e164")


def use_case(workspace: Workspace, use_case_id: UUID) -> UseCase | None:
    """The use case with what `use_cases` reads with it; None if the workspace has none with this id."""
    for row in _use_cases_by_id(workspace.pk, use_case_id):
        row.workspace = workspace
        set_prefetched(row, "phone_numbers", row.phone_numbers.all(), _numbers_of(row.pk))
        return row
    return None


@prepared
def _ids_of_use_cases(workspace_id: UUID, use_case_id: UUID) -> QuerySet[UseCase]:
    return UseCase.objects.not_deleted().filter(workspace=workspace_id, pk=use_case_id).only("pk")


def has_use_case(workspace: Workspace, use_case_id: UUID) -> bool:
    return bool(_ids_of_use_cases(workspace.pk, use_case_id))


def senders_of(use_case: OuterRef) -> ArraySubquery:
    """An annotation of use cases, `senders`: what decides from which numbers is sent, so that no query asks for them again."""
    numbers = PhoneNumber.objects.filter(use_cases=use_case)
    return ArraySubquery(
        numbers.values_list(JSONObject(e164="e164", active="active", setup="setup_id", owned_at="owned_stated_at"))
    )


@hides("e164")
class _Sender(NamedTuple):
    """A number; `stated`: its ownership is, or the sandbox gets what is sent from it."""

    e164: str
    active: bool
    stated: bool


def _senders_at(use_case: UseCase, setup: TelephonySetup) -> list[_Sender]:
    """The use case's numbers of the setup, as they were read with it or are now."""
    read: list[dict[str, Any]] | None = vars(use_case).get("senders")
    if read is None:
        numbers = [number for number in use_case.phone_numbers.all() if number.setup_id == setup.pk]
        return [_Sender(number.e164, number.active, number.owned or not setup.live) for number in numbers]
    own = [number for number in read if number["setup"] == str(setup.pk)]
    return [
        _Sender(number["e164"], number["active"], number["owned_at"] is not None or not setup.live) for number in own
    ]


def sender_numbers(use_case: UseCase, setup: TelephonySetup | None = None, *, live: bool = True) -> list[str]:
    """Active numbers (E.164) assigned to the use case that belong to `setup`, by default the use case's own setup, and from which it
    may send; with `live` False also those whose ownership nobody has stated, because only the sandbox gets them then."""
    senders = _senders_at(use_case, setup or use_case.setup)
    return sorted(sender.e164 for sender in senders if sender.active and (sender.stated or not live))


def has_sender(use_case: UseCase) -> bool:
    """Whether a number of its own setup is assigned to the use case, active or not: without one its voicemails are skipped."""
    return bool(_senders_at(use_case, use_case.setup))


def sender_stated(use_case: UseCase, setup: TelephonySetup) -> bool:
    """Whether `setup` may send from a number of the use case; also if it has none there, which no statement would change."""
    senders = _senders_at(use_case, setup)
    return not senders or any(sender.active and sender.stated for sender in senders)


def suppressions(
    workspace: Workspace,
    *,
    live: bool | None,
    number: str = "",
    kind: str = "",
    source: str = "",
    scope: str = "",
    active: bool | None = None,
    list_id: UUID | None = None,
) -> QuerySet[Suppression]:
    """Suppressions that match all given filters, newest first. `number` is E.164. All suppressions are live: with `live` False there
    is none."""
    found = suppressions_of(workspace.pk, number) if number else Suppression.objects.filter(workspace=workspace)
    if live is False:
        return found.none()
    if active is not None:
        found = found.filter(lifted_at__isnull=active)
    filters = {"kind": kind, "source": source, "scope": scope, "list_id": list_id}
    return found.filter(**{name: value for name, value in filters.items() if value}).order_by("-id")


def consents(
    workspace: Workspace,
    *,
    live: bool | None,
    now: datetime,
    number: str = "",
    purpose: str = "",
    basis: str = "",
    active: bool | None = None,
) -> QuerySet[Consent]:
    """Consents that match all given filters, newest first, with what revokes them. `number` is E.164. All consents are live: with
    `live` False there is none."""
    found = Consent.objects.given().filter(workspace=workspace)
    if live is False:
        return found.none()
    if number:
        found = found.filter(number_index__in=blind_index().all_of(workspace.pk, number))
    if purpose:
        found = found.filter(purposes__contains=[purpose])
    if basis:
        found = found.filter(basis=basis)
    if active is not None:
        found = found.standing(now) if active else found.ended(now)
    return found.select_related("revocation").defer("revocation__number", "revocation__evidence").order_by("-id")


def sandbox_setup(workspace: Workspace) -> TelephonySetup | None:
    """The setup that test keys use: the workspace's oldest sandbox setup that is not deleted; None if there is none."""
    return setups(workspace, live=False).order_by("id").first()


def first_setup(use_case: UseCase, live: bool) -> TelephonySetup:
    """The setup of the first attempt: the use case's own, or its failover setup while that one drains and this one can send; for test
    voicemails (`live` False) the workspace's sandbox setup. Raises ServiceError if the workspace has no sandbox setup."""
    if live and use_case.setup.draining and (other := use_case.failover_setup) and can_send(use_case, other):
        return other
    setup = use_case.setup if live else sandbox_setup(use_case.workspace)
    if setup is None:
        raise ServiceError(
            "no_sandbox_setup",
            "Tests are sent through the sandbox carrier only, and this workspace has no setup of it; create one.",
        )
    return setup


def failover_setup(use_case: UseCase) -> TelephonySetup:
    """The setup of a live voicemail that is marked for the failover setup: that one, or the use case's own while only this one can
    send, or if there is no other."""
    other = use_case.failover_setup
    if other is None or (not can_send(use_case, other) and can_send(use_case, use_case.setup)):
        return use_case.setup
    return other


def can_send(use_case: UseCase, setup: TelephonySetup) -> bool:
    """Whether new attempts of the use case can go through the setup."""
    takes = setup.enabled and setup.deleted_at is None and not setup.draining and setup.agreed
    takes = takes and setup.carrier in INSTALLED_CARRIERS and not use_case.refuses_ringing_of(setup)
    return takes and any(sender.active and sender.stated for sender in _senders_at(use_case, setup))


def rings_sql() -> str:
    """Whether the carrier of a setup `s` calls, by the adapters with which this process sends. Call it after `delivery.carriers` was
    imported, which knows them."""
    return f"(s.carrier = ANY('{sql.texts(sorted(RINGING_CARRIERS))}'::text[]))"


def may_ring_sql() -> str:
    """Whether a setup `s` rings only under a use case `u` that allows it; `UseCase.refuses_ringing_of` is the same rule for rows."""
    return f"(u.allows_ringing OR NOT {rings_sql()})"


def can_send_sql(setup_id: str) -> str:
    """The same as `can_send` for a use case `u` and an expression of the setup's id. Call it after `delivery.carriers` was imported,
    which knows the carriers."""
    installed = sql.texts(sorted(INSTALLED_CARRIERS))
    return f"""EXISTS (
  SELECT FROM usecases_telephonysetup s
   WHERE s.id = {setup_id} AND s.enabled AND s.deleted_at IS NULL AND NOT s.draining AND {AGREED_SQL}
     AND s.carrier = ANY('{installed}') AND {may_ring_sql()}
     AND EXISTS (SELECT FROM usecases_numberassignment a JOIN usecases_phonenumber p ON p.id = a.phone_number_id
                  WHERE a.use_case_id = u.id AND p.setup_id = s.id AND {USABLE_SQL}))"""  # noqa: S608 - of constants


def require_usable(use_case: UseCase, live: bool) -> None:
    """Check that voicemails can be sent under the use case. Raises ServiceError if the use case or its setup is deleted, the setup is
    disabled or missing, or no active number of the use case's setup is assigned.

    With `live` False, the workspace's sandbox setup is checked instead of the use case's own.
    """
    if use_case.deleted_at is not None:
        raise ServiceError(
            "use_case_not_found",
            "This use case does not exist, or it was deleted; choose another.",
            field="use_case_id",
        )
    setup = first_setup(use_case, live)
    if setup.deleted_at is not None:
        raise ServiceError(
            "setup_deleted", f"The telephony setup “{setup.name}” of this use case was deleted; give it another setup."
        )
    if not setup.enabled:
        raise ServiceError(
            "setup_disabled", f"The telephony setup “{setup.name}” is disabled; enable it to send.", setup_id=setup.pk
        )
    if not any(sender.active for sender in _senders_at(use_case, use_case.setup)):
        raise ServiceError(
            "no_number_assigned",
            f"The use case “{use_case.name}” has no active sender number, so nothing can be sent under it. Assign it a phone number "
            f"of its telephony setup “{use_case.setup.name}”, make its number active, or choose another use case.",
            field="use_case_id",
        )


def name_of(user: User | None) -> str:
    """The name of a person, or of the API key that acts as the service user; empty for None."""
    if user is None:
        return ""
    key = ApiKey.objects.filter(user=user).order_by("-id").first() if user.is_service else None
    return f"API key “{key.name}”" if key else user.get_full_name() or user.username
