"""Takes uploads that are too large for memory: what arrives goes, sealed block by block, into a temporary file without a name.

So neither memory nor the disk ever holds a list of patients in clear, and whoever dies in between leaves nothing behind.
"""

from __future__ import annotations

from tempfile import SpooledTemporaryFile

from rvm.platform.encryption.crypto import cipher
from rvm.platform.uploads import BoundedMemoryUploadHandler

BLOCK_BYTES = 64 * 1024


class SealedSpool:
    """Written once from start to end, then read from the start as often as one likes; `seek(0)` is between the two."""

    def __init__(self) -> None:
        # A form of many small files opens none; closed by whoever has the upload.
        self._file = SpooledTemporaryFile(max_size=16 * BLOCK_BYTES)  # noqa: SIM115
        self._sizes: list[int] = []  # of the sealed blocks
        self._buffer = bytearray()
        self._next = 0

    def write(self, data: bytes) -> int:
        self._buffer += data
        while len(self._buffer) >= BLOCK_BYTES:
            self._seal(bytes(self._buffer[:BLOCK_BYTES]))
            del self._buffer[:BLOCK_BYTES]
        return len(data)

    def seek(self, place: int, whence: int = 0) -> int:
        if place or whence:
            raise ValueError("a sealed spool is read from its start")
        if self._buffer and not self._next:
            self._seal(bytes(self._buffer))
        self._buffer.clear()
        self._file.seek(0)
        self._next = 0
        return 0

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, all that are left by default; empty at the end."""
        while self._next < len(self._sizes) and (size < 0 or len(self._buffer) < size):
            sealed = self._file.read(self._sizes[self._next])
            self._buffer += cipher().decrypt(sealed, _purpose(self._next))
            self._next += 1
        size = len(self._buffer) if size < 0 else size
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def close(self) -> None:
        self._file.close()

    def _seal(self, block: bytes) -> None:
        sealed = cipher().encrypt(block, _purpose(len(self._sizes)))
        self._file.write(sealed)
        self._sizes.append(len(sealed))


def _purpose(place: int) -> bytes:
    return b"upload.block:%d" % place


class SealedUploadHandler(BoundedMemoryUploadHandler):
    """A view's `upload_handler` for large files; a subclass says how large they may be."""

    def open_file(self) -> SealedSpool:
        return SealedSpool()
