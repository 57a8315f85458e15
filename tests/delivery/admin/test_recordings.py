"""Recordings by hand: judged as in the API, the refusal said at the file, nothing kept of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from delivery.models import Recording
from rvm.platform.models import AuditEvent, Role, Workspace
from rvm.platform.uploads import MAX_FILE_BYTES
from tests.delivery.audio.mp3_bytes import encoded, wav
from tests.factories import make_user, make_workspace

pytestmark = pytest.mark.django_db
ADD = reverse("admin:delivery_recording_add")


def form(workspace: Workspace, data: bytes, name: str = "Flu shot") -> dict[str, object]:
    return {"workspace": workspace.pk, "name": name, "audio": SimpleUploadedFile("flu.mp3", data, "audio/mpeg")}


def test_an_mp3_is_kept_with_what_was_measured_and_can_be_played(staff: Client, workspace: Workspace) -> None:
    assert staff.post(ADD, form(workspace, encoded(12))).status_code == 302
    recording = Recording.objects.get()
    assert recording.name == "Flu shot"
    page = staff.get(reverse("admin:delivery_recording_change", args=[recording.pk])).content.decode()
    for shown in ("12.0 s", "kbit/s, CBR", "KB"):
        assert shown in page
    source = re.search(r'<audio controls[^>]* src="http://[^/]+([^"]+)"', page)
    assert source
    assert Client().get(source[1])["Content-Type"] == "audio/mpeg"
    assert AuditEvent.objects.filter(action="recording.uploaded", subject_id=recording.pk).exists()


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty: 0 bytes arrived"),
        (b"not a recording" * 100, "No MP3 audio begins in this file"),
        (wav(12), "renaming a file does not convert it"),
        (encoded(5), "the shortest allowed is"),
    ],
)
def test_a_refusal_stands_at_the_file_and_leaves_no_trace(
    staff: Client, workspace: Workspace, media: Path, data: bytes, sentence: str
) -> None:
    answer = staff.post(ADD, form(workspace, data))
    assert answer.status_code == 200
    assert sentence in answer.context["adminform"].form.errors["audio"][0]
    assert not Recording.objects.exists()
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_the_same_sound_again_is_said_to_be_there(staff: Client, workspace: Workspace) -> None:
    staff.post(ADD, form(workspace, encoded(12)))
    answer = staff.post(ADD, form(workspace, encoded(12), name="Again"), follow=True).content.decode()
    assert "This sound was uploaded before, as “Flu shot”" in answer
    assert Recording.objects.count() == 1


def test_nothing_is_uploaded_into_another_workspace(staff: Client) -> None:
    assert staff.post(ADD, form(make_workspace(), encoded(12))).status_code == 200
    assert not Recording.objects.exists()


def test_a_viewer_uploads_nothing(client: Client, workspace: Workspace) -> None:
    client.force_login(make_user(workspace=workspace, role=Role.VIEWER, is_staff=True, password=None))
    assert client.post(ADD, form(workspace, encoded(12))).status_code == 403


def test_a_file_far_too_large_is_refused_with_a_page_that_says_so(
    staff: Client, workspace: Workspace, media: Path
) -> None:
    answer = staff.post(ADD, form(workspace, bytes(MAX_FILE_BYTES + 1)))
    assert answer.status_code == 413
    assert "larger than 8 MB" in answer.content.decode()
    assert not Recording.objects.exists()
