"""Whether a code is right: an authenticator app's or a recovery code, each for one use, which PostgreSQL remembers."""

from __future__ import annotations

from datetime import datetime

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.db import transaction

from rvm.platform import audit
from rvm.platform.accounts.second_factor.secrets import unseal
from rvm.platform.models import User

PERIOD_SECONDS = 30
# A phone's clock may be half a minute wrong (RFC 6238, 5.2).
TOLERANCE = 1


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """The 30 seconds since 1970 for which this is the code; None if it is for none near `now`."""
    current = int(now.timestamp()) // PERIOD_SECONDS
    for step in range(current - TOLERANCE, current + TOLERANCE + 1):
        if compare_user_code(actual=code, expected=format_hotp_value(hotp_value(secret, step))):
            return step
    return None


def use(user: User, code: str, now: datetime) -> Authenticator | None:
    """Use the code up; None if it is wrong, or was used before in any process. Raises Undecryptable."""
    with transaction.atomic():
        for row in Authenticator.objects.select_for_update().filter(user=user).order_by("pk"):
            if row.type == Authenticator.Type.TOTP and _use_step(row, code, now):
                return row
            if row.type == Authenticator.Type.RECOVERY_CODES and _use_recovery_code(row, user, code):
                return row
    return None


def remember(row: Authenticator, step: int) -> None:
    """No code of this step or an earlier one is accepted any more (RFC 6238, 5.2)."""
    row.data["last_step"] = step
    row.save(update_fields=["data"])


def _use_step(row: Authenticator, code: str, now: datetime) -> bool:
    step = step_of(unseal(row.data["secret"]), code, now)
    if step is None or step <= row.data.get("last_step", -1):
        return False
    remember(row, step)
    return True


def _use_recovery_code(row: Authenticator, user: User, code: str) -> bool:
    codes = RecoveryCodes(row)
    if not codes.validate_code(code):
        return False
    audit.record("recovery_code.used", user, actor=user, workspace=None, left=len(codes.get_unused_codes()))
    return True
