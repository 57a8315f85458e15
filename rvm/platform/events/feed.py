"""The feed: the published events of a workspace and mode in their order, read from a position on.

A position is the id of an event, or one that a moment begins with (`first_id_at`), which is of every feed.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from rvm.platform.database import sql
from rvm.platform.database.ids import first_id_at, is_first_of_moment, time_of
from rvm.platform.errors import ServiceError
from rvm.platform.models import Event
from rvm.platform.retention_kinds import TERMS, RetentionKind
from rvm.platform.times import moments

KEPT = timedelta(days=TERMS[RetentionKind.EVENTS].days or 0)
BEGINNING = UUID(int=0)
# An event may become visible so long after the moment that its id says.
SETTLING = timedelta(minutes=1)
# So many events one page looks at, so that a filter that matches few of them costs no more than one that matches all.
SCANNED = 5_000

_OF_FEED = "FROM platform_event WHERE workspace_id = %s AND live = %s AND id > %s"
_END = f"""
SELECT id FROM (SELECT id {_OF_FEED} ORDER BY id LIMIT %s) scanned ORDER BY id DESC LIMIT 1
"""  # noqa: S608 - of constants
_NEWEST = "SELECT id FROM platform_event WHERE workspace_id = %s AND live = %s ORDER BY id DESC LIMIT 1"


class Page(NamedTuple):
    """Events, the position to go on from, and whether there was more behind it."""

    events: list[Event]
    position: UUID
    has_more: bool


def read(workspace_id: UUID, after: UUID, *, live: bool, types: Collection[str] = (), limit: int) -> Page:
    """The first events behind the position, of any of the `types` if there are some."""
    rows = Event.objects.filter(workspace_id=workspace_id, live=live, id__gt=after).order_by("id")
    if not types:
        events = list(rows[: limit + 1])
        position = events[:limit][-1].pk if events else after
        return Page(events[:limit], position, len(events) > limit)
    ends = sql.run(_END, [workspace_id, live, after, SCANNED])
    if not ends:
        return Page([], after, False)
    [(end,)] = ends
    events = list(rows.filter(id__lte=end, type__in=types)[: limit + 1])
    if len(events) > limit:
        return Page(events[:limit], events[limit - 1].pk, True)
    return Page(events, end, rows.filter(id__gt=end).exists())


def newest(workspace_id: UUID, *, live: bool, now: datetime) -> UUID:
    """The position behind what has happened until now."""
    found = sql.run(_NEWEST, [workspace_id, live])
    return UUID(str(found[0][0])) if found else moment(now)


def moment(now: datetime) -> UUID:
    """The position of a feed in which nothing has happened until now."""
    return first_id_at(now - SETTLING)


def require_position(position: UUID, workspace_id: UUID, *, live: bool, now: datetime, field: str = "after") -> None:
    """Raises ServiceError for a position behind which the feed does not know what is missing."""
    if Event.objects.filter(pk=position, workspace_id=workspace_id, live=live).exists():
        return
    if position.version == 7 and position < first_id_at(now - KEPT):
        require_kept(time_of(position), now)
    if not (is_first_of_moment(position) and position <= first_id_at(now)):
        mode = "live" if live else "test"
        raise ServiceError(
            "cursor_unknown",
            f"The {mode} feed of this workspace has no event with this id. Send the `id` of an event of the same feed, or the "
            "`after` of one of its pages, as it was answered.",
            field=field,
        )


def require_kept(since: datetime, now: datetime) -> None:
    """Raises ServiceError for a time before which events have been removed."""
    kept_from = now - KEPT
    if since < kept_from:
        raise ServiceError(
            "events_gone",
            f"Events are kept for {KEPT.days} days, back to {moments.moment(kept_from)}; what was asked for is of "
            f"{moments.moment(since)}. List what changed meanwhile, such as voicemails with `updated_after`, and begin again with "
            "the oldest event: without `after`.",
            kept_from=kept_from,
        )


def envelope(event_id: UUID, type_name: str, occurred_at: datetime, data: Any) -> dict[str, Any]:
    """The event as its readers get it, in a page, in a stream and in a webhook."""
    return {"id": event_id, "type": type_name, "timestamp": occurred_at, "data": data}
