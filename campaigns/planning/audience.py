"""The queued voicemails of a lane, counted in groups with equal eligibility facts: a million rows make about a dozen groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from delivery.engine.recent_drops import RecentDrops
from delivery.lane_totals import OF_LANES
from delivery.models import Lane
from delivery.models.voicemail import number_in
from delivery.services.lanes import id_range
from rvm.phone_numbers.places import Places, places_in, places_known
from rvm.platform.database import sql
from rvm.platform.encryption.crypto import blind_index
from usecases.consents.standing import CONSENTED_INDEXES_SQL, consented_parameters, consents_held
from usecases.suppressions import are_suppressed, suppressed_indexes_sql


class AudienceGroup(NamedTuple):
    """Facts that decide eligibility: possible time zones and states, suppression, the voicemail's own expiry, whether its number
    decrypts, whether a consent that the use case needs stands at the start, and the hours of recent drops to the number."""

    places: Places
    suppressed: bool
    expires_at: datetime | None
    readable: bool = True
    consented: bool = False
    reached: tuple[datetime, ...] = ()


# Without a zone or a state in it, the list of places is completed by the number. Suppressions and consents are joined and not looked
# for with IN: of more than fit into its memory PostgreSQL makes no hash for IN, and reads them all for each voicemail.
def _count_groups(consents: str) -> str:
    suppressed = suppressed_indexes_sql(workspace="%s", purpose="%s", confidential="%s")
    consented = f"LEFT JOIN (SELECT DISTINCT * FROM ({consents}) c) held ON held.number_index = v.recipient_index"  # noqa: S608
    return f"""
SELECT v.zones::text[], listed.number_index IS NOT NULL, v.expires_at, {"held.number_index IS NOT NULL" if consents else "false"},
       count(*)
  FROM delivery_voicemail v
  LEFT JOIN (SELECT DISTINCT * FROM ({suppressed}) s) listed ON listed.number_index = v.recipient_index
  {consented if consents else ""}
 WHERE v.lane_id = %s AND v.id BETWEEN %s AND %s AND v.status = 'queued'
 GROUP BY 1, 2, 3, 4
"""  # noqa: S608 - of constants


_COUNT_GROUPS, _COUNT_CONSENTED = _count_groups(""), _count_groups(CONSENTED_INDEXES_SQL)
# Voicemails whose number must be decrypted: those without zones or states, or all while the index key rotates.
_READ_UNGROUPED = """
SELECT recipient, recipient_index, zones::text[], expires_at, id FROM delivery_voicemail
 WHERE lane_id = %s AND id BETWEEN %s AND %s AND status = 'queued'
   AND (coalesce(strpos(array_to_string(zones, ' '), 'state:'), 0) = 0 OR %s)
"""
# About one in so many of the voicemails, by the last byte of their ids, which is random; all of them for 1.
_READ_SAMPLE = """
SELECT recipient, recipient_index, zones::text[], expires_at, id FROM delivery_voicemail
 WHERE lane_id = %s AND id BETWEEN %s AND %s AND status = 'queued' AND get_byte(uuid_send(id), 15) * %s < 256
"""
_MAX_PARTS = 256
# The counts of a lane and its queued voicemails by places, in one statement, so that both are of one moment. Bounded by the lane's
# first and last id, so that only this range of the table is read.
_COUNT_WITH_PLACES = f"""
SELECT status, reason, NULL::text[], sum(count)::bigint FROM {OF_LANES} WHERE lane_id = %s GROUP BY 1, 2 HAVING sum(count) > 0
 UNION ALL
SELECT NULL, NULL, zones::text[], count(*) FROM delivery_voicemail
 WHERE lane_id = %s AND id BETWEEN %s AND %s AND status = 'queued' GROUP BY zones
"""  # noqa: S608 - of constants
PAGE = 2000
# Recent drops are found by number, which has to be decrypted. Of more people than this, a sample says which part of each group has
# had how many.
MAX_SAMPLE = 10_000


def audience_groups(lane: Lane, *, at: datetime, simulated: bool) -> Counter[AudienceGroup]:
    """Counts of the lane's queued voicemails by group. Consents count if they stand at `at`; through a simulated setup at any age.

    A row without zones or states gets those of its number, which must be decrypted. While the index key rotates, every number must be
    decrypted, because its suppression may be stored under the index of another key.
    """
    rotating, use_case = blind_index().rotating, lane.use_case
    needed = use_case.needed_consent
    groups: Counter[AudienceGroup] = Counter()
    unknown = rotating
    if not rotating:
        consents = consented_parameters(lane.workspace_id, needed, at=at, ageless=simulated) if needed else []
        with _hash_joins():
            counted = sql.run(
                _COUNT_CONSENTED if needed else _COUNT_GROUPS,
                [lane.workspace_id, use_case.purpose, use_case.to_confidential, *consents, lane.pk, *id_range(lane)],
            )
        for zones, suppressed, expires_at, consented, count in counted:
            if zones and (places := places_in(tuple(zones))).states:
                groups[AudienceGroup(places, suppressed, expires_at, consented=consented)] += count
            else:
                unknown = True
    # Lists give zones and states for nearly every recipient, so a second pass over a million rows is rare.
    for page in _pages(_READ_UNGROUPED, [lane.pk, *id_range(lane), rotating]) if unknown else ():
        groups.update(_read(lane, page, at, simulated))
    return groups


@contextmanager
def _hash_joins() -> Iterator[None]:
    """Have PostgreSQL join by hashes: by statistics of a list that has just grown, it would compare each voicemail with all of it."""
    with transaction.atomic(savepoint=False):
        sql.run("SET LOCAL enable_nestloop = off", [])
        sql.run("SET LOCAL work_mem = '64MB'", [])
        yield
        sql.run("SET LOCAL enable_nestloop TO DEFAULT", [])
        sql.run("SET LOCAL work_mem TO DEFAULT", [])


def with_recent_drops(
    lane: Lane, groups: Counter[AudienceGroup], now: datetime, *, at: datetime
) -> tuple[Counter[AudienceGroup], bool]:
    """The groups that `audience_groups` counted, divided by the recent drops to their people; and whether by a sample."""
    parts = min(-(-groups.total() // MAX_SAMPLE), _MAX_PARTS)
    recent = RecentDrops(lane.workspace.organisation_id, now)
    sample: dict[AudienceGroup, Counter[AudienceGroup]] = {}
    for page in _pages(_READ_SAMPLE, [lane.pk, *id_range(lane), parts]) if parts else ():
        for each in _read(lane, page, at, simulated=False, recent=recent):
            sample.setdefault(each._replace(reached=()), Counter())[each] += 1
    divided: Counter[AudienceGroup] = Counter()
    for group, count in groups.items():
        divided.update(_divided(count, sample.get(group) or Counter({group: 1})))
    return +divided, parts > 1


def _divided(count: int, shares: Counter[AudienceGroup]) -> dict[AudienceGroup, int]:
    """The count, divided in proportion; rounded on the running sum, so that the total stays exact."""
    divided, so_far, given, total = {}, 0, 0, shares.total()
    for group, share in shares.items():
        so_far += share
        divided[group] = round(count * so_far / total) - given
        given += divided[group]
    return divided


def counted_with_places(lane: Lane) -> tuple[dict[tuple[str, str], int], dict[tuple[str, ...], int]]:
    """The lane's voicemails by (status, reason), and the queued ones by their lists of places, both of one moment; an empty list
    where only the number is known."""
    counts: dict[tuple[str, str], int] = {}
    places: dict[tuple[str, ...], int] = {}
    for status, reason, zones, count in sql.run(_COUNT_WITH_PLACES, [lane.pk, lane.pk, *id_range(lane)]):
        if status is None:
            places[tuple(zones or ())] = count
        else:
            counts[status, reason] = count
    return counts, places


def _pages(statement: str, parameters: Sequence[Any]) -> Iterator[list[tuple[Any, ...]]]:
    """Pages of PAGE rows through a server-side cursor, in constant memory; the cursor lives as long as its transaction."""
    connection.ensure_connection()
    with transaction.atomic(), connection.connection.cursor(name="rvm_waiting") as cursor:
        cursor.execute(statement, parameters)
        while rows := cursor.fetchmany(PAGE):
            yield rows


def _read(
    lane: Lane, rows: list[tuple[Any, ...]], at: datetime, simulated: bool, recent: RecentDrops | None = None
) -> list[AudienceGroup]:
    """The group of each row; without `recent`, drops are left out."""
    numbers = [number_in(row[0], lane.workspace_id, row[4]) for row in rows]
    people = [(bytes(row[1]), number) for row, number in zip(rows, numbers, strict=True)]
    listed = are_suppressed(
        lane.workspace_id, people, lane.use_case.purpose, to_confidential=lane.use_case.to_confidential
    )
    consents = consents_held(lane.workspace_id, people, lane.use_case.needed_consent)
    if recent is not None:
        recent.look(number for number in numbers if number)
    return [
        AudienceGroup(
            places_known(row[2], number) if number else Places((), ()),
            suppressed,
            row[3],
            readable=bool(number),
            consented=consent is not None and (simulated or consent.until is None or consent.until > at),
            reached=_to_the_hour(recent.reached(number)) if recent is not None and number else (),
        )
        for row, number, suppressed, consent in zip(rows, numbers, listed, consents, strict=True)
    ]


def _to_the_hour(times: Sequence[datetime]) -> tuple[datetime, ...]:
    """The beginnings of their hours, so that people who were reached together stay one group."""
    return tuple(at.replace(minute=0, second=0, microsecond=0) for at in times)
