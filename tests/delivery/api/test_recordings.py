"""Recordings over the API and by signed link: uploaded once, played in parts, opened by nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.core.files.storage import FileSystemStorage
from django.test import Client
from django.utils import timezone

from delivery.api.serializers.sounds import AudioLevelsSerializer, RecordingDetailSerializer, RecordingSerializer
from delivery.models import Recording
from delivery.recordings.links import carrier_link, link
from delivery.recordings.recordings import store_recording
from delivery.recordings.storage import read_frames
from rvm.platform.database.clock import database_now
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.scopes import Scope
from tests.delivery.api.sending import codes, mp3_file
from tests.delivery.audio.mp3_bytes import encoded
from tests.factories import Api, make_api, make_recording

PROBLEM = "application/problem+json"


def upload(api: Api, audio: Any = None, **fields: Any) -> Any:
    return api.client.post(api.url("recordings"), {"audio": audio or mp3_file(), **fields})


@pytest.fixture
def recording(workspace: Workspace) -> Recording:
    return store_recording(workspace, "Flu shot", encoded(12))


@pytest.fixture
def frames(recording: Recording) -> bytes:
    return read_frames(recording)


def test_an_upload_is_kept_and_described(api: Api) -> None:
    response = upload(api, name="Spring clinic")
    body = response.json()
    assert response.status_code == 201, response.content
    assert list(body) == list(RecordingSerializer().fields)
    assert (body["name"], body["sample_rate"], body["channels"], body["bitrate_kbps"]) == (
        "Spring clinic",
        44100,
        1,
        64,
    )
    assert 12_000 <= body["duration_ms"] < 12_100
    assert response["Location"] == f"/v1/{api.workspace_id}/recordings/{body['recording_id']}"
    assert api.client.get(response["Location"]).json()["recording_id"] == body["recording_id"]


def test_the_same_sound_uploaded_again_is_the_same_recording(api: Api) -> None:
    first = upload(api, name="First").json()
    assert upload(api, name="Second").json() == first
    assert upload(api, mp3_file(name="Third.MP3")).json() == first


def test_without_a_name_it_is_called_like_its_file(api: Api) -> None:
    assert upload(api, mp3_file(name="Flu shot.mp3")).json()["name"] == "Flu shot"


def test_a_bad_upload_is_refused_with_its_own_code(api: Api, media: Path) -> None:
    response = upload(api, mp3_file(encoded(5)))
    assert (response.status_code, response.json()["code"], codes(response)) == (
        422,
        "too_short",
        [("/audio", "too_short")],
    )
    assert not Recording.objects.exists()
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_a_full_disk_is_503_and_leaves_nothing(api: Api, media: Path) -> None:
    with patch.object(FileSystemStorage, "_save", side_effect=OSError(28, "No space left on device")):
        response = upload(api)
    assert (response.status_code, response["Content-Type"]) == (503, PROBLEM)
    assert response.json()["code"] == "storage_unavailable"
    assert not Recording.objects.exists()
    assert upload(api).status_code == 201


@pytest.mark.parametrize(("form", "wrong"), [({}, ("/audio", "required")), ({"audio": "x"}, ("/audio", "invalid"))])
def test_an_upload_without_a_file_is_422(api: Api, form: dict[str, str], wrong: tuple[str, str]) -> None:
    response = api.client.post(api.url("recordings"), form)
    assert (response.status_code, codes(response)) == (422, [wrong])


def test_a_name_that_is_too_long_is_422(api: Api) -> None:
    assert codes(upload(api, name="n" * 201)) == [("/name", "max_length")]


def test_an_upload_as_json_is_415(api: Api) -> None:
    assert api.post("recordings", {"audio": "x"}).status_code == 415


def test_the_list_turns_pages_newest_first_and_within_the_workspace(api: Api, workspace: Workspace) -> None:
    for name in "abc":
        make_recording(workspace, name=name)
    make_recording(name="x")
    first = api.get("recordings", limit=2).json()
    assert ([item["name"] for item in first["items"]], first["has_more"]) == (["c", "b"], True)
    rest = api.get("recordings", limit=2, continuation_token=first["continuation_token"]).json()
    assert ([item["name"] for item in rest["items"]], rest["has_more"]) == (["a"], False)


def test_one_recording_comes_with_a_link_that_plays_it_without_a_key(
    api: Api, recording: Recording, frames: bytes, client: Client, settings: Any
) -> None:
    body = api.get(f"recordings/{recording.pk}").json()
    assert list(body) == list(RecordingDetailSerializer().fields)
    assert body["audio_url"].startswith(f"{settings.RVM_PUBLIC_URL}/recordings/")
    response = client.get(urlsplit(body["audio_url"]).path)
    assert (response.status_code, response.content) == (200, frames)
    assert AuditEvent.objects.get(action="recording.linked").subject_id == recording.pk


def test_the_levels_are_told_everywhere_and_the_waveform_alone_with_one(api: Api, recording: Recording) -> None:
    [listed] = api.get("recordings").json()["items"]
    one = api.get(f"recordings/{recording.pk}").json()
    assert list(one["levels"]) == list(AudioLevelsSerializer().fields)
    assert one["levels"] == listed["levels"] == upload(api, mp3_file(encoded(12))).json()["levels"]
    assert one["levels"]["peak_dbfs"] == recording.peak_dbfs
    assert one["levels"]["clipped_percent"] == 0
    assert "waveform" not in listed
    assert recording.waveform is not None
    assert one["waveform"] == list(recording.waveform)
    assert (len(one["waveform"]), max(one["waveform"]) <= 255) == (300, True)


def test_an_old_recording_has_no_levels_until_it_is_got_alone(api: Api, recording: Recording) -> None:
    Recording.objects.update(clipped_share=None, waveform=None)
    assert api.get("recordings").json()["items"][0]["levels"] is None
    one = api.get(f"recordings/{recording.pk}").json()
    assert one["levels"]["peak_dbfs"] == recording.peak_dbfs
    assert len(one["waveform"]) == 300
    assert api.get("recordings").json()["items"][0]["levels"] == one["levels"]


def test_an_old_recording_without_its_file_is_still_described(api: Api, workspace: Workspace) -> None:
    body = api.get(f"recordings/{make_recording(workspace).pk}").json()
    assert (body["levels"], body["waveform"]) == (None, None)


def test_a_recording_assembled_from_clips_is_found_by_its_id_and_not_listed(
    api: Api, workspace: Workspace, recording: Recording
) -> None:
    assembled = make_recording(workspace, assembled=True)
    assert [item["recording_id"] for item in api.get("recordings").json()["items"]] == [str(recording.pk)]
    assert api.get(f"recordings/{assembled.pk}").json()["name"] == assembled.name


@pytest.mark.parametrize("path", ["", "/audio"])
def test_what_was_joined_for_somebody_is_heard_by_who_may_see_numbers_only(workspace: Workspace, path: str) -> None:
    assembled = make_recording(workspace, name="Hello + Ann", assembled=True)
    response = make_api(workspace, scopes=[Scope.RECORDINGS_READ]).get(f"recordings/{assembled.pk}{path}")
    assert (response.status_code, response.json()["code"]) == (403, "missing_scope")
    assert "Ann" not in response.content.decode() and "numbers:read" in response.json()["detail"]


def test_the_audio_is_played_with_a_key_whatever_the_player_accepts(
    api: Api, recording: Recording, frames: bytes
) -> None:
    response = api.client.get(api.url(f"recordings/{recording.pk}/audio"), headers={"Accept": "audio/*"})
    assert (response.status_code, response["Content-Type"], response.content) == (200, "audio/mpeg", frames)
    assert AuditEvent.objects.get(action="recording.played").actor == api.key.user


@pytest.fixture(params=["link", "api"])
def player(request: Any, api: Api, recording: Recording) -> Iterator[Any]:
    """Both ways to play it, by method and headers."""
    if request.param == "api":
        yield lambda method="GET", **headers: api.client.generic(
            method, api.url(f"recordings/{recording.pk}/audio"), headers=headers
        )
    else:
        path = urlsplit(link(recording)).path
        yield lambda method="GET", **headers: Client().generic(method, path, headers=headers)


def test_the_whole_is_private_and_announces_ranges(player: Any, frames: bytes) -> None:
    response = player()
    assert (response.status_code, response.content) == (200, frames)
    assert response["Content-Type"] == "audio/mpeg"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"].startswith("private")
    assert (response["Accept-Ranges"], response["Content-Length"]) == ("bytes", str(len(frames)))


def test_a_part_is_206_and_says_which(player: Any, frames: bytes) -> None:
    size = len(frames)
    for header, part in {
        "bytes=0-99": slice(0, 100),
        "bytes=100-": slice(100, size),
        "bytes=-100": slice(size - 100, size),
        f"bytes={size - 1}-{size + 50}": slice(size - 1, size),
    }.items():
        response = player(Range=header)
        assert (response.status_code, response.content) == (206, frames[part])
        assert response["Content-Range"] == f"bytes {part.start}-{part.stop - 1}/{size}"
        assert response["Content-Length"] == str(part.stop - part.start)


def test_a_part_behind_the_end_is_416_with_the_size(player: Any, frames: bytes) -> None:
    response = player(Range=f"bytes={len(frames)}-")
    assert (response.status_code, response["Content-Type"]) == (416, PROBLEM)
    assert response["Content-Range"] == f"bytes */{len(frames)}"
    assert response.json()["code"] == "range_not_satisfiable"


def test_head_tells_the_size_and_sends_nothing(player: Any, frames: bytes) -> None:
    response = player("HEAD", Range="bytes=0-9")
    assert (response.status_code, response.content, response["Content-Length"]) == (200, b"", str(len(frames)))


def test_a_link_ends(recording: Recording, client: Client) -> None:
    path = urlsplit(link(recording, max_age=timedelta(minutes=5))).path
    assert client.get(path).status_code == 200
    later = database_now() + timedelta(seconds=301)
    with patch("delivery.recordings.links.database_now", return_value=later):
        response = client.get(path)
    assert (response.status_code, response["Content-Type"]) == (403, PROBLEM)
    assert response.json()["code"] == "link_expired"


def test_a_carriers_link_is_the_same_all_day_and_lasts_two_more(recording: Recording, client: Client) -> None:
    now = timezone.now()
    morning, evening = now.replace(hour=1), now.replace(hour=23)
    assert carrier_link(recording.pk, morning) == carrier_link(recording.pk, evening)
    path = urlsplit(carrier_link(recording.pk, now)).path
    assert client.get(path).status_code == 200
    later = database_now() + timedelta(days=3)
    with patch("delivery.recordings.links.database_now", return_value=later):
        assert client.get(path).status_code == 403


def test_a_link_that_was_changed_or_made_up_is_404(recording: Recording, client: Client) -> None:
    path = urlsplit(link(recording)).path
    token = path.removeprefix("/recordings/").removesuffix(".mp3")
    body, _, signature = token.partition("~")
    purpose, _, ends = body.split(".")
    changed = [
        f"{purpose}.{uuid4().hex}.{ends}~{signature}",
        f"{purpose}.{recording.pk.hex}.{int(ends) + 9999}~{signature}",
        f"carrier.{recording.pk.hex}.{ends}~{signature}",
        body,
        "x",
    ]
    for forged in changed:
        response = client.get(f"/recordings/{forged}.mp3")
        assert (response.status_code, response.json()["code"]) == (404, "link_unknown")


def test_a_link_to_a_recording_that_is_gone_is_404(recording: Recording, client: Client) -> None:
    path = urlsplit(link(recording)).path
    Recording.objects.all().delete()
    assert client.get(path).status_code == 404


def test_a_link_is_for_looking_only(recording: Recording, client: Client) -> None:
    assert client.post(urlsplit(link(recording)).path).status_code == 405
