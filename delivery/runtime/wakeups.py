"""Wake-ups of the workers: jobs that only tell a worker to look for due rows. A lost one costs a second, not a voicemail.

At most one wake-up waits in a queue, however long its workers are busy: the worker that takes it sees all rows committed before.
Only the queue's length decides whether one waits, so a wake-up lost with its worker or with Redis does not block later ones.
"""

from __future__ import annotations

import time
from functools import cache

import structlog
from django.db import transaction
from django_rq import get_queue
from redis.exceptions import RedisError, WatchError
from rq import Queue

from rvm.platform.redis_connection import redis_client

log = structlog.get_logger(__name__)

# The job of a wake-up, by queue; layers above add their own. Strings, because jobs import the engine, which imports this module.
JOBS = {
    "dispatch": "delivery.worker.tasks.dispatch",
    "reports": "delivery.worker.tasks.merge_reports",
    "calls": "delivery.worker.tasks.send_commands",
}

# For how long Redis keeps the record of a wake-up that no worker takes.
_KEPT_SECONDS = 86_400
# The minimum time between wake-ups of one process by incoming requests.
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
        queue.enqueue(JOBS[name], result_ttl=0, ttl=_KEPT_SECONDS, description=name, pipeline=pipeline)
        try:
            pipeline.execute()
        except WatchError:
            return  # another wake-up was enqueued meanwhile, and its worker will see the same rows


def wake_on_commit(name: str) -> None:
    """Wake the queue's workers after the current transaction commits."""
    transaction.on_commit(lambda: wake(name), robust=True)


def wake_throttled_on_commit(name: str) -> None:
    """Wake the queue's workers after commit, unless this process did within THROTTLE_SECONDS; then the tick does, within a second."""
    if time.monotonic() >= _woken.get(name, 0.0) + THROTTLE_SECONDS:
        transaction.on_commit(lambda: _wake_throttled(name), robust=True)


def _wake_throttled(name: str) -> None:
    _woken[name] = time.monotonic()
    wake(name)


@cache
def _queue(name: str) -> Queue:
    """The cached queue, because django-rq builds it anew for each call, and its own connections wait for Redis without an end."""
    return get_queue(name, connection=redis_client())
