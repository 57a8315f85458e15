"""Manual requests for uploads to carriers. The engine requests uploads automatically, but not after a refusal."""

from __future__ import annotations

from django.db import transaction
from django.db.models.functions import Now

from delivery.models import CarrierMedia
from delivery.runtime.wakeups import wake_on_commit
from rvm.platform import audit
from rvm.platform.errors import ServiceError
from rvm.platform.models import User
from usecases.services.persistence import lock
from usecases.services.setups import lock_setup

State = CarrierMedia.State


def may_be_uploaded_again(media: CarrierMedia) -> bool:
    return media.state in (State.REFUSED, State.FAILED)


@transaction.atomic
def upload_again(*, media: CarrierMedia, actor: User | None) -> None:
    """Change a refused or failed upload to wanted and due now: the carrier may accept later what it refused.

    Raises ServiceError if the recording is uploaded already or its upload is in progress.
    """
    row = lock(media)
    setup = lock_setup(row.setup)
    if not may_be_uploaded_again(row):
        raise ServiceError("upload_not_needed", "This recording is at the carrier, or its upload is under way.")
    CarrierMedia.objects.filter(pk=row.pk).update(state=State.WANTED, error="", due_at=Now())
    audit.record("carrier_media.upload_asked", row, actor=actor, workspace=setup.workspace, was=row.state)
    wake_on_commit("reports")
