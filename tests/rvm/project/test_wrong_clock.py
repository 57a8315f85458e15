"""A host whose clock is wrong by days answers, writes and reads as if it were right: no time of a machine of ours is in a row, in a
link or in Redis, or is compared with one that is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_rq.workers import get_worker

from campaigns.imports import maintenance, service
from campaigns.models import RecipientImport
from delivery.carriers.sandbox import Sandbox
from delivery.engine.claim import claim
from delivery.engine.lane_routes import active_routes
from delivery.models import Voicemail
from delivery.recordings.links import link
from delivery.recordings.recordings import store_recording
from delivery.setups.services import update_setup
from delivery.worker.rq_worker import Worker
from rvm.platform.api.keys import revoke_api_key, rotate_api_key
from rvm.platform.database import ids
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import time_of
from rvm.platform.encryption import encrypted_files
from rvm.platform.health.checks import live_workers
from rvm.platform.models import ApiKey
from rvm.platform.redis_connection import redis_client
from tests import factories
from tests.delivery.audio.mp3_bytes import encoded
from usecases.services import update_use_case

pytestmark = pytest.mark.django_db
SOON = timedelta(minutes=1)


@contextmanager
def clock_wrong_by(off: timedelta) -> Iterator[None]:
    """Everything that Python and Django know of this machine's wall clock."""
    right, seconds, nanoseconds = timezone.now, time.time, time.time_ns
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids, "_last", 0)
        patch.setattr(time, "time_ns", lambda: nanoseconds() + int(off.total_seconds()) * 10**9)
        patch.setattr(timezone, "now", lambda: right() + off)
        patch.setattr(time, "time", lambda: seconds() + off.total_seconds())
        assert abs(timezone.now() - database_now() - off) < SOON
        yield


WRONG = [timedelta(days=-3), timedelta(days=3)]


@pytest.fixture(params=WRONG, ids=["three days slow", "three days fast"])
def wrong_by(request: pytest.FixtureRequest) -> Iterator[timedelta]:
    with clock_wrong_by(request.param):
        yield request.param


@pytest.fixture(autouse=True)
def _media(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


def is_now(moment: datetime) -> bool:
    return abs(moment - database_now()) < SOON


@pytest.mark.usefixtures("wrong_by")
def test_a_voicemail_of_the_api_is_due_at_once_and_expires_in_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)
    use_case = factories.make_use_case(**factories.AROUND_THE_CLOCK)
    recording = factories.make_recording(use_case.workspace)
    api = factories.make_api(use_case.workspace)
    body = {
        "use_case_id": str(use_case.pk),
        "recording_id": str(recording.pk),
        "recipient_phone_number": factories.RECIPIENT,
    }
    answer = api.post("voicemail", body)
    assert answer.status_code in (201, 202), answer.content
    row = Voicemail.objects.get()
    assert is_now(row.created_at) and is_now(row.not_before) and is_now(time_of(row.pk))
    assert row.expires_at is not None
    assert is_now(row.expires_at - timedelta(hours=72))
    now = database_now()
    [route] = active_routes(now, 10)
    assert len(claim(route, 10, now, timedelta(seconds=45)).claims) == 1


def test_a_key_ends_when_it_was_said_to(wrong_by: timedelta) -> None:
    workspace = factories.make_workspace()
    lives = factories.make_api(workspace, expires_at=database_now() + timedelta(hours=1))
    ended = factories.make_api(workspace)
    ApiKey.objects.filter(pk=ended.key.pk).update(expires_at=database_now() - timedelta(hours=1))
    assert lives.get("use-cases").status_code == 200
    assert ended.get("use-cases").status_code == 401
    used = ApiKey.objects.get(pk=lives.key.pk).last_used_at
    assert used is not None and is_now(used)
    rotate_api_key(lives.key, timedelta(minutes=30))
    assert is_now(ApiKey.objects.get(pk=lives.key.pk).expires_at - timedelta(minutes=30))  # type: ignore[operator]
    revoke_api_key(lives.key)
    assert is_now(ApiKey.objects.get(pk=lives.key.pk).revoked_at)  # type: ignore[arg-type]


@pytest.mark.parametrize("off", WRONG)
def test_a_link_that_one_host_made_opens_at_another_and_ends_when_it_was_to(off: timedelta) -> None:
    recording = store_recording(factories.make_workspace(), "Reminder", encoded(12))
    lasting, ended = (link(recording, max_age=timedelta(minutes=minutes)) for minutes in (15, -1))
    with clock_wrong_by(off):
        assert Client().get(urlsplit(lasting).path).status_code == 200
        assert Client().get(urlsplit(ended).path).status_code == 403
        lasting, ended = (link(recording, max_age=timedelta(minutes=minutes)) for minutes in (15, -1))
    assert Client().get(urlsplit(lasting).path).status_code == 200
    assert Client().get(urlsplit(ended).path).status_code == 403


@pytest.mark.usefixtures("wrong_by")
def test_what_a_person_changes_is_stamped_by_the_database() -> None:
    use_case = factories.make_use_case()
    assert is_now(update_use_case(use_case=use_case, description="Other").updated_at)
    assert is_now(update_setup(setup=use_case.setup, name="Other").updated_at)


@pytest.mark.usefixtures("wrong_by")
def test_a_list_under_upload_is_no_stray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file's name is its id, and a file without a row is removed once it is a day old."""
    campaign = factories.make_campaign()
    now = database_now()
    row = service.upload(
        campaign=campaign, file_name="list.csv", chunks=[b"phone\n+12025550142\n"], actor=None, now=now
    )
    RecipientImport.objects.filter(pk=row.pk).delete()  # as if it were not committed yet
    monkeypatch.setattr(maintenance, "_looked_for_strays", None)
    maintenance.remove_strays(now + timedelta(hours=23))
    assert encrypted_files.names_in("imports") == [row.storage_name]
    monkeypatch.setattr(maintenance, "_looked_for_strays", None)
    maintenance.remove_strays(now + timedelta(hours=25))
    assert encrypted_files.names_in("imports") == []


def test_a_worker_whose_clock_is_wrong_is_alive(wrong_by: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    redis = redis_client()
    redis.delete("rq:workers", "rq:workers:dispatch")
    worker: Worker = get_worker("dispatch", worker_class=Worker, serializer="rq.serializers.JSONSerializer")
    monkeypatch.setattr("rq.worker.base.now", lambda: datetime.now(UTC) + wrong_by)
    worker.register_birth()
    try:
        worker.heartbeat()
        assert live_workers("dispatch") == 1
        seconds, _ = redis.time()
        redis.hset(worker.key, "last_heartbeat", datetime.fromtimestamp(seconds - 600, UTC).isoformat())
        assert live_workers("dispatch") == 0
    finally:
        worker.register_death()
        redis.delete(worker.key)


def test_the_database_is_asked_for_the_time_within_a_transaction_too() -> None:
    first = database_now()
    connection.cursor().execute("SELECT pg_sleep(0.01)")
    assert database_now() > first
