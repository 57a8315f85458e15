"""The end of a person's sessions, on every web process at once and without looking for them."""

from __future__ import annotations

from django.contrib.auth import update_session_auth_hash
from django.db.models import F
from django.http import HttpRequest

from rvm.platform.models import User


def end_sessions(user: User) -> None:
    User.objects.filter(pk=user.pk).update(session_generation=F("session_generation") + 1)
    user.refresh_from_db(fields=["session_generation"])


def end_other_sessions(request: HttpRequest, user: User) -> None:
    """All but the one of the request."""
    end_sessions(user)
    update_session_auth_hash(request, user)
