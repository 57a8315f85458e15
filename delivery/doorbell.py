"""Wakes the workers. A ring says "look", never what at: the rows are the work, so a lost ring costs a second, not a voicemail."""

from __future__ import annotations

import structlog
from django.db import transaction
from django_rq import get_queue
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

# The job behind each bell, by its queue. Strings, because the jobs import the engine and the engine rings.
JOBS = {"dispatch": "delivery.tasks.dispatch", "reports": "delivery.tasks.merge_reports"}

# A bell that nobody answered for this long may ring again.
SILENCE_SECONDS = 10


def ring(bell: str) -> None:
    """Enqueue the bell's job unless one is already waiting. Never raises: with Redis down the tick rings later."""
    try:
        queue = get_queue(bell)
        if queue.connection.set(_key(bell), 1, nx=True, ex=SILENCE_SECONDS):
            queue.enqueue(JOBS[bell], result_ttl=0, failure_ttl=7 * 86_400, description=bell)
    except RedisError as error:
        log.warning("doorbell_failed", bell=bell, error=type(error).__name__)


def ring_on_commit(bell: str) -> None:
    """Ring once the rows are there to be seen."""
    transaction.on_commit(lambda: ring(bell), robust=True)


def answered(bell: str) -> None:
    """The job has begun: whatever is committed from now on needs a ring of its own. Never raises: the key runs out by itself."""
    try:
        get_queue(bell).connection.delete(_key(bell))
    except RedisError as error:
        log.warning("doorbell_failed", bell=bell, error=type(error).__name__)


def _key(bell: str) -> str:
    return f"rvm:bell:{bell}"
