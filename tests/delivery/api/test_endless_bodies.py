"""Bodies that never end, as the server hands them over: refused in bounded memory, and nothing is left behind."""

from __future__ import annotations

import itertools
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from delivery.models import Recording, Voicemail
from tests.factories import Api

HEAD = b'--b\r\nContent-Disposition: form-data; name="audio"; filename="a.mp3"\r\nContent-Type: audio/mpeg\r\n\r\n'
MEGABYTE = 2**20


class Endless:
    """A client that sends for ever; `taken` counts what was read of it."""

    def __init__(self, head: bytes = b"") -> None:
        self.head = head
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > 64 * MEGABYTE:
            raise AssertionError("somebody wants to read all of an endless body")
        chunk = (self.head + b"\xff" * size)[:size]
        self.head = self.head[size:]
        self.taken += size
        return chunk

    def readline(self, size: int = -1) -> bytes:
        return self.read(size)


def post(api: Api, path: str, body: Endless, content_type: str, **environ: str) -> int:
    request: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": api.url(path),
        "CONTENT_TYPE": content_type,
        "wsgi.input": body,
        **environ,
    }
    return api.client.request(**request).status_code


@pytest.mark.parametrize("path", ["voicemail", "recordings"])
@pytest.mark.parametrize(
    ("environ", "status", "most_read"),
    [
        ({"CONTENT_LENGTH": str(10**12)}, 413, 0),
        ({"CONTENT_LENGTH": str(9 * MEGABYTE)}, 413, 0),
        ({"CONTENT_LENGTH": str(8 * MEGABYTE + 500_000)}, 413, 9 * MEGABYTE),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 411, 0),
    ],
)
def test_an_endless_upload_is_refused_in_bounded_memory(
    api: Api, media: Path, path: str, environ: dict[str, str], status: int, most_read: int
) -> None:
    body = Endless(HEAD)
    tracemalloc.start()
    try:
        assert post(api, path, body, "multipart/form-data; boundary=b", **environ) == status
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert body.taken <= most_read
    assert peak < 40 * MEGABYTE
    assert not Recording.objects.exists()
    assert not Voicemail.objects.exists()
    assert not [found for found in media.rglob("*") if found.is_file()]


@pytest.mark.parametrize("path", ["voicemail", "voicemail/search", "voicemail/batch"])
def test_endless_json_is_refused_after_two_megabytes(api: Api, path: str) -> None:
    body = Endless()
    assert post(api, path, body, "application/json", CONTENT_LENGTH=str(8 * MEGABYTE)) == 413
    assert body.taken <= 3 * MEGABYTE


def test_the_client_of_these_tests_never_ends() -> None:
    body = Endless(b"ab")
    assert [body.read(1) for _ in range(4)] == [b"a", b"b", b"\xff", b"\xff"]
    assert sum(len(body.read(MEGABYTE)) for _ in itertools.repeat(None, 20)) == 20 * MEGABYTE
