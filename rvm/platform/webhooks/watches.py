"""What operators and administrators are told of events and webhooks: that events wait, and which destinations take nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Q

from rvm.platform.database import sql
from rvm.platform.health.checks import WARNINGS
from rvm.platform.health.failed_work import KINDS, WATCHES, Found, Kind
from rvm.platform.models import WebhookDestination
from rvm.platform.times import moments
from rvm.platform.webhooks.sending.schedule import TOLERATED

# Events get their places within a second of their commit, as long as a process does it.
MAX_UNPUBLISHED_SECONDS = 30
# A destination that restarts, or is behind a network that fails for a while, is nobody's concern.
FAILS_FOR = timedelta(hours=1)
# More than these are not counted.
MAX_COUNTED = 100_000

_OLDEST = "SELECT extract(epoch FROM clock_timestamp() - occurred_at) FROM platform_outbox ORDER BY id LIMIT 1"
# Of destinations that are sent to now: what waits for one that is left alone is due to nobody here.
_DUE = """
SELECT coalesce(sum(due.count), 0), extract(epoch FROM clock_timestamp() - min(due.oldest))
  FROM platform_webhookdestination d
 CROSS JOIN LATERAL (SELECT count(*), min(due_at) AS oldest FROM (
   SELECT due_at FROM platform_webhookdelivery p
    WHERE p.destination_id = d.id AND p.state = 'pending' AND p.due_at <= statement_timestamp() ORDER BY due_at LIMIT %s) first) due
 WHERE d.disabled_at IS NULL AND d.deleted_at IS NULL AND (d.waits_until IS NULL OR d.waits_until <= statement_timestamp())
"""


class Backlog(NamedTuple):
    """Seconds since the oldest event that has no place yet, deliveries that are due, and seconds since the oldest of these was."""

    unpublished_seconds: float
    due: int
    oldest_due_seconds: float


def backlog() -> Backlog:
    unpublished = sql.run(_OLDEST, [])
    [(due, oldest)] = sql.run(_DUE, [MAX_COUNTED])
    return Backlog(float(unpublished[0][0]) if unpublished else 0.0, int(due), float(oldest or 0))


def failing() -> int:
    """How many destinations are left alone after failures, or disabled because of them."""
    fails = Q(disabled_at=None, failures__gte=TOLERATED) | Q(disabled_at__isnull=False) & ~Q(disabled_because="")
    return WebhookDestination.objects.filter(fails, deleted_at=None).count()


def warning() -> str:
    unpublished = sql.run(_OLDEST, [])
    if not unpublished or unpublished[0][0] < MAX_UNPUBLISHED_SECONDS:
        return ""
    seconds = f"{unpublished[0][0]:,.0f} s"
    return f"Events wait since {seconds}: systems are told of nothing, no webhook is sent. Start `manage.py events`."


def failing_destinations(now: datetime) -> Iterable[Found]:
    long_ago = Q(disabled_at=None, failures__gte=TOLERATED, failing_since__lt=now - FAILS_FOR)
    disabled = Q(disabled_at__isnull=False) & ~Q(disabled_because="")
    for destination in (
        WebhookDestination.objects.filter(long_ago | disabled, deleted_at=None).defer("url").order_by("pk")
    ):
        reason = f"Disabled. {destination.disabled_because}"
        if destination.disabled_at is None and destination.failing_since is not None:
            since = moments.moment(destination.failing_since)
            reason = f"It has taken nothing since {since}; its log of deliveries says why."
        yield Found(str(destination.pk), destination.name, destination.workspace_id, reason)


def register() -> None:
    """Called once, when the apps are ready."""
    KINDS.update(
        {
            "webhook_destination": Kind(
                "A webhook destination takes nothing",
                "Put right what the reason and its log of deliveries say. One that is left alone is tried every five minutes, and"
                " goes on where it stopped; one that is disabled goes on there once you enable it, within the 30 days for which"
                " events are kept.",
            ),
            "events_step": Kind(
                "Publishing events or sending webhooks fails",
                "What is left out is tried again each second. Tell the developers: the log of `manage.py events` has the traceback"
                " under events_step_failed.",
                repeats=timedelta(minutes=5),
            ),
        }
    )
    WATCHES.append(("webhook_destination", failing_destinations))
    WARNINGS.append(warning)
