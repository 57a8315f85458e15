"""Failed background work, for the administrators' page: what fails, since when, how often, why, and what to do.

It is kept in PostgreSQL, because Redis may be lost and is not trusted. Two things write it: whatever catches an error of background
work (`record`), and a step of the tick that looks at the state of rows and processes (`notice`). Layers above add their own kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from redis import RedisError

from rvm.platform.database import sql
from rvm.platform.database.ids import uuid7
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.health.checks import live_workers
from rvm.platform.models import FailedWork, Heartbeat

log = structlog.get_logger(__name__)

# Rows of one kind that are kept; more of them say nothing new.
MAX_ROWS = 200
# A process of events gives a sign of life every five seconds; it may wait for PostgreSQL.
EVENTS_SILENCE = timedelta(minutes=1)


class Kind(NamedTuple):
    """What can fail. `repeats`: while it fails, it is seen again within this time, so a row that is not has healed; None if only a
    look at the rows themselves (a watch) or a person ends it. `page`: the admin page of its subject."""

    title: str
    advice: str
    repeats: timedelta | None = None
    page: str = ""
    repeat: Callable[[str], object] | None = None  # called with the subject; safe however often
    dismissable: bool = False


class Found(NamedTuple):
    """Something that a watch finds failing now."""

    subject: str
    name: str
    workspace_id: UUID | None
    reason: str


KINDS: dict[str, Kind] = {
    "process": Kind(
        "A process is missing",
        "Start it on one of your hosts, by the command in the reason; the log of the process that ended says why.",
    ),
}

# Of a row that another release has written.
UNKNOWN = Kind("Something fails that this release does not know", "Ask your operator: its log says more.")


def kind_of(row: FailedWork) -> Kind:
    return KINDS.get(row.kind, UNKNOWN)


_RECORD = """
INSERT INTO platform_failedwork AS f (id, kind, subject, name, workspace_id, reason, reference, count, first_at, last_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp(), clock_timestamp())
    ON CONFLICT (kind, subject) DO UPDATE
   SET name = excluded.name, workspace_id = excluded.workspace_id, reason = excluded.reason, reference = excluded.reference,
       count = f.count + excluded.count, last_at = excluded.last_at
"""


def record(
    kind: str,
    subject: str = "",
    *,
    reason: str,
    name: str = "",
    workspace_id: UUID | None = None,
    reference: str = "",
    count: int = 1,
) -> None:
    """Note a failure. Never raises DatabaseError: the work that failed has been logged, and this is no reason to fail more."""
    with _whatever_happens("failed_work_not_recorded", kind), transaction.atomic():
        sql.run(_RECORD, [uuid7(), kind, subject, name[:200], workspace_id, reason[:500], reference, count])


def succeeded(kind: str, subject: str) -> None:
    """Forget a failure. Never raises DatabaseError: it is forgotten later."""
    with _whatever_happens("failed_work_not_forgotten", kind):
        FailedWork.objects.filter(kind=kind, subject=subject).delete()


@contextmanager
def _whatever_happens(event: str, kind: str) -> Iterator[None]:
    """A connection that has died meanwhile is replaced, and a DatabaseError is logged only."""
    try:
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        yield
    except DatabaseError as error:
        log.warning(event, kind=kind, error=type(error).__name__)


def record_on_commit(kind: str, subject: str = "", **what: Any) -> None:
    """The same after the current transaction, which then waits for nobody else's row of failed work."""
    transaction.on_commit(lambda: record(kind, subject, **what), robust=True)


def reason_of(error: BaseException) -> str:
    """The cause of an error as a sentence, without the error's own text, which may quote a phone number."""
    name = type(error).__name__
    if isinstance(error, RedisError):
        return "Redis did not answer, or refused a command."
    if isinstance(error, OperationalError | InterfaceError):
        return "PostgreSQL did not answer, or ended what took too long."
    if isinstance(error, Undecryptable):
        return "Something does not open with the keys of this installation."
    if "Timeout" in name:
        return "It took longer than it may, and was ended."
    if isinstance(error, OSError):
        return f"A file or a connection failed ({name})."
    return f"A fault of the program ({name})."


# Each finds what fails now, of one kind. Layers above add their own.
WATCHES: list[tuple[str, Callable[[datetime], Iterable[Found]]]] = []

# Makes the rows of one kind equal to what was found: those that were known keep their first time.
_REPLACE = """
WITH found AS (
  SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::uuid[], %s::text[]) AS f(id, subject, name, workspace_id, reason)
), healed AS (
  DELETE FROM platform_failedwork w WHERE w.kind = %s AND NOT EXISTS (SELECT FROM found WHERE found.subject = w.subject)
)
INSERT INTO platform_failedwork AS w (id, kind, subject, name, workspace_id, reason, reference, count, first_at, last_at)
SELECT id, %s, subject, name, workspace_id, reason, '', 1, %s, %s FROM found ORDER BY subject
    ON CONFLICT (kind, subject) DO UPDATE
   SET name = excluded.name, workspace_id = excluded.workspace_id, reason = excluded.reason, last_at = excluded.last_at
"""


def notice(now: datetime) -> None:
    """Look what fails now, and forget what has healed. A step of the tick."""
    for name, kind in KINDS.items():
        if kind.repeats is not None:
            FailedWork.objects.filter(kind=name, last_at__lt=now - kind.repeats).delete()
    FailedWork.objects.exclude(kind__in=KINDS).delete()
    for name, watch in WATCHES:
        try:
            with transaction.atomic():
                _replace(name, list(watch(now))[:MAX_ROWS], now)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("watch_failed", kind=name)


def _replace(kind: str, found: list[Found], now: datetime) -> None:
    if not found and not FailedWork.objects.filter(kind=kind).exists():
        return
    columns = [
        sql.ids(uuid7() for _ in found),
        sql.texts(each.subject for each in found),
        sql.texts(each.name[:200] for each in found),
        sql.ids(each.workspace_id for each in found),
        sql.texts(each.reason[:500] for each in found),
    ]
    sql.run(_REPLACE, [*columns, kind, kind, now, now])


def missing_processes(now: datetime) -> Iterable[Found]:
    """Processes that do not run, or a Redis that does not answer. That the tick does not run, only other processes can say."""
    if not Heartbeat.objects.filter(name="events", at__gt=now - EVENTS_SILENCE).exists():
        reason = "Nothing publishes events and sends webhooks: start `manage.py events`."
        yield Found("events", "Events", None, reason)
    try:
        missing = [queue for queue in settings.RQ_QUEUES if not live_workers(queue)]
    except RedisError:
        yield Found(
            "redis", "Redis", None, "Redis does not answer: nothing is sent. See REDIS_URL and the server's log."
        )
        return
    for queue in missing:
        reason = f"No worker takes the queue {queue}: start `manage.py worker {queue}`."
        yield Found(f"worker:{queue}", f"Worker {queue}", None, reason)


WATCHES.append(("process", missing_processes))
