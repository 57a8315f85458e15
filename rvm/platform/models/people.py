"""Users, their sessions in browsers, and the counts that limit them."""

from __future__ import annotations

from importlib import import_module

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from rvm.platform.database.ids import uuid7
from rvm.platform.times.zones import MAX_NAME, check_zone


class User(AbstractUser):
    """A person, or the service user behind an API key; audit events refer to both as `actor`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    is_service = models.BooleanField(default=False, help_text="Acts for an API key and cannot log in.")
    time_zone = models.CharField(
        max_length=MAX_NAME,
        blank=True,
        default="",
        db_default="",
        validators=[check_zone],
        help_text="In which the person sees times. Empty: that of the person's workspaces.",
    )

    class Meta:
        verbose_name = "account"
        verbose_name_plural = "accounts"
        db_table = "platform_user"


class Session(AbstractBaseSession):
    """A session of a browser; `expire_date` is its end if no request comes, `ends_at` its end in any case."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    ends_at = models.DateTimeField()

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        store: type[SessionBase] = import_module(settings.SESSION_ENGINE).SessionStore
        return store


class SignInCount(models.Model):
    """How often a sign-in was tried, under the keyed hash of an account, an address or both; `rvm.platform.accounts.limits`."""

    key = models.BinaryField(primary_key=True, max_length=32)
    account = models.BinaryField(
        max_length=32,
        null=True,
        db_index=True,
        help_text="The key of the account itself, by which an account is let in again.",
    )
    failures = models.PositiveIntegerField(default=0)
    blocked_until = models.DateTimeField()
    last_at = models.DateTimeField()
    trusted_until = models.DateTimeField(
        null=True, help_text="Until then, this account signs in from this address whatever else is blocked."
    )


class NumberQuestions(models.Model):
    """How often somebody who may not see numbers has asked by one within a day; `rvm.platform.number_questions`."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="+")
    began_at = models.DateTimeField()
    asked = models.PositiveIntegerField()
    refused = models.BooleanField(help_text="Whether a refusal was recorded.")

    class Meta:
        db_table = "platform_numberquestions"
