"""The shelf through the API: renamed, archived, brought back, deleted, with a live key of the workspace."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from delivery.models import Clip, Recording
from delivery.recordings.clips import store_clip
from delivery.recordings.recordings import store_recording
from rvm.platform.models import Workspace
from rvm.platform.scopes import Scope
from tests.delivery.audio.mp3_bytes import encoded
from tests.factories import make_api, make_campaign, make_use_case

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["recordings", "clips"])
def path(request: pytest.FixtureRequest, workspace: Workspace) -> str:
    if request.param == "clips":
        return f"clips/{store_clip(workspace, 'Ana', encoded(1)).pk}"
    return f"recordings/{store_recording(workspace, 'Flu shot', encoded(12)).pk}"


def test_a_sound_is_renamed_archived_brought_back_and_deleted(path: str, workspace: Workspace) -> None:
    api, plural = make_api(workspace), path.partition("/")[0]
    assert api.send("PATCH", path, {"name": "Spring"}).json()["name"] == "Spring"
    assert api.send("PATCH", path, {"name": ""}).status_code == 422
    assert api.send("PATCH", path, {}).status_code == 200
    assert api.post(f"{path}/archive", {}).json()["archived_at"] is not None
    assert api.client.get(api.url(plural)).json()["items"] == []
    [item] = api.client.get(api.url(f"{plural}?archived=true")).json()["items"]
    assert item["name"] == "Spring"
    assert api.post(f"{path}/unarchive", {}).json()["archived_at"] is None
    assert len(api.client.get(api.url(plural)).json()["items"]) == 1
    assert api.send("DELETE", path, {}).status_code == 204
    assert api.client.get(api.url(plural)).json()["items"] == []
    assert api.client.get(api.url(path)).json()["sound_removed_at"] is not None
    assert api.client.get(api.url(f"{path}/audio")).json()["code"] == "recording_removed"


def test_what_is_needed_is_refused_with_what_needs_it(workspace: Workspace) -> None:
    recording = store_recording(workspace, "Flu shot", encoded(12))
    make_campaign(make_use_case(workspace), 0, recording=recording, name="Autumn")
    answer = make_api(workspace).send("DELETE", f"recordings/{recording.pk}", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "recording_in_use")
    assert "the campaign “Autumn”" in answer.json()["detail"]


def test_an_upload_brings_a_sound_back(workspace: Workspace) -> None:
    api, recording = make_api(workspace), store_recording(workspace, "Flu shot", encoded(12))
    api.post(f"recordings/{recording.pk}/archive", {})
    sound = SimpleUploadedFile("new.mp3", encoded(12), "audio/mpeg")
    body = api.client.post(api.url("recordings"), {"audio": sound}).json()
    assert (body["recording_id"], body["name"], body["archived_at"]) == (str(recording.pk), "Flu shot", None)


@pytest.mark.parametrize(
    ("method", "verb"), [("PATCH", ""), ("DELETE", ""), ("POST", "/archive"), ("POST", "/unarchive")]
)
def test_it_takes_a_live_key_with_the_scope_in_the_workspace(
    path: str, workspace: Workspace, method: str, verb: str
) -> None:
    body = {"name": "x"} if method == "PATCH" else {}
    for api, status in (
        (make_api(workspace, live=False), 403),
        (make_api(workspace, scopes=[Scope.RECORDINGS_READ]), 403),
        (make_api(), 404),
    ):
        assert api.send(method, f"{path}{verb}", body).status_code == status
    assert not Recording.objects.exclude(archived_at=None, sound_removed_at=None).exists()
    assert not Clip.objects.exclude(archived_at=None, sound_removed_at=None).exists()
