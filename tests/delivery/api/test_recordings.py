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

from delivery.api.serializers.sounds import AudioLevelsSerializer, RecordingDetailSerializer, RecordingSerializer
from delivery.models import Recording
from delivery.recordings.links import link
from delivery.recordings.recordings import store_recording
from delivery.recordings.storage import read_frames
from rvm.platform.database.clock import database_now
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.scopes import Scope
from tests.delivery.api.sending import codes, mp3_file
from tests.delivery.audio.conversion.sound_files import sound_file
from tests.delivery.audio.mp3_bytes import encoded, noise
from tests.factories import Api, make_api, make_recording, make_use_case

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


def test_the_audit_names_the_key_that_uploaded(api: Api) -> None:
    for address, kind in (("recordings", "recording"), ("clips", "clip")):
        body = api.client.post(api.url(address), {"audio": mp3_file()}).json()
        event = AuditEvent.objects.get(action=f"{kind}.uploaded")
        assert (str(event.subject_id), event.actor, event.workspace_id) == (
            body["id"],
            api.key.user,
            api.key.workspace_id,
        )


def test_the_same_sound_uploaded_again_is_the_same_recording(api: Api) -> None:
    first = upload(api, name="First").json()
    assert upload(api, name="Second").json() == first
    assert upload(api, mp3_file(name="Third.MP3")).json() == first


def test_without_a_name_it_is_called_like_its_file(api: Api) -> None:
    assert upload(api, mp3_file(name="Flu shot.mp3")).json()["name"] == "Flu shot"


@pytest.fixture
def memo() -> bytes:
    return sound_file("M4A", noise(12, 44100), 44100)


def test_another_format_than_mp3_is_refused_by_name_with_what_to_do(api: Api, memo: bytes) -> None:
    response = upload(api, mp3_file(memo))
    assert (response.status_code, response.json()["code"]) == (422, "another_format")
    detail = response.json()["detail"]
    assert "This looks like an M4A file, not an MP3" in detail
    assert "switches `converts_audio` on" in detail and "export it as MP3" in detail
    assert "converts_audio" not in upload(api, mp3_file(b"%PDF-1.7" + bytes(999))).json()["detail"]


@pytest.mark.parametrize("path", ["recordings", "clips"])
def test_another_format_is_converted_where_the_workspace_has_it_switched_on(path: str, api: Api, memo: bytes) -> None:
    Workspace.objects.update(converts_audio=True)
    body = api.client.post(api.url(path), {"audio": mp3_file(memo, name="Flu shot.m4a")}).json()
    assert body["conversion"] == "The file was an M4A file; it was converted to MP3 (64 kbit/s, 44.1 kHz, mono)."
    assert (body["name"], body["sample_rate"], body["channels"], body["warnings"]) == ("Flu shot", 44100, 1, [])
    assert api.client.post(api.url(path), {"audio": mp3_file()}).json()["conversion"] is None


def test_a_voicemail_with_another_format_is_sent_where_the_workspace_has_it_switched_on(api: Api, memo: bytes) -> None:
    use_case = make_use_case(api.key.workspace)
    fields = {"use_case_id": use_case.pk, "recipient_phone_number": "+12025550142"}

    def send() -> Any:
        return api.client.post(api.url("voicemail"), {**fields, "audio": mp3_file(memo)})

    assert send().json()["code"] == "another_format"
    Workspace.objects.update(converts_audio=True)
    assert send().status_code == 201
    assert Recording.objects.get().converted_from == "m4a"


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


def test_json_names_an_address_and_holds_no_file(api: Api) -> None:
    assert codes(api.post("recordings", {"audio": "x"})) == [("/audio", "unknown_field")]


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


def test_the_whole_is_kept_by_no_cache_and_announces_ranges(player: Any, frames: bytes) -> None:
    response = player()
    assert (response.status_code, response.content) == (200, frames)
    assert response["Content-Type"] == "audio/mpeg"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "no-store" and response["Cross-Origin-Resource-Policy"] == "cross-origin"
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


CHECKED: dict[str, Any] = {
    "voice": "human", "says_caller": True, "says_callback_number": True, "says_opt_out_number": True, "no_health_details": True,
}  # fmt: skip
IN_A_FORM = {name: "true" if value is True else value for name, value in CHECKED.items()}


def test_a_recording_says_only_what_is_stated_about_it(api: Api, recording: Recording) -> None:
    address = f"recordings/{recording.pk}"
    assert api.get(address).json()["attestation"] is None
    stated = api.put(f"{address}/attestation", CHECKED)
    assert stated.status_code == 200, stated.content
    told = api.get(address).json()["attestation"]
    assert told == stated.json()["attestation"]
    assert (told["stated_by"], told["voice"]) == (str(api.key.user_id), "human")
    assert told["says"] == ["callback_number", "caller", "opt_out_number"]
    assert AuditEvent.objects.get(action="recording.attested").actor_id == api.key.user_id
    assert api.delete(f"{address}/attestation").status_code == 204
    assert api.get(address).json()["attestation"] is None


@pytest.mark.parametrize(
    ("body", "missing"),
    [
        ({}, ["voice", "says_caller", "says_callback_number", "says_opt_out_number", "no_health_details"]),
        ({**CHECKED, "says_opt_out_number": False}, ["says_opt_out_number"]),
        ({**CHECKED, "no_health_details": False}, ["no_health_details"]),
        ({**CHECKED, "voice": "synthetic"}, ["says_synthetic_voice"]),
    ],
)
def test_what_a_statement_lacks_is_refused_by_field(
    api: Api, recording: Recording, body: dict[str, Any], missing: list[str]
) -> None:
    response = api.put(f"recordings/{recording.pk}/attestation", body)
    assert codes(response) == [(f"/{name}", "statement_incomplete") for name in missing]
    recording.refresh_from_db()
    assert not recording.attested


def test_an_upload_carries_a_statement_only_if_it_says_so(api: Api, media: Path) -> None:
    assert upload(api).json()["attestation"] is None
    told = upload(api, **IN_A_FORM).json()["attestation"]  # the same sound, now with the statement
    assert (told["stated_by"], told["by_another"]) == (str(api.key.user_id), False)
    half = upload(api, mp3_file(encoded(13)), says_caller="true")
    assert ("/voice", "statement_incomplete") in codes(half)
    assert Recording.objects.count() == 1


def test_a_statement_needs_a_scope_of_its_own_also_with_an_upload(workspace: Workspace, media: Path) -> None:
    only_uploads = make_api(workspace, scopes=[Scope.RECORDINGS_WRITE])
    refused = upload(only_uploads, **IN_A_FORM)
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    assert "recordings:attest" in refused.json()["detail"]
    assert not Recording.objects.exists()


def test_a_test_key_states_nothing_with_an_upload(workspace: Workspace) -> None:
    refused = upload(make_api(workspace, live=False), **IN_A_FORM)
    assert (refused.status_code, refused.json()["code"]) == (403, "test_key")
    assert not Recording.objects.exists()


def test_where_another_has_to_state_it_the_key_that_uploaded_it_may_not(workspace: Workspace) -> None:
    Workspace.objects.update(attestation_by_another=True)
    uploader, other = make_api(workspace), make_api(workspace)
    refused = upload(uploader, **IN_A_FORM)
    assert (refused.status_code, refused.json()["code"]) == (409, "attestation_by_uploader")
    assert not Recording.objects.exists()
    address = f"recordings/{upload(uploader).json()['recording_id']}/attestation"
    assert uploader.put(address, CHECKED).status_code == 409
    assert other.put(address, CHECKED).json()["attestation"]["by_another"] is True
