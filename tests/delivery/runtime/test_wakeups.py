"""A ring says look: one waits at most, a lost one costs a second, and a dead Redis breaks nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import transaction
from django_rq import get_queue
from redis.exceptions import ConnectionError as RedisConnectionError
from rq import Queue

from delivery.runtime import wakeups
from tests import factories

QUEUES = list(wakeups.JOBS)


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    get_queue("dispatch").connection.flushdb()


def waiting(queue: str) -> list[Any]:
    return [job.func_name for job in get_queue(queue).jobs]


@pytest.fixture
def dead_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RedisConnectionError("refused")

    monkeypatch.setattr("redis.connection.ConnectionPool.get_connection", refuse)


@pytest.mark.parametrize("queue", QUEUES)
def test_however_often_it_rings_one_job_waits(queue: str) -> None:
    for _ in range(5):
        wakeups.wake(queue)
    assert waiting(queue) == [wakeups.JOBS[queue]]
    (job,) = get_queue(queue).jobs
    assert (list(job.args), job.kwargs, job.result_ttl) == ([], {}, 0)


@pytest.mark.parametrize("queue", QUEUES)
def test_once_a_worker_has_taken_the_ring_the_next_one_waits(queue: str) -> None:
    wakeups.wake(queue)
    take(queue)
    assert waiting(queue) == []
    wakeups.wake(queue)
    assert waiting(queue) == [wakeups.JOBS[queue]]


def take(queue: str) -> str:
    """Take the ring that waits, as a worker does."""
    job_id = get_queue(queue).pop_job_id()
    assert job_id is not None
    return str(job_id)


def test_an_hour_of_ticks_beside_a_busy_worker_leaves_one_ring() -> None:
    """Each job takes half a minute, and due work is left all the time."""
    redis = get_queue("dispatch").connection
    for second in range(3600):
        wakeups.wake("dispatch")
        assert redis.llen("rq:queue:dispatch") == 1
        if second % 30 == 0:
            take("dispatch")
        if second % 10 == 0:  # what has not long to live is gone by then
            for key in [key for key in redis.scan_iter() if 0 < redis.ttl(key) <= 10]:
                redis.delete(key)


@pytest.mark.parametrize("lost", ["with its worker", "with its queue", "with its record", "with Redis"])
def test_a_ring_that_was_lost_is_in_nobodys_way(lost: str) -> None:
    wakeups.wake("dispatch")
    queue = get_queue("dispatch")
    match lost:
        case "with its worker":
            take("dispatch")  # killed before it began
        case "with its queue":
            queue.empty()
        case "with its record":
            [job] = queue.jobs
            queue.connection.delete(job.key)
            assert queue.dequeue_any([queue], timeout=None, connection=queue.connection) is None
        case "with Redis":
            queue.connection.flushdb()
    wakeups.wake("dispatch")
    assert waiting("dispatch") == [wakeups.JOBS["dispatch"]]


def test_many_who_ring_at_once_leave_one_ring() -> None:
    begin = Barrier(8)

    def ring_on(_: int) -> None:
        begin.wait(10)
        for _ in range(50):
            wakeups.wake("dispatch")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ring_on, range(8)))
    assert len(waiting("dispatch")) == 1


def test_who_takes_somebody_elses_ring_looks_after_what_one_rang_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between our look at the queue and our ring somebody else rings, and a worker takes it: that is later than we were called."""
    prepare = Queue._prepare_for_queue
    others: list[str] = []

    def meanwhile(queue: Queue, job: object) -> None:
        prepare(queue, job)
        if not others:
            others.append("rang")
            wakeups.wake("dispatch")
            others.append(take("dispatch"))

    monkeypatch.setattr(Queue, "_prepare_for_queue", meanwhile)
    wakeups.wake("dispatch")
    assert len(others) == 2
    assert waiting("dispatch") == []


@pytest.mark.usefixtures("dead_redis")
def test_a_dead_redis_is_logged_and_raises_nothing() -> None:
    wakeups.wake("dispatch")


@pytest.mark.django_db(transaction=True)
def test_a_ring_on_commit_comes_after_the_rows_and_not_at_all_without_them() -> None:
    with transaction.atomic():
        wakeups.wake_on_commit("dispatch")
        assert waiting("dispatch") == []
    assert len(waiting("dispatch")) == 1
    get_queue("dispatch").connection.flushdb()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        wakeups.wake_on_commit("dispatch")
        raise ZeroDivisionError
    assert waiting("dispatch") == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("dead_redis")
def test_a_dead_redis_at_the_commit_does_not_undo_it() -> None:
    with transaction.atomic():
        workspace = factories.make_workspace()
        wakeups.wake_on_commit("dispatch")
    workspace.refresh_from_db()
