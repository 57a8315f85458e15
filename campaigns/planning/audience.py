"""Who waits in a lane, in groups of people of whom the guards know the same: a million rows are a dozen groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from delivery.models import Lane
from delivery.models.voicemail import number_in
from delivery.services.lanes import id_range
from rvm.phone_numbers.numbers import zones_of
from rvm.platform.database import sql
from rvm.platform.encryption.crypto import blind_index
from usecases.suppressions import are_suppressed, suppressed_indexes_sql


class AudienceGroup(NamedTuple):
    """What decides about a person: all zones, whether suppressed, an expiry of the voicemail's own, whether its number opens."""

    zones: tuple[str, ...]
    suppressed: bool
    expires_at: datetime | None
    readable: bool = True


# Numbers that are suppressed are few beside those that wait, so they are the side that is hashed. No zones stand for those of whom
# only the number is known.
_COUNT_GROUPS = f"""
SELECT v.zones::text[], v.recipient_index IN ({suppressed_indexes_sql(workspace="%s")}), v.expires_at, count(*)
  FROM delivery_voicemail v
 WHERE v.lane_id = %s AND v.id BETWEEN %s AND %s AND v.status = 'queued'
 GROUP BY 1, 2, 3
"""  # noqa: S608 - of constants
# Those whose number must be opened: it alone says their zones, or all while the index keys rotate.
_READ_UNGROUPED = """
SELECT recipient, recipient_index, zones::text[], expires_at FROM delivery_voicemail
 WHERE lane_id = %s AND id BETWEEN %s AND %s AND status = 'queued' AND (coalesce(cardinality(zones), 0) = 0 OR %s)
"""
# How many wait in which zones, within the stretch of the table that the lane's ids span.
_COUNT_BY_ZONES = """
SELECT zones::text[], count(*) FROM delivery_voicemail WHERE lane_id = %s AND id BETWEEN %s AND %s AND status = 'queued' GROUP BY 1
"""
PAGE = 2000


def audience_groups(lane: Lane) -> Counter[AudienceGroup]:
    """How many of the lane's queued voicemails are alike in what decides about them.

    A row that brings no zones of its own is asked for those of its number, which must be decrypted for it; so must every number
    while the index key rotates, because the suppression list may know it by another key's index.
    """
    rotating = blind_index().rotating
    groups: Counter[AudienceGroup] = Counter()
    unknown = rotating
    if not rotating:
        for zones, suppressed, expires_at, count in sql.run(
            _COUNT_GROUPS, [lane.workspace_id, lane.pk, *id_range(lane)]
        ):
            if zones:
                groups[AudienceGroup(tuple(zones), suppressed, expires_at)] += count
            else:
                unknown = True
    # Lists bring zones for nearly everybody: a second look at a million rows is for those that did not.
    for page in _pages(lane, rotating) if unknown else ():
        groups.update(_read(lane.workspace_id, page))
    return groups


def by_zones(lane: Lane) -> dict[tuple[str, ...] | None, int]:
    """How many of the lane's queued voicemails may be in which zones; None are those of which only the number is known."""
    return {
        tuple(zones) if zones else None: count for zones, count in sql.run(_COUNT_BY_ZONES, [lane.pk, *id_range(lane)])
    }


def _pages(lane: Lane, everybody: bool) -> Iterator[list[tuple[Any, ...]]]:
    """In constant memory: a cursor of the server's, which lives as long as its transaction."""
    connection.ensure_connection()
    with transaction.atomic(), connection.connection.cursor(name="rvm_waiting") as cursor:
        cursor.execute(_READ_UNGROUPED, [lane.pk, *id_range(lane), everybody])
        while rows := cursor.fetchmany(PAGE):
            yield rows


def _read(workspace_id: UUID, rows: list[tuple[Any, ...]]) -> list[AudienceGroup]:
    numbers = [number_in(row[0]) for row in rows]
    people = [(bytes(row[1]), number) for row, number in zip(rows, numbers, strict=True)]
    return [
        AudienceGroup(
            tuple(row[2] or (zones_of(number) if number else ())),
            suppressed,
            row[3],
            readable=bool(number),
        )
        for row, number, suppressed in zip(rows, numbers, are_suppressed(workspace_id, people), strict=True)
    ]
