"""An address that is itself a permission (a recording's link, a setup's callback) is in no log line, whatever becomes of it."""

from __future__ import annotations

import io
import logging
import logging.config
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from delivery.recordings.links import PLAYER_LIFETIME, link
from delivery.web import callbacks
from rvm.platform.observability.logs import logging_config
from tests.delivery.states import make_submitted
from tests.factories import fixed_token, make_recording, make_setup
from usecases.callbacks.addresses import drop_address, recording_address

pytestmark = pytest.mark.django_db

Lines = list[dict[str, Any]]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level, filters = root.handlers[:], root.level, logging.getLogger("django.request").filters[:]
    written = io.StringIO()
    config = logging_config(level="INFO", format="json")
    config["handlers"]["stdout"]["stream"] = written
    logging.config.dictConfig(config)
    yield written
    root.handlers[:], root.level = handlers, level
    logging.getLogger("django.request").filters[:] = filters


def told(stream: io.StringIO, token: str) -> tuple[set[str], Lines]:
    """The access lines' paths and all lines; fails where the token is in any."""
    assert token not in stream.getvalue()
    lines = [orjson.loads(line) for line in stream.getvalue().splitlines()]
    return {line["path"] for line in lines if line["event"] == "request"}, lines


@pytest.mark.parametrize(("age", "status"), [(timedelta(), 500), (timedelta(days=-400), 403)])
def test_a_players_link_is_logged_as_its_pattern(
    stream: io.StringIO, settings: Any, tmp_path: Path, age: timedelta, status: int
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)  # holds no file: the first answer is a crash, which Django logs too
    path = urlsplit(link(make_recording(), max_age=age or PLAYER_LIFETIME)).path
    assert Client(raise_request_exception=False).get(path).status_code == status
    paths, lines = told(stream, path[12:-4])
    assert paths == {"/recordings/<str:token>.mp3"} and len(lines) > 1


@pytest.mark.parametrize(("status", "answered"), [("accepted", 500), ("delivered", 410)])
def test_a_carriers_link_is_logged_as_its_pattern(
    stream: io.StringIO, settings: Any, tmp_path: Path, status: str, answered: int
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)
    drop = make_submitted(status, drop={"status": status, "created_at": timezone.now()})
    path = urlsplit(recording_address(drop.setup.callback_secrets.get().callback_key, drop.pk)).path
    assert Client(raise_request_exception=False).get(path).status_code == answered
    paths, lines = told(stream, path.rpartition("/")[2].removesuffix(".mp3"))
    assert paths == {"/recordings/<uuid:setup_id>/<int:version>/<slug:token>.mp3"} and len(lines) > 1


def test_the_address_of_a_drop_is_logged_as_its_pattern(stream: io.StringIO) -> None:
    drop = make_submitted("accepted")
    address = drop_address(drop.setup.callback_secrets.get().callback_key, drop.pk)
    assert Client().post(urlsplit(address).path, b"{}", "application/json").status_code == 401
    paths, _ = told(stream, address.split("/")[-2])
    assert paths == {"/carriers/<uuid:setup_id>/<int:version>/<slug:token>/"}


@pytest.mark.parametrize("carrier", ["sandbox", "gone"])
def test_a_setups_callback_is_logged_as_its_pattern(stream: io.StringIO, carrier: str) -> None:
    token = fixed_token(make_setup(carrier=carrier))
    answer = Client().post(f"/carriers/{token}/", b"{}", "application/json")
    assert answer.status_code == (401 if carrier == "sandbox" else 503)
    paths, lines = told(stream, token)
    assert paths == {"/carriers/<slug:token>/"}
    assert any(line["logger"] == "django.request" for line in lines)


def test_a_crash_in_a_callback_names_no_token(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(callbacks, "_listener", crash)
    token = fixed_token(make_setup())
    client = Client(raise_request_exception=False)
    assert client.post(f"/carriers/{token}/", b"{}", "application/json").status_code == 500
    paths, lines = told(stream, token)
    assert paths == {"/carriers/<slug:token>/"} and any("RuntimeError" in str(line) for line in lines)


@pytest.mark.parametrize("path", ["/carriers/{}", "/carriers/{}/more", "/recordings/{}", "/recordings/{}.wav"])
def test_an_address_mistyped_is_logged_by_its_beginning(stream: io.StringIO, path: str) -> None:
    token = fixed_token(make_setup())
    Client().post(path.format(token))
    assert told(stream, token)[0] == {f"/{path.split('/')[1]}/…"}


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/livez", "/livez"),
        ("/v1/01a22b96-f9c1-711f-8820-ad7411830b22/voicemail", None),
        ("/v1/x/Wilhelmine", "/v1/…"),
        ("/Wilhelmine", "/…"),
        ("/Wilhelmine/x", "/…"),
        ("/opt-out/Wilhelmine", "/opt-out/<slug:slug>"),
        ("/admin/usecases/consent/Wilhelmine/change/", "/admin/usecases/consent/<path:object_id>/change/"),
    ],
)
def test_of_an_address_only_words_and_ids_of_ours_are_logged(
    stream: io.StringIO, path: str, logged: str | None
) -> None:
    Client().get(path)
    assert told(stream, "Wilhelmine")[0] == {logged or path}
