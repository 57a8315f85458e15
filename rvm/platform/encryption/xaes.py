"""XAES-256-GCM (https://c2sp.org/XAES-256-GCM): AES-256-GCM under a key that is derived for each message from half of a long nonce.

A nonce has 192 bits, so that random ones do not repeat however much one key encrypts; with AES-256-GCM's own 96 bits the limit of
NIST SP 800-38D would be reached within weeks. The derivation costs more than a short text's encryption, so a process keeps the first
half of its nonces for SHARED messages, and derived keys are kept. docs/operate/keys.md has the sums.
"""

from __future__ import annotations

import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HALF_BYTES = 12
NONCE_BYTES = 2 * HALF_BYTES
TAG_BYTES = 16
# Messages of a process with the same first half of the nonce, and so with the same derived key. Their second halves are random.
SHARED = 1 << 16
# Derived keys that are kept for each key, at about one KiB.
KEPT = 2048

_BLOCK = 16
# The two blocks whose CMACs are the derived key: a counter of 16 bits, the label X, a zero, and the first half of the nonce.
_COUNTERS = b"\x00\x01X\x00" + bytes(HALF_BYTES) + b"\x00\x02X\x00" + bytes(HALF_BYTES)


class Xaes:
    """Encryption and decryption under one key, in any number of threads."""

    def __init__(self, key: bytes) -> None:
        # ECB with complete blocks is the block cipher itself.
        block_cipher = Cipher(algorithms.AES256(key), modes.ECB()).encryptor()  # noqa: S305  # nosec B305
        encrypted_zeros = int.from_bytes(block_cipher.update(bytes(_BLOCK)))
        # The subkey K1 of CMAC (NIST SP 800-38B, section 6.1).
        doubled = encrypted_zeros << 1
        subkey = doubled ^ (1 << 128 | 0x87) if doubled >> 128 else doubled
        both = int.from_bytes(_COUNTERS) ^ (subkey << 128 | subkey)

        def derived(half: bytes) -> AESGCM:
            context = int.from_bytes(half)
            return AESGCM(block_cipher.update((both ^ context ^ (context << 128)).to_bytes(2 * _BLOCK)))

        self._derived = lru_cache(maxsize=KEPT)(derived)
        self._half, self._left = b"", 0

    def encrypt(self, text: bytes, data: bytes) -> bytes:
        """The nonce, the ciphertext and the tag."""
        if self._left <= 0:
            self._half, self._left = os.urandom(HALF_BYTES), SHARED
        self._left -= 1
        half, rest = self._half, os.urandom(HALF_BYTES)
        return half + rest + self._derived(half).encrypt(rest, text, data)

    def decrypt(self, sealed: bytes, data: bytes) -> bytes:
        """The plaintext. Raises InvalidTag."""
        if len(sealed) < NONCE_BYTES + TAG_BYTES:
            raise InvalidTag
        rest = sealed[HALF_BYTES:NONCE_BYTES]
        return self._derived(sealed[:HALF_BYTES]).decrypt(rest, sealed[NONCE_BYTES:], data)
