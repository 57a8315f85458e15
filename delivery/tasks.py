"""The jobs behind the bells. No arguments: the rows are the work."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from django.conf import settings
from django.db import connection
from django_rq import get_connection

from delivery import doorbell, shutdown
from delivery.dispatch import Dispatcher, boot_clock
from delivery.media import STEP_SECONDS, upload_one
from delivery.pacing import Gate
from delivery.reports import BATCH, merge
from delivery.settle import Question, settle
from delivery.transport import CurlTransport
from delivery.waves import Flight
from delivery.worker import worker_name
from rvm.platform.clock import database_now


@cache
def _thread_of(process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")


@cache
def _second_merger(process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="merge")


def database_thread() -> ThreadPoolExecutor:
    """The engine's thread at the database, kept with its connection from job to job; a forked worker gets its own."""
    return _thread_of(os.getpid())


def dispatch() -> None:
    """Submit what is due, for a while; ring again if work is left."""
    doorbell.answered("dispatch")
    timeout = settings.RVM_CARRIER_TIMEOUT_SECONDS
    transport: CurlTransport[Flight] = CurlTransport(total_timeout=timeout)
    gate = Gate(get_connection("dispatch"), worker_name(), slot_seconds=timeout + 5)
    dispatcher = Dispatcher(transport, gate, database_thread(), http_timeout=timeout)
    try:
        left = dispatcher.run(settings.RVM_DISPATCH_SECONDS)
    finally:
        transport.close()
    if left:
        doorbell.ring("dispatch")


def merge_reports() -> None:
    """Merge the inbox, then ask about what is uncertain, then upload a recording that a carrier needs."""
    connection.close_if_unusable_or_obsolete()  # PostgreSQL may have restarted since
    doorbell.answered("reports")
    transport: CurlTransport[Question] = CurlTransport(total_timeout=settings.RVM_CARRIER_TIMEOUT_SECONDS)
    _merge_inbox()
    try:
        settle(transport, Gate(get_connection("reports"), worker_name()))
    finally:
        transport.close()
    _upload()


def _merge_inbox() -> None:
    """Until it is empty; two batches at a time where it holds many: one is decided while PostgreSQL writes the other."""
    second = None
    while not shutdown.requested.is_set() and (merged := merge(database_now())):
        if merged == BATCH and second is None:
            second = _second_merger(os.getpid()).submit(_keep_merging)
    if second is not None:
        second.result()


def _keep_merging() -> None:
    connection.close_if_unusable_or_obsolete()
    while not shutdown.requested.is_set() and merge(database_now()):
        pass


def _upload() -> None:
    """One recording a job, so that no report waits for two."""
    transport: CurlTransport[None] = CurlTransport(total_timeout=STEP_SECONDS)
    try:
        if upload_one(transport, database_now, boot_clock):
            doorbell.ring("reports")
    finally:
        transport.close()
