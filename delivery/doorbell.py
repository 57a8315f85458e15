"""Wakes the workers. A ring says "look", never what at: the rows are the work, so a lost ring costs a second, not a voicemail."""

from __future__ import annotations

import time
from functools import cache

import structlog
from django.db import transaction
from django_rq import get_queue
from redis.exceptions import RedisError
from rq import Queue

log = structlog.get_logger(__name__)

# The job behind each bell, by its queue; a floor above adds its own. Strings, because jobs import the engine and the engine rings.
JOBS = {"dispatch": "delivery.tasks.dispatch", "reports": "delivery.tasks.merge_reports"}

# A bell that nobody answered for this long may ring again.
SILENCE_SECONDS = 10

# How often a process rings where it would otherwise ring with every request that comes in.
SELDOM_SECONDS = 0.25
_rung: dict[str, float] = {}


def ring(bell: str) -> None:
    """Enqueue the bell's job unless one is already waiting. Never raises: with Redis down the tick rings later."""
    try:
        queue = _queue(bell)
        if queue.connection.set(_key(bell), 1, nx=True, ex=SILENCE_SECONDS):
            queue.enqueue(JOBS[bell], result_ttl=0, failure_ttl=7 * 86_400, description=bell)
    except RedisError as error:
        log.warning("doorbell_failed", bell=bell, error=type(error).__name__)


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


def answered(bell: str) -> None:
    """The job has begun: whatever is committed from now on needs a ring of its own. Never raises: the key runs out by itself."""
    try:
        _queue(bell).connection.delete(_key(bell))
    except RedisError as error:
        log.warning("doorbell_failed", bell=bell, error=type(error).__name__)


@cache
def _queue(bell: str) -> Queue:
    """Kept, with its connections: django-rq connects anew for each queue that it is asked for."""
    return get_queue(bell)


def _key(bell: str) -> str:
    return f"rvm:bell:{bell}"
