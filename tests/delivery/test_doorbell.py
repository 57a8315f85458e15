"""A ring says look: one waits at most, a lost one costs a second, and a dead Redis breaks nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction
from django_rq import get_queue
from redis.exceptions import ConnectionError as RedisConnectionError

from delivery import doorbell
from tests import factories

BELLS = list(doorbell.JOBS)


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    get_queue("dispatch").connection.flushdb()


def waiting(bell: str) -> list[Any]:
    return [job.func_name for job in get_queue(bell).jobs]


@pytest.fixture
def dead_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RedisConnectionError("refused")

    monkeypatch.setattr("redis.connection.ConnectionPool.get_connection", refuse)


@pytest.mark.parametrize("bell", BELLS)
def test_however_often_it_rings_one_job_waits(bell: str) -> None:
    for _ in range(5):
        doorbell.ring(bell)
    assert waiting(bell) == [doorbell.JOBS[bell]]
    (job,) = get_queue(bell).jobs
    assert (list(job.args), job.kwargs, job.result_ttl) == ([], {}, 0)


@pytest.mark.parametrize("bell", BELLS)
def test_after_the_job_has_begun_the_next_ring_is_heard(bell: str) -> None:
    doorbell.ring(bell)
    doorbell.answered(bell)
    doorbell.ring(bell)
    assert len(waiting(bell)) == 2


def test_a_job_that_was_lost_is_rung_for_again_once_the_silence_is_over() -> None:
    doorbell.ring("dispatch")
    queue = get_queue("dispatch")
    queue.empty()
    doorbell.ring("dispatch")
    assert waiting("dispatch") == []
    assert 0 < queue.connection.ttl("rvm:bell:dispatch") <= doorbell.SILENCE_SECONDS
    queue.connection.delete("rvm:bell:dispatch")  # as the silence's end does
    doorbell.ring("dispatch")
    assert len(waiting("dispatch")) == 1


def test_a_flushed_redis_rings_at_once() -> None:
    doorbell.ring("dispatch")
    get_queue("dispatch").connection.flushdb()
    doorbell.ring("dispatch")
    assert len(waiting("dispatch")) == 1


@pytest.mark.usefixtures("dead_redis")
def test_a_dead_redis_is_logged_and_raises_nothing() -> None:
    doorbell.ring("dispatch")
    doorbell.answered("dispatch")


@pytest.mark.django_db(transaction=True)
def test_a_ring_on_commit_comes_after_the_rows_and_not_at_all_without_them() -> None:
    with transaction.atomic():
        doorbell.ring_on_commit("dispatch")
        assert waiting("dispatch") == []
    assert len(waiting("dispatch")) == 1
    get_queue("dispatch").connection.flushdb()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        doorbell.ring_on_commit("dispatch")
        raise ZeroDivisionError
    assert waiting("dispatch") == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("dead_redis")
def test_a_dead_redis_at_the_commit_does_not_undo_it() -> None:
    with transaction.atomic():
        workspace = factories.make_workspace()
        doorbell.ring_on_commit("dispatch")
    workspace.refresh_from_db()
