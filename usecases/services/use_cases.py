"""Services that create, change and delete use cases. Their checks keep a use case able to send, through setups of one kind only."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction

from rvm.platform import audit
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import User, Workspace
from usecases.consents.bases import ConsentRequired
from usecases.models import NumberAssignment, TelephonySetup, UseCase
from usecases.selectors import NO_SUCH_SETUP, name_of
from usecases.services.persistence import audit_changes, change, in_one_line, lock, save
from usecases.services.setups import lock_setup

POLICY = (
    "sending_enabled",
    "allows_ringing",
    "purpose",
    "basis",
    "consent_required",
    "consent_statement",
    "consent_valid_days",
    "confidential_numbers",
    "window_start",
    "window_end",
    "days",
    "sends_on_holidays",
    "state_overlay",
    "state_overlay_reason",
    "expires_after_hours",
    "max_attempts",
    "retry_minutes",
    "max_per_day",
    "max_per_24h",
    "max_per_week",
    "failover_reasons",
)
CHANGEABLE = ("entity_name", "name", "description", "setup", "failover_setup", *POLICY)
_NAME = "usecases_name_among_living"


@transaction.atomic
def create_use_case(
    *,
    workspace: Workspace,
    setup: TelephonySetup,
    entity_name: str,
    name: str,
    actor: User | None = None,
    **settings: Any,
) -> UseCase:
    """Create a use case. `settings` are columns of CHANGEABLE, or the channel. Raises ServiceError."""
    use_case = UseCase(workspace=workspace, setup=setup, entity_name=entity_name, name=name)
    change(use_case, _settled(settings), (*CHANGEABLE, "channel"))
    _check_setup(use_case, "setup")
    _check_setup(use_case, "failover_setup")
    _check_pair(use_case)
    _check_marketing(use_case)
    _state_consent(use_case, settings, actor, "at its creation")
    save(use_case, _NAME, _name_taken())
    without = {} if use_case.state_overlay else {"state_overlay_reason": use_case.state_overlay_reason}
    audit.record(
        "use_case.created", use_case, actor=actor, workspace=workspace, name=name, setup_id=setup.pk, **without
    )
    return use_case


@transaction.atomic
def update_use_case(*, use_case: UseCase, actor: User | None = None, **changes: Any) -> UseCase:
    """Change a use case. `changes` are columns of CHANGEABLE. Raises ServiceError."""
    row = lock_use_case(use_case)
    was_live = row.setup.live
    changed = change(row, _settled(changes), CHANGEABLE)
    for name in ("setup", "failover_setup"):
        if name in changed:
            _check_setup(row, name)
    if "setup" in changed and was_live != row.setup.live:
        raise ServiceError(
            "setup_kind_differs",
            "A use case cannot move between the sandbox and a real carrier: its waiting voicemails were made for one of them. "
            "Create another use case.",
            field="setup_id",
        )
    if {"setup", "failover_setup"} & set(changed):
        _check_pair(row)
        _check_numbers(row)
    if "purpose" in changed:
        _check_marketing(row)
    if {"basis", "allows_ringing"} & set(changed):
        _read_setups(row)
    stated = _state_consent(row, changed, actor, "when it was changed")
    if changed:
        save(row, _NAME, _name_taken(), only=[*changed, *stated, "updated_at"])
        audit.record("use_case.updated", row, actor=actor, workspace=row.workspace, changes=audit_changes(changed))
    return row


@transaction.atomic
def confirm_consent(*, use_case: UseCase, actor: User | None = None) -> UseCase:
    """Confirm the statement of consent that the use case rests on, by an administrator; confirmed already, nothing changes. Raises
    ServiceError."""
    row = lock_use_case(use_case)
    if row.to_confirm:
        row.consent_confirmed_at, row.consent_confirmed_by = database_now(), actor
        row.save(update_fields=["consent_confirmed_at", "consent_confirmed_by", "updated_at"])
        audit.record(
            "use_case.consent_confirmed", row, actor=actor, workspace=row.workspace, statement=row.consent_statement
        )
    return row


@transaction.atomic
def delete_use_case(*, use_case: UseCase, actor: User | None = None) -> None:
    """Delete a use case. The row stays for its voicemails; queued ones are skipped. Raises ServiceError if numbers are assigned."""
    row = lock_use_case(use_case)
    count = NumberAssignment.objects.filter(use_case=row).count()
    if count:
        those = "1 phone number is" if count == 1 else f"{count} phone numbers are"
        raise ServiceError("numbers_assigned", f"{those} assigned to this use case; unassign them first.")
    row.deleted_at = database_now()
    row.save(update_fields=["deleted_at", "updated_at"])
    audit.record("use_case.deleted", row, actor=actor, workspace=row.workspace, name=row.name)


def lock_use_case(use_case: UseCase) -> UseCase:
    """The use case's current state, locked against changes. Raises ServiceError if it is deleted."""
    row = lock(use_case)
    if row.deleted_at is not None:
        raise ServiceError("use_case_not_found", "This use case was deleted.")
    return row


def _settled(values: dict[str, Any]) -> dict[str, Any]:
    """The values with weekdays in order, and without the reason for a state overlay that is off when it goes on again: the next time
    somebody switches it off needs a reason of its own."""
    settled = dict(values)
    if settled.get("days"):
        settled["days"] = sorted(set(settled["days"]))
    if settled.get("state_overlay"):
        settled["state_overlay_reason"] = ""
    return settled


def _state_consent(use_case: UseCase, changed: Collection[str], actor: User | None, when: str) -> tuple[str, ...]:
    """Set who states that everybody has consented, where the use case rests on it, and return the columns that may have changed.

    A statement in words is confirmed by who makes it. Without words, or for another purpose or basis than before, it waits for an
    administrator."""
    if use_case.consent_required != ConsentRequired.ATTESTED:
        return ()
    use_case.consent_statement = in_one_line(use_case.consent_statement)
    if "consent_statement" in changed and use_case.consent_statement:
        use_case.consent_confirmed_at, use_case.consent_confirmed_by = database_now(), actor
    elif not use_case.consent_statement:
        use_case.consent_statement = f"Stated by {name_of(actor) or 'the platform'} {when}."
        use_case.consent_confirmed_at = use_case.consent_confirmed_by = None
    elif {"purpose", "basis", "consent_required"} & set(changed):
        use_case.consent_confirmed_at = use_case.consent_confirmed_by = None
    return "consent_statement", "consent_confirmed_at", "consent_confirmed_by"


def _check_setup(use_case: UseCase, name: str) -> None:
    setup: TelephonySetup | None = getattr(use_case, name)
    if setup is None:
        return
    living = lock_setup(setup, field=f"{name}_id")
    setattr(use_case, name, living)
    if living.workspace_id != use_case.workspace_id:
        raise ServiceError("setup_not_found", NO_SUCH_SETUP, field=f"{name}_id")
    if not living.enabled:
        raise ServiceError(
            "setup_not_usable",
            f"The telephony setup “{living.name}” is disabled; enable it or choose another.",
            field=f"{name}_id",
        )


def _read_setups(use_case: UseCase) -> None:
    """Set the current setups, locked, so that none stops to be free to the recipient meanwhile."""
    use_case.setup = lock_setup(use_case.setup)
    if use_case.failover_setup is not None:
        use_case.failover_setup = lock_setup(use_case.failover_setup)


def _check_marketing(use_case: UseCase) -> None:
    """For a new or changed purpose only: once the workspace switches marketing off, a use case waits and can still be changed."""
    if not use_case.marketing_allowed:
        raise ServiceError(
            "marketing_off",
            "Marketing is off in this workspace; an administrator can allow it in the workspace's settings.",
            field="purpose",
        )


def _check_pair(use_case: UseCase) -> None:
    failover = use_case.failover_setup
    if failover is None:
        return
    if failover.pk == use_case.setup_id:
        raise ServiceError(
            "failover_not_usable", "The failover setup must be another one than the setup.", field="failover_setup_id"
        )
    if failover.live != use_case.setup.live:
        raise ServiceError(
            "failover_not_usable",
            "The sandbox cannot stand in for a real carrier, nor a real one for the sandbox: it would report as delivered what "
            "nobody received, or reach people from a test.",
            field="failover_setup_id",
        )


def _check_numbers(use_case: UseCase) -> None:
    setups = [use_case.setup_id, use_case.failover_setup_id]
    if (
        NumberAssignment.objects.filter(use_case=use_case)
        .exclude(phone_number__setup__in=filter(None, setups))
        .exists()
    ):
        raise ServiceError(
            "numbers_assigned",
            "Phone numbers of the setup that this use case would leave are assigned to it; unassign them first.",
        )


def _name_taken() -> ServiceError:
    return ServiceError(
        "name_exists", "Another use case of this workspace has this name; choose a different one.", field="name"
    )
