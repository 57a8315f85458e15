"""Redis is not trusted: who writes to it makes a worker run nothing but the job of its queue, and stops none."""

from __future__ import annotations

import os
import pickle
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django_rq import get_queue
from django_rq.workers import get_worker
from redis import Redis
from rq import Callback, Queue, Retry, Webhook
from rq.job import Job
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer, PickleSerializer

from delivery.runtime import queues, shutdown, wakeups
from delivery.worker import rq_worker
from delivery.worker.rq_worker import Worker
from rvm.platform.health.checks import live_workers

OURS = wakeups.JOBS["imports"]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The times that the queue's own job ran."""
    done: list[str] = []
    monkeypatch.setattr("campaigns.tasks.work_imports", lambda: done.append("ran"))
    return done


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(queues, "ON_FOREIGN", [told.append])
    return told


def worker() -> Worker:
    made: Worker = get_worker("imports", worker_class=Worker, serializer="rq.serializers.JSONSerializer")
    return made


def work() -> None:
    worker().work(burst=True, logging_level="CRITICAL")


def foreign(redis: Redis) -> Queue:
    """RQ's own queue, as another client of Redis has it."""
    return Queue("imports", connection=redis, serializer=JSONSerializer)


class Opened:
    """A pickle that makes a folder when it is opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


def raw(redis: Redis, job_id: bytes = b"made-by-hand", **fields: bytes) -> None:
    redis.hset(b"rq:job:" + job_id, mapping=dict(fields))
    redis.rpush("rq:queue:imports", job_id)


def our_data(redis: Redis) -> bytes:
    wakeups.wake("imports")
    [key] = redis.keys("rq:job:*")
    data: bytes = redis.hget(key, "data")
    redis.delete(key, "rq:queue:imports")
    return data


ENTRIES: dict[str, Callable[[Redis, Path], Any]] = {
    "another function": lambda redis, made: foreign(redis).enqueue("os.mkdir", str(made)),
    "a builtin": lambda redis, made: foreign(redis).enqueue("eval", f"__import__('os').mkdir({str(made)!r})"),
    "another job of ours": lambda redis, made: foreign(redis).enqueue(wakeups.JOBS["dispatch"]),
    "an argument": lambda redis, made: foreign(redis).enqueue(OURS, str(made)),
    "a named argument": lambda redis, made: foreign(redis).enqueue(OURS, folder=str(made)),
    "an instance": lambda redis, made: raw(
        redis, data=zlib.compress(JSONSerializer.dumps((OURS, {"folder": 1}, (), {})))
    ),
    "a callback after success": lambda redis, made: foreign(redis).enqueue(OURS, on_success=Callback("os.mkdir")),
    "a callback after failure": lambda redis, made: foreign(redis).enqueue(OURS, on_failure=Callback("os.mkdir")),
    "a callback after a stop": lambda redis, made: foreign(redis).enqueue(OURS, on_stopped=Callback("os.mkdir")),
    "a webhook": lambda redis, made: foreign(redis).enqueue(
        OURS, webhooks=[Webhook("http://127.0.0.1:9/", "finished")]
    ),
    "meta": lambda redis, made: foreign(redis).enqueue(OURS, meta={"folder": str(made)}),
    "retries": lambda redis, made: foreign(redis).enqueue(OURS, retry=Retry(max=1000)),
    "a pickled function": lambda redis, made: Queue("imports", connection=redis, serializer=PickleSerializer).enqueue(
        "os.mkdir", str(made)
    ),
    "a pickle": lambda redis, made: raw(redis, data=pickle.dumps(Opened(made))),
    "a compressed pickle": lambda redis, made: raw(redis, data=zlib.compress(pickle.dumps(Opened(made)))),
    "a pickled result": lambda redis, made: raw(redis, data=our_data(redis), result=pickle.dumps(Opened(made))),
    "a pickled meta": lambda redis, made: raw(redis, data=our_data(redis), meta=pickle.dumps(Opened(made))),
    "a bomb": lambda redis, made: raw(redis, data=zlib.compress(b"0" * 10_000_000)),
    "a record without data": lambda redis, made: raw(redis, status=b"queued"),
    "a thousand fields": lambda redis, made: raw(redis, data=our_data(redis), **{f"f{n}": b"1" for n in range(1000)}),
    "a record that is a list": lambda redis, made: (
        redis.rpush("rq:job:listed", "x"),
        redis.rpush("rq:queue:imports", "listed"),
    ),
    "a record that is a text": lambda redis, made: (
        redis.set("rq:job:text", pickle.dumps(Opened(made))),
        redis.rpush("rq:queue:imports", "text"),
    ),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_job_that_is_not_the_queues_own_is_refused_and_holds_nothing_up(
    redis: Redis, runs: list[str], refused: list[str], tmp_path: Path, entry: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = tmp_path / "2025550142"
    ENTRIES[entry](redis, made)
    work()
    assert (runs, refused) == ([], ["imports"])
    assert not made.exists()
    assert redis.keys("rq:job:*") == []
    logged = caplog.text
    assert "foreign_job_refused" in logged
    assert str(tmp_path) not in logged and "mkdir" not in logged and "Traceback" not in logged
    wakeups.wake("imports")
    work()
    assert runs == ["ran"]


def test_a_wake_up_of_ours_runs_and_is_no_stranger(redis: Redis, runs: list[str], refused: list[str]) -> None:
    wakeups.wake("imports")
    work()
    assert (runs, refused, redis.keys("rq:job:*")) == (["ran"], [], [])


@pytest.mark.parametrize("job_id", [b"", b"\xff\xfe", b"no-such-job", b"x" * 100_000, pickle.dumps(print)])
def test_an_entry_without_a_record_is_left_out(
    redis: Redis, runs: list[str], refused: list[str], job_id: bytes
) -> None:
    raw(redis, data=our_data(redis))
    redis.lpush("rq:queue:imports", job_id)
    work()
    assert (runs, refused) == (["ran"], [])


@pytest.mark.parametrize("first", [b"x", None])
def test_ten_thousand_foreign_jobs_are_refused_at_once(
    redis: Redis, runs: list[str], refused: list[str], first: bytes | None
) -> None:
    if first:
        raw(redis, data=first)
    redis.rpush("rq:queue:imports", *["made-by-hand"] * 10_000)
    work()
    assert refused == ["imports"]
    assert get_queue("imports").count == 0


def test_callbacks_of_jobs_that_seem_abandoned_are_not_called(redis: Redis, runs: list[str], tmp_path: Path) -> None:
    """RQ's maintenance calls the failure callback of a started job whose worker is gone, and its webhooks."""
    made = tmp_path / "made"
    job = Job.create(
        "os.getcwd", connection=redis, serializer=JSONSerializer, origin="imports", on_failure=Callback("os.mkdir")
    )
    job.save()
    for registry in (StartedJobRegistry, FailedJobRegistry):
        redis.zadd(registry("imports", connection=redis).key, {f"{job.id}:{uuid4().hex}": 1, job.id: 1})
    redis.rpush("rq:queue:imports:intermediate", job.id)
    wakeups.wake("imports")
    work()
    assert runs == ["ran"]
    assert not made.exists()
    assert redis.hget(job.key, "status") == b"created"


def test_no_command_over_redis_reaches_a_worker(redis: Redis) -> None:
    one = worker()
    one.bootstrap("CRITICAL")
    try:
        for command in ("shutdown", "kill-horse", "stop-job"):
            assert redis.publish(one.pubsub_channel_name, f'{{"command": "{command}"}}') == 0
    finally:
        one.teardown()


def test_a_suspension_in_redis_stops_no_worker(redis: Redis, runs: list[str]) -> None:
    redis.set("rq:suspended", 1)
    wakeups.wake("imports")
    work()
    assert runs == ["ran"]


@pytest.mark.parametrize("key", ["rq:queues", "rq:workers", "rq:workers:imports", "rq:queue:imports"])
@pytest.mark.parametrize("kind", ["a text", "a hash", "a pickle"])
def test_a_key_of_another_type_stops_no_worker_for_ever(
    redis: Redis, runs: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str, kind: str
) -> None:
    if kind == "a hash":
        redis.hset(key, "x", 1)
    else:
        redis.set(key, b"x" if kind == "a text" else pickle.dumps(Opened(tmp_path / "made")))
    monkeypatch.setattr(shutdown, "requested", Event())
    monkeypatch.setattr(rq_worker, "PAUSE_SECONDS", 0.001)

    class Bursting(Worker):
        def work(self, **options: Any) -> bool:
            wakeups.wake("imports")
            done = super().work(burst=True, **options)
            if runs:
                shutdown.requested.set()
            return done

    monkeypatch.setattr(rq_worker, "Worker", Bursting)
    rq_worker.work(["imports"])
    assert runs == ["ran"]
    assert not (tmp_path / "made").exists()


def test_a_planted_crowd_of_workers_is_forgotten_in_parts(redis: Redis) -> None:
    redis.sadd("rq:workers:imports", b"\xff\xfe", "rq:queue:imports", *range(500))
    one = worker()
    one.bootstrap("CRITICAL")
    try:
        one.run_maintenance_tasks()
        assert 403 <= redis.scard("rq:workers:imports") <= 404  # 502 and its own, less a hundred
        assert live_workers("imports") == 1
    finally:
        one.teardown()


@pytest.mark.django_db
def test_a_job_that_fails_stops_no_worker(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def fail() -> None:
        done.append("failed")
        raise ValueError("2025550142")

    monkeypatch.setattr("campaigns.tasks.work_imports", fail)
    for _ in range(2):
        wakeups.wake("imports")
        work()
    assert done == ["failed", "failed"]
    assert redis.keys("rq:job:*") == []


ROOT = Path(settings.BASE_DIR)
PICKLES = re.compile(r"\b(pickle|cPickle|dill|cloudpickle|marshal|shelve|jsonpickle|yaml\.load)\b")


def test_no_code_of_ours_and_no_setting_pickles() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for room in ("rvm", "usecases", "delivery", "campaigns")
        for path in (ROOT / room).rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if PICKLES.search(line.partition("#")[0]) and "unpickle" not in line
    ]
    assert found == []
    assert {queue["SERIALIZER"] for queue in settings.RQ_QUEUES.values()} == {"rq.serializers.JSONSerializer"}
    local = {"django.core.cache.backends.locmem.LocMemCache", "django.core.cache.backends.dummy.DummyCache"}
    assert {cache["BACKEND"] for cache in settings.CACHES.values()} <= local
    assert "PickleSerializer" not in settings.SESSION_SERIALIZER
    assert settings.SESSION_ENGINE == "rvm.platform.accounts.sessions"
