"""Addresses of people's pages: a token that holds the number encrypted, of one workspace, for one reader, for half a day."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from django.urls import reverse

from campaigns.people.search import Person
from rvm.platform.admin.rights import Rights
from rvm.platform.encryption.crypto import Undecryptable, cipher
from rvm.platform.models import User

LIFETIME = timedelta(hours=12)
_PURPOSE = b"admin.person"


def address_of(person: Person, reader: User, now: datetime) -> str:
    """The address of the person's page for this reader."""
    text = orjson.dumps([person.workspace.pk.hex, person.number, reader.pk.hex, int((now + LIFETIME).timestamp())])
    token = base64.urlsafe_b64encode(cipher().encrypt(text, _PURPOSE)).decode().rstrip("=")
    return reverse("person", args=[token])


def person_at(token: str, reader: User, rights: Rights, now: datetime) -> Person | None:
    """The person of a token; None if it is not a token of `address_of` for this reader, has expired, or names a workspace to which
    the reader does not belong any more."""
    try:
        text = cipher().decrypt(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), _PURPOSE)
        workspace_id, number, reader_id, expires = orjson.loads(text)
    except (binascii.Error, ValueError, Undecryptable):
        return None
    if reader_id != reader.pk.hex or expires < now.timestamp():
        return None
    workspace = rights.workspaces().filter(pk=UUID(hex=workspace_id)).first()
    return Person(workspace, number) if workspace else None
