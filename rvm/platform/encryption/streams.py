"""The format of an encrypted stream, which files in the storage and uploads on their way share.

A stream is a sequence of blocks, each AES-GCM of up to 64 KiB and bound to the stream's associated data, to its place in the
stream and to whether it is the last. A stream that was cut short, extended, re-ordered, mixed with another or put in the place of
another does not open. The blocks before the damage are given out before it shows, so a reader must not act for good before the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

from rvm.platform.encryption.crypto import Undecryptable, cipher

BLOCK_BYTES = 64 * 1024
# A key id, a nonce, the text and a tag (rvm.platform.encryption.crypto).
ENCRYPTED_BLOCK_BYTES = 1 + 12 + BLOCK_BYTES + 16


def associated_data(purpose: str, workspace_id: UUID, row_id: UUID) -> bytes:
    """What a stream is bound to: what it is for, and the workspace and the row that it belongs to."""
    return b"%s:%s:%s" % (purpose.encode(), workspace_id.hex.encode(), row_id.hex.encode())


class StreamEncryptor:
    """Encrypts what it is fed: `update` returns the blocks that are full, `finalize` the last one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0
        self._waiting = bytearray()

    def update(self, chunk: bytes) -> bytes:
        self._waiting += chunk
        full = []
        # A full block waits until more comes, because it may be the last.
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
    """The plaintext in blocks, of a stream whose next bytes `read` gives. Raises Undecryptable."""
    place, block = 0, read(ENCRYPTED_BLOCK_BYTES)
    if not block:
        raise Undecryptable("the stream is empty")
    while block:
        following = read(ENCRYPTED_BLOCK_BYTES)
        yield cipher().decrypt(block, _bound(data, place, last=not following))
        place, block = place + 1, following


def _bound(data: bytes, place: int, *, last: bool) -> bytes:
    return b"%s, block %d%s" % (data, place, b", the last" if last else b"")
