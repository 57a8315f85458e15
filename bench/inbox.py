"""Rows for the callbacks' bench: drops without reports, unmerged reports, and callbacks with reports."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import orjson
import psycopg
from django.conf import settings

from bench.scenario import COLUMNS, SENDERS, Clinic
from delivery.reports.inbox import RAW
from delivery.transport.interface import CarrierRequest
from rvm.platform.database.ids import uuid7
from rvm.platform.encryption.crypto import BlindIndex, Cipher
from rvm.simulators.sandbox.signatures import signature
from usecases.callbacks.addresses import drop_path

# One in twelve fails, as in the carriers' own figures, and one in fifty of those has opted out.
OUTCOMES = [("delivered", "")] * 550 + [("failed", "no_answer")] * 25 + [("failed", "voicemail_not_detected")] * 24
OUTCOMES += [("failed", "opted_out")]
DROP_COLUMNS = (
    "id workspace_id voicemail_id setup_id number live sender status reason carrier_code carrier_text carrier_reference due_at checks"
    " created_at accepted_at"
)
REPORT_COLUMNS = (
    "setup_id binding drop_id status reason carrier_code carrier_text carrier_reference event_id occurred_at received_at raw"
    " effect"
)


@dataclass(frozen=True)
class CarrierEvent:
    """The carrier's report on a drop."""

    drop: UUID
    status: str
    code: str

    def payload(self) -> dict[str, str]:
        return {
            "event_id": f"evt_{self.drop.hex}_{self.status}",
            "id": f"drop_{self.drop.hex}",
            "reference": str(self.drop),
            "status": self.status,
            "code": self.code,
            "text": "",
            "occurred_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }


def make_accepted(connection: psycopg.Connection, clinic: Clinic, count: int) -> list[UUID]:
    """Insert voicemails that their carrier has just accepted, each with a drop, and return the drops' ids."""
    cipher, index = Cipher(settings.RVM_ENCRYPTION_KEYS), BlindIndex(settings.RVM_INDEX_KEYS)
    now = datetime.now(UTC)
    pairs = [(uuid7(), uuid7()) for _ in range(count)]
    columns = f"{', '.join(COLUMNS.split())}, drop_id, sending_at, accepted_at"
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY delivery_voicemail ({columns}) FROM STDIN") as copy:
            for position, (voicemail, drop) in enumerate(pairs):
                number = f"+1{200 + position // 10_000 % 800}555{position % 10_000:04}"
                encrypted = cipher.encrypt(number.encode(), b"delivery_voicemail.recipient")
                copy.write_row(
                    (
                        *(voicemail, clinic.workspace, clinic.use_case, clinic.setup, clinic.lane, clinic.recording),
                        *(
                            True,
                            encrypted,
                            index.of(clinic.workspace, number),
                            index.current,
                            number[-4:],
                            SENDERS[0],
                            "",
                        ),
                        *("accepted", "", "", "", 1, now, now + timedelta(days=3), now, now, drop, now, now),
                    )
                )
        with cursor.copy(f"COPY delivery_drop ({', '.join(DROP_COLUMNS.split())}) FROM STDIN") as copy:
            for voicemail, drop in pairs:
                copy.write_row(
                    (
                        *(drop, clinic.workspace, voicemail, clinic.setup, 1, True, SENDERS[0], "accepted", "", "", ""),
                        *(f"drop_{drop.hex}", now, 0, now, now),
                    )
                )
    connection.commit()
    return [drop for _, drop in pairs]


def make_events(drops: Sequence[UUID], seed: int = 7) -> list[CarrierEvent]:
    """One outcome for each drop, in random order."""
    random = Random(seed)
    events = [CarrierEvent(drop, *random.choice(OUTCOMES)) for drop in drops]
    random.shuffle(events)
    return events


def make_unmerged(connection: psycopg.Connection, clinic: Clinic, events: Sequence[CarrierEvent]) -> None:
    """Insert unmerged reports, as the callback view does."""
    now = datetime.now(UTC)
    columns = ", ".join(REPORT_COLUMNS.split())
    with connection.cursor() as cursor, cursor.copy(f"COPY delivery_carrierreport ({columns}) FROM STDIN") as copy:
        for event in events:
            payload = event.payload()
            binding = uuid7()
            raw = RAW.encrypt(orjson.dumps({"events": [payload]}), clinic.setup, binding)
            copy.write_row(
                (
                    *(
                        clinic.setup,
                        binding,
                        event.drop,
                        event.status,
                        event.code,
                        event.code,
                        "",
                        payload["id"],
                        payload["event_id"],
                    ),
                    *(now, now, raw, ""),
                )
            )
    connection.commit()


def add_reports_of_history(connection: psycopg.Connection, clinic: Clinic) -> None:
    """Insert a merged report for every drop of the clinic's setup, after `make_history`."""
    connection.execute(
        "INSERT INTO delivery_carrierreport (setup_id, binding, drop_id, status, reason, carrier_code, carrier_text,"
        " carrier_reference, event_id, occurred_at, received_at, raw, merged_at, effect)"
        " SELECT setup_id, id, id, status, reason, '', '', '', '', created_at, created_at, decode(repeat(md5(id::text), 14), 'hex'),"
        " created_at, 'applied' FROM delivery_drop WHERE setup_id = %s",
        [clinic.setup],
    )
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM (ANALYZE) delivery_carrierreport")
    connection.autocommit = False


def callbacks(url_of: Callable[[UUID], str], secret: str, events: Iterable[CarrierEvent]) -> Iterator[CarrierRequest]:
    """One signed callback for each outcome, in the sandbox's format, to the address of its drop."""
    for event in events:
        body = orjson.dumps({"events": [event.payload()]})
        yield signed(url_of(event.drop), secret, body)


def addresses(web: str, clinic: Clinic) -> Callable[[UUID], str]:
    """The address of each drop of the clinic on that web server."""
    key = clinic.callback_key
    return lambda drop_id: f"{web}{drop_path(key, drop_id)}"


def signed(url: str, secret: str, body: bytes) -> CarrierRequest:
    timestamp = str(int(time.time()))
    headers = (
        "Content-Type: application/json",
        f"X-Sandbox-Timestamp: {timestamp}",
        f"X-Sandbox-Signature: {signature(secret, timestamp, body)}",
    )
    return CarrierRequest("POST", url, headers, body)
