"""Encryption at rest and the blind index: the only module that handles keys.

A ciphertext is one byte of key id, 12 bytes of nonce, then AES-256-GCM of the text. The *purpose* (table and column) is
authenticated, so a ciphertext copied into another column cannot be decrypted. The blind index is
HMAC-SHA256(index key, workspace || text): equal numbers of one workspace have equal indexes, numbers of two workspaces never do.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
KEY_BYTES = 32


class KeysMalformed(ValueError):
    """A key list in the environment is unusable; the message gives the reason and contains no key."""


class Undecryptable(ValueError):
    """The ciphertext is damaged, belongs to another column, or its key id is not among the configured keys."""


@dataclass(frozen=True)
class KeyRing:
    """Keys by id: the current one encrypts, all of them decrypt."""

    keys: Mapping[int, bytes]
    current: int

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """Parse `id:base64,id:base64`: ids are 1 to 255, keys are 32 bytes, the last key is the current one.

        Raises KeysMalformed.
        """
        keys: dict[int, bytes] = {}
        for entry in filter(None, (part.strip() for part in text.split(","))):
            identifier, _, encoded = entry.partition(":")
            try:
                key_id, key = int(identifier), base64.b64decode(encoded, validate=True)
            except (ValueError, binascii.Error):
                raise KeysMalformed("a key is not of the form id:base64") from None
            if not 1 <= key_id <= 255 or key_id in keys:
                raise KeysMalformed(f"key id {key_id} is not between 1 and 255 or is listed twice")
            if len(key) != KEY_BYTES:
                raise KeysMalformed(f"key {key_id} has {len(key)} bytes; it needs {KEY_BYTES}")
            keys[key_id] = key
        if not keys:
            raise KeysMalformed("no key is listed")
        return cls(keys=keys, current=next(reversed(keys)))


class Cipher:
    """Encrypts with the current key, decrypts with any."""

    def __init__(self, ring: KeyRing) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in ring.keys.items()}
        self._current = ring.current
        self._prefix = bytes([ring.current])

    def encrypt(self, text: bytes, purpose: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return self._prefix + nonce + self._ciphers[self._current].encrypt(nonce, text, purpose)

    def decrypt(self, ciphertext: bytes, purpose: bytes) -> bytes:
        """The plaintext. Raises Undecryptable."""
        data = bytes(ciphertext)
        if len(data) <= NONCE_BYTES or data[0] not in self._ciphers:
            raise Undecryptable("the ciphertext is too short or its key is not configured")
        try:
            return self._ciphers[data[0]].decrypt(data[1 : 1 + NONCE_BYTES], data[1 + NONCE_BYTES :], purpose)
        except InvalidTag:
            raise Undecryptable("the ciphertext is damaged or belongs elsewhere") from None

    def is_current(self, ciphertext: bytes) -> bool:
        """Whether the current key encrypted this; a rotation re-encrypts all others."""
        return bytes(ciphertext)[:1] == self._prefix


def _hmac_sha256(key: bytes) -> Callable[[bytes], bytes]:
    """HMAC-SHA256 (RFC 2104) for a key of at most one block, with the key's blocks hashed once.

    For a phone number it is twice as fast as `hmac.digest`.
    """
    block = key.ljust(hashlib.sha256().block_size, b"\0")
    inner, outer = (
        hashlib.sha256(bytes(byte ^ 0x36 for byte in block)),
        hashlib.sha256(bytes(byte ^ 0x5C for byte in block)),
    )

    def digest(message: bytes) -> bytes:
        first, second = inner.copy(), outer.copy()
        first.update(message)
        second.update(first.digest())
        return second.digest()

    return digest


class BlindIndex:
    """A keyed hash of workspace and text, which can be stored unencrypted and searched for exact matches."""

    def __init__(self, ring: KeyRing) -> None:
        self._hmacs = {key_id: _hmac_sha256(key) for key_id, key in ring.keys.items()}
        self.current = ring.current
        self.key_ids = tuple(ring.keys)
        self.older_key_ids = tuple(key_id for key_id in ring.keys if key_id != ring.current)

    def of(self, workspace_id: UUID, text: str, key_id: int | None = None) -> bytes:
        """The index of `text`, 32 bytes, under the current index key unless `key_id` names another."""
        return self._hmacs[self.current if key_id is None else key_id](workspace_id.bytes + text.encode())

    @property
    def rotating(self) -> bool:
        """Whether rows may have indexes under several keys, so that equal numbers may have different indexes."""
        return bool(self.older_key_ids)

    def match_sql(self, current: str, older: str) -> str:
        """The SQL comparison that follows an indexed column.

        `current` is an SQL expression for the index under the current key (bytea), `older` one for the indexes under the older keys
        (bytea[]), which is used only during a rotation.
        """
        return f"= ANY({older} || {current})" if self.rotating else f"= {current}"

    def all_of(self, workspace_id: UUID, text: str) -> list[bytes]:
        """The indexes of `text` under every configured key, which a search needs during a rotation."""
        return [self.of(workspace_id, text, key_id) for key_id in self.key_ids]


def chain_key(index_key: bytes) -> bytes:
    """The key of audit chains that belongs to an index key. It verifies what was sealed, and finds no number."""
    return _hmac_sha256(index_key)(b"rvm: chain of audit events")


class ChainHash:
    """The keyed hash that chains audit events, under keys derived from the index keys. `retired`: chain keys of index keys that are
    no longer listed, which only verify.

    Whoever can write to the database, but has no key, cannot compute it.
    """

    def __init__(self, ring: KeyRing, retired: KeyRing | None = None) -> None:
        keys = {**(retired.keys if retired else {}), **{key_id: chain_key(key) for key_id, key in ring.keys.items()}}
        self._hmacs = {key_id: _hmac_sha256(key) for key_id, key in keys.items()}
        self.current = ring.current

    def of(self, previous: bytes, content: str, key_id: int | None = None) -> bytes:
        """The hash, 32 bytes, of an event's content after the event with the hash `previous`. Raises KeyError for an unknown key."""
        return self._hmacs[self.current if key_id is None else key_id](previous + content.encode())

    def knows(self, key_id: int) -> bool:
        return key_id in self._hmacs


@lru_cache(maxsize=1)
def cipher() -> Cipher:
    from django.conf import settings

    return Cipher(settings.RVM_ENCRYPTION_KEYS)


@lru_cache(maxsize=1)
def blind_index() -> BlindIndex:
    from django.conf import settings

    return BlindIndex(settings.RVM_INDEX_KEYS)


@lru_cache(maxsize=1)
def chain_hash() -> ChainHash:
    from django.conf import settings

    return ChainHash(settings.RVM_INDEX_KEYS, settings.RVM_AUDIT_KEYS)
