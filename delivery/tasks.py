"""The jobs behind the bells. No arguments: the rows are the work."""

from __future__ import annotations

from django.conf import settings
from django_rq import get_connection

from delivery import doorbell, shutdown
from delivery.dispatch import Dispatcher, Flight, database_now
from delivery.pacing import Gate
from delivery.reports import merge
from delivery.settle import Question, settle
from delivery.transport import CurlTransport
from delivery.worker import worker_name

HTTP_TIMEOUT = 15.0


def dispatch() -> None:
    """Submit what is due, for a while; ring again if work is left."""
    doorbell.answered("dispatch")
    transport: CurlTransport[Flight] = CurlTransport(total_timeout=HTTP_TIMEOUT)
    dispatcher = Dispatcher(transport, Gate(get_connection("dispatch"), worker_name()), http_timeout=HTTP_TIMEOUT)
    if dispatcher.run(settings.RVM_DISPATCH_SECONDS):
        doorbell.ring("dispatch")


def merge_reports() -> None:
    """Merge the inbox, then ask about what is uncertain."""
    doorbell.answered("reports")
    transport: CurlTransport[Question] = CurlTransport(total_timeout=HTTP_TIMEOUT)
    settle(transport, Gate(get_connection("reports"), worker_name()), database_now())
    while not shutdown.requested.is_set() and merge(database_now()):
        pass
