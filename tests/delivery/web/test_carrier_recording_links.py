"""A carrier's link to a recording: it opens while the drop is on its way and the carrier may still fetch, and nothing after that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.http import HttpResponse
from django.test import Client
from redis.exceptions import ConnectionError as RedisConnectionError

from bench.api.statements import counted as counted_statements
from bench.api.statements import traced
from delivery.carriers.abilities import WINDOW_SHARE
from delivery.carriers.sandbox import Sandbox
from delivery.models import Drop, Recording
from delivery.recordings import links
from delivery.recordings.links import FETCHES, MAX_FETCHES, link
from delivery.recordings.recordings import store_recording
from delivery.recordings.storage import read_frames
from rvm.platform.database.clock import database_now
from rvm.platform.redis_connection import redis_client
from tests import factories
from tests.delivery.audio.mp3_bytes import encoded
from tests.delivery.states import make_submitted
from usecases.callbacks.addresses import drop_address, recording_address
from usecases.callbacks.proofs import Use
from usecases.models import CallbackSecret, TelephonySetup
from usecases.services.callback_secrets import end_earlier_callback_secrets, rotate_callback_secret

pytestmark = pytest.mark.django_db
WINDOW = Sandbox.idempotency_window * WINDOW_SHARE
FETCH = Sandbox.fetches_within
MOMENT = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "media")


def drop_in(status: str, *, created: timedelta = timedelta(), accepted: timedelta = timedelta()) -> Drop:
    """A drop that was created and accepted so long ago, whose recording has a file."""
    use_case, now = factories.make_use_case(), database_now()
    recording = store_recording(use_case.workspace, "Flu shot", encoded(12))
    fields: dict[str, Any] = {"status": status, "created_at": now - created, "accepted_at": now - accepted}
    voicemail = "queued" if status == "not_sent" else status
    return make_submitted(voicemail, use_case=use_case, recording=recording, drop=fields)


def path_of(drop: Drop) -> str:
    secret = CallbackSecret.objects.get(setup=drop.setup_id, version=drop.callback_version)
    return urlsplit(recording_address(secret.callback_key, drop.pk)).path


def fetch(drop: Drop, method: str = "GET", **headers: str) -> HttpResponse:
    answer: Any = Client().generic(method, path_of(drop), headers=headers)
    return answer


@pytest.mark.parametrize(
    ("status", "created", "accepted", "opens"),
    [
        ("sending", timedelta(), timedelta(), True),
        ("uncertain", WINDOW + FETCH - MOMENT, timedelta(), True),
        ("uncertain", WINDOW + FETCH + MOMENT, timedelta(), False),
        ("sending", WINDOW + FETCH + MOMENT, timedelta(), False),
        ("accepted", timedelta(hours=20), FETCH - MOMENT, True),
        ("accepted", timedelta(hours=20), FETCH + MOMENT, False),
        ("delivered", timedelta(), timedelta(), False),
        ("failed", timedelta(), timedelta(), False),
        ("not_sent", timedelta(), timedelta(), False),
    ],
)
def test_a_link_opens_while_the_carrier_may_fetch(
    status: str, created: timedelta, accepted: timedelta, opens: bool
) -> None:
    drop = drop_in(status, created=created, accepted=accepted)
    answer = fetch(drop)
    if opens:
        assert (answer.status_code, answer.content) == (200, read_frames(Recording.objects.get()))
    else:
        assert (answer.status_code, answer["Content-Type"]) == (410, "application/problem+json")
        assert b"link_ended" in answer.content and b"has ended" in answer.content


@pytest.mark.parametrize(
    ("carriers", "origin"),
    [("https://carriers.example.org", "https://carriers.example.org"), ("", "https://rvm.example.org")],
)
def test_a_carrier_fetches_and_reports_at_one_address_and_a_person_plays_at_the_other(
    settings: Any, carriers: str, origin: str
) -> None:
    """So that nothing but the carriers' address has to be open to the internet."""
    settings.RVM_PUBLIC_URL, settings.RVM_CARRIERS_URL = "https://rvm.example.org", carriers
    drop = drop_in("accepted")
    key = CallbackSecret.objects.get(setup=drop.setup_id, version=drop.callback_version).callback_key
    assert recording_address(key, drop.pk).startswith(f"{origin}/recordings/")
    assert drop_address(key, drop.pk).startswith(f"{origin}/carriers/")
    assert link(drop.voicemail.recording).startswith("https://rvm.example.org/recordings/")


def test_a_part_and_a_head_are_answered_as_a_player_is() -> None:
    drop = drop_in("accepted")
    frames = read_frames(Recording.objects.get())
    part = fetch(drop, Range="bytes=100-199")
    assert (part.status_code, part.content) == (206, frames[100:200])
    head = fetch(drop, "HEAD", Range="bytes=0-9")
    assert (head.status_code, head.content, head["Content-Length"]) == (200, b"", str(len(frames)))
    assert fetch(drop, Range=f"bytes={len(frames)}-").status_code == 416
    assert fetch(drop, "POST").status_code == 405


def test_a_fetch_costs_two_indexed_queries_and_the_recordings_row_and_is_counted_by_one_statement() -> None:
    drop = drop_in("accepted")
    path = path_of(drop)
    for method, statements in (("HEAD", 3), ("GET", 4)):
        with traced() as found:
            assert Client().generic(method, path).status_code == 200
        assert len(counted_statements(found)) == statements


def counted(drop: Drop) -> tuple[int, datetime | None]:
    drop.refresh_from_db()
    return drop.fetches, drop.fetched_at


def test_each_fetch_that_begins_with_the_first_byte_is_counted() -> None:
    drop, before, redis = drop_in("accepted"), database_now(), redis_client()
    redis.delete(FETCHES)
    assert counted(drop) == (0, None)
    for headers in ({}, {"Range": "bytes=0-99"}, {"Range": "bytes=0-"}, {"Range": "bytes=100-199"}):
        assert fetch(drop, **headers).status_code in (200, 206)
    fetch(drop, "HEAD")
    fetch(drop, Range="bytes=9999999-")
    times, last = counted(drop)
    assert times == 3
    assert last is not None and last >= before
    assert redis.get(FETCHES) == b"3"


def test_what_is_refused_is_not_counted() -> None:
    ended = drop_in("failed")
    assert fetch(ended).status_code == 410
    assert counted(ended) == (0, None)


def test_a_flood_writes_to_its_drop_a_hundred_times_at_most() -> None:
    drop = drop_in("accepted")
    path = path_of(drop)
    Drop.objects.filter(pk=drop.pk).update(fetches=MAX_FETCHES - 1)
    assert Client().get(path).status_code == 200
    times, last = counted(drop)
    assert times == MAX_FETCHES
    with traced() as found:
        assert Client().get(path).status_code == 200
    assert len(counted_statements(found)) == 3
    assert counted(drop) == (times, last)


@pytest.mark.django_db(transaction=True)
def test_a_fetch_does_not_wait_for_who_holds_the_drop() -> None:
    drop = drop_in("accepted")
    other = connections[DEFAULT_DB_ALIAS].copy()
    try:
        with transaction_on(other) as cursor:
            cursor.execute("SELECT id FROM delivery_drop WHERE id = %s FOR UPDATE", [drop.pk])
            assert fetch(drop).status_code == 200
        assert counted(drop) == (0, None)
        assert fetch(drop).status_code == 200
        assert counted(drop)[0] == 1
    finally:
        other.close()


@contextmanager
def transaction_on(database: BaseDatabaseWrapper) -> Iterator[CursorWrapper]:
    database.set_autocommit(False)
    with database.cursor() as cursor:
        yield cursor
    database.rollback()


def test_without_redis_a_recording_is_fetched_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> None:
        raise RedisConnectionError

    monkeypatch.setattr(links, "redis_client", away)
    drop = drop_in("accepted")
    assert fetch(drop).status_code == 200
    assert counted(drop)[0] == 1


def test_links_end_at_once_with_their_secret_whatever_becomes_of_the_drop() -> None:
    drop = drop_in("accepted")
    rotate_callback_secret(setup=drop.setup, actor=None)
    assert fetch(drop).status_code == 200
    end_earlier_callback_secrets(setup=drop.setup, actor=None)
    assert fetch(drop).status_code == 410


def test_a_link_depends_on_no_key_of_the_installation(settings: Any) -> None:
    drop = drop_in("accepted")
    path = path_of(drop)
    settings.SECRET_KEY = "another" * 10
    assert path_of(drop) == path
    assert Client().get(path).status_code == 200


def test_what_proves_a_report_opens_no_recording() -> None:
    drop = drop_in("accepted")
    key = drop.setup.callback_secrets.get().callback_key
    for proof in (key.proof(Use.REPORT, drop.pk), drop_address(key, drop.pk).split("/")[-2], "x", drop.pk.hex):
        answer = Client().get(f"/recordings/{drop.setup_id}/1/{proof}.mp3")
        assert (answer.status_code, answer.json()["code"]) == (404, "link_unknown")
    for version in ("2", "9" * 30):
        assert Client().get(path_of(drop).replace("/1/", f"/{version}/")).status_code == 404


def test_a_link_made_for_a_drop_that_never_was_opens_nothing() -> None:
    drop = drop_in("accepted")
    path = path_of(drop)
    Drop.objects.all().delete()
    assert Client().get(path).status_code == 410


def test_the_clock_of_the_database_decides() -> None:
    """Two hosts may disagree; what they ask does not."""
    drop = drop_in("accepted", accepted=FETCH + MOMENT)
    assert isinstance(drop.accepted_at, datetime)
    assert fetch(drop).status_code == 410


@pytest.mark.parametrize(("accepted", "status"), [(MOMENT, 200), (timedelta(hours=1) + MOMENT, 410)])
def test_a_drop_whose_carrier_is_not_installed_any_more_is_fetched_within_an_hour(
    accepted: timedelta, status: int
) -> None:
    drop = drop_in("accepted", accepted=accepted)
    TelephonySetup.objects.update(carrier="gone")
    assert fetch(drop).status_code == status
