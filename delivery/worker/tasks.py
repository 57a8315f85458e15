"""Jobs of the workers' queues. They take no arguments, because the rows are the work."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from django.conf import settings
from django.db import connection
from django_rq import get_connection

from delivery.calls.commands import EXCHANGE_SECONDS, CommandSender, Sending
from delivery.engine import circuit_breaker
from delivery.engine.dispatcher import Dispatcher
from delivery.engine.rate_limit import RateLimiter
from delivery.engine.scheduler import Claimed
from delivery.recordings.carrier_media import upload_one
from delivery.reports.inbox import BATCH, merge
from delivery.reports.reconciliation import Lookup, reconcile
from delivery.reports.result_polls import poll_results
from delivery.runtime import shutdown, wakeups
from delivery.runtime.deadlines import STEP_SECONDS
from delivery.transport.curl import CurlTransport
from delivery.worker.rq_worker import worker_name
from rvm.platform.database.clock import database_now
from rvm.platform.times.boot_clock import boot_clock


@cache
def _thread_of(process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")


@cache
def _second_merger(process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="merge")


@cache
def _calls_transport(process: int) -> CurlTransport[Sending]:
    """Kept from job to job with its connections: a command does not wait for a handshake."""
    return CurlTransport(total_timeout=EXCHANGE_SECONDS)


def database_thread() -> ThreadPoolExecutor:
    """The engine's database thread, kept with its connection from job to job; a forked process gets its own."""
    return _thread_of(os.getpid())


def dispatch() -> None:
    """Submit due drops for RVM_DISPATCH_SECONDS at most, and wake the queue again if work is left."""
    timeout = settings.RVM_CARRIER_TIMEOUT_SECONDS
    transport: CurlTransport[Claimed] = CurlTransport(total_timeout=timeout)
    limiter = RateLimiter(get_connection("dispatch"), worker_name(), slot_seconds=timeout + 5)
    dispatcher = Dispatcher(transport, limiter, database_thread(), http_timeout=timeout)
    try:
        left = dispatcher.run(settings.RVM_DISPATCH_SECONDS)
    finally:
        transport.close()
    if left:
        wakeups.wake("dispatch")


def merge_reports() -> None:
    """Merge the inbox for RVM_DISPATCH_SECONDS at most, reconcile uncertain drops and ask for results, and upload one
    recording that a carrier needs.

    Each of the three runs in every job, however many reports arrive. Wakes the queue again if work is left.
    """
    connection.close_if_unusable_or_obsolete()  # PostgreSQL may have restarted since
    left = _merge_inbox()
    _reconcile()
    left = _upload() or left
    if left:
        wakeups.wake("reports")


def send_commands() -> None:
    """Send what calls must be told for RVM_DISPATCH_SECONDS at most, and wake the queue again after that."""
    connection.close_if_unusable_or_obsolete()
    until = boot_clock() + settings.RVM_DISPATCH_SECONDS
    CommandSender(_calls_transport(os.getpid()), database_now, boot_clock).run(lambda: _is_over(until))
    if _is_over(until):
        wakeups.wake("calls")


def _merge_inbox() -> bool:
    """Merge until the inbox is empty or the time is over; True if reports may be left.

    A full batch starts a second thread, so that one batch is computed while PostgreSQL writes the other.
    """
    until = boot_clock() + settings.RVM_DISPATCH_SECONDS
    second = None
    while not (over := _is_over(until)) and (merged := merge(database_now())):
        if merged == BATCH and second is None:
            second = _second_merger(os.getpid()).submit(_merge_until, until)
    return over if second is None else second.result() or over


def _merge_until(until: float) -> bool:
    connection.close_if_unusable_or_obsolete()
    while not (over := _is_over(until)) and merge(database_now()):
        pass
    return over


def _is_over(until: float) -> bool:
    return shutdown.requested.is_set() or boot_clock() >= until


def _reconcile() -> None:
    transport: CurlTransport[Lookup] = CurlTransport(total_timeout=settings.RVM_CARRIER_TIMEOUT_SECONDS)
    try:
        limiter = RateLimiter(get_connection("reports"), worker_name())
        reconcile(transport, limiter)
        poll_results(transport, limiter)
    finally:
        transport.close()


def _upload() -> bool:
    """Upload at most one recording, so that reports do not wait for two. True if there was one: more may be left."""
    transport: CurlTransport[None] = CurlTransport(total_timeout=STEP_SECONDS)
    try:
        return upload_one(transport, database_now, boot_clock, circuit_breaker.open_for_account)
    finally:
        transport.close()
