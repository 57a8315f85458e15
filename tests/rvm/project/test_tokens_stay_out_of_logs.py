"""An address that is itself a permission (a recording's link, a setup's callback) is in no log line, whatever becomes of it."""

from __future__ import annotations

import io
import logging
import logging.config
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from delivery.recordings.links import carrier_link
from delivery.web import callbacks
from rvm.platform.observability.logs import logging_config
from tests.factories import make_recording, make_setup

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


@pytest.mark.parametrize(("age", "status"), [(timedelta(), 500), (timedelta(days=400), 403)])
def test_a_recordings_link_is_logged_as_its_pattern(
    stream: io.StringIO, settings: Any, tmp_path: Path, age: timedelta, status: int
) -> None:
    settings.MEDIA_ROOT = str(tmp_path)  # holds no file: the first answer is a crash, which Django logs too
    link = carrier_link(make_recording().pk, timezone.now() - age)
    path = "/recordings/" + link.rpartition("/")[2]
    assert Client(raise_request_exception=False).get(path).status_code == status
    paths, lines = told(stream, path[12:-4])
    assert paths == {"/recordings/<str:token>.mp3"} and len(lines) > 1


@pytest.mark.parametrize("carrier", ["sandbox", "gone"])
def test_a_setups_callback_is_logged_as_its_pattern(stream: io.StringIO, carrier: str) -> None:
    token = make_setup(carrier=carrier).callback_token
    answer = Client().post(f"/carriers/{token}/", b"{}", "application/json")
    assert answer.status_code == (401 if carrier == "sandbox" else 503)
    paths, lines = told(stream, token)
    assert paths == {"/carriers/<slug:token>/"}
    assert any(line["logger"] == "django.request" for line in lines)


def test_a_crash_in_a_callback_names_no_token(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(callbacks, "_setup_of_token", crash)
    token = make_setup().callback_token
    client = Client(raise_request_exception=False)
    assert client.post(f"/carriers/{token}/", b"{}", "application/json").status_code == 500
    paths, lines = told(stream, token)
    assert paths == {"/carriers/<slug:token>/"} and any("RuntimeError" in str(line) for line in lines)


@pytest.mark.parametrize("path", ["/carriers/{}", "/carriers/{}/more", "/recordings/{}", "/recordings/{}.wav", "/x/{}"])
def test_an_address_mistyped_is_logged_by_its_beginning(stream: io.StringIO, path: str) -> None:
    token = make_setup().callback_token
    Client().post(path.format(token))
    assert told(stream, token)[0] == {f"/{path.split('/')[1]}/…"}


@pytest.mark.parametrize("path", ["/v1/x/nothing", "/livez", "/nothing"])
def test_any_other_address_is_logged_whole(stream: io.StringIO, path: str) -> None:
    Client().get(path)
    assert told(stream, "token")[0] == {path}
