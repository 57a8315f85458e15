"""Authentication by a Bearer API key: `request.user` is its service user, `request.auth` the key."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address

import structlog
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from rvm.platform.api import networks
from rvm.platform.api import problem_codes as codes
from rvm.platform.api.keys import is_well_formed
from rvm.platform.api.problems import Problem
from rvm.platform.audit.caller import authenticated_by
from rvm.platform.client_address import seen_address
from rvm.platform.database.prepared import prepared
from rvm.platform.encryption.tokens import digest_of
from rvm.platform.models import ApiKey, User

_log = structlog.get_logger(__name__)

# `last_used_at` shows which keys are still in use. One update a minute is enough and avoids a write per request.
USED_EVERY = timedelta(minutes=1)


class ApiKeyAuthentication(BaseAuthentication):
    """Authentication by `Authorization: Bearer rvm_…` only: a key in a URL would end up in logs."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        header = request.headers.get("Authorization", "")
        if not header:
            return None
        scheme, _, plaintext = header.partition(" ")
        if scheme.lower() != "bearer":
            raise AuthenticationFailed("Only `Authorization: Bearer <API key>` is accepted.")
        key, now = _find(plaintext.strip())
        require_network(key, seen_address(request._request))
        if key.last_used_at is None or key.last_used_at < now - USED_EVERY:
            stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USED_EVERY)
            ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
        authenticated_by(key.pk)
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="RVM"'


def require_network(key: ApiKey, address: IPv4Address | IPv6Address | None) -> None:
    """Raises Problem for a key that is not accepted from the client's address, which only a copy of it would be used from."""
    if networks.has_address(key.networks, address):
        return
    _log.warning("API key refused: not from its networks", key=str(key.pk))
    raise Problem(
        codes.ADDRESS_NOT_ALLOWED,
        f"This API key is accepted from its own networks only; the request came from {address or 'an unknown address'}.",
    )


# What only people have; for a service user it is read when it is asked for.
_OF_PEOPLE = [f"user__{name}" for name in ("password", "last_login", "email", "first_name", "last_name", "date_joined")]


@prepared
def _keys_with(digest: bytes) -> QuerySet[ApiKey]:
    found = ApiKey.objects.select_related("workspace", "user").defer(*_OF_PEOPLE)
    return found.annotate(asked_at=Now()).filter(digest=digest)


def _find(plaintext: str) -> tuple[ApiKey, datetime]:
    """The key and the database's time, from one query. The clocks of web hosts differ, and with them the time of expiry.

    Raises AuthenticationFailed.
    """
    if not is_well_formed(plaintext):
        raise AuthenticationFailed("This is not an API key of this platform, or it was not copied whole.")
    key_digest = digest_of(plaintext)
    key = next(iter(_keys_with(key_digest)), None)
    # The index lookup is not constant-time; this second comparison is, at no cost.
    if key is None or not hmac.compare_digest(bytes(key.digest), key_digest):
        raise AuthenticationFailed("This API key does not exist.")
    asked_at: datetime = vars(key)["asked_at"]
    require_active(key, asked_at)
    return key, asked_at


def require_active(key: ApiKey, now: datetime) -> None:
    """Raises AuthenticationFailed for a key that has ended."""
    if key.revoked_at is not None or not key.user.is_active:
        raise AuthenticationFailed("This API key was revoked.")
    if key.expires_at is not None and key.expires_at <= now:
        raise AuthenticationFailed(f"This API key expired at {key.expires_at:%Y-%m-%dT%H:%M:%SZ}.")
