"""Wake-ups of the workers. One says "look", never what at: the rows are the work, so a lost one costs a second, not a voicemail.

At most one waits in a queue, however long its workers are busy: the worker that takes it looks after all that was committed before.
Nothing but the queue itself says whether one waits, so one that went with its worker, or with Redis, blocks none that follow.
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

# The job that a wake-up runs, by its queue; a layer above adds its own. Strings, because jobs import the engine, which wakes.
JOBS = {"dispatch": "delivery.worker.tasks.dispatch", "reports": "delivery.worker.tasks.merge_reports"}

# How often a process wakes where it would otherwise do so with every request that comes in.
THROTTLE_SECONDS = 0.25
_woken: dict[str, float] = {}


def wake(name: str) -> None:
    """Enqueue the queue's job unless one is already waiting. Never raises: with Redis down the tick wakes the workers later."""
    try:
        queue = _queue(name)
        if not queue.count:
            _enqueue(queue, name)
    except RedisError as error:
        log.warning("wakeup_failed", queue=name, error=type(error).__name__)


def _enqueue(queue: Queue, name: str) -> None:
    with queue.connection.pipeline() as pipeline:
        pipeline.watch(queue.key)
        if pipeline.llen(queue.key):
            return
        pipeline.multi()
        queue.enqueue(JOBS[name], result_ttl=0, failure_ttl=7 * 86_400, description=name, pipeline=pipeline)
        try:
            pipeline.execute()
        except WatchError:
            return  # another one was enqueued meanwhile: its worker looks later than we were called


def wake_on_commit(name: str) -> None:
    """Ring once the rows are there to be seen."""
    transaction.on_commit(lambda: wake(name), robust=True)


def wake_throttled_on_commit(name: str) -> None:
    """Wake once the rows are there to be seen, unless this process did a moment ago: then the tick does, within a second."""
    if time.monotonic() >= _woken.get(name, 0.0) + THROTTLE_SECONDS:
        transaction.on_commit(lambda: _wake_throttled(name), robust=True)


def _wake_throttled(name: str) -> None:
    _woken[name] = time.monotonic()
    wake(name)


@cache
def _queue(name: str) -> Queue:
    """Kept, with its connections: django-rq connects anew for each queue that it is asked for."""
    return get_queue(name)
