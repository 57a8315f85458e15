"""The format of encrypted streams, used for stored files and for uploads in progress.

A stream is a sequence of blocks, each a ciphertext of up to 64 KiB of text. Each block is bound to the stream's associated data, to
its position and to whether it is the last. Decryption fails for a stream that was truncated, extended, reordered, mixed with another
or exchanged for another. Blocks before the damage are returned before the damage is detected, so a reader must reach the end before
it takes irreversible action.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rvm.platform.encryption.crypto import OVERHEAD_BYTES, Undecryptable, cipher

BLOCK_BYTES = 64 * 1024
ENCRYPTED_BLOCK_BYTES = BLOCK_BYTES + OVERHEAD_BYTES


class StreamEncryptor:
    """Incremental encryption: `update` returns the completed blocks, `finalize` the last one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0
        self._waiting = bytearray()

    def update(self, chunk: bytes) -> bytes:
        self._waiting += chunk
        full = []
        # A full block is held back until more data arrive, because it may be the last.
        while len(self._waiting) > BLOCK_BYTES:
            full.append(self._block(bytes(self._waiting[:BLOCK_BYTES]), last=False))
            del self._waiting[:BLOCK_BYTES]
        return b"".join(full)

    def finalize(self) -> bytes:
        return self._block(bytes(self._waiting), last=True)

    def _block(self, text: bytes, *, last: bool) -> bytes:
        block = cipher().encrypt(text, _bound(self._data, self._place, last=last))
        self._place += 1
        return block


def decrypt_stream(read: Callable[[int], bytes], data: bytes) -> Iterator[bytes]:
    """The plaintext blocks of a stream; `read(size)` returns its next bytes. Raises Undecryptable."""
    place, block = 0, read(ENCRYPTED_BLOCK_BYTES)
    if not block:
        raise Undecryptable("the stream is empty")
    while block:
        following = read(ENCRYPTED_BLOCK_BYTES)
        yield cipher().decrypt(block, _bound(data, place, last=not following))
        place, block = place + 1, following


def _bound(data: bytes, place: int, *, last: bool) -> bytes:
    return b"%s, block %d%s" % (data, place, b", the last" if last else b"")
