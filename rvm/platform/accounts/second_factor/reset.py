"""The reset of a second factor that its person has lost: whoever signs in next with the password enrols a new one."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.db import transaction

from rvm.platform import audit
from rvm.platform.accounts import limits
from rvm.platform.accounts.sessions import end_sessions
from rvm.platform.database.clock import database_now
from rvm.platform.models import User


@transaction.atomic
def reset_second_factor(user: User, *, actor: User | None) -> bool:
    """Remove the app and the recovery codes, and end the person's sessions; False if there was nothing to reset."""
    found, _ = Authenticator.objects.filter(user=user).delete()
    if not found:
        return False
    limits.clear_codes(user, database_now())
    end_sessions(user.pk)
    audit.record("second_factor.reset", user, actor=actor, workspace=None)
    return True
