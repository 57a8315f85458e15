"""What carriers report: into the inbox when it arrives, into the voicemails in batches."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from delivery import breaker, matching, moves, sql
from delivery.carriers.base import Report, ReportStatus
from delivery.conclusions import conclude_report
from delivery.doorbell import ring_seldom_on_commit
from delivery.models import CarrierReport, Voicemail
from delivery.moves import DropChange, Move
from delivery.reasons import REASONS, Reason
from delivery.retrying import retry_failed
from delivery.status import DropStatus, VoicemailStatus
from rvm.platform.crypto import blind_index, vault
from usecases.models import Suppression, TelephonySetup
from usecases.suppressions import suppress

BATCH = 2000
RAW_PURPOSE = b"delivery_carrierreport.raw"

# Most callbacks hold one report, for which unnesting arrays would cost PostgreSQL four times the row.
_KEEP_ONE = """
INSERT INTO delivery_carrierreport (setup_id, drop_id, recipient_index, status, reason, carrier_code, carrier_text, carrier_reference,
                                    event_id, occurred_at, raw, effect)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '')
"""
_KEEP_MORE = """
INSERT INTO delivery_carrierreport (setup_id, drop_id, recipient_index, status, reason, carrier_code, carrier_text, carrier_reference,
                                    event_id, occurred_at, effect)
SELECT *, '' FROM unnest(%s::uuid[], %s::uuid[], %s::bytea[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                         %s::timestamptz[])
"""


def receive(setup_id: UUID, raw: bytes, reports: Sequence[Report]) -> None:
    """Keep a verified callback's reports; the raw bytes go with the first."""
    if not reports:
        return
    first, *more = [_row(setup_id, report) for report in reports]
    with transaction.atomic() if more else nullcontext():
        sql.run(_KEEP_ONE, [*first, vault().encrypt(raw, RAW_PURPOSE)])
        if more:
            setups, drops, indexes, *words, times = zip(*more, strict=True)
            arrays = [sql.ids(setups), sql.ids(drops), list(indexes), *map(sql.texts, words), sql.times(times)]
            sql.run(_KEEP_MORE, arrays)
        ring_seldom_on_commit("reports")


def _row(setup_id: UUID, report: Report) -> tuple[Any, ...]:
    return (
        setup_id,
        report.attempt_key,
        None if report.attempt_key else _index_of(report.recipient, setup_id),
        report.status.value,
        report.reason.value if report.reason else "",
        report.code[:40],
        report.text[:200],
        report.carrier_reference[:100],
        report.event_id[:100],
        report.occurred_at,
    )


def _index_of(recipient: str, setup_id: UUID) -> bytes:
    workspace_id = TelephonySetup.objects.values_list("workspace_id", flat=True).get(id=setup_id)
    return blind_index().of(workspace_id, recipient)


# Voicemails are locked in the order that every writer of theirs uses, and before their drops.
_TAKE = """
SELECT id, drop_id IS NULL FROM delivery_carrierreport WHERE merged_at IS NULL ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_READ = """
SELECT r.id, r.drop_id, r.status, r.reason, r.carrier_code, r.carrier_text, r.carrier_reference,
       v.id, v.status, v.reason, v.drop_id, v.live, v.workspace_id, d.status, d.reason, r.setup_id
  FROM delivery_carrierreport r
  LEFT JOIN delivery_drop d ON d.id = r.drop_id AND d.setup_id = r.setup_id
  LEFT JOIN delivery_voicemail v ON v.id = d.voicemail_id
 WHERE r.id = ANY(%s) ORDER BY r.id
"""
_LOCK = """
SELECT v.id FROM delivery_voicemail v
 WHERE v.id IN (SELECT d.voicemail_id FROM delivery_drop d JOIN delivery_carrierreport r ON d.id = r.drop_id WHERE r.id = ANY(%s))
 ORDER BY v.id FOR NO KEY UPDATE
"""
_MERGED = """
UPDATE delivery_carrierreport r SET merged_at = %s, effect = a.effect
  FROM unnest(%s::bigint[], %s::text[]) AS a(id, effect) WHERE r.id = a.id
"""


@dataclass(slots=True)
class _Subject:
    """A drop and its voicemail as they stand while a batch is merged, first as locked, then as concluded."""

    voicemail_id: UUID
    was: VoicemailStatus
    was_reason: str
    latest: bool
    live: bool
    workspace_id: UUID
    voicemail: VoicemailStatus
    voicemail_reason: str
    drop: DropStatus
    drop_reason: str


def merge(now: datetime, limit: int = BATCH) -> int:
    """Merge one batch of the inbox; how many reports it held. Call again until it is 0."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_TAKE, [limit])
        rows = cursor.fetchall()
        if not rows:
            return 0
        ids = [report_id for report_id, _ in rows]
        matching.match([report_id for report_id, unmatched in rows if unmatched])
        cursor.execute(_LOCK, [ids])
        cursor.execute(_READ, [ids])
        batch = _Batch()
        for row in cursor.fetchall():
            batch.take(row)
        moves.apply(list(batch.moves.values()), now)
        moves.change_drops(list(batch.changes.values()), now)
        _suppress(batch.suppress)
        retry_failed([move.voicemail_id for move in batch.moves.values() if move.now is VoicemailStatus.FAILED], now)
        for setup_id, reason in sorted(batch.accounts.items()):
            breaker.open_for_account(setup_id, reason, now)
        cursor.execute(_MERGED, [now, list(batch.effects), [effect.value for effect in batch.effects.values()]])
    return len(ids)


class _Batch:
    """Reports in the order of their arrival, reduced to at most one move a voicemail and one change a drop."""

    def __init__(self) -> None:
        self.subjects: dict[UUID, _Subject] = {}
        self.standing: dict[UUID, tuple[VoicemailStatus, str]] = {}
        self.moves: dict[UUID, Move] = {}
        self.changes: dict[UUID, DropChange] = {}
        self.effects: dict[int, CarrierReport.Effect] = {}
        self.suppress: list[tuple[UUID, Reason]] = []
        self.accounts: dict[UUID, Reason] = {}  # by setup: what its carrier has against the account

    def take(self, row: tuple[Any, ...]) -> None:
        report_id, drop_id = row[0], row[1]
        if row[7] is None:
            self.effects[report_id] = CarrierReport.Effect.UNKNOWN_DROP
            return
        subject = self.subjects.setdefault(drop_id, _subject(row))
        subject.voicemail, subject.voicemail_reason = self.standing.get(
            subject.voicemail_id, (subject.voicemail, subject.voicemail_reason)
        )
        reason = Reason(row[3]) if row[3] else None
        report = Report(
            drop_id, ReportStatus(row[2]), None, reason=reason, code=row[4], text=row[5], carrier_reference=row[6]
        )
        to_voicemail, to_drop = conclude_report(
            report,
            voicemail=subject.voicemail,
            voicemail_reason=subject.voicemail_reason,
            latest=subject.latest,
            drop=subject.drop,
            drop_reason=subject.drop_reason,
        )
        if reason and REASONS[reason].suppresses and subject.live:
            # Also where the report comes too late to change a status: who opted out has opted out.
            self.suppress.append((subject.voicemail_id, reason))
        self.effects[report_id] = CarrierReport.Effect.APPLIED if to_drop else CarrierReport.Effect.KEPT
        if to_drop is not None:
            if reason in breaker.ACCOUNT_REASONS:
                self.accounts[row[15]] = reason
            self._change(drop_id, subject, report, to_drop)
        if to_voicemail is not None:
            self._move(subject, report, to_voicemail)

    def _change(self, drop_id: UUID, subject: _Subject, report: Report, now: DropStatus) -> None:
        reason = _reason(report)
        subject.drop, subject.drop_reason = now, reason.value if reason else ""
        self.changes[drop_id] = DropChange(drop_id, now, reason, report.code, report.text, report.carrier_reference)

    def _move(self, subject: _Subject, report: Report, now: VoicemailStatus) -> None:
        reason = _reason(report)
        self.standing[subject.voicemail_id] = subject.voicemail, subject.voicemail_reason = (
            now,
            reason.value if reason else "",
        )
        self.moves[subject.voicemail_id] = Move(
            subject.voicemail_id, subject.was, now, subject.was_reason, reason, code=report.code, text=report.text
        )


def _subject(row: tuple[Any, ...]) -> _Subject:
    status, drop_status = VoicemailStatus(row[8]), DropStatus(row[13])
    return _Subject(row[7], status, row[9], row[10] == row[1], row[11], row[12], status, row[9], drop_status, row[14])


def _reason(report: Report) -> Reason | None:
    return (report.reason or Reason.UNKNOWN) if report.status is ReportStatus.FAILED else None


def _suppress(voicemails: list[tuple[UUID, Reason]]) -> None:
    rows = Voicemail.objects.in_bulk([voicemail_id for voicemail_id, _ in voicemails]) if voicemails else {}
    # In the order of the numbers, so that two merges cannot wait for each other's.
    for voicemail_id, reason in sorted(voicemails, key=lambda entry: rows[entry[0]].recipient):
        row = rows[voicemail_id]
        suppress(
            workspace_id=row.workspace_id, number=row.recipient, source=Suppression.Source.CARRIER, reason=reason.value
        )
