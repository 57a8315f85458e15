"""The numbers of recipients in rows that are read and written without their model: sealed for their column, and opened again."""

from __future__ import annotations

from delivery.models import Voicemail
from rvm.platform.crypto import Undecryptable, vault

PURPOSE: bytes = Voicemail._meta.get_field("recipient").purpose


def number_in(ciphertext: bytes) -> str | None:
    """E.164; None where the key is not configured, or the ciphertext is damaged."""
    try:
        return vault().decrypt(ciphertext, PURPOSE).decode()
    except Undecryptable:
        return None
