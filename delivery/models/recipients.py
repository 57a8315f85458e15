"""The numbers of recipients in rows that are read and written without their model: encrypted for their column."""

from __future__ import annotations

from delivery.models import Voicemail
from rvm.platform.encryption.crypto import cipher

PURPOSE: bytes = Voicemail._meta.get_field("recipient").purpose


def number_in(ciphertext: bytes) -> str | None:
    """E.164; None where the key is not configured, the ciphertext is damaged, or what it held is no text."""
    try:
        return cipher().decrypt(ciphertext, PURPOSE).decode()
    except ValueError:
        return None
