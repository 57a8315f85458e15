"""Encrypted files in the media storage: the plaintext is never on disk, and never completely in memory."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.files.base import File
from django.core.files.storage import default_storage

from rvm.platform.encryption.streams import StreamEncryptor, decrypt_stream

# Behind the name of a file while what is to replace it is written.
_UNFINISHED = ".renewed"


def encrypt_file(name: str, chunks: Iterable[bytes], data: bytes) -> tuple[int, str]:
    """Write `chunks` to the file `name`, bound to the associated data `data`; an existing file is replaced.

    Returns the plaintext's size in bytes and its SHA-256 in hex. After an error, also one that `chunks` raises, no file remains.
    Raises OSError if the storage fails.
    """
    content = _Content(chunks, data)
    default_storage.delete(name)  # otherwise the storage would choose another name
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
    """The paths of all files that are two levels below `folder`: `folder/subfolder/name`."""
    try:
        below, _ = default_storage.listdir(folder)
        return [f"{folder}/{each}/{name}" for each in below for name in default_storage.listdir(f"{folder}/{each}")[1]]
    except FileNotFoundError:  # no file was ever stored, or the last one was deleted meanwhile
        return []


def key_number(name: str) -> int | None:
    """The id of the key that the file is under; None if there is no such file, 0 if it is empty."""
    try:
        with default_storage.open(name) as file:
            return next(iter(file.read(1)), 0)
    except FileNotFoundError:
        return None


@contextmanager
def renewed(name: str, data: bytes) -> Iterator[Callable[[], None]]:
    """The same content under the current key, written beside the file; calling the value puts it in the file's place, at once for
    every reader. Without that call nothing has changed. Both raise FileNotFoundError; entering raises Undecryptable.
    """
    path = Path(default_storage.path(name))
    beside = path.with_name(path.name + _UNFINISHED)

    def replace() -> None:
        shutil.copymode(path, beside)
        beside.replace(path)

    try:
        with beside.open("wb") as file:
            encryptor = StreamEncryptor(data)
            for block in decrypt_file(name, data):
                file.write(encryptor.update(block))
            file.write(encryptor.finalize())
            file.flush()
            os.fsync(file.fileno())
        yield replace
    finally:
        beside.unlink(missing_ok=True)


def remove_unfinished() -> None:
    """Remove what `renewed` left behind in processes that were killed. Call it while no other process renews."""
    for path in Path(default_storage.path("")).rglob(f"*{_UNFINISHED}"):
        path.unlink(missing_ok=True)


class _Content(io.RawIOBase):
    """A readable file for the storage that encrypts block by block on demand."""

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
