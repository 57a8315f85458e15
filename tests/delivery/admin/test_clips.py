"""Clips by hand: many files at once, each called like its file, the refused ones named."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from delivery.models import Clip
from delivery.recordings.clips import assemble, store_clip
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.roles import Role
from tests.delivery.audio.conversion.sound_files import sound_file
from tests.delivery.audio.mp3_bytes import encode_pcm, encoded, noise
from tests.factories import letters, make_user, make_workspace

pytestmark = pytest.mark.django_db
ADD, LIST = reverse("admin:delivery_clip_add"), reverse("admin:delivery_clip_changelist")


def file(name: str, data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, "audio/mpeg")


def upload(staff: Client, workspace: Workspace, *files: SimpleUploadedFile) -> Any:
    return staff.post(ADD, {"workspace": workspace.pk, "audio": list(files)}, follow=True)


def said(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_150_names_are_150_clips_called_like_their_files(staff: Client, workspace: Workspace) -> None:
    names = [letters(number).capitalize() for number in range(150)]
    sound = noise(0.3, 8000)
    files = []
    for number, name in enumerate(names):
        sound[:100] = number * 100
        files.append(file(f"{name}.mp3", encode_pcm(sound, 8000, 32)))
    answer = upload(staff, workspace, *files)
    assert answer.redirect_chain == [(LIST, 302)]
    assert said(answer) == ["150 clips are kept."]
    assert sorted(Clip.objects.values_list("name", flat=True)) == sorted(names)
    assert AuditEvent.objects.filter(action="clip.uploaded", workspace=workspace).count() == 150


def test_voice_memos_become_clips_and_it_is_said_of_how_many(staff: Client, workspace: Workspace) -> None:
    files = [
        file("Ana.m4a", sound_file("M4A", noise(0.5, 44100), 44100)),
        file("Bea.WAV", sound_file("WAV", noise(0.5, 44100, level=2000), 44100)),
        file("Cid.mp3", encoded(0.5)),
    ]
    answer = upload(staff, workspace, *files)
    assert said(answer) == ["3 clips are kept.", "2 of them were converted to MP3 (64 kbit/s, 44.1 kHz, mono)."]
    clips = Clip.objects.order_by("name").values_list("name", "converted_from", "sample_rate")
    assert list(clips) == [("Ana", "m4a", 44100), ("Bea", "wav", 44100), ("Cid", "", 44100)]


def test_a_refused_file_is_named_and_the_others_are_kept(staff: Client, workspace: Workspace) -> None:
    answer = upload(
        staff, workspace, file("Ana.mp3", encoded(0.5)), file("Bea.mp3", encoded(0.05)), file("Cid.mp3", encoded(0.7))
    )
    assert sorted(Clip.objects.values_list("name", flat=True)) == ["Ana", "Cid"]
    assert said(answer)[0].startswith("Bea.mp3: The recording lasts 0.0 seconds; the shortest allowed is 0.2.")
    assert said(answer)[1] == "2 clips are kept."


def test_where_every_file_is_refused_the_form_says_why_and_nothing_is_kept(
    staff: Client, workspace: Workspace, media: Path
) -> None:
    answer = upload(staff, workspace, file("Ana.mp3", b""), file("Bea.mp3", b"no sound" * 100))
    errors = answer.context["adminform"].form.errors["audio"]
    assert [error.split(":")[0] for error in errors] == ["Ana.mp3", "Bea.mp3"]
    assert not Clip.objects.exists()
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_no_file_is_said_at_the_field(staff: Client, workspace: Workspace) -> None:
    answer = staff.post(ADD, {"workspace": workspace.pk})
    assert answer.context["adminform"].form.errors["audio"] == ["This field is required."]


def test_a_sound_that_is_known_stays_one_clip_and_is_said(staff: Client, workspace: Workspace) -> None:
    store_clip(workspace, "Ann", encoded(0.5))
    answer = upload(staff, workspace, file("Anne.mp3", encoded(0.5)))
    assert said(answer)[0] == (
        "The sound of “Anne” was uploaded before, as “Ann”; it stays one clip under that name. To call it “Anne”, change the name on "
        "its page and save."
    )
    assert Clip.objects.get().name == "Ann"


def test_more_than_32_mb_are_refused_in_a_sentence(staff: Client, workspace: Workspace) -> None:
    files = [file(f"{number}.mp3", bytes(8 * 2**20)) for number in range(5)]
    answer = upload(staff, workspace, *files)
    assert answer.redirect_chain == [(ADD, 302)]
    assert said(answer) == ["The files are together larger than 32 MB; upload them in several goes."]
    assert not Clip.objects.exists()


def test_more_than_the_8_mb_of_a_recording_are_taken(staff: Client, workspace: Workspace) -> None:
    answer = upload(
        staff, workspace, file("Ana.mp3", encoded(0.5)), *(file(f"{each}.mp3", bytes(8 * 2**20)) for each in (1, 2))
    )
    assert said(answer)[-1] == "1 clip is kept."
    assert len(said(answer)) == 3


def test_a_forged_upload_is_refused(staff: Client, workspace: Workspace) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = staff.cookies
    assert strict.get(ADD).status_code == 200
    assert strict.post(ADD, {"workspace": workspace.pk, "audio": file("Ana.mp3", encoded(0.5))}).status_code == 403
    assert not Clip.objects.exists()


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.LAUNCHER, 302)])
def test_who_only_looks_uploads_nothing(client: Client, workspace: Workspace, role: Role, status: int) -> None:
    client.force_login(make_user(workspace=workspace, role=role, is_staff=True, password=None))
    answer = client.post(ADD, {"workspace": workspace.pk, "audio": file("Ana.mp3", encoded(0.5))})
    assert answer.status_code == status
    assert Clip.objects.exists() is (status == 302)


def test_nothing_is_uploaded_into_another_workspace(staff: Client) -> None:
    answer = upload(staff, make_workspace(), file("Ana.mp3", encoded(0.5)))
    assert "workspace" in answer.context["adminform"].form.errors
    assert not Clip.objects.exists()


def test_a_clip_plays_on_its_page_which_says_where_it_is_heard(staff: Client, workspace: Workspace) -> None:
    greeting, name = store_clip(workspace, "Greeting", encoded(11)), store_clip(workspace, "Ana", encoded(0.5))
    assemble(workspace, [greeting.pk, name.pk])
    page = staff.get(reverse("admin:delivery_clip_change", args=[name.pk])).content.decode()
    for shown in ("Ana", "Nothing: the clip is fine.", "1 recording so far", f"{name.duration_ms / 1000:.2f} s"):
        assert shown in page
    source = re.search(r'<audio controls[^>]* src="http://[^/]+([^"]+)"', page)
    assert source
    assert Client().get(source[1]).content == encoded(0.5)


def test_the_form_takes_several_files(staff: Client) -> None:
    assert re.search(r'<input type="file"[^>]* multiple', staff.get(ADD).content.decode())
