"""Recordings and clips are renamed, archived and deleted on their pages, and choosers show what is on the shelf."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from delivery.models import Clip, Recording
from delivery.recordings.clips import store_clip
from delivery.recordings.recordings import store_recording
from delivery.recordings.shelf import archive
from rvm.platform.models import Workspace
from rvm.platform.roles import Role
from tests.delivery.audio.mp3_bytes import encoded
from tests.factories import make_campaign, make_use_case, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["recording", "clip"])
def sound(request: pytest.FixtureRequest, workspace: Workspace) -> Recording | Clip:
    if request.param == "clip":
        return store_clip(workspace, "Ana", encoded(1))
    return store_recording(workspace, "Flu shot", encoded(12))


def address(sound: Recording | Clip, page: str) -> str:
    return reverse(f"admin:delivery_{sound._meta.model_name}_{page}", args=[sound.pk])


def listed(staff: Client, sound: Recording | Clip, **query: str) -> bool:
    page = staff.get(reverse(f"admin:delivery_{sound._meta.model_name}_changelist"), query).content.decode()
    return sound.name in page


def post(staff: Client, target: str, **form: Any) -> str:
    return staff.post(target, form, follow=True).content.decode()


def test_it_is_renamed_on_its_page(staff: Client, sound: Recording | Clip) -> None:
    assert staff.post(address(sound, "change"), {"name": "Spring"}).status_code == 302
    sound.refresh_from_db()
    assert sound.name == "Spring"
    assert "This field is required" in post(staff, address(sound, "change"), name="")


def test_it_is_archived_and_brought_back(staff: Client, sound: Recording | Clip) -> None:
    assert "what uses it goes on" in post(staff, address(sound, "archive"))
    assert (listed(staff, sound), listed(staff, sound, shelf="archived")) == (False, True)
    assert "It is back from the archive" in post(staff, address(sound, "unarchive"))
    assert listed(staff, sound)
    assert staff.get(address(sound, "archive")).status_code == 405


def test_it_is_deleted_where_nothing_needs_it(staff: Client, workspace: Workspace) -> None:
    recording = store_recording(workspace, "Flu shot", encoded(12))
    campaign = make_campaign(make_use_case(workspace), 0, recording=recording, name="Autumn")
    assert "needed by the campaign “Autumn”" in post(staff, address(recording, "delete"), post="yes")
    type(campaign).objects.update(state="canceled")
    post(staff, address(recording, "delete"), post="yes")
    recording.refresh_from_db()
    assert recording.sound_removed_at is not None
    assert (listed(staff, recording), listed(staff, recording, shelf="removed")) == (False, True)
    assert "The sound was removed on" in staff.get(address(recording, "change")).content.decode()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.COMPLIANCE])
def test_only_those_who_prepare_may(client: Client, sound: Recording | Clip, role: Role) -> None:
    client.force_login(make_user(workspace=sound.workspace, role=role, is_staff=True, password=None))
    for page in ("archive", "unarchive", "delete", "change"):
        assert client.post(address(sound, page), {"name": "x", "post": "yes"}).status_code == 403
    sound.refresh_from_db()
    assert (sound.archived_at, sound.sound_removed_at, sound.name != "x") == (None, None, True)


def test_a_saved_recording_ends_at_its_player(staff: Client, workspace: Workspace) -> None:
    form = {"workspace": workspace.pk, "name": "New", "audio": SimpleUploadedFile("new.mp3", encoded(12), "audio/mpeg")}
    answer = staff.post(reverse("admin:delivery_recording_add"), form, follow=True)
    assert answer.redirect_chain == [(address(Recording.objects.get(), "change"), 302)]
    assert "<audio" in answer.content.decode()
    clip = {"workspace": workspace.pk, "audio": [SimpleUploadedFile("Ana.mp3", encoded(1), "audio/mpeg")]}
    answer = staff.post(reverse("admin:delivery_clip_add"), clip, follow=True)
    assert answer.redirect_chain == [(address(Clip.objects.get(), "change"), 302)]


def test_an_archived_sound_comes_back_with_its_upload(staff: Client, workspace: Workspace) -> None:
    archive(store_recording(workspace, "Old name", encoded(12)), actor=None)
    form = {"workspace": workspace.pk, "name": "New", "audio": SimpleUploadedFile("new.mp3", encoded(12), "audio/mpeg")}
    page = post(staff, reverse("admin:delivery_recording_add"), **form)
    assert "“Old name” was archived; it is back" in page
    assert "The sound of “New” was uploaded before, as “Old name”" in page
    assert Recording.objects.get().archived_at is None


def test_choosers_show_the_living_ones_and_what_a_draft_has(staff: Client, workspace: Workspace) -> None:
    make_use_case(workspace)
    kept, gone = store_recording(workspace, "Kept", encoded(12)), store_recording(workspace, "Gone", encoded(11))
    draft = make_campaign(make_use_case(workspace), 0, recording=gone)
    archive(gone, actor=None)
    archive(store_clip(workspace, "Bob", encoded(1)), actor=None)
    store_clip(workspace, "Ana", encoded(2))
    page = staff.get(reverse("admin:campaigns_campaign_add"))
    fields = page.context["adminform"].form.fields
    assert list(fields["recording"].queryset) == [kept]
    assert [clip.name for clip in fields["opening"].queryset] == ["Ana"]
    edited = staff.get(reverse("admin:campaigns_campaign_edit", args=[draft.pk])).context["adminform"].form
    assert set(edited.fields["recording"].queryset) == {kept, gone}
