"""XAES-256-GCM against the vectors of its specification (https://c2sp.org/XAES-256-GCM) and against the library's own CMAC."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.cmac import CMAC
from hypothesis import given
from hypothesis import strategies as st

from rvm.platform.encryption import xaes
from rvm.platform.encryption.xaes import HALF_BYTES, NONCE_BYTES, Xaes

NONCE = b"ABCDEFGHIJKLMNOPQRSTUVWX"
keys = st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize(
    ("key", "data", "ciphertext"),
    [
        # The first bit of the encrypted zeros is 0, then 1.
        (b"\x01" * 32, b"", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
        (b"\x03" * 32, b"c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
    ],
)
def test_the_specifications_vectors_are_decrypted(key: bytes, data: bytes, ciphertext: str) -> None:
    assert Xaes(key).decrypt(NONCE + bytes.fromhex(ciphertext), data) == b"XAES-256-GCM"


def test_ten_thousand_random_messages_are_encrypted_as_the_specification_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its accumulated test: SHAKE-128 gives keys, nonces, texts and data, and another SHAKE-128 hashes the ciphertexts."""
    monkeypatch.setattr(xaes, "SHARED", 1)
    stream, read = hashlib.shake_128().digest(10_000 * (32 + 24 + 2 * 256)), 0

    def take(size: int) -> bytes:
        nonlocal read
        read += size
        return stream[read - size : read]

    nonces: Iterator[bytes] = iter(())
    monkeypatch.setattr(xaes.os, "urandom", lambda _: next(nonces))
    seen = hashlib.shake_128()
    for _ in range(10_000):
        key, nonce = take(32), take(24)
        text, data = (take(take(1)[0]) for _ in range(2))
        nonces = iter((nonce[:HALF_BYTES], nonce[HALF_BYTES:]))
        sealed = Xaes(key).encrypt(text, data)
        assert sealed[:NONCE_BYTES] == nonce
        seen.update(sealed[NONCE_BYTES:])
    assert seen.hexdigest(32) == "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"


@given(keys, st.binary(max_size=100), st.binary(max_size=100))
def test_the_key_of_a_message_is_two_cmacs_of_half_of_its_nonce(key: bytes, text: bytes, data: bytes) -> None:
    sealed = Xaes(key).encrypt(text, data)
    derived = b""
    for counter in (1, 2):
        mac = CMAC(algorithms.AES256(key))
        mac.update(counter.to_bytes(2) + b"X\0" + sealed[:HALF_BYTES])
        derived += mac.finalize()
    assert AESGCM(derived).decrypt(sealed[HALF_BYTES:NONCE_BYTES], sealed[NONCE_BYTES:], data) == text


def test_messages_share_the_first_half_of_the_nonce_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xaes, "SHARED", 5)
    cipher = Xaes(os.urandom(32))
    nonces = [cipher.encrypt(b"text", b"")[:NONCE_BYTES] for _ in range(20)]
    halves = [nonce[:HALF_BYTES] for nonce in nonces]
    assert halves == [half for half in halves[::5] for _ in range(5)] and len(set(halves)) == 4
    assert len({nonce[HALF_BYTES:] for nonce in nonces}) == 20


def test_threads_may_share_a_cipher() -> None:
    cipher = Xaes(os.urandom(32))

    def work(thread: int) -> bool:
        data = b"%d" % thread
        sealed = [Xaes.encrypt(cipher, b"%d" % serial, data) for serial in range(500)]
        return [cipher.decrypt(each, data) for each in sealed] == [b"%d" % serial for serial in range(500)]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(16)))


@given(keys, st.binary(max_size=60), st.data())
def test_a_changed_or_shortened_message_is_refused(key: bytes, text: bytes, draw: st.DataObject) -> None:
    cipher = Xaes(key)
    sealed = cipher.encrypt(text, b"data")
    bit = draw.draw(st.integers(0, 8 * len(sealed) - 1))
    flipped = (int.from_bytes(sealed) ^ 1 << bit).to_bytes(len(sealed))
    end = draw.draw(st.integers(0, len(sealed) - 1))
    for wrong in (flipped, sealed[:end], sealed + b"\0"):
        with pytest.raises(InvalidTag):
            cipher.decrypt(wrong, b"data")
    with pytest.raises(InvalidTag):
        cipher.decrypt(sealed, b"other data")
