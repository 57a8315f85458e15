"""Our worker: what RQ's own would leave to a restart."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import pytest
from django_rq import get_queue
from django_rq.workers import get_worker
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeout
from rq.exceptions import StopRequested

from delivery.runtime import shutdown
from delivery.runtime.queues import WakeUpQueue
from delivery.worker import rq_worker, tasks
from delivery.worker.rq_worker import Worker, work
from rvm.platform.health.checks import Unready, workers
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


class Ends:
    """Stands in for RQ's worker: each time it works, the next of these things happens to it."""

    def __init__(self, *ends: Exception | None) -> None:
        self.ends = list(ends)

    def __call__(self, *queues: str, **options: object) -> Ends:
        return self

    def work(self, **options: object) -> None:
        if not self.ends:
            shutdown.requested.set()
            return
        if end := self.ends.pop(0):
            raise end


@pytest.fixture
def asked_to_stop(monkeypatch: pytest.MonkeyPatch) -> Event:
    monkeypatch.setattr(shutdown, "requested", Event())
    monkeypatch.setattr("delivery.worker.rq_worker.PAUSE_SECONDS", 0.001)
    return shutdown.requested


def test_a_worker_that_loses_redis_begins_again_until_it_is_asked_to_stop(
    monkeypatch: pytest.MonkeyPatch, asked_to_stop: Event
) -> None:
    rq = Ends(RedisConnectionError("away"), None, RedisTimeout("slow"))
    monkeypatch.setattr("delivery.worker.rq_worker.get_worker", rq)
    work(["dispatch"])
    assert rq.ends == [] and asked_to_stop.is_set()


def test_a_worker_that_is_asked_to_stop_while_it_waits_for_redis_stops(
    monkeypatch: pytest.MonkeyPatch, asked_to_stop: Event
) -> None:
    rq = Ends(RedisConnectionError("away"), StopRequested(), AssertionError("began again"))
    monkeypatch.setattr("delivery.worker.rq_worker.get_worker", rq)
    work(["dispatch"])
    assert len(rq.ends) == 1


def test_a_worker_whose_redis_is_gone_ends_all_the_same(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise RedisConnectionError("away")

    with monkeypatch.context() as patch:
        patch.setattr(worker, "register_death", away)
        worker.teardown()


@pytest.mark.parametrize(("queues", "times"), [(("calls",), 1), (("dispatch", "reports"), 0)])
def test_calls_are_told_their_next_step_while_redis_is_gone(
    queues: tuple[str, ...], times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*args: object) -> None:
        raise RedisConnectionError("gone")

    told: list[str] = []
    monkeypatch.setattr(tasks, "send_commands", lambda: told.append("calls"))
    monkeypatch.setattr(WakeUpQueue, "lpop", gone)
    monkeypatch.setattr(rq_worker, "get_worker", Ends(StopRequested()))
    work(queues)  # from which on it is asked in outages
    with pytest.raises(RedisConnectionError):
        WakeUpQueue.dequeue_any([get_queue(queue) for queue in queues], 1, redis_client())
    assert told == ["calls"] * times


def test_a_worker_of_calls_asks_for_redis_each_second() -> None:
    worker: Worker = get_worker("calls", worker_class=Worker, serializer="rq.serializers.JSONSerializer")
    assert worker.max_connection_wait_time == 1
