"""What codes are made from, encrypted and bound to its person: copied into another person's row, it opens nothing."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from uuid import UUID

from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.db.models.signals import post_init
from django.dispatch import receiver

from rvm.platform.encryption.crypto import Undecryptable, cipher

ISSUER = "RVM"
# The entries of an authenticator's data that are sealed.
SEALED = ("secret", "seed")


class SecondFactorAdapter(DefaultMFAAdapter):
    """allauth's pages act for the person of the request; they encrypt through this."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This code is wrong or was used before. Codes of the app change every 30 seconds; each is for one use.",
    }

    def get_totp_issuer(self) -> str:
        return ISSUER

    def encrypt(self, text: str) -> str:
        return seal(text, context.request.user.pk)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text)


def seal(text: str, owner: UUID) -> str:
    """The owner's id and the ciphertext, which only opens together with it."""
    return f"{owner}:{base64.b64encode(cipher().encrypt(text.encode(), _purpose(owner))).decode()}"


def renewed(sealed: str) -> str:
    """The same secret under the current key. Raises Undecryptable."""
    if cipher().is_current(bytes([key_number(sealed)])):
        return sealed
    text = unseal(sealed)
    return seal(text, UUID(sealed.partition(":")[0]))


def key_number(sealed: str) -> int:
    """The id of the key that a secret is under; 0 for what is none."""
    try:
        return base64.b64decode(sealed.partition(":")[2], validate=True)[0]
    except (ValueError, IndexError):
        return 0


def unseal(sealed: str) -> str:
    """Raises Undecryptable."""
    owner, _, encoded = sealed.partition(":")
    try:
        return cipher().decrypt(base64.b64decode(encoded, validate=True), _purpose(UUID(owner))).decode()
    except (ValueError, binascii.Error) as error:
        raise Undecryptable("the secret of a second factor cannot be read") from error


def _purpose(owner: UUID) -> bytes:
    return b"second-factor:" + owner.bytes


@receiver(post_init, sender=Authenticator)
def _belongs_to_its_person(instance: Authenticator, **_: Any) -> None:
    """Refuses the secret of another person, which a writer of the database could put in place of one's own. Raises Undecryptable."""
    for name in SEALED:
        sealed = (instance.data or {}).get(name)
        if sealed is not None and not str(sealed).startswith(f"{instance.user_id}:"):
            raise Undecryptable("the secret of a second factor belongs to somebody else")
