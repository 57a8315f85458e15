"""API keys: their format, and services to create, rotate and revoke them.

A key is `rvm_live_` or `rvm_test_`, 30 random base-62 characters, and 6 characters with the CRC-32 of the preceding text. Scanners
can recognise a leaked key, and a mistyped key is refused without a query. Only the SHA-256 is stored.
"""

from __future__ import annotations

import re
import secrets
import string
import zlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from rvm.platform import audit
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import uuid7
from rvm.platform.encryption.tokens import digest_of
from rvm.platform.models import ApiKey, User, Workspace
from rvm.platform.scopes import Scope

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
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
    scopes: Iterable[Scope],
    *,
    live: bool = False,
    expires_at: datetime | None = None,
    actor: User | None = None,
) -> tuple[ApiKey, str]:
    """Insert an API key and its service user, and return the key and its plaintext, which is not stored."""
    user_id = uuid7()
    user = User(id=user_id, username=f"key-{user_id}", is_service=True)
    user.set_unusable_password()
    user.save(force_insert=True)
    key, plaintext = _write(workspace, user, actor, name, sorted(set(scopes)), live, expires_at)
    audit.record("api_key.created", key, actor=actor, workspace=workspace, name=name, scopes=key.scopes, live=live)
    return key, plaintext


@transaction.atomic
def rotate_api_key(
    key: ApiKey, overlap: timedelta = timedelta(hours=24), *, actor: User | None = None
) -> tuple[ApiKey, str]:
    """Insert a successor with the same name, scopes, expiry and service user, and return it with its plaintext.

    The old key expires after `overlap`, or at its own expiry if that is earlier.
    """
    ends = database_now() + overlap
    successor, plaintext = _write(key.workspace, key.user, actor, key.name, key.scopes, key.live, key.expires_at)
    key.expires_at = ends if key.expires_at is None else min(ends, key.expires_at)
    key.save(update_fields=["expires_at"])
    audit.record("api_key.rotated", key, actor=actor, workspace=key.workspace, successor_id=successor.id)
    return successor, plaintext


@transaction.atomic
def revoke_api_key(key: ApiKey, *, actor: User | None = None) -> None:
    """Revoke the key with immediate effect; a repeated call changes nothing."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=database_now()):
        audit.record("api_key.revoked", key, actor=actor, workspace=key.workspace)
    key.refresh_from_db(fields=["revoked_at"])


def _write(
    workspace: Workspace,
    user: User,
    made_by: User | None,
    name: str,
    scopes: list[str],
    live: bool,
    expires_at: datetime | None,
) -> tuple[ApiKey, str]:
    plaintext = generate(live=live)
    key = ApiKey.objects.create(
        workspace=workspace,
        user=user,
        made_by=made_by,
        name=name,
        digest=digest_of(plaintext),
        last4=plaintext[-4:],
        live=live,
        scopes=scopes,
        expires_at=expires_at,
    )
    return key, plaintext
