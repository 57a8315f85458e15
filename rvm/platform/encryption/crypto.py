"""Encryption at rest and the blind index: what is done with keys.

A ciphertext is one byte of key id, then XAES-256-GCM of the text. Its *associated data* name what it belongs to and are
authenticated, so that a ciphertext copied elsewhere cannot be decrypted. The blind index is HMAC-SHA256(index key, workspace ||
text): equal numbers of one workspace have equal indexes, numbers of two workspaces never do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag

from rvm.platform.encryption.keys import KeyRing
from rvm.platform.encryption.xaes import NONCE_BYTES, TAG_BYTES, Xaes

# Bytes of a ciphertext besides those of its text.
OVERHEAD_BYTES = 1 + NONCE_BYTES + TAG_BYTES


class Undecryptable(ValueError):
    """The ciphertext is damaged, belongs to another column, row or workspace, or its key id is not among the configured keys."""


def associated_data(purpose: bytes, owner_id: UUID, row_id: UUID) -> bytes:
    """What a ciphertext is bound to: a purpose, such as table and column; the row's owner, its workspace if it has one; and the row.

    Of the row's id only the second half counts, which is random. The first half of a UUIDv7 is the time of the insertion, which an
    import does not know yet when it encrypts.
    """
    return b"%b\0%b%b" % (purpose, owner_id.bytes, row_id.bytes[8:])


class Cipher:
    """Encrypts with the current key, decrypts with any."""

    def __init__(self, ring: KeyRing) -> None:
        self._ciphers = {key_id: Xaes(key) for key_id, key in ring.keys.items()}
        self._current = self._ciphers[ring.current]
        self._prefix = bytes([ring.current])

    def encrypt(self, text: bytes, data: bytes) -> bytes:
        """The ciphertext, bound to the associated data `data`."""
        return self._prefix + self._current.encrypt(text, data)

    def decrypt(self, ciphertext: bytes, data: bytes) -> bytes:
        """The plaintext. Raises Undecryptable."""
        sealed = bytes(ciphertext)
        if not sealed or sealed[0] not in self._ciphers:
            raise Undecryptable("the ciphertext is empty or its key is not configured")
        try:
            return self._ciphers[sealed[0]].decrypt(sealed[1:], data)
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
        return f"= ANY({self.array_sql(current, older)})" if self.rotating else f"= {current}"

    def array_sql(self, current: str, older: str) -> str:
        """The SQL array of the indexes that `match_sql` compares."""
        return f"{older} || {current}" if self.rotating else f"ARRAY[{current}]"

    def all_of(self, workspace_id: UUID, text: str) -> list[bytes]:
        """The indexes of `text` under every configured key, which a search needs during a rotation."""
        return [self.of(workspace_id, text, key_id) for key_id in self.key_ids]

    def known_of(self, workspace_id: UUID, own: bytes, text: str | None) -> list[bytes]:
        """The different indexes under which others may have the `text` of a row: the row's `own`, and during a rotation those under
        all keys. The text is used only then; it is None if the row's cannot be read."""
        if not self.rotating or text is None:
            return [own]
        return list(dict.fromkeys([own, *self.all_of(workspace_id, text)]))


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
