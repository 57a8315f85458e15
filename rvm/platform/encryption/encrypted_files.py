"""Large files in the media storage, encrypted in blocks: neither a disk nor the memory ever holds one of them in clear.

Each block is AES-GCM of up to a mebibyte, bound to the file's name, to its place in it and to whether it is the last: a file that was
cut short, extended, re-ordered or mixed with another does not open. The blocks before the damage are given out before it shows, so
whoever reads must not act for good before the end.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator

from django.core.files.base import File
from django.core.files.storage import default_storage

from rvm.platform.encryption.crypto import Undecryptable, cipher

BLOCK_BYTES = 1024 * 1024
# A key id, a nonce and a tag (rvm.platform.encryption.crypto).
_SEALED_BYTES = 1 + 12 + BLOCK_BYTES + 16


def seal(name: str, chunks: Iterable[bytes]) -> tuple[int, str]:
    """Write `chunks` as the file `name`, in place of one that is there. Returns the plaintext's size in bytes and its SHA-256 in hex.

    What `chunks` raises leaves no file. Raises OSError where the storage cannot take it.
    """
    content = _Content(name, chunks)
    default_storage.delete(name)  # or the storage would choose another name
    try:
        default_storage.save(name, File(content, name))  # type: ignore[arg-type]  # it can be read, which is all
    except BaseException:
        default_storage.delete(name)
        raise
    return content.size, content.digest.hexdigest()


def unseal(name: str) -> Iterator[bytes]:
    """The plaintext in blocks. Raises FileNotFoundError, Undecryptable."""
    with default_storage.open(name) as file:
        place, block = 0, file.read(_SEALED_BYTES)
        if not block:
            raise Undecryptable("the file is empty")
        while block:
            following = file.read(_SEALED_BYTES)
            yield cipher().decrypt(block, _purpose(name, place, last=not following))
            place, block = place + 1, following


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
    """What a storage reads: the sealed blocks, each made when it is asked for."""

    def __init__(self, name: str, chunks: Iterable[bytes]) -> None:
        self.size = 0
        self.digest = hashlib.sha256()
        self._sealed = self._seal(name, chunks)
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            return self._rest + b"".join(self._sealed)
        while len(self._rest) < size and (block := next(self._sealed, b"")):
            self._rest += block
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _seal(self, name: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
        place, blocks = 0, self._blocks(chunks)
        block = next(blocks, b"")
        while True:
            following = next(blocks, None)
            yield cipher().encrypt(block, _purpose(name, place, last=following is None))
            if following is None:
                return
            place, block = place + 1, following

    def _blocks(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        waiting = bytearray()
        for chunk in chunks:
            self.size += len(chunk)
            self.digest.update(chunk)
            waiting += chunk
            while len(waiting) >= BLOCK_BYTES:
                yield bytes(waiting[:BLOCK_BYTES])
                del waiting[:BLOCK_BYTES]
        if waiting:
            yield bytes(waiting)


def _purpose(name: str, place: int, *, last: bool) -> bytes:
    return b"sealed file %s, block %d%s" % (name.encode(), place, b", the last" if last else b"")
