"""Telephony setups: opened, changed and deleted. Which carriers and credentials exist is checked above, by the delivery layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q

from rvm.platform import audit
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import User, Workspace
from usecases.models import TelephonySetup, UseCase
from usecases.services.saving import change, lock, save, told

# The carrier is not among them: its drops know the setup by what it was.
CHANGEABLE = (
    "name",
    "credentials",
    "pace_per_second",
    "in_flight_cap",
    "report_horizon_hours",
    "confirm_horizon_hours",
    "enabled",
)
_NAME = "usecases_setup_name_among_living"


@transaction.atomic
def create_setup(
    *,
    workspace: Workspace,
    name: str,
    carrier: str,
    credentials: Mapping[str, str],
    actor: User | None = None,
    **settings: Any,
) -> TelephonySetup:
    """`settings` are columns of CHANGEABLE."""
    setup = TelephonySetup(workspace=workspace, name=name, carrier=carrier, credentials=dict(credentials))
    change(setup, settings, CHANGEABLE)
    save(setup, _NAME, _name_taken())
    audit.record("setup.created", setup, actor=actor, workspace=workspace, carrier=carrier, name=name)
    return setup


@transaction.atomic
def update_setup(*, setup: TelephonySetup, actor: User | None = None, **changes: Any) -> TelephonySetup:
    """`changes` are columns of CHANGEABLE; credentials are replaced as a whole and their values are not audited."""
    row = lock_living(setup)
    changed = change(row, changes, CHANGEABLE)
    if changed:
        save(row, _NAME, _name_taken(), only=[*changed, "updated_at"])
        if "credentials" in changed:
            row.refresh_from_db(fields=["credentials_version"])  # raised by the database
            changed["credentials"] = ("…", "…")
        audit.record("setup.updated", row, actor=actor, workspace=row.workspace, changes=told(changed))
    return row


@transaction.atomic
def delete_setup(*, setup: TelephonySetup, actor: User | None = None) -> None:
    """Its row stays, for its drops and the reports that are still to come. ServiceError while a use case sends through it."""
    row = lock_living(setup)
    using = UseCase.objects.not_deleted().filter(Q(setup=row) | Q(failover_setup=row)).order_by("name").first()
    if using is not None:
        raise ServiceError(
            "setup_in_use",
            f"The use case “{using.name}” sends through this setup; delete it or give it another setup first.",
            use_case_id=using.pk,
        )
    row.deleted_at = database_now()
    row.enabled = False
    row.save(update_fields=["deleted_at", "enabled", "updated_at"])
    audit.record("setup.deleted", row, actor=actor, workspace=row.workspace, name=row.name)


def lock_living(setup: TelephonySetup, field: str = "") -> TelephonySetup:
    """The setup as it is now, kept from being deleted meanwhile. ServiceError where it is deleted."""
    row = lock(setup)
    if row.deleted_at is not None:
        raise ServiceError("setup_not_found", "This telephony setup was deleted.", field=field)
    return row


def _name_taken() -> ServiceError:
    return ServiceError(
        "name_exists", "Another setup of this workspace has this name; choose a different one.", field="name"
    )
