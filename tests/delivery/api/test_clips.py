"""Clips over the API: uploaded once, listed, played, and seen by nobody else."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from delivery.api.serializers.sounds import ClipDetailSerializer, ClipSerializer
from delivery.models import Clip, Recording
from delivery.recordings.clips import store_clip
from delivery.recordings.links import link
from delivery.recordings.recordings import store_recording
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.scopes import Scope
from tests.delivery.api.sending import codes
from tests.delivery.audio.mp3_bytes import encoded
from tests.factories import Api, make_api

# A frame that takes 100 bytes of its sound from what stood before it: main_data_begin is 50, shifted by a bit.
CUT_OUT = encoded(1)[:4] + bytes([50]) + encoded(1)[5:]


def upload(api: Api, data: bytes = encoded(0.5), file_name: str = "Ana.mp3", **fields: Any) -> Any:
    return api.client.post(api.url("clips"), {"audio": SimpleUploadedFile(file_name, data, "audio/mpeg"), **fields})


@pytest.fixture
def clip(workspace: Workspace) -> Clip:
    return store_clip(workspace, "Ana", encoded(0.5))


def test_an_upload_is_kept_under_its_files_name_and_described(api: Api) -> None:
    response = upload(api)
    body = response.json()
    assert response.status_code == 201, response.content
    assert list(body) == list(ClipSerializer().fields)
    assert (body["name"], body["sample_rate"], body["channels"], body["warnings"]) == ("Ana", 44100, 1, [])
    assert 500 <= body["duration_ms"] < 600
    assert response["Location"] == f"/v1/{api.workspace_id}/clips/{body['clip_id']}"
    assert api.client.get(response["Location"]).json()["clip_id"] == body["clip_id"]


def test_the_same_sound_again_is_the_same_clip(api: Api) -> None:
    first, second = upload(api, name="Anna").json(), upload(api).json()
    assert first == second
    assert first["name"] == "Anna"
    assert not Recording.objects.exists()


@pytest.mark.parametrize(
    ("data", "status", "code", "said"),
    [
        (b"", 422, "empty", "0 bytes"),
        (encoded(0.05), 422, "too_short", "the shortest allowed is 0.2"),
        (CUT_OUT, 422, "cut_out", "export it as a new MP3"),
        (encoded(30).ljust(8 * 2**20 + 1, b"\0"), 413, "too_large", "8 MB"),
    ],
)
def test_what_is_no_clip_is_refused_by_name_and_leaves_no_trace(
    api: Api, data: bytes, status: int, code: str, said: str
) -> None:
    response = upload(api, data)
    assert (response.status_code, response.json()["code"]) == (status, code), response.content
    assert said in response.json()["detail"]
    assert codes(response) == [("/audio", code)]
    assert not Clip.objects.exists()


def test_a_clip_is_listed_newest_first_and_not_among_the_recordings(api: Api, workspace: Workspace) -> None:
    names = ["Ana", "Bea", "Cid"]
    for number, name in enumerate(names):
        store_clip(workspace, name, encoded(0.5 + number))
    store_recording(workspace, "Flu shot", encoded(12))
    first = api.get("clips", limit=2).json()
    rest = api.get("clips", limit=2, continuation_token=first["continuation_token"]).json()
    assert sorted(item["name"] for item in first["items"] + rest["items"]) == names
    assert [first["has_more"], rest["has_more"]] == [True, False]
    assert [item["name"] for item in api.get("recordings").json()["items"]] == ["Flu shot"]


def test_one_clip_has_a_link_that_plays_it_without_a_key(api: Api, clip: Clip) -> None:
    body = api.get(f"clips/{clip.pk}").json()
    assert list(body) == list(ClipDetailSerializer().fields)
    played = Client().get(urlsplit(body["audio_url"]).path, headers={"Range": "bytes=0-9"})
    assert (played.status_code, played["Content-Type"]) == (206, "audio/mpeg")
    assert played.content == encoded(0.5)[:10]
    assert AuditEvent.objects.filter(action="clip.linked", subject_id=clip.pk).exists()


def test_a_clip_plays_whole_and_in_parts(api: Api, clip: Clip) -> None:
    path = api.url(f"clips/{clip.pk}/audio")
    assert api.client.get(path).content == encoded(0.5)
    assert api.client.get(path, headers={"Range": "bytes=5-8"}).content == encoded(0.5)[5:9]
    assert api.client.get(path, headers={"Range": "bytes=999999-"}).status_code == 416
    assert AuditEvent.objects.filter(action="clip.played", subject_id=clip.pk).exists()


def test_a_link_to_a_clip_opens_no_recording_and_the_other_way_round(workspace: Workspace, clip: Clip) -> None:
    recording = store_recording(workspace, "Flu shot", encoded(12))
    Recording.objects.filter(pk=recording.pk).update(id=clip.pk)
    assert Client().get(urlsplit(link(clip)).path).content == encoded(0.5)
    path = urlsplit(link(clip)).path
    Clip.objects.all().delete()
    assert Client().get(path).status_code == 404


def test_a_clip_of_another_workspace_is_not_there(clip: Clip) -> None:
    stranger = make_api()
    for path in (f"clips/{clip.pk}", f"clips/{clip.pk}/audio", f"clips/{uuid4()}"):
        assert stranger.get(path).status_code == 404
    assert stranger.get("clips").json()["items"] == []


def test_reading_and_writing_need_their_scopes(workspace: Workspace, clip: Clip) -> None:
    reader = make_api(workspace, scopes=[Scope.RECORDINGS_READ])
    writer = make_api(workspace, scopes=[Scope.RECORDINGS_WRITE])
    assert upload(reader).status_code == 403
    assert upload(writer).status_code == 201
    assert [reader.get(path).status_code for path in ("clips", f"clips/{clip.pk}")] == [200, 200]
    assert [writer.get(path).status_code for path in ("clips", f"clips/{clip.pk}")] == [403, 403]


def test_a_clip_is_stated_by_itself_and_need_not_say_everything(api: Api, clip: Clip) -> None:
    address = f"clips/{clip.pk}/attestation"
    refused = api.put(address, {"voice": "human"})
    assert codes(refused) == [("/no_health_details", "statement_incomplete")]
    told = api.put(address, {"voice": "synthetic", "no_health_details": True}).json()["attestation"]
    assert (told["voice"], told["says"]) == ("synthetic", [])
    assert api.get(f"clips/{clip.pk}").json()["attestation"] == told
    assert api.delete(address).status_code == 204
    assert api.get(f"clips/{clip.pk}").json()["attestation"] is None
