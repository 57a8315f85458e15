"""Our worker: what RQ's own would leave to a restart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django_rq.workers import get_worker

from delivery.worker import Worker
from rvm.platform.health import Unready, workers
from rvm.platform.redis_connection import redis_client


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker: Worker = get_worker("dispatch", "reports", worker_class=Worker, serializer="rq.serializers.JSONSerializer")
    worker.register_birth()
    yield worker
    worker.register_death()
    redis_client().delete(worker.key)


def forget(worker: Worker) -> None:
    redis_client().delete(worker.key, "rq:workers", "rq:workers:dispatch", "rq:workers:reports")


def test_a_worker_whose_redis_was_flushed_is_known_again_with_its_next_sign_of_life(worker: Worker) -> None:
    assert workers() == "A worker listens on dispatch, reports."
    forget(worker)
    with pytest.raises(Unready):
        workers()
    worker.heartbeat()
    assert workers() == "A worker listens on dispatch, reports."


def test_a_sign_of_life_that_came_halfway_through_a_flush_does_not_hide_the_worker(worker: Worker) -> None:
    forget(worker)
    redis_client().hset(worker.key, "last_heartbeat", "2026-01-01T00:00:00.000000Z")
    worker.heartbeat()
    assert workers() == "A worker listens on dispatch, reports."


def test_an_idle_worker_gives_a_sign_of_life_every_five_seconds(worker: Worker) -> None:
    assert worker.dequeue_timeout == 5
