"""Recordings and clips from an address: fetched before the transaction, judged like an upload, and refused in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connection

from delivery.api import sounds
from delivery.models import Clip, Recording
from delivery.recordings import fetching
from rvm.platform.models import AuditEvent, IdempotencyKey, Workspace
from rvm.platform.scopes import Scope
from tests.delivery.audio.conversion.sound_files import sound_file
from tests.delivery.audio.mp3_bytes import encoded, noise
from tests.delivery.transport.wire_server import Heard, WireServer
from tests.factories import Api, make_api
from tests.rvm.platform.database.test_heavy_requests import beside
from tests.rvm.platform.outbound.hosts import resolve

PATHS = ["recordings", "clips"]
SAID = {
    "voice": "human",
    "says_caller": True,
    "says_callback_number": True,
    "says_opt_out_number": True,
    "no_health_details": True,
}


class Files(WireServer):
    """A stranger's server with one file."""

    def __init__(self, data: bytes) -> None:
        super().__init__(self.serve)
        self.data = data

    def serve(self, heard: Heard) -> None:
        heard.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(self.data) + self.data)

    def at(self, path: str = "/messages/Flu%20shot.mp3?signature=secret") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def files() -> Iterator[Files]:
    with Files(encoded(12)) as server:
        yield server


def post(api: Api, path: str, url: Any, status: int = 201, **more: Any) -> Any:
    response: Any = api.post(path, {"url": url, **more})
    assert response.status_code == status, response.content
    return response.json()


@pytest.mark.parametrize("path", PATHS)
def test_a_file_at_an_address_is_kept_under_the_name_it_has_there(api: Api, files: Files, path: str) -> None:
    body = post(api, path, files.at())
    assert (body["name"], body["channels"]) == ("Flu shot", 1)
    assert 12_000 <= body["duration_ms"] < 12_100
    assert Recording.objects.count() + Clip.objects.count() == 1
    assert [heard.line for heard in files.heard] == ["GET /messages/Flu%20shot.mp3?signature=secret HTTP/1.1"]


def test_a_name_that_is_given_is_taken_and_the_same_sound_is_one_recording(api: Api, files: Files) -> None:
    first, second = post(api, "recordings", files.at(), name="Spring"), post(api, "recordings", files.at("/b.mp3"))
    assert first == second
    assert first["name"] == "Spring"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "Recording"),
        ("/a%00b%0A.mp3", "ab"),
        ("/%ff.mp3", "�"),
        ("/a%2Fb.mp3", "a/b"),
        (f"/{'a' * 300}.mp3", "a" * 200),
    ],
)
def test_whatever_a_file_is_called_at_its_address_its_name_can_be_kept(
    api: Api, files: Files, path: str, name: str
) -> None:
    assert post(api, "recordings", files.at(path))["name"] == name


def test_what_it_says_is_stated_with_it_by_a_key_that_may(workspace: Workspace, files: Files) -> None:
    may = make_api(workspace, scopes=[Scope.RECORDINGS_WRITE, Scope.RECORDINGS_ATTEST])
    assert post(may, "recordings", files.at(), **SAID)["attestation"]["voice"] == "human"
    may_not = make_api(workspace, scopes=[Scope.RECORDINGS_WRITE])
    assert post(may_not, "recordings", files.at(), 403, **SAID)["code"] == "missing_scope"
    assert post(may, "recordings", files.at(), 422, voice="human")["errors"][0]["code"] == "statement_incomplete"
    assert len(files.heard) == 1


def test_another_format_is_converted_where_the_workspace_allows_it(workspace: Workspace, api: Api) -> None:
    with Files(sound_file("M4A", noise(12, 44100), 44100)) as files:
        refused = post(api, "recordings", files.at(), 422)
        assert (refused["code"], refused["errors"][0]["pointer"]) == ("another_format", "/url")
        Workspace.objects.update(converts_audio=True)
        assert post(make_api(workspace), "recordings", files.at())["conversion"]


def test_a_file_that_is_no_sound_is_refused_at_url_and_nothing_is_kept(api: Api) -> None:
    with Files(b"sound" * 9) as files:
        refused = post(api, "clips", files.at(), 422)
    assert (refused["code"], refused["errors"][0]["pointer"]) == ("not_mp3", "/url")
    assert not Clip.objects.exists()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://files.example.org/a.mp3", "url_refused"),
        ("https://10.0.0.1/a.mp3", "url_refused"),
        ("https://user:password@files.example.org/a.mp3", "url_refused"),
        ("https://files.example.org:22/a.mp3", "url_refused"),
        ("https://testserver/v1/", "url_refused"),
        ("https://nobody.invalid/a.mp3", "url_not_fetched"),
    ],
)
def test_an_address_that_leads_elsewhere_is_refused_with_its_reason(api: Api, path: str, url: str, code: str) -> None:
    problem = post(api, path, url, 422)
    assert problem["code"] == code
    [error] = problem["errors"]
    assert (error["pointer"], error["detail"]) == ("/url", problem["detail"])
    assert "password" not in problem["detail"].replace("a user name or a password", "")


@pytest.mark.parametrize(
    ("url", "code"),
    [(None, "null"), (7, "invalid"), ("", "blank"), ("https://a.example.org/" + "a" * 2048, "max_length")],
)
def test_what_is_no_address_is_an_invalid_field(api: Api, url: Any, code: str) -> None:
    problem = post(api, "recordings", url, 422)
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("/url", code)]


def test_in_production_this_machine_is_not_named(api: Api, files: Files, settings: Any) -> None:
    settings.RVM_OUTBOUND_LOOPBACK = False
    assert post(api, "recordings", files.at(), 422)["code"] == "url_refused"
    assert files.accepted == 0


def test_a_name_that_leads_within_is_not_reached(api: Api, files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch, 443, "169.254.169.254")
    assert post(api, "recordings", "https://files.example.org/latest/meta-data/", 422)["code"] == "url_not_fetched"


def test_a_file_larger_than_an_upload_may_be_is_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch, files: Files
) -> None:
    monkeypatch.setattr(fetching, "MAX_BYTES", 1024 * 1024)
    files.data = bytes(1024 * 1024 + 1)
    problem = post(api, "recordings", files.at(), 413)
    assert (problem["code"], problem["detail"]) == (
        "too_large",
        "The file at the address is larger than 1 MB (1,048,576 bytes).",
    )


@pytest.mark.parametrize("path", PATHS)
def test_the_audit_names_the_host_and_neither_path_nor_query(api: Api, files: Files, path: str) -> None:
    post(api, path, files.at())
    event = AuditEvent.objects.get(action=f"{path[:-1]}.fetched")
    assert (event.details, event.key_id) == ({"host": "127.0.0.1"}, api.key.pk)


@pytest.mark.django_db(transaction=True)
def test_a_file_is_fetched_once_per_key_and_outside_of_its_transaction(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    api, seen, fetch = make_api(), [], fetching.fetch_sound

    def watched(url: str) -> Any:
        seen.append(connection.in_atomic_block)
        return fetch(url)

    monkeypatch.setattr(sounds, "fetch_sound", watched)
    answers: list[Any] = [api.post("recordings", {"url": files.at()}, Idempotency_Key="fetch-1") for _ in range(2)]
    assert [(answer.status_code, answer.content) for answer in answers] == [(201, answers[0].content)] * 2
    assert answers[1]["Idempotent-Replayed"] == "true"
    assert seen == [False]
    assert b"secret" not in bytes(IdempotencyKey.objects.get().answer)


@pytest.mark.django_db(transaction=True)
def test_a_few_are_fetched_at_once_and_uploads_go_on(files: Files) -> None:
    api = make_api()
    with ExitStack() as places:
        places.enter_context(beside(api.workspace_id, api.workspace_id))
        assert post(api, "recordings", files.at(), 429)["code"] == "too_many_at_once"
        assert files.accepted == 0
    post(api, "recordings", files.at())
