"""API keys: their format, and services to create, rotate and revoke them.

A key is `rvm_live_` or `rvm_test_`, 30 random base-62 characters, and 6 characters with the CRC-32 of the preceding text. Scanners
can recognise a leaked key, and a mistyped key is refused without a query. Only the SHA-256 is stored.

A key that makes or rotates keys gives no more than it has, so a stolen key opens nothing else and nothing for longer.
"""

from __future__ import annotations

import re
import secrets
import string
import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from rvm.platform import audit
from rvm.platform.api.networks import within
from rvm.platform.api.networks import written as networks_of
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import uuid7
from rvm.platform.encryption.tokens import digest_of
from rvm.platform.errors import ServiceError
from rvm.platform.models import ApiKey, User, Workspace
from rvm.platform.times import moments

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
DEFAULT_OVERLAP = timedelta(hours=24)
MAX_OVERLAP = timedelta(days=7)
# Published for secret scanners.
PATTERN = re.compile(r"rvm_(?:live|test)_[0-9A-Za-z]{30}[0-9A-Za-z]{6}")


def checksum(text: str) -> str:
    """The CRC-32 of the text as six base-62 digits."""
    rest, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = BASE62[digit] + digits
    return digits


def generate(*, live: bool) -> str:
    body = f"rvm_{'live' if live else 'test'}_" + "".join(secrets.choice(BASE62) for _ in range(30))
    return body + checksum(body)


def is_well_formed(plaintext: str) -> bool:
    """Whether the text has the format and the checksum of an API key."""
    return bool(PATTERN.fullmatch(plaintext)) and checksum(plaintext[:-6]) == plaintext[-6:]


@transaction.atomic
def create_api_key(
    workspace: Workspace,
    name: str,
    scopes: Iterable[str],
    *,
    live: bool = False,
    expires_at: datetime | None = None,
    networks: Iterable[str] = (),
    actor: User | None = None,
    maker: ApiKey | None = None,
) -> tuple[ApiKey, str]:
    """Insert an API key and its service user, and return the key and its plaintext, which is not stored.

    `maker` is the API key that asks for it, if one does, which gives no more than it has. Raises ServiceError.
    """
    _require_ahead(expires_at)
    key = ApiKey(
        workspace=workspace,
        name=name,
        scopes=sorted(set(scopes)),
        live=live,
        expires_at=expires_at,
        networks=networks_of(networks),
    )
    _require_within(key, _locked(maker).get(maker.pk if maker else None))
    user_id = uuid7()
    user = User(id=user_id, username=f"key-{user_id}", is_service=True)
    user.set_unusable_password()
    user.save(force_insert=True)
    plaintext = _insert(key, user, actor)
    audit.record(
        "api_key.created",
        key,
        actor=actor,
        workspace=workspace,
        name=name,
        scopes=key.scopes,
        live=live,
        networks=key.networks,
        **_expiry(key),
    )
    return key, plaintext


@transaction.atomic
def rotate_api_key(
    key: ApiKey,
    overlap: timedelta = DEFAULT_OVERLAP,
    *,
    expires_at: datetime | None = None,
    actor: User | None = None,
    maker: ApiKey | None = None,
) -> tuple[ApiKey, str]:
    """Insert a successor with the same name, scopes, networks and service user, and return it with its plaintext.

    The successor expires at `expires_at`, or without one when the old key would have. The old key expires after `overlap`, or at its
    own expiry if that is earlier. `maker` as in `create_api_key`. Raises ServiceError.
    """
    _require_ahead(expires_at)
    if not timedelta(0) <= overlap <= MAX_OVERLAP:
        raise ServiceError(
            "out_of_bounds", f"The old key works on for 0 to {MAX_OVERLAP.days * 24} hours.", field="overlap_hours"
        )
    locked, now = _locked(key, maker), database_now()
    old = locked[key.pk]
    _require_active(old, now)
    successor = ApiKey(
        workspace=key.workspace,
        name=old.name,
        scopes=old.scopes,
        live=old.live,
        expires_at=expires_at or old.expires_at,
        networks=old.networks,
    )
    _require_within(successor, locked.get(maker.pk if maker else None))
    plaintext = _insert(successor, key.user, actor)
    key.expires_at = now + overlap if old.expires_at is None else min(now + overlap, old.expires_at)
    key.save(update_fields=["expires_at"])
    audit.record(
        "api_key.rotated",
        key,
        actor=actor,
        workspace=key.workspace,
        successor_id=successor.id,
        old_works_until=key.expires_at.isoformat(),
        **_expiry(successor),
    )
    return successor, plaintext


@transaction.atomic
def revoke_api_key(key: ApiKey, *, actor: User | None = None) -> None:
    """Revoke the key with immediate effect; a repeated call changes nothing."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=database_now()):
        audit.record("api_key.revoked", key, actor=actor, workspace=key.workspace)
    key.refresh_from_db(fields=["revoked_at"])


def makers_of(user: User | UUID | None) -> set[UUID]:
    """The ids of who has seen a key of this service user: who made or rotated it, and if that was a key, also who has seen that."""
    found: set[UUID] = set()
    asked: Iterable[UUID | None] = [user.pk if isinstance(user, User) else user]
    while asked:
        makers = ApiKey.objects.filter(user__in=asked).values_list("made_by_id", flat=True)
        new = {pk for pk in makers if pk is not None} - found
        found, asked = found | new, new
    return found


def _insert(key: ApiKey, user: User, made_by: User | None) -> str:
    """Insert the key of the service user, and return its plaintext."""
    plaintext = generate(live=key.live)
    key.user, key.made_by = user, made_by
    key.digest, key.last4 = digest_of(plaintext), plaintext[-4:]
    key.save(force_insert=True)
    key.refresh_from_db(fields=["created_at"])
    return plaintext


def _expiry(key: ApiKey) -> dict[str, str]:
    return {"expires_at": key.expires_at.isoformat()} if key.expires_at else {}


def _locked(*keys: ApiKey | None) -> dict[UUID | None, ApiKey]:
    """The keys by id as they are now, locked, so that a revocation at the same time comes before or after."""
    ids = [key.pk for key in keys if key is not None]
    return {key.pk: key for key in ApiKey.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")}


def _require_ahead(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= database_now():
        raise ServiceError("too_early", "It is over already; a key expires in the future.", field="expires_at")


def _require_active(key: ApiKey, now: datetime) -> None:
    if key.revoked_at is not None:
        raise ServiceError("key_ended", "A revoked key stays revoked; make a new one.")
    if key.expires_at is not None and key.expires_at <= now:
        raise ServiceError("key_ended", f"The key expired at {moments.moment(key.expires_at)}; make a new one.")


def _require_within(key: ApiKey, maker: ApiKey | None) -> None:
    """Raises ServiceError if the new key would reach further than the key that asks for it, in scopes, world, time or networks."""
    if maker is None:
        return
    _require_active(maker, database_now())
    if beyond := sorted({*key.scopes} - {*maker.scopes}):
        raise _beyond("scopes", f"The key that asks lacks {', '.join(beyond)}, and a key gives no scope that it lacks.")
    if key.live and not maker.live:
        raise ServiceError("test_key", "A test key makes and rotates test keys only.", field="live")
    if maker.expires_at is not None and (key.expires_at is None or key.expires_at > maker.expires_at):
        raise _beyond(
            "expires_at",
            f"The key that asks expires at {moments.moment(maker.expires_at)}, and what it makes does not outlive it.",
        )
    if not within(key.networks, maker.networks):
        raise _beyond(
            "networks", f"The key that asks is accepted from {', '.join(maker.networks)} only, and so is what it makes."
        )


def _beyond(field: str, message: str) -> ServiceError:
    return ServiceError("key_beyond_caller", message, field=field)
