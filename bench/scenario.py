"""Rows for measurements, written directly by COPY into the bench's own database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
from django.conf import settings

from rvm.phone_numbers.number_plan import AREA_CODES
from rvm.platform.database.ids import uuid7
from rvm.platform.encryption.crypto import BlindIndex, associated_data, cipher
from usecases.callbacks.proofs import CallbackKey

_AREA_CODES = sorted(code for code, area in AREA_CODES.items() if area.zones)
CALLBACK_KEY = bytes(32)
SENDERS = ("+12125550100", "+12125550101")
COLUMNS = (
    "id workspace_id use_case_id setup_id lane_id recording_id live recipient recipient_index index_key last4 sender reference"
    " status reason carrier_code carrier_text attempts not_before expires_at created_at updated_at"
)


@dataclass(frozen=True)
class Clinic:
    """One workspace with a setup at the stub carrier, a use case, two senders, a lane and a recording."""

    workspace: UUID
    setup: UUID
    use_case: UUID
    lane: UUID
    recording: UUID

    @property
    def callback_key(self) -> CallbackKey:
        return CallbackKey(self.setup, 1, CALLBACK_KEY)

    def with_lane(self, lane: UUID) -> Clinic:
        return replace(self, lane=lane)


def make_clinic(
    connection: psycopg.Connection, *, carrier_url: str, cap: int, pace: float = 100_000, carrier: str = "sandbox"
) -> Clinic:
    """Insert a clinic's rows. The default pace is too high to matter, so only the machine, the latency or `cap` limits."""
    clinic = Clinic(*(uuid7() for _ in range(5)))
    now = datetime.now(UTC)
    credentials = json.dumps({"base_url": carrier_url, "key": "bench-key", "signing_secret": "bench-secret"}).encode()
    encrypted = _encrypted(credentials, b"usecases_telephonysetup.credentials", clinic.workspace, clinic.setup)
    secret = uuid7()
    key = _encrypted(CALLBACK_KEY.hex().encode(), b"usecases_callbacksecret.key", clinic.setup, secret)
    execute = connection.execute
    execute(
        "WITH organisation AS (INSERT INTO platform_organisation (id, name, slug) VALUES (%s, 'Bench', %s) RETURNING id)"
        " INSERT INTO platform_workspace (id, organisation_id, name, slug, sending_enabled, countries, created_at)"
        " SELECT %s, id, 'Bench', %s, true, '{}', %s FROM organisation",
        [uuid7(), clinic.workspace.hex, clinic.workspace, clinic.workspace.hex, now],
    )
    execute(
        "INSERT INTO usecases_telephonysetup (id, workspace_id, name, carrier, simulated, credentials, pace_per_second,"
        " in_flight_cap, report_horizon_hours, confirm_horizon_hours, enabled, baa_signed_on, created_at, updated_at)"
        " VALUES (%s, %s, 'Stub', %s, %s, %s, %s, %s, 24, 24, true, %s, %s, %s)",
        [clinic.setup, clinic.workspace, carrier, carrier == "sandbox", encrypted, pace, cap, now.date(), now, now],
    )
    execute(
        "INSERT INTO usecases_callbacksecret (id, setup_id, version, key) VALUES (%s, %s, 1, %s)",
        [secret, clinic.setup, key],
    )
    execute(
        "INSERT INTO usecases_usecase (id, workspace_id, channel, entity_name, name, description, setup_id, sending_enabled, purpose,"
        " window_start, window_end, days, sends_on_holidays, state_overlay, state_overlay_reason, expires_after_hours, max_attempts,"
        " retry_minutes, max_per_day, max_per_week, created_at, updated_at)"
        " VALUES (%s, %s, 'ringless_voicemail', 'Bench', 'Bench', '', %s, true, 'other', '08:00', '21:00', '{1,2,3,4,5,6}', false,"
        " true, '', 72, 3, 1, 1, 3, %s, %s)",
        [clinic.use_case, clinic.workspace, clinic.setup, now, now],
    )
    for sender in SENDERS:
        number = uuid7()
        execute(
            "INSERT INTO usecases_phonenumber (id, workspace_id, setup_id, e164, owned_stated_at, created_at, updated_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [number, clinic.workspace, clinic.setup, sender, now, now, now],
        )
        execute(
            "INSERT INTO usecases_numberassignment (use_case_id, phone_number_id) VALUES (%s, %s)",
            [clinic.use_case, number],
        )
    execute(
        "INSERT INTO delivery_lane (id, workspace_id, use_case_id, for_api, live, held, priority, created_at)"
        " VALUES (%s, %s, %s, false, true, false, 0, %s)",
        [clinic.lane, clinic.workspace, clinic.use_case, now],
    )
    connection.commit()
    return clinic


def _encrypted(text: bytes, column: bytes, owner_id: UUID, row_id: UUID) -> bytes:
    return cipher().encrypt(text, associated_data(column, owner_id, row_id))


def add_lane(connection: psycopg.Connection, clinic: Clinic, *, for_api: bool = False) -> UUID:
    """Insert another lane of the clinic's use case and return its id."""
    lane = uuid7()
    connection.execute(
        "INSERT INTO delivery_lane (id, workspace_id, use_case_id, for_api, live, held, priority, created_at)"
        " VALUES (%s, %s, %s, %s, true, false, 0, now())",
        [lane, clinic.workspace, clinic.use_case, for_api],
    )
    connection.commit()
    return lane


def queue(
    connection: psycopg.Connection,
    clinic: Clinic,
    count: int,
    *,
    first: int = 0,
    ended: bool = False,
    zones: str | None = None,
    to: str = "",
) -> list[UUID]:
    """Insert due voicemails, or ended ones, encrypted and indexed like real ones, and return their ids.

    The number is `to`, or they are +1 NPA 555 0000 to 9999, of all area codes in turn, from the one at place `first` on.
    """
    index = BlindIndex(settings.RVM_INDEX_KEYS)
    now = datetime.now(UTC)
    ids = [uuid7() for _ in range(count)]
    status, ended_at = ("delivered", now) if ended else ("queued", None)
    copy_in = f"COPY delivery_voicemail ({', '.join(COLUMNS.split())}, ended_at, zones) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(copy_in) as copy:
        for position, identifier in enumerate(ids, first):
            place, code = divmod(position, len(_AREA_CODES))
            number = to or f"+1{_AREA_CODES[code]}555{place % 10_000:04}"
            encrypted = _encrypted(number.encode(), b"delivery_voicemail.recipient", clinic.workspace, identifier)
            copy.write_row(
                (
                    *(identifier, clinic.workspace, clinic.use_case, clinic.setup, clinic.lane, clinic.recording, True),
                    *(encrypted, index.of(clinic.workspace, number), index.current, number[-4:], SENDERS[0], ""),
                    *(status, "", "", "", int(ended), now, now + timedelta(days=3), now, now, ended_at, zones),
                )
            )
    connection.commit()
    return ids


def queue_many(
    connection: psycopg.Connection,
    clinic: Clinic,
    count: int,
    *,
    ended: bool = False,
    zones: str | None = None,
    step: int = 100_000,
) -> None:
    """`queue` in steps, which bounds the memory."""
    for done in range(0, count, step):
        queue(connection, clinic, min(step, count - done), first=done, ended=ended, zones=zones)


@contextmanager
def without_indexes(connection: psycopg.Connection) -> Iterator[None]:
    """Insert many voicemails: what the table has besides its keys is indexed afterwards, in a tenth of the time."""
    found = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'delivery_voicemail' AND indexdef NOT LIKE '%UNIQUE%'"
    ).fetchall()
    for name, _ in found:
        connection.execute(f'DROP INDEX "{name}"')
    yield
    for _, definition in found:
        connection.execute(definition)
    connection.commit()


# The rows of a year of use: ended voicemails with their drops.
_HISTORY = """
INSERT INTO delivery_voicemail ({columns}, drop_id, sending_at, accepted_at, ended_at)
SELECT id, %(workspace)s, %(use_case)s, %(setup)s, %(lane)s, %(recording)s, true,
       decode(md5(n::text) || md5(n::text), 'hex') || '\\x0102030405060708'::bytea, sha256(n::text::bytea), 1,
       lpad((n %% 10000)::text, 4, '0'),
       '+12125550100', '', CASE WHEN n %% 12 = 0 THEN 'failed' ELSE 'delivered' END,
       CASE WHEN n %% 12 = 0 THEN 'no_answer' ELSE '' END, '', '', 1, at, at + interval '3 days', at, at, id, at, at, at
  FROM (SELECT n, at, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3)
                       || '8' || substr(md5(n::text), 4, 15))::uuid AS id
          FROM (SELECT n, now() - (%(total)s::int - n) * interval '5 seconds' AS at
                  FROM generate_series(%(first)s::int, %(last)s::int) n) days) ids
"""


def make_history(connection: psycopg.Connection, clinic: Clinic, count: int, step: int = 250_000) -> None:
    """Insert `count` ended voicemails and their drops."""
    for first in range(1, count + 1, step):
        values = {**asdict(clinic), "first": first, "last": min(first + step - 1, count), "total": count}
        columns = ", ".join(COLUMNS.split())
        connection.execute(_HISTORY.format(columns=columns), values)
        connection.commit()
    connection.execute(
        "INSERT INTO delivery_drop (id, workspace_id, voicemail_id, setup_id, number, live, sender, status, reason, carrier_code,"
        " carrier_text, carrier_reference, due_at, checks, created_at, accepted_at, ended_at)"
        " SELECT id, workspace_id, id, setup_id, 1, true, sender, status, reason, '', '', 'stub', created_at, 0, created_at,"
        " created_at, created_at FROM delivery_voicemail WHERE lane_id = %s",
        [clinic.lane],
    )
    connection.commit()
    settle_tables(connection)


PER_CAMPAIGN = 4
# Nothing in them is in progress, and no lane is idle, as after an upgrade from a version without idle lanes.
_COMPLETED = (
    """
INSERT INTO delivery_lane (id, workspace_id, use_case_id, for_api, live, held, priority, created_at)
SELECT gen_random_uuid(), %(workspace)s, %(use_case)s, false, true, false, 0, now() - interval '1 day'
  FROM generate_series(1, %(count)s)
""",
    """
INSERT INTO campaigns_campaign (id, workspace_id, lane_id, name, state, recordings_set, time_zone, created_at, updated_at,
                                launched_at, ended_at, measured_sent)
SELECT id, workspace_id, id, 'Bench', 'completed', true, 'UTC', created_at, now(), created_at, now(), 0 FROM delivery_lane
 WHERE id <> %(lane)s
""",
    """
INSERT INTO delivery_lanecount (lane_id, status, reason, count, changed_at)
SELECT l.id, c.status, '', c.count, now() - interval '1 day'
  FROM delivery_lane l, (VALUES ('queued', 0), ('sending', 0), ('accepted', 0), ('delivered', %(each)s)) c(status, count)
 WHERE l.id <> %(lane)s
""",
    """
INSERT INTO delivery_voicemail ({columns}, ended_at)
SELECT gen_random_uuid(), l.workspace_id, l.use_case_id, %(setup)s, l.id, %(recording)s, true, decode(repeat('ab', 40), 'hex'),
       sha256((l.id::text || n)::bytea), 1, '0100', '', '', 'delivered', '', '', '', 1, now(), NULL, now(), now(), now()
  FROM delivery_lane l, generate_series(1, %(each)s) n WHERE l.id <> %(lane)s
""",
)


def make_completed_campaigns(connection: psycopg.Connection, clinic: Clinic, count: int) -> None:
    """Insert completed campaigns, each with a lane, counts and a few voicemails."""
    for statement in _COMPLETED:
        values = {**asdict(clinic), "count": count, "each": PER_CAMPAIGN}
        connection.execute(statement.format(columns=", ".join(COLUMNS.split())), values)
    connection.commit()


def open_lanes(connection: psycopg.Connection) -> int:
    """The number of lanes that a look for work reads."""
    [(count,)] = connection.execute("SELECT count(*) FROM delivery_lane WHERE NOT idle AND NOT held").fetchall()
    connection.commit()
    return int(count)


def settle_tables(connection: psycopg.Connection) -> None:
    """Vacuum and analyze, as autovacuum would have done before a deployment has such tables."""
    connection.autocommit = True
    connection.execute(
        "VACUUM (ANALYZE) delivery_voicemail, delivery_drop, delivery_lane, delivery_lanecount, delivery_lanedelta"
    )
    connection.autocommit = False


def end_leftovers(connection: psycopg.Connection) -> None:
    """End what an earlier bench has left waiting in this database, whose carrier is gone."""
    connection.execute(
        "UPDATE delivery_voicemail SET status = 'canceled' WHERE status IN ('queued', 'sending', 'uncertain')"
    )
    connection.execute("UPDATE delivery_drop SET status = 'failed' WHERE status IN ('sending', 'uncertain')")
    connection.commit()


def is_busy(connection: psycopg.Connection) -> bool:
    """Whether any voicemail is due or any drop is sending or uncertain; three index look-ups."""
    found = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM delivery_lane l WHERE EXISTS (SELECT 1 FROM delivery_voicemail v WHERE v.lane_id = l.id"
        "               AND v.status = 'queued' AND v.not_before < now() ORDER BY not_before LIMIT 1))"
        "    OR EXISTS (SELECT 1 FROM delivery_drop WHERE status = 'sending' AND due_at < 'infinity')"
        "    OR EXISTS (SELECT 1 FROM delivery_drop WHERE status = 'uncertain' AND due_at < 'infinity')"
    ).fetchone()
    connection.commit()
    return bool(found and found[0])
