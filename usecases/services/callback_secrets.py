"""Services of callback secrets: a new fixed address with a new version of the secret, and the end of earlier versions."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction

from rvm.platform import audit
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.tokens import digest_of
from rvm.platform.models import User
from rvm.platform.observability.representation import hides
from usecases.models import CallbackSecret, TelephonySetup
from usecases.services.setups import lock_setup

TOKEN_BYTES = 24


@hides("token")
class Rotated(NamedTuple):
    """The token of a new fixed address, which is not stored, and until when earlier addresses work."""

    token: str
    earlier_until: datetime


@transaction.atomic
def rotate_callback_secret(*, setup: TelephonySetup, actor: User | None) -> Rotated:
    """Insert a new version with a fixed address.

    The version before stays valid for as long as the carrier's reports on its drops are awaited. Raises ServiceError.
    """
    row = lock_setup(setup)
    before = row.callback_secrets.current().get()
    before.expires_at = ends = database_now() + awaited_for(row)
    before.save(update_fields=["expires_at"])
    token = secrets.token_urlsafe(TOKEN_BYTES)
    version = CallbackSecret.objects.create(setup=row, version=before.version + 1, digest=digest_of(token))
    audit.record(
        "setup.callback_secret_rotated",
        row,
        actor=actor,
        workspace=row.workspace,
        version=version.version,
        earlier_until=ends,
    )
    return Rotated(token, ends)


@transaction.atomic
def end_earlier_callback_secrets(*, setup: TelephonySetup, actor: User | None) -> int:
    """End at once what a rotation left valid, and return how many versions that were. Raises ServiceError for a deleted setup."""
    row = lock_setup(setup)
    now = database_now()
    ended = row.callback_secrets.filter(expires_at__gt=now).update(expires_at=now)
    if ended:
        audit.record("setup.callback_secrets_ended", row, actor=actor, workspace=row.workspace, count=ended)
    return ended


def awaited_for(setup: TelephonySetup) -> timedelta:
    """The longest time between a drop's beginning and the end of the wait for its report."""
    return timedelta(hours=setup.confirm_horizon_hours + setup.report_horizon_hours)


def fixed_address_since(setup: TelephonySetup) -> datetime | None:
    """The time at which the setup's present fixed address was made; None if it has none."""
    return next((each.created_at for each in setup.callback_secrets.all() if not each.expires_at and each.digest), None)


def earlier_until(setup: TelephonySetup, now: datetime) -> datetime | None:
    """The time at which the last of the setup's earlier addresses stops working; None if none works."""
    ends = [each.expires_at for each in setup.callback_secrets.all() if each.expires_at and each.expires_at > now]
    return max(ends, default=None)
