"""Millions of voicemails as a workspace has them after a year, inserted by SQL: skewed, with rare and with old values.

Whatever a list can be filtered by has a value that is everywhere, one that few voicemails have, and one that ended long ago. The last
two are what makes a list slow: use cases and a carrier of former times, reasons of a few voicemails, a campaign of a whole year.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings

from bench.scenario import COLUMNS, SENDERS, Clinic, without_indexes
from rvm.phone_numbers.number_plan import AREA_CODES
from rvm.platform.database.ids import second_half, uuid7
from rvm.platform.encryption.crypto import BlindIndex, associated_data, cipher

USE_CASES = 10
CAMPAIGNS = 200
SPACING_SECONDS = 6
# Each has voicemails all over the year.
NUMBERS = 100_000
_AREA_CODES = sorted(code for code, area in AREA_CODES.items() if area.zones)


@dataclass(frozen=True)
class History:
    """What the voicemails of a clinic belong to. `use_cases`: by falling use; the last but one ended half a year ago, the last has
    hardly any. `setups`: the clinic's, and one that was left after a tenth of the time, with their `carriers`. `campaigns`: the first
    goes on all year. `numbers`: in turn."""

    clinic: Clinic
    use_cases: tuple[UUID, ...]
    setups: tuple[UUID, UUID]
    carriers: tuple[str, str]
    campaigns: tuple[UUID, ...]
    numbers: tuple[str, ...]
    rows: int

    @property
    def lasting(self) -> timedelta:
        return timedelta(seconds=self.rows * SPACING_SECONDS)


_COPY_ROW = """
INSERT INTO {table} SELECT (jsonb_populate_record(t, jsonb_build_object({changes}))).* FROM {table} t WHERE id = %(like)s
"""
# Ciphertexts are bound to the second half of an id only, so that one number of the pool serves many voicemails.
_POOL = "CREATE TEMPORARY TABLE pool (n int PRIMARY KEY, half text, recipient bytea, recipient_index bytea, last4 text)"
_LANES = """
CREATE TEMPORARY TABLE lanes AS SELECT n, id, use_case_id, live FROM
  unnest(%(numbers)s::int[], %(lanes)s::uuid[], %(of)s::uuid[], %(live)s::bool[]) AS l(n, id, use_case_id, live)
"""
_INSERT_LANES = """
INSERT INTO delivery_lane (id, workspace_id, use_case_id, for_api, live, held, priority, created_at)
SELECT id, %(workspace)s, use_case_id, n >= 1000, live, false, 0, now() FROM lanes
ON CONFLICT DO NOTHING
"""
# The API may have been used before.
_KNOWN_LANES = """
UPDATE lanes SET id = l.id FROM delivery_lane l
 WHERE l.for_api AND lanes.n >= 1000 AND l.use_case_id = lanes.use_case_id AND l.live = lanes.live
"""
_INSERT_CAMPAIGNS = """
INSERT INTO campaigns_campaign (id, workspace_id, lane_id, name, state, recordings_set, time_zone, created_at, updated_at,
                                measured_sent)
SELECT id, %(workspace)s, id, 'Campaign ' || n, 'running', true, 'UTC', now(), now(), 0 FROM lanes WHERE n < 1000
"""
# Three draws from 0 to 999,999 by the number of the row. Lane 0 is the campaign of all year, 1 to 199 follow one another, from 1,000
# on are those of the API, of which 1,100 has the test voicemails. A table has its rows in the order in which they came.
_VOICEMAILS = """
INSERT INTO delivery_voicemail ({columns}, drop_id, sending_at, accepted_at, ended_at)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(r.n %% 4096), 3, '0') || half)::uuid,
       %(workspace)s, l.use_case_id, CASE WHEN r.n < %(total)s / 10 AND draw_b < 50000 THEN %(former)s ELSE %(setup)s END, l.id,
       %(recording)s, l.live, recipient, recipient_index, %(index_key)s, last4, %(sender)s,
       CASE WHEN l.n >= 1000 AND draw_b < 500000 THEN 'visit-' || r.n ELSE '' END, status, reason,
       CASE WHEN status = 'failed' THEN '17' ELSE '' END, '', 1, at, at + interval '3 days', at, at + interval '1 hour',
       gen_random_uuid(), at, at, CASE WHEN status IN ('queued', 'accepted') THEN NULL ELSE at + interval '1 hour' END
  FROM (SELECT *, CASE WHEN n > %(total)s * 0.998 AND draw_a < 500000 THEN 'queued' WHEN draw_a < 850000 THEN 'delivered'
                       WHEN draw_a < 950000 THEN 'failed' WHEN draw_a < 980000 THEN 'skipped' WHEN draw_a < 990000 THEN 'canceled'
                       WHEN draw_a < 999980 THEN 'expired' WHEN n > %(total)s * 0.99 THEN 'accepted' ELSE 'uncertain' END AS status
          FROM (SELECT n, now() - (%(total)s::int - n) * interval '{spacing} seconds' AS at,
                       abs(hashint8extended(n, 1) %% 1000000) AS draw_a, abs(hashint8extended(n, 2) %% 1000000) AS draw_b,
                       abs(hashint8extended(n, 3) %% 1000000) AS draw_c
                  FROM generate_series(%(first)s::int, %(last)s::int) n) drawn) r
  CROSS JOIN LATERAL (SELECT CASE status
         WHEN 'failed' THEN CASE WHEN draw_b < 600000 THEN 'no_answer' WHEN draw_b < 900000 THEN 'busy'
                                 WHEN draw_b < 999900 THEN 'unreachable' ELSE 'litigator' END
         WHEN 'skipped' THEN 'suppressed' WHEN 'canceled' THEN 'canceled' WHEN 'expired' THEN 'expired' ELSE '' END AS reason) why
  JOIN pool ON pool.n = r.n %% %(numbers)s
  JOIN lanes l ON l.n = CASE WHEN draw_c < 10000 THEN 0
                             WHEN draw_c < 600000 THEN 1 + r.n::bigint * {campaigns} / (%(total)s + 1)
                             WHEN draw_c < 620000 THEN 1100
                             WHEN draw_c < 850000 THEN 1000
                             WHEN draw_c < 999900 THEN CASE WHEN r.n < %(total)s / 2 THEN 1008 ELSE 1001 + draw_b %% 7 END
                             ELSE 1009 END
 ORDER BY r.n
"""
_BOUNDS = """
UPDATE delivery_lane SET first_id = b.first_id, last_id = b.last_id FROM (
  SELECT lane_id, (array_agg(id ORDER BY id))[1] AS first_id, (array_agg(id ORDER BY id DESC))[1] AS last_id FROM delivery_voicemail
   WHERE workspace_id = %(workspace)s GROUP BY lane_id) b WHERE b.lane_id = delivery_lane.id AND NOT for_api
"""
_IDENTIFIERS = """
INSERT INTO delivery_voicemailidentifier (voicemail_id, reference)
SELECT id, hashtextextended(workspace_id::text || reference, 0) FROM delivery_voicemail
 WHERE workspace_id = %(workspace)s AND reference <> '' ORDER BY id ON CONFLICT DO NOTHING
"""
_DEFERRALS = """
INSERT INTO delivery_keptdecision (voicemail_id, decision, reason, until, facts, step, decided_at)
SELECT id, 'defer', 'outside_window', not_before, '{}', 'claim', created_at FROM delivery_voicemail
 WHERE workspace_id = %(workspace)s AND status = 'queued' ORDER BY id ON CONFLICT DO NOTHING
"""


def make_history(
    connection: psycopg.Connection, clinic: Clinic, rows: int, *, carrier: str, step: int = 500_000
) -> History:
    """Insert so many voicemails of the clinic, whose recording exists, with the lanes, campaigns and use cases that they need, and a
    setup at another `carrier`."""
    former, further = uuid7(), [uuid7() for _ in range(USE_CASES - 1)]
    _copy_row(connection, "usecases_telephonysetup", clinic.setup, id=former, name="Former", carrier=carrier)
    for number, use_case in enumerate(further, 2):
        _copy_row(connection, "usecases_usecase", clinic.use_case, id=use_case, name=f"Use case {chr(96 + number)}")
    use_cases = (clinic.use_case, *further)
    campaigns = tuple(uuid7() for _ in range(CAMPAIGNS))
    api_lanes = [uuid7() for _ in range(USE_CASES + 1)]
    lanes = {
        "numbers": [*range(CAMPAIGNS), *range(1000, 1000 + USE_CASES), 1100],
        "lanes": [*campaigns, *api_lanes],
        "of": [*(use_cases[number % 3] for number in range(CAMPAIGNS)), *use_cases, use_cases[0]],
        "live": [True] * (CAMPAIGNS + USE_CASES) + [False],
    }
    execute = connection.execute
    execute(_LANES, lanes)
    execute(_KNOWN_LANES)
    execute(_INSERT_LANES, {"workspace": clinic.workspace})
    execute(_INSERT_CAMPAIGNS, {"workspace": clinic.workspace})
    execute(_POOL)
    numbers = _fill_pool(connection, clinic.workspace)
    values: dict[str, Any] = {
        "workspace": clinic.workspace,
        "recording": clinic.recording,
        "setup": clinic.setup,
        "former": former,
        "index_key": settings.RVM_INDEX_KEYS.current,
        "sender": SENDERS[0],
        "numbers": len(numbers),
        "total": rows,
    }
    execute("ANALYZE pool")
    statement = _VOICEMAILS.format(columns=", ".join(COLUMNS.split()), spacing=SPACING_SECONDS, campaigns=CAMPAIGNS - 1)
    with without_indexes(connection):
        for first in range(1, rows + 1, step):
            execute(statement, {**values, "first": first, "last": min(first + step - 1, rows)})
            connection.commit()
    for one in (_BOUNDS, _IDENTIFIERS, _DEFERRALS):
        execute(one, values)
    execute("DROP TABLE pool, lanes")
    connection.commit()
    connection.autocommit = True
    execute("VACUUM (ANALYZE) delivery_voicemail, delivery_voicemailidentifier, delivery_keptdecision, delivery_lane")
    connection.autocommit = False
    [(present,)] = execute("SELECT carrier FROM usecases_telephonysetup WHERE id = %s", [clinic.setup]).fetchall()
    connection.commit()
    return History(clinic, use_cases, (clinic.setup, former), (present, carrier), campaigns, numbers, rows)


def _copy_row(connection: psycopg.Connection, table: str, like: UUID, **changes: Any) -> None:
    named = ", ".join(f"'{name}', %({name})s::text" for name in changes)
    values = {name: str(value) for name, value in changes.items()}
    connection.execute(_COPY_ROW.format(table=table, changes=named), {"like": like, **values})


def _fill_pool(connection: psycopg.Connection, workspace: UUID) -> tuple[str, ...]:
    index, encrypt = BlindIndex(settings.RVM_INDEX_KEYS), cipher().encrypt
    numbers = []
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY pool (n, half, recipient, recipient_index, last4) FROM STDIN") as copy,
    ):
        for place in range(NUMBERS):
            of_area, area = divmod(place, len(_AREA_CODES))
            number, half = f"+1{_AREA_CODES[area]}555{of_area:04}", second_half()
            bound = associated_data(b"delivery_voicemail.recipient", workspace, UUID(bytes=bytes(8) + half))
            copy.write_row(
                (place, half.hex(), encrypt(number.encode(), bound), index.of(workspace, number), number[-4:])
            )
            numbers.append(number)
    return tuple(numbers)
