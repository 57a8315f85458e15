"""Services that add sender numbers to a setup, change them, assign them to use cases and remove them."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from rvm.phone_numbers.numbers import NumberInvalid, check_sender
from rvm.platform import audit
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import User
from usecases.models import NumberAssignment, PhoneNumber, TelephonySetup, UseCase
from usecases.services.persistence import audit_changes, change, lock, save
from usecases.services.setups import lock_setup
from usecases.services.use_cases import lock_use_case

CHANGEABLE = ("display_name", "notes", "active")


@transaction.atomic
def add_phone_number(
    *, setup: TelephonySetup, e164: str, owned: bool = False, actor: User | None = None
) -> PhoneNumber:
    """Add a number (E.164) from which the account at the carrier may send; `owned` states that the organisation owns it. Raises
    ServiceError."""
    row = lock_setup(setup, field="setup_id")
    try:
        check_sender(e164, sandbox=not row.live)
    except NumberInvalid as error:
        raise ServiceError(error.code, str(error), field="phone_number") from None
    number = PhoneNumber(workspace=row.workspace, setup=row, e164=e164)
    if owned:
        number.owned_stated_at, number.owned_stated_by = database_now(), actor
    taken = ServiceError("number_exists", "This setup has this phone number already.", field="phone_number")
    save(number, "usecases_number_once_per_setup", taken)
    audit.record("phone_number.added", number, actor=actor, workspace=row.workspace, setup_id=row.pk, owned=owned)
    return number


@transaction.atomic
def update_phone_number(
    *, phone_number: PhoneNumber, owned: bool | None = None, actor: User | None = None, **changes: Any
) -> PhoneNumber:
    """Change a number. `changes` are columns of CHANGEABLE; `owned` states its ownership or withdraws that. Binds the next claim: a
    voicemail that was to leave from a number that is inactive by then gets another sender of its use case, or waits."""
    row = lock(phone_number)
    if changed := change(row, changes, CHANGEABLE):
        row.full_clean(validate_unique=False, validate_constraints=False)
        row.save(update_fields=[*changed, "updated_at"])
        audit.record("phone_number.updated", row, actor=actor, workspace=row.workspace, changes=audit_changes(changed))
    return row if owned is None else state_ownership(phone_number=row, owned=owned, actor=actor)


@transaction.atomic
def state_ownership(*, phone_number: PhoneNumber, owned: bool, actor: User | None = None) -> PhoneNumber:
    """State that the organisation owns the number, or withdraw that. A repeated statement changes nothing. Binds the next claim."""
    row = lock(phone_number)
    if row.owned == owned:
        return row
    row.owned_stated_at, row.owned_stated_by = (database_now(), actor) if owned else (None, None)
    row.save(update_fields=["owned_stated_at", "owned_stated_by", "updated_at"])
    action = "phone_number.ownership_stated" if owned else "phone_number.ownership_withdrawn"
    audit.record(action, row, actor=actor, workspace=row.workspace, setup_id=row.setup_id)
    return row


@transaction.atomic
def remove_phone_number(*, phone_number: PhoneNumber, actor: User | None = None) -> None:
    """Delete a number. Voicemails sent from it keep the number as text. Raises ServiceError while it is assigned."""
    row = lock(phone_number)
    using = UseCase.objects.filter(assignments__phone_number=row).order_by("name").first()
    if using is not None:
        raise ServiceError(
            "number_assigned",
            f"This phone number is assigned to the use case “{using.name}”; unassign it first.",
            use_case_id=using.pk,
        )
    audit.record("phone_number.removed", row, actor=actor, workspace=row.workspace, setup_id=row.setup_id)
    row.delete()


@transaction.atomic
def assign_number(*, use_case: UseCase, phone_number: PhoneNumber, actor: User | None = None) -> None:
    """Let the use case send from the number; if it may already, nothing changes. Raises ServiceError for another setup's number."""
    owner = lock_use_case(use_case)
    number = lock(phone_number)
    if number.setup_id not in (owner.setup_id, owner.failover_setup_id):
        raise ServiceError(
            "number_of_other_setup",
            "This phone number belongs to another telephony setup than the use case's; a carrier sends only from its own.",
            setup_id=number.setup_id,
        )
    _, new = NumberAssignment.objects.get_or_create(use_case=owner, phone_number=number)
    if new:
        audit.record("phone_number.assigned", number, actor=actor, workspace=number.workspace, use_case_id=owner.pk)


@transaction.atomic
def unassign_number(*, use_case: UseCase, phone_number: PhoneNumber, actor: User | None = None) -> None:
    """End the assignment of a number, if there is one. Its patients then get another sender of the use case."""
    owner = lock(use_case)
    if NumberAssignment.objects.filter(use_case=owner, phone_number=phone_number).delete()[0]:
        audit.record(
            "phone_number.unassigned", phone_number, actor=actor, workspace=owner.workspace, use_case_id=owner.pk
        )
