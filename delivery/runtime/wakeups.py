"""Wakes the workers. A ring says "look", never what at: the rows are the work, so a lost ring costs a second, not a voicemail.

At most one ring waits in a queue, however long its workers are busy: whoever takes it looks after all that was committed before.
Nothing but the queue itself says whether one waits, so a ring that went with its worker, or with Redis, is in nobody's way.
"""

from __future__ import annotations

import time
from functools import cache

import structlog
from django.db import transaction
from django_rq import get_queue
from redis.exceptions import RedisError, WatchError
from rq import Queue

log = structlog.get_logger(__name__)

# The job behind each bell, by its queue; a floor above adds its own. Strings, because jobs import the engine and the engine rings.
JOBS = {"dispatch": "delivery.worker.tasks.dispatch", "reports": "delivery.worker.tasks.merge_reports"}

# How often a process rings where it would otherwise ring with every request that comes in.
SELDOM_SECONDS = 0.25
_rung: dict[str, float] = {}


def ring(bell: str) -> None:
    """Enqueue the bell's job unless one is already waiting. Never raises: with Redis down the tick rings later."""
    try:
        queue = _queue(bell)
        if not queue.count:
            _enqueue(queue, bell)
    except RedisError as error:
        log.warning("doorbell_failed", bell=bell, error=type(error).__name__)


def _enqueue(queue: Queue, bell: str) -> None:
    with queue.connection.pipeline() as pipeline:
        pipeline.watch(queue.key)
        if pipeline.llen(queue.key):
            return
        pipeline.multi()
        queue.enqueue(JOBS[bell], result_ttl=0, failure_ttl=7 * 86_400, description=bell, pipeline=pipeline)
        try:
            pipeline.execute()
        except WatchError:
            return  # somebody else rang meanwhile: who takes that ring looks later than we were called


def ring_on_commit(bell: str) -> None:
    """Ring once the rows are there to be seen."""
    transaction.on_commit(lambda: ring(bell), robust=True)


def ring_seldom_on_commit(bell: str) -> None:
    """Ring once the rows are there to be seen, unless this process rang a moment ago: then the tick rings, within a second."""
    if time.monotonic() >= _rung.get(bell, 0.0) + SELDOM_SECONDS:
        transaction.on_commit(lambda: _ring_seldom(bell), robust=True)


def _ring_seldom(bell: str) -> None:
    _rung[bell] = time.monotonic()
    ring(bell)


@cache
def _queue(bell: str) -> Queue:
    """Kept, with its connections: django-rq connects anew for each queue that it is asked for."""
    return get_queue(bell)
