"""Large uploads are encrypted as they arrive: what is read is what was written, and nothing of it lies on the disk or in memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory
from hypothesis import given, settings
from hypothesis import strategies as st

from rvm.platform.encryption.encrypted_uploads import EncryptedSpool, EncryptedUploadHandler
from rvm.platform.encryption.streams import BLOCK_BYTES
from rvm.platform.uploads import UploadTooLarge

MEGABYTE = 2**20


@given(st.lists(st.integers(0, 3 * BLOCK_BYTES), max_size=5), st.integers(5000, 2 * BLOCK_BYTES), st.integers(0, 20))
@settings(max_examples=50)
def test_what_is_read_is_what_was_written_however_often(sizes: list[int], step: int, first: int) -> None:
    parts = [bytes([place]) * size for place, size in enumerate(sizes)]
    spool = EncryptedSpool()
    for part in parts:
        spool.write(part)
    for _ in range(2):
        spool.seek(0)
        assert spool.read(first) == b"".join(parts)[:first]
        spool.seek(0)
        read = b""
        while chunk := spool.read(step):
            assert len(chunk) == step or len(read + chunk) == sum(sizes)
            read += chunk
        assert read == b"".join(parts)
    spool.close()


def test_the_file_holds_nothing_in_clear() -> None:
    spool = EncryptedSpool()
    spool.write(b"+12025550142,Rosa\r\n" * 10_000)
    spool.seek(0)
    raw = spool._file.read()
    assert len(raw) > 150_000 and b"Rosa" not in raw and b"2025550142" not in raw
    spool.close()


def test_nothing_is_written_behind_the_end() -> None:
    spool = EncryptedSpool()
    spool.seek(0)
    with pytest.raises(ValueError, match="takes nothing more"):
        spool.write(b"more")
    spool.close()


def test_it_is_read_from_its_start_only() -> None:
    spool = EncryptedSpool()
    with pytest.raises(ValueError, match="from its start"):
        spool.seek(5)
    spool.close()


class _Large(EncryptedUploadHandler):
    max_bytes = 40 * MEGABYTE


def upload(rf: RequestFactory, size: int) -> Any:
    request = rf.post("/", {"file": SimpleUploadedFile("list.csv", b"x" * size, "text/csv")})
    request.upload_handlers = [_Large(request)]
    return request


def test_a_large_upload_is_taken_in_little_memory(rf: RequestFactory) -> None:
    request = upload(rf, 30 * MEGABYTE)
    tracemalloc.start()
    try:
        uploaded = request.FILES["file"]
        assert sum(map(len, uploaded.chunks())) == uploaded.size == 30 * MEGABYTE
        assert sum(map(len, uploaded.chunks())) == 30 * MEGABYTE
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * MEGABYTE
    assert uploaded.name == "list.csv"
    request.close()


def test_more_than_the_handler_takes_is_refused_and_the_file_is_closed(rf: RequestFactory) -> None:
    with pytest.raises(UploadTooLarge, match="41,943,040"):
        _ = upload(rf, 40 * MEGABYTE + 1).FILES
