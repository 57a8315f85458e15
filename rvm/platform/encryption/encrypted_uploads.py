"""Takes uploads that are too large for memory: what arrives goes, encrypted block by block, into a temporary file without a name.

So neither memory nor the disk ever holds a list of patients in clear, and a process that dies in between leaves nothing behind.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile

from rvm.platform.encryption.streams import BLOCK_BYTES, StreamEncryptor, decrypt_stream
from rvm.platform.uploads import BoundedMemoryUploadHandler


class EncryptedSpool:
    """A file that is written once from start to end, then read from the start any number of times; `seek(0)` is between the two."""

    def __init__(self) -> None:
        # A form of many small files opens none; closed by whoever has the upload.
        self._file = SpooledTemporaryFile(max_size=16 * BLOCK_BYTES)  # noqa: SIM115
        self._data = b"upload:" + os.urandom(16)  # it belongs to no row yet
        self._encryptor: StreamEncryptor | None = StreamEncryptor(self._data)
        self._blocks: Iterator[bytes] = iter(())
        self._rest = bytearray()

    def write(self, data: bytes) -> int:
        if self._encryptor is None:
            raise ValueError("a spool that was read takes nothing more")
        self._file.write(self._encryptor.update(data))
        return len(data)

    def seek(self, place: int, whence: int = 0) -> int:
        if place or whence:
            raise ValueError("a spool is read from its start")
        if self._encryptor is not None:
            self._file.write(self._encryptor.finalize())
            self._encryptor = None
        self._file.seek(0)
        self._blocks = decrypt_stream(self._file.read, self._data)
        self._rest.clear()
        return 0

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, all that are left by default; empty at the end."""
        while size < 0 or len(self._rest) < size:
            block = next(self._blocks, None)
            if block is None:
                break
            self._rest += block
        size = len(self._rest) if size < 0 else size
        data = bytes(self._rest[:size])
        del self._rest[:size]
        return data

    def close(self) -> None:
        self._file.close()


class EncryptedUploadHandler(BoundedMemoryUploadHandler):
    """A view's `upload_handler` for large files; a subclass says how large they may be."""

    def open_file(self) -> EncryptedSpool:
        return EncryptedSpool()
