"""Sessions in PostgreSQL that end after some time without a request, and at the latest some hours after the sign-in.

A page that reloads a part of itself is no activity of a person. A request writes to the session's row at most once a minute. All
times are the database's. A row has a hash of the key in the browser's cookie, so that whoever reads the table opens no session.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.contrib.sessions.middleware import SessionMiddleware as DjangoSessionMiddleware
from django.db.models import F
from django.db.models.functions import Least, Now
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from rvm.platform.encryption.tokens import digest_of
from rvm.platform.models import Membership, Session, User

_WRITTEN_EVERY = timedelta(minutes=1)


def stored_key(key: str | None) -> str:
    """The name of the row of a session with this key, as long as the column of Django's sessions."""
    return digest_of(key or "").hex()[:40]


def _idle() -> timedelta:
    return timedelta(minutes=settings.RVM_SESSION_IDLE_MINUTES)


class SessionStore(DatabaseSessionStore):
    """`stale` says that the row has not been written for a minute, so that `touch` has to."""

    stale = False
    _is_new = False

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        live = Session.objects.filter(pk=stored_key(self.session_key), expire_date__gt=Now())
        # Every page asks this: only the time is the database's, because comparing there takes Django longer than all the rest.
        row: Any = live.annotate(now=Now()).first()
        if row is None:
            self._session_key = None
            return None
        self.stale = row.expire_date < min(row.ends_at, row.now + _idle() - _WRITTEN_EVERY)
        found: Session = row
        return found

    def exists(self, session_key: str) -> bool:
        return Session.objects.filter(pk=stored_key(session_key)).exists()

    def delete(self, session_key: str | None = None) -> None:
        Session.objects.filter(pk=stored_key(session_key or self.session_key)).delete()

    def save(self, must_create: bool = False) -> None:
        self._is_new = must_create
        super().save(must_create)

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        idle_end: Any = Now() + _idle()
        ends_at: Any = Now() + timedelta(seconds=settings.SESSION_COOKIE_AGE) if self._is_new else F("ends_at")
        return Session(
            session_key=stored_key(self._get_or_create_session_key()),  # type: ignore[attr-defined]
            session_data=self.encode(data),
            expire_date=idle_end if self._is_new else Least(idle_end, F("ends_at")),
            ends_at=ends_at,
            user_id=data.get(SESSION_KEY),
        )

    def touch(self) -> None:
        """Begin the time without a request again."""
        if self.stale and self.session_key:
            Session.objects.filter(pk=stored_key(self.session_key)).update(
                expire_date=Least(F("ends_at"), Now() + _idle())
            )
            self.stale = False

    @classmethod
    def clear_expired(cls) -> None:
        Session.objects.filter(expire_date__lt=Now()).delete()


class SessionMiddleware(DjangoSessionMiddleware):
    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        session = request.session
        by_person = session.accessed and "HX-Request" not in request.headers
        if by_person and not session.modified and isinstance(session, SessionStore):
            session.touch()
        return super().process_response(request, response)


def clear_sessions(now: datetime) -> None:
    """A step of the tick."""
    SessionStore.clear_expired()


def end_sessions(user_id: Any, *, but: str | None = None) -> None:
    """All of the user, or all but the one with this key."""
    Session.objects.filter(user_id=user_id).exclude(pk=stored_key(but)).delete()


@receiver(post_save, sender=User)
def _of_a_deactivated_account(instance: User, **_: Any) -> None:
    if not instance.is_active:
        end_sessions(instance.pk)


@receiver(post_delete, sender=Membership)
def _of_a_person_who_left(instance: Membership, **_: Any) -> None:
    if not Membership.objects.filter(user_id=instance.user_id).exists():
        Session.objects.filter(user_id=instance.user_id, user__is_superuser=False).delete()
