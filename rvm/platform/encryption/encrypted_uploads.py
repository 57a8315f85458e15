"""Uploads that are too large for memory: arriving bytes are encrypted block by block into an unnamed temporary file.

A list of patients is therefore never on disk as plaintext and never completely in memory. The file disappears with its process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile

from rvm.platform.encryption.streams import BLOCK_BYTES, StreamEncryptor, decrypt_stream
from rvm.platform.uploads import BoundedMemoryUploadHandler


class EncryptedSpool:
    """A file that is written once, then read from the start any number of times; `seek(0)` ends the writing and starts each read."""

    def __init__(self) -> None:
        # Small files stay in memory. The owner of the upload closes the file.
        self._file = SpooledTemporaryFile(max_size=16 * BLOCK_BYTES)  # noqa: SIM115
        self._data = b"upload:" + os.urandom(16)  # no row exists yet to bind it to
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
        """Up to `size` bytes, by default all remaining ones; empty at the end. Raises Undecryptable."""
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

    def __del__(self) -> None:
        self.close()  # of a form that is refused while it is read nobody gets the file


class EncryptedUploadHandler(BoundedMemoryUploadHandler):
    """A view's `upload_handler` for large files; subclasses set `max_bytes`."""

    def open_file(self) -> EncryptedSpool:
        return EncryptedSpool()
