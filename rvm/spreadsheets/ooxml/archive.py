"""A reader of zip archives in memory, as far as workbooks need it; the directory and each part are bounded before they are unpacked.

It does not use zipfile, which makes an object for each entry before the number of entries is known, and which takes the last of two
entries of one name, where another program takes the first. The format is that of APPNOTE.TXT 6.3, chapter 4.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

from rvm.spreadsheets.ooxml.refusals import damaged, too_large
from rvm.spreadsheets.refusals import SheetInvalid

MAX_ENTRIES = 2_000
MAX_DIRECTORY_BYTES = 1024 * 1024
MAX_UNPACKED_BYTES = 400 * 1024 * 1024
# Sheets of real lists are compressed by a factor of 5 to 30, and a run of zeros by 1000.
MAX_RATIO = 200
_SMALL_BYTES = 1024 * 1024
_CHUNK_BYTES = 64 * 1024

_END = struct.Struct("<4s4H2LH")
_END64_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_MAX_COMMENT_BYTES = 0xFFFF
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x1, 0x800
_ZIP64 = 1  # the kind of the extra field of zip64
_IN_EXTRA = 0xFFFFFFFF


class Entry(NamedTuple):
    """A part in the directory of an archive. `name` is in lower case and with slashes, because names of parts are compared so."""

    name: str
    flags: int
    method: int
    crc: int
    packed_bytes: int
    unpacked_bytes: int
    offset: int


class Archive:
    """The parts of an archive by their names. Raises SheetInvalid: password, xlsx_damaged, xlsx_too_large."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        at, size, self._shift = _directory(content)
        entries = list(islice(_entries(content[at : at + size]), MAX_ENTRIES + 1))
        if len(entries) > MAX_ENTRIES:  # the count in the archive may be wrong
            raise too_large()
        self._check(entries, at)
        self._entries = {entry.name: entry for entry in entries}
        if len(self._entries) < len(entries):
            raise damaged()  # it is not known which of two parts of one name is the right one

    @property
    def names(self) -> Sequence[str]:
        return list(self._entries)

    def __contains__(self, name: str) -> bool:
        return _folded(name) in self._entries

    def size(self, name: str) -> int:
        return self._entry(name).unpacked_bytes

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield the unpacked bytes of a part. Their length and checksum are known to be right only after the last chunk."""
        entry = self._entry(name)
        if entry.flags & _ENCRYPTED:
            raise SheetInvalid(
                "password", "This archive is protected by a password; unpack it and upload the list inside."
            )
        if entry.method not in (_STORED, _DEFLATED):
            raise damaged()
        left, crc = entry.unpacked_bytes, 0
        for chunk in self._unpacked(entry):
            left -= len(chunk)
            if left < 0:
                raise damaged()
            crc = zlib.crc32(chunk, crc)
            yield chunk
        if left or crc != entry.crc:
            raise damaged()

    def _unpacked(self, entry: Entry) -> Iterator[bytes]:
        start = self._start(entry)
        packed = memoryview(self._content)[start : start + entry.packed_bytes]
        if entry.method == _STORED:
            for at in range(0, len(packed), _CHUNK_BYTES):
                yield bytes(packed[at : at + _CHUNK_BYTES])
            return
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            for at in range(0, len(packed), _CHUNK_BYTES):
                left: bytes | memoryview = packed[at : at + _CHUNK_BYTES]
                while left and not inflater.eof:
                    yield inflater.decompress(left, _CHUNK_BYTES)
                    left = inflater.unconsumed_tail
            while not inflater.eof and (rest := inflater.decompress(inflater.unconsumed_tail, _CHUNK_BYTES)):
                yield rest
        except zlib.error as error:
            raise damaged() from error

    def _entry(self, name: str) -> Entry:
        entry = self._entries.get(_folded(name))
        if entry is None:
            raise damaged()
        return entry

    def _start(self, entry: Entry) -> int:
        """The position at which the bytes of a part begin, behind its local header."""
        at = entry.offset + self._shift
        if at < 0 or at + _LOCAL.size > len(self._content):
            raise damaged()
        signature, *_, name_bytes, extra_bytes = _LOCAL.unpack_from(self._content, at)
        if signature != b"PK\x03\x04":
            raise damaged()
        return at + _LOCAL.size + name_bytes + extra_bytes

    def _check(self, entries: Sequence[Entry], directory_at: int) -> None:
        for entry in entries:
            if entry.unpacked_bytes > max(_SMALL_BYTES, entry.packed_bytes * MAX_RATIO):
                raise too_large()
        if sum(entry.unpacked_bytes for entry in entries) > MAX_UNPACKED_BYTES:
            raise too_large()
        # Parts that share bytes unpack to far more than the archive has.
        spans = sorted((self._start(entry), self._start(entry) + entry.packed_bytes) for entry in entries)
        ends = [*spans, (directory_at, 0)]
        if any(before[1] > after[0] for before, after in pairwise(ends)):
            raise damaged()


def _directory(content: bytes) -> tuple[int, int, int]:
    """The position and size of the directory, and the number of bytes in front of the archive, by which all offsets are too small."""
    at = content.rfind(b"PK\x05\x06", max(0, len(content) - _END.size - _MAX_COMMENT_BYTES))
    if at < 0 or at + _END.size > len(content):
        raise damaged()
    _, _, _, _, count, size, offset, _ = _END.unpack_from(content, at)
    end = at
    locator = at - _END64_LOCATOR.size
    if locator >= 0 and content.startswith(b"PK\x06\x07", locator):
        count, size, offset, end = _end64(content, locator)
    if count > MAX_ENTRIES or size > MAX_DIRECTORY_BYTES:
        raise too_large()
    begin = end - size
    if begin < 0 or begin < offset:
        raise damaged()
    return begin, size, begin - offset


def _end64(content: bytes, locator: int) -> tuple[int, int, int, int]:
    """The count of entries of a zip64 archive, the size and offset of its directory, and where that ends.

    Programs that stream their output write zip64 for any size.
    """
    _, _, offset, _ = _END64_LOCATOR.unpack_from(content, locator)
    for at in (offset, locator - _END64.size):
        if 0 <= at <= locator - _END64.size and content.startswith(b"PK\x06\x06", at):
            *_, count, size, directory_at = _END64.unpack_from(content, at)
            return count, size, directory_at, at
    raise damaged()


def _entries(directory: bytes) -> Iterator[Entry]:
    at = 0
    while at < len(directory):
        if at + _ENTRY.size > len(directory) or not directory.startswith(b"PK\x01\x02", at):
            raise damaged()
        _, _, _, flags, method, _, _, crc, packed, unpacked, *lengths, _, _, _, offset = _ENTRY.unpack_from(
            directory, at
        )
        name_at = at + _ENTRY.size
        extra_at = name_at + lengths[0]
        at = extra_at + lengths[1] + lengths[2]
        if at > len(directory):
            raise damaged()
        name = directory[name_at:extra_at].decode("utf-8" if flags & _UTF8 else "latin-1", "replace")
        if not name.endswith(("/", "\\")):
            sizes = _sizes(directory[extra_at : extra_at + lengths[1]], unpacked, packed, offset)
            yield Entry(_folded(name), flags, method, crc, *sizes)


def _sizes(extra: bytes, unpacked: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Packed and unpacked bytes, and the offset. Values too large for the entry are in its extra field: unpacked, packed, offset."""
    wide = iter(_of_zip64(extra))
    sizes = [next(wide, -1) if size == _IN_EXTRA else size for size in (unpacked, packed, offset)]
    if -1 in sizes:
        raise damaged()
    return sizes[1], sizes[0], sizes[2]


def _of_zip64(extra: bytes) -> Sequence[int]:
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, at)
        if kind == _ZIP64:
            count = min(size, len(extra) - at - 4) // 8
            return struct.unpack_from(f"<{count}Q", extra, at + 4)
        at += 4 + size
    return ()


def _folded(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()
