"""Encrypted files in the media storage: neither a disk nor the memory ever holds a large one of them in clear."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator

from django.core.files.base import File
from django.core.files.storage import default_storage

from rvm.platform.encryption.streams import StreamEncryptor, decrypt_stream


def encrypt_file(name: str, chunks: Iterable[bytes], data: bytes) -> tuple[int, str]:
    """Write `chunks` as the file `name`, bound to the associated data, in place of one that is there.

    Returns the plaintext's size in bytes and its SHA-256 in hex. What `chunks` raises leaves no file. Raises OSError where the
    storage cannot take it.
    """
    content = _Content(chunks, data)
    default_storage.delete(name)  # or the storage would choose another name
    try:
        default_storage.save(name, File(content, name))  # type: ignore[arg-type]  # it can be read, which is all
    except BaseException:
        default_storage.delete(name)
        raise
    return content.size, content.digest.hexdigest()


def decrypt_file(name: str, data: bytes) -> Iterator[bytes]:
    """The plaintext in blocks. Raises FileNotFoundError, Undecryptable."""
    with default_storage.open(name) as file:
        yield from decrypt_stream(file.read, data)


def delete(name: str) -> None:
    default_storage.delete(name)


def names_in(folder: str) -> list[str]:
    """The names of the files in the folders of a folder."""
    try:
        below, _ = default_storage.listdir(folder)
        return [f"{folder}/{each}/{name}" for each in below for name in default_storage.listdir(f"{folder}/{each}")[1]]
    except FileNotFoundError:  # nothing was ever stored there, or the last of it has just gone
        return []


class _Content(io.RawIOBase):
    """What a storage reads: the encrypted blocks, each made when it is asked for."""

    def __init__(self, chunks: Iterable[bytes], data: bytes) -> None:
        self.size = 0
        self.digest = hashlib.sha256()
        self._blocks = self._encrypted(chunks, StreamEncryptor(data))
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            return self._rest + b"".join(self._blocks)
        while len(self._rest) < size and (block := next(self._blocks, b"")):
            self._rest += block
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _encrypted(self, chunks: Iterable[bytes], encryptor: StreamEncryptor) -> Iterator[bytes]:
        for chunk in chunks:
            self.size += len(chunk)
            self.digest.update(chunk)
            if blocks := encryptor.update(chunk):
                yield blocks
        yield encryptor.finalize()
