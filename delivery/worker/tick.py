"""The tick: takes all time-driven steps once a second and wakes workers for due work.

Any number of tick processes may run, because every step is idempotent. A step that fails is logged and tried again at the next tick;
the other steps still run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, close_old_connections, connection

from delivery.engine import idle_lanes, moved_drops, recent_drops
from delivery.lifecycle import invariants
from delivery.recordings.strays import remove_strays
from delivery.reports import inbox
from delivery.runtime import shutdown
from delivery.runtime.wakeups import wake
from delivery.services import forgotten_claims
from delivery.services.suppressions import end_left_waiting
from delivery.worker import maintenance
from rvm.platform.accounts import limits
from rvm.platform.accounts.sessions import clear_sessions
from rvm.platform.api.idempotency import purge_idempotency_keys
from rvm.platform.audit import chain
from rvm.platform.database.clock import database_now
from rvm.platform.health import failed_work
from rvm.platform.models import Heartbeat
from rvm.platform.retention.purges import Purger
from rvm.platform.sending_hold import service as sending_hold
from usecases.organisations import copies

log = structlog.get_logger(__name__)

INTERVAL = 1.0
MINUTE = timedelta(minutes=1)
HALF_A_MINUTE = timedelta(seconds=30)
Step = Callable[[datetime], object]


class Throttled:
    """A step that this process takes at most once per `every`, because a delay of that length does no harm."""

    def __init__(self, step: Step, every: timedelta) -> None:
        self._step, self._every = step, every
        self.__name__ = step.__name__
        self.taken_at: datetime | None = None

    def __call__(self, now: datetime) -> None:
        if self.taken_at is None or abs(now - self.taken_at) >= self._every:
            self._step(now)
            self.taken_at = now


def _wake_workers(now: datetime) -> None:
    for queue, due in maintenance.is_work_due(now).items():
        if due:
            wake(queue)


def _roll_up_counts(now: datetime) -> None:
    maintenance.roll_up_counts()


def _write_heartbeat(now: datetime) -> None:
    Heartbeat.objects.update_or_create(name="tick", defaults={"at": now})


# A layer above appends its own.
STEPS: list[Step] = [
    sending_hold.notice,
    forgotten_claims.end_waiting,
    maintenance.expire_leases,
    maintenance.expire,
    copies.copy_rest,
    moved_drops.count_rest,
    end_left_waiting,
    maintenance.fail_unreported,
    maintenance.fail_unconfirmed,
    idle_lanes.reactivate_lanes,
    _wake_workers,
    _roll_up_counts,
    idle_lanes.mark_idle,
    Throttled(purge_idempotency_keys, MINUTE),
    Throttled(limits.purge, MINUTE),
    Throttled(clear_sessions, MINUTE),
    Throttled(inbox.reopen_doubtful, MINUTE),
    Throttled(recent_drops.purge, MINUTE),
    Throttled(remove_strays, MINUTE),
    Purger(),
    invariants.check,
    chain.seal,
    Throttled(chain.log_heads, MINUTE),
    Throttled(failed_work.notice, HALF_A_MINUTE),
    _write_heartbeat,
]


def tick(now: datetime) -> None:
    for step in STEPS:
        try:
            step(now)
        except Exception as error:
            # Bugs included: a step that always fails must not keep leases from ending.
            log.exception("tick_step_failed", step=step.__name__)
            connection.close_if_unusable_or_obsolete()
            failed_work.record("tick_step", step.__name__, name=_title(step), reason=failed_work.reason_of(error))


def _title(step: Step) -> str:
    return step.__name__.strip("_").replace("_", " ").capitalize()


def run() -> None:
    """Tick until asked to stop."""
    while not shutdown.requested.is_set():
        began = time.monotonic()
        try:
            close_old_connections()
            tick(database_now())
        except DatabaseError:
            log.exception("tick_failed")
            connection.close()
        shutdown.requested.wait(max(0.0, INTERVAL - (time.monotonic() - began)))
