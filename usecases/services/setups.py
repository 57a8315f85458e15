"""Services of telephony setups that need no carrier: deletion and locking.

`delivery.setups`, in the layer above, creates and changes setups.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from rvm.platform import audit
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import User
from usecases.models import TelephonySetup, UseCase
from usecases.services.persistence import lock


@transaction.atomic
def delete_setup(*, setup: TelephonySetup, actor: User | None = None) -> None:
    """Delete a setup. The row stays for its drops and their later reports. Raises ServiceError while a use case uses it."""
    row = lock_setup(setup)
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


def lock_setup(setup: TelephonySetup, field: str = "") -> TelephonySetup:
    """The setup's current state, locked against changes. Raises ServiceError if it is deleted."""
    row = lock(setup)
    if row.deleted_at is not None:
        raise ServiceError("setup_not_found", "This telephony setup was deleted.", field=field)
    return row
