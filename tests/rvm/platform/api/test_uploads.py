"""An upload is in memory, bounded, whole, or refused; nothing is left of a refused one."""

from __future__ import annotations

import json
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory

from rvm.platform.api.problems import bad_request
from rvm.platform.models import Heartbeat
from rvm.platform.uploads import MAX_FILE_BYTES, BoundedMemoryUploadHandler, UploadTooLarge
from tests.rvm.platform.api.conftest import Caller

pytestmark = [pytest.mark.urls("tests.rvm.platform.api.sample_api"), pytest.mark.django_db]
TYPE = "multipart/form-data; boundary=BOUND"


def part(content: bytes, name: str = "audio", headers: str = "") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"; filename="a.mp3"'
    return f"--BOUND\r\n{disposition}\r\nContent-Type: audio/mpeg\r\n{headers}\r\n".encode() + content + b"\r\n"


def send(caller: Caller, body: bytes, **extra: Any) -> Any:
    return caller.client().post(caller.url("things"), body, TYPE, **extra)


def refused(response: Any, status: int, code: str) -> str:
    told = json.loads(response.content)
    assert (response.status_code, told["code"]) == (status, code), told
    assert not Heartbeat.objects.exists()
    return str(told["detail"])


def test_the_largest_file_passes_and_never_touches_the_disk(caller: Caller, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    response = send(caller, part(b"x" * MAX_FILE_BYTES) + b"--BOUND--\r\n")
    assert response.json() == {"size": MAX_FILE_BYTES, "on_disk": False}


def test_one_byte_more_is_413(caller: Caller) -> None:
    told = refused(send(caller, part(b"x" * (MAX_FILE_BYTES + 1)) + b"--BOUND--\r\n"), 413, "upload_too_large")
    assert f"{MAX_FILE_BYTES:,}" in told


def test_several_files_share_the_limit(caller: Caller) -> None:
    half = part(b"x" * (MAX_FILE_BYTES // 2 + 1), "a") + part(b"x" * (MAX_FILE_BYTES // 2), "b")
    refused(send(caller, half + b"--BOUND--\r\n"), 413, "upload_too_large")


def test_a_part_that_announces_too_much_is_413_before_its_bytes(caller: Caller) -> None:
    refused(
        send(caller, part(b"x", headers="Content-Length: 99999999\r\n") + b"--BOUND--\r\n"), 413, "upload_too_large"
    )


def test_a_part_that_lies_about_its_length_is_400(caller: Caller) -> None:
    body = part(b"12345", headers="Content-Length: 6\r\n") + b"--BOUND--\r\n"
    assert "announced 6 bytes and 5 arrived" in refused(send(caller, body), 400, "malformed_request")


def test_a_body_without_its_closing_boundary_is_400(caller: Caller) -> None:
    assert "without the closing boundary" in refused(send(caller, part(b"x" * 1000)), 400, "malformed_request")


def test_a_body_shorter_than_announced_is_400(caller: Caller) -> None:
    body = part(b"x" * 1000) + b"--BOUND--\r\n"
    cut_off = {"CONTENT_LENGTH": str(len(body) + 500), "wsgi.input": BytesIO(body)}
    told = refused(send(caller, body, **cut_off), 400, "malformed_request")
    assert f"{len(body)} of {len(body) + 500} announced bytes" in told


def test_a_closing_boundary_split_over_two_reads_is_seen(caller: Caller) -> None:
    chunk = BoundedMemoryUploadHandler.chunk_size
    frame = len(part(b"")) + len(b"--BOUND--\r\n")
    for shift in range(-12, 13):
        content = b"x" * (chunk - frame + shift)
        assert send(caller, part(content) + b"--BOUND--\r\n").status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        b"".join(f'--BOUND\r\nContent-Disposition: form-data; name="f{n}"\r\n\r\nx\r\n'.encode() for n in range(1100)),
        b"".join(part(b"", f"f{n}") for n in range(600)),
    ],
    ids=["fields", "files"],
)
def test_too_many_parts_are_refused(caller: Caller, body: bytes) -> None:
    assert "too many" in refused(send(caller, body + b"--BOUND--\r\n"), 400, "malformed_request")


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=ä", "multipart/form-data; boundary="]
)
def test_a_form_without_a_usable_boundary_is_400(caller: Caller, content_type: str) -> None:
    response = caller.client().post(caller.url("things"), part(b"x"), content_type)
    refused(response, 400, "malformed_request")


def test_a_page_outside_the_api_is_refused_with_413_too(rf: RequestFactory) -> None:
    request = rf.post("/admin/", {"file": SimpleUploadedFile("x", b"x" * (MAX_FILE_BYTES + 1))})
    with pytest.raises(UploadTooLarge) as refusal:
        _ = request.POST
    page = bad_request(request, refusal.value)
    assert page.status_code == 413 and page["Content-Type"].startswith("text/html")


def test_a_view_may_read_larger_files_by_a_handler_of_its_own(rf: RequestFactory) -> None:
    class Larger(BoundedMemoryUploadHandler):
        max_bytes = 2 * MAX_FILE_BYTES

    request = rf.post("/admin/", {"file": SimpleUploadedFile("x", b"x" * (MAX_FILE_BYTES + 1))})
    request.upload_handlers = [Larger(request)]
    uploaded = request.FILES["file"]
    assert uploaded.size == MAX_FILE_BYTES + 1
