"""Tokens that are only compared, such as API keys and links: the database keeps their hash."""

from __future__ import annotations

import hashlib


def digest_of(token: str) -> bytes:
    """The SHA-256 under which a token is stored. A token has more than 128 random bits, so a slow hash would add no security."""
    return hashlib.sha256(token.encode()).digest()
