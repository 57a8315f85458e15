"""The process of events: publishes what is committed, and sends webhooks, until it is asked to stop."""

from __future__ import annotations

import time
from threading import Event

import structlog
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError, close_old_connections, connection

from rvm.platform.database.clock import database_now
from rvm.platform.events import publisher
from rvm.platform.health import failed_work
from rvm.platform.models import Heartbeat
from rvm.platform.webhooks.sending.sender import LOOK, Sender

log = structlog.get_logger(__name__)

HEARTBEAT = "events"
_HEARTBEAT_EVERY, _PAUSE = 5.0, 1.0
# PostgreSQL is away, stops, or takes no writes: the same statement succeeds later. Any other error of it is a fault of the program.
_PASSING = (OperationalError, InterfaceError, InternalError)


class Process:
    """One of any number: they share what is to be done."""

    def __init__(self) -> None:
        self.requested_to_stop = Event()
        self._publish_at = self._beat_at = 0.0

    def run(self) -> None:
        sender = self._start()
        while not self.requested_to_stop.is_set():
            if sender is None:
                self.requested_to_stop.wait(_PAUSE)
                sender = self._start()
                continue
            try:
                self.step(sender)
            except Exception as error:
                # Bugs included: what always fails must not keep the rest from being published and sent.
                log.exception("events_step_failed")
                connection.close_if_unusable_or_obsolete()
                if isinstance(error, _PASSING):
                    self._rest(sender)
                else:
                    failed_work.record("events_step", reason=failed_work.reason_of(error), name="Events")
                    sender.close()
                    sender = None  # begins anew, once its leases have ended
        if sender is not None:
            try:
                sender.stop()
            except DatabaseError:
                log.exception("events_not_settled")  # another process sends again what was under way

    def step(self, sender: Sender) -> None:
        """Publish if it is time, and let the sender do what is to be done now. Raises DatabaseError."""
        now = time.monotonic()
        if now >= self._beat_at:
            close_old_connections()
            Heartbeat.objects.update_or_create(name=HEARTBEAT, defaults={"at": database_now()})
            self._beat_at = now + _HEARTBEAT_EVERY
        if now >= self._publish_at:
            published = publisher.publish()
            self._publish_at = now + (0.0 if published == publisher.BATCH else LOOK)
            if published:
                sender.look_again()
        sender.step(max(0.0, min(self._publish_at - time.monotonic(), LOOK)))

    def _start(self) -> Sender | None:
        try:
            return Sender()
        except DatabaseError:
            log.exception("events_not_started")
            connection.close()
            return None

    def _rest(self, sender: Sender) -> None:
        """A pause in which requests under way end."""
        until = time.monotonic() + _PAUSE
        while time.monotonic() < until and not self.requested_to_stop.is_set():
            sender.rest(LOOK)
