"""Faults of the platform that a review reproduced: what whoever writes to Redis, the database or the media folder can do, and bounds.

Each test states the right behaviour and is a strict expected failure under its fault's id until the fault is fixed; the commit
that fixes it takes the mark off.
"""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django_rq import get_connection
from django_rq.workers import get_worker
from rq import Queue
from rq.serializers import JSONSerializer

from delivery.models import Recording
from delivery.recordings.storage import read_frames
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.encryption.encrypted_files import encrypt_file
from rvm.platform.roles import Role
from rvm.project.docs import document
from rvm.spreadsheets.columns.reading import read_columns
from rvm.spreadsheets.preview import examine
from rvm.spreadsheets.refusals import SheetInvalid
from tests import factories

pytestmark = pytest.mark.django_db


def stored(sound: bytes) -> Recording:
    """A recording whose file lies in the media storage."""
    recording = factories.make_recording()
    encrypt_file(recording.storage_name, [sound], recording.associated_data)
    return recording


def test_a_recordings_file_does_not_open_in_the_place_of_another() -> None:
    ours, theirs = stored(b"sound of clinic one"), stored(b"sound of clinic two")
    Path(default_storage.path(ours.storage_name)).write_bytes(
        Path(default_storage.path(theirs.storage_name)).read_bytes()
    )
    with pytest.raises(Undecryptable):
        read_frames(ours)


def test_a_worker_runs_no_function_that_is_not_a_job_of_ours(tmp_path: Path) -> None:
    made = tmp_path / "made-by-a-job"
    queue = Queue("imports", connection=get_connection("imports"), serializer=JSONSerializer)
    queue.empty()
    queue.enqueue("os.mkdir", str(made))
    worker = get_worker(
        "imports", worker_class="delivery.worker.rq_worker.Worker", serializer="rq.serializers.JSONSerializer"
    )
    worker.work(burst=True, logging_level="CRITICAL")
    assert not made.exists()


def test_nothing_pickled_is_kept_in_redis() -> None:
    workspace = factories.make_workspace()
    client = Client(raise_request_exception=False)
    client.force_login(factories.make_user(workspace=workspace, role=Role.VIEWER, is_staff=True))
    redis = get_connection("dispatch")
    redis.flushdb()
    assert client.get("/admin/search/", {"s": "voice"}).status_code == 200
    kept = [redis.get(key) for key in redis.scan_iter("*unfold_search*")]
    assert not [value for value in kept if value and value.startswith(b"\x80")]


def test_a_column_of_medical_record_numbers_is_no_reference() -> None:
    columns = read_columns(["MRN", "Phone", "First Name"], [["1", "2025550142", "Ana"]])
    assert [column.kind for column in columns] == ["record_number", "phone", "first_name"]


def archive_of(entries: int) -> bytes:
    """A zip archive whose directory lists so many entries, and which holds one."""
    head = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, 14, 0) + b"xl/workbook.xm"
    directory = bytearray()
    for number in range(entries):
        name = b"%d" % number
        fields = (b"PK\x01\x02", 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0)
        directory += struct.pack("<4s4B4HL2L5H2L", *fields) + name
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, entries, entries, len(directory), len(head), 0)
    return head + bytes(directory) + end


def test_an_archive_of_many_entries_is_refused_by_the_end_of_its_directory() -> None:
    archive = archive_of(20_000)
    tracemalloc.start()
    try:
        with pytest.raises(SheetInvalid):
            examine(lambda: iter([archive]))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * len(archive) + 2_000_000


@pytest.fixture
def unmade_document() -> Iterator[None]:
    document.cache_clear()
    yield
    document.cache_clear()


@pytest.mark.usefixtures("unmade_document")
def test_the_openapi_document_is_made_once() -> None:
    with patch(
        "drf_spectacular.generators.SchemaGenerator.get_schema",
        autospec=True,
        side_effect=AssertionError("made again"),
    ) as made:
        made.side_effect = None
        made.return_value = {"openapi": "3.1.0"}
        for _ in range(2):
            assert Client().get("/v1/openapi.json").status_code == 200
    assert made.call_count == 1
