"""Recordings by hand: judged as in the API, the refusal said at the file, nothing kept of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from delivery.audio import inspect
from delivery.models import Recording
from delivery.recordings.storage import read_frames
from rvm.platform.models import AuditEvent, Membership, Workspace
from rvm.platform.roles import Role
from rvm.platform.uploads import MAX_FILE_BYTES
from tests.delivery.audio.conversion.sound_files import sound_file
from tests.delivery.audio.mp3_bytes import encode_pcm, encoded, noise, wav
from tests.factories import make_recording, make_user, make_workspace

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


def test_a_voice_memo_becomes_an_mp3_and_its_uploader_is_told(staff: Client, workspace: Workspace, media: Path) -> None:
    memo = sound_file("M4A", noise(12, 44100), 44100)
    answer = staff.post(ADD, form(workspace, memo), follow=True).content.decode()
    assert "The file was an M4A file; it was converted to MP3 (64 kbit/s, 44.1 kHz, mono)." in answer
    recording = Recording.objects.get()
    assert (recording.converted_from, recording.sample_rate, recording.channels) == ("m4a", 44100, 1)
    assert inspect(read_frames(recording)).sha256 == recording.sha256
    assert [path.name for path in media.rglob("*") if path.is_file()] == [f"{recording.sha256}.mp3.enc"]
    assert "The file was an M4A file" in page_of(staff, recording)


def test_of_an_mp3_it_is_said_that_nothing_was_converted(staff: Client, workspace: Workspace) -> None:
    answer = staff.post(ADD, form(workspace, encoded(12)), follow=True).content.decode()
    assert "converted" not in answer
    assert "No, the file was an MP3." in page_of(staff, Recording.objects.get())


def test_only_the_page_that_adds_a_recording_may_ask_for_the_microphone(staff: Client, workspace: Workspace) -> None:
    def policy(address: str) -> list[str]:
        return staff.get(address)["Permissions-Policy"].split(", ")

    adding, others = policy(ADD), policy(reverse("admin:delivery_recording_changelist"))
    assert "microphone=(self)" in adding and "microphone=()" in others
    assert sorted(adding) == sorted({*others, "microphone=(self)"} - {"microphone=()"})
    assert "camera=()" in adding


def test_the_page_that_adds_a_recording_has_a_recorder(staff: Client, workspace: Workspace) -> None:
    page = staff.get(ADD).content.decode()
    assert re.search(r'class="recorder"[^>]* data-field="id_audio" data-shortest="10" data-longest="60" hidden>', page)
    assert re.search(r'<script src="/static/delivery/recorder[^"]*\.js" defer></script>', page)
    assert 'role="status"' in page


def page_of(staff: Client, recording: Recording) -> str:
    return staff.get(reverse("admin:delivery_recording_change", args=[recording.pk])).content.decode()


def test_the_page_shows_a_picture_of_the_sound_and_its_levels(staff: Client, workspace: Workspace) -> None:
    staff.post(ADD, form(workspace, Path("fixtures/reminder.mp3").read_bytes()))
    page = page_of(staff, Recording.objects.get())
    picture = re.search(r'<svg viewBox="0 0 300 256"[^>]*aria-label="([^"]+)"><path d="([^"]+)"/>', page)
    assert picture
    assert picture[1] == (
        "Waveform of 20.4 seconds: loudness -21.8 LUFS, silent for 0.0 seconds at the start and 0.4 at the end."
    )
    lines = re.findall(r"M(\d+)\.5 (\d+)v(\d+)", picture[2])
    assert [int(at) for at, _, _ in lines] == list(range(300))
    assert all(int(top) >= 0 and int(top) + int(height) <= 256 for _, top, height in lines)
    for shown in ("-21.8 LUFS", "-2.0 dB (0 is full volume)", "0.00 % of the sound", "0.4 s"):
        assert shown in page
    assert 'role="note"' not in page


def test_what_is_wrong_with_the_sound_stands_above_the_player_and_in_the_list(
    staff: Client, workspace: Workspace
) -> None:
    staff.post(ADD, form(workspace, encode_pcm(noise(12, 8000, level=100), 8000, 16)))
    page = page_of(staff, Recording.objects.get())
    warnings, player = (
        page.index("The recording is very quiet on a phone, which has one channel: its loudness is -"),
        page.index("<audio"),
    )
    assert page.index('role="note"') < warnings < player
    assert "2 warnings" in staff.get(reverse("admin:delivery_recording_changelist")).content.decode()


def test_a_recording_without_warnings_has_no_mark_in_the_list(staff: Client, workspace: Workspace) -> None:
    staff.post(ADD, form(workspace, encoded(12)))
    listed = staff.get(reverse("admin:delivery_recording_changelist")).content.decode()
    assert "Flu shot" in listed
    assert not re.search(r"\d warning", listed)


def test_an_old_recording_is_measured_when_its_page_is_opened(staff: Client, workspace: Workspace) -> None:
    staff.post(ADD, form(workspace, encoded(12)))
    Recording.objects.update(clipped_share=None, waveform=None)
    assert "<svg viewBox" in page_of(staff, Recording.objects.get())
    assert Recording.objects.get().measured


def test_a_recording_that_cannot_be_measured_has_a_page_without_a_picture(staff: Client, workspace: Workspace) -> None:
    page = page_of(staff, make_recording(workspace))
    assert "<audio controls" in page
    assert "<svg viewBox" not in page


def test_what_a_campaign_assembled_is_not_listed_and_has_its_page(staff: Client, workspace: Workspace) -> None:
    assembled = make_recording(workspace, name="Hello Ann", assembled=True)
    make_recording(workspace, name="Flu shot")
    listed = staff.get(reverse("admin:delivery_recording_changelist")).content.decode()
    assert "Flu shot" in listed
    assert "Hello Ann" not in listed
    address = reverse("admin:delivery_recording_change", args=[assembled.pk])
    assert staff.get(address).status_code == 403  # it may name its person
    Membership.objects.update(may_see_numbers=True)
    assert "Hello Ann" in page_of(staff, assembled)


def test_what_a_campaign_assembled_is_not_offered_to_another(staff: Client, workspace: Workspace) -> None:
    make_recording(workspace, name="Hello Ann", assembled=True)
    make_recording(workspace, name="Flu shot")
    form = staff.get(reverse("admin:campaigns_campaign_add")).content.decode()
    assert "Flu shot" in form
    assert "Hello Ann" not in form


@pytest.mark.parametrize("name", ["player.css", "player.js", "recorder.css", "recorder.js"])
def test_the_styles_and_scripts_of_player_and_recorder_are_served(name: str) -> None:
    assert finders.find(f"delivery/{name}")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "The file is empty: 0 bytes arrived"),
        (b"not a recording" * 100, "No MP3 audio begins in this file"),
        (b"%PDF-1.7" + bytes(999), "renaming a file does not convert it"),
        (wav(5), "the shortest allowed is"),
        (wav(12)[:20], "This looks like a WAV file, but it cannot be read as one"),
        (encoded(5), "the shortest allowed is"),
    ],
)
def test_a_refusal_stands_at_the_file_and_leaves_no_trace(
    staff: Client, workspace: Workspace, media: Path, data: bytes, message: str
) -> None:
    answer = staff.post(ADD, form(workspace, data))
    assert answer.status_code == 200
    assert message in answer.context["adminform"].form.errors["audio"][0]
    assert not Recording.objects.exists()
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_the_same_sound_again_is_said_to_be_there(staff: Client, workspace: Workspace) -> None:
    staff.post(ADD, form(workspace, encoded(12)))
    answer = staff.post(ADD, form(workspace, encoded(12), name="Again"), follow=True).content.decode()
    assert "The sound of “Again” was uploaded before, as “Flu shot”; it stays one recording under that name." in answer
    assert "<audio" in answer
    assert Recording.objects.get().name == "Flu shot"


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
