"""What carriers report: into the inbox when it arrives, into the voicemails in batches."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

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
from usecases.models import TelephonySetup
from usecases.suppressions import suppress_all

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


# A planner that last counted while the inbox was empty would rather read all that its index ever held, merged or not, and sort it.
_IN_ORDER = "SET LOCAL enable_bitmapscan = off"
_TAKE = """
SELECT id, drop_id, setup_id, status, reason, carrier_code, carrier_text, carrier_reference FROM delivery_carrierreport
 WHERE merged_at IS NULL ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_MATCHED = "SELECT id, drop_id FROM delivery_carrierreport WHERE id = ANY(%s::bigint[]) AND drop_id IS NOT NULL"
# Voicemails are locked in the order that every writer of theirs uses, and before their drops are read: whoever changes a drop holds
# its voicemail.
_LOCK = """
SELECT id, status, reason, drop_id, live FROM delivery_voicemail
 WHERE id = ANY(ARRAY(SELECT voicemail_id FROM delivery_drop WHERE id = ANY(%s::uuid[]))) ORDER BY id FOR NO KEY UPDATE
"""
_DROPS = "SELECT id, voicemail_id, setup_id, status, reason FROM delivery_drop WHERE id = ANY(%s::uuid[])"
_MERGED = """
UPDATE delivery_carrierreport r SET merged_at = %s, effect = a.effect
  FROM unnest(%s::bigint[], %s::text[]) AS a(id, effect) WHERE r.id = a.id
"""


def merge(now: datetime, limit: int = BATCH) -> int:
    """Merge one batch of the inbox; how many reports it held. Call again until it is 0."""
    with transaction.atomic():
        sql.run(_IN_ORDER, [])
        rows = sql.run(_TAKE, [limit])
        if not rows:
            return 0
        about = {report_id: drop_id for report_id, drop_id, *_ in rows}
        if unmatched := [report_id for report_id, drop_id in about.items() if drop_id is None]:
            matching.match(unmatched)
            about.update(sql.run(_MATCHED, [sql.numbers(unmatched)]))
        drop_ids = sql.ids({drop_id for drop_id in about.values() if drop_id})
        batch = _Batch(sql.run(_LOCK, [drop_ids]), sql.run(_DROPS, [drop_ids]))
        for report_id, _, setup_id, status, reason, code, text, reference in rows:
            drop_id = about[report_id]
            report = Report(drop_id, _REPORT_STATUSES[status], None, "", reference, _REASONS[reason], code, text)
            batch.take(report_id, setup_id, report)
        moves.apply(list(batch.moves.values()), now)
        moves.change_drops(list(batch.changes.values()), now)
        _suppress(batch.suppress)
        retry_failed([move.voicemail_id for move in batch.moves.values() if move.now is VoicemailStatus.FAILED], now)
        for setup_id, reason in sorted(batch.accounts.items()):
            breaker.open_for_account(setup_id, reason, now)
        sql.run(_MERGED, [now, sql.numbers(batch.effects), sql.texts(batch.effects.values())])
    return len(rows)


# A look-up in a table costs a tenth of an enumeration's own.
_REASONS: dict[str, Reason | None] = {"": None, **{reason.value: reason for reason in Reason}}
_REPORT_STATUSES = {status.value: status for status in ReportStatus}
_VOICEMAIL_STATUSES = {status.value: status for status in VoicemailStatus}
_DROP_STATUSES = {status.value: status for status in DropStatus}


@dataclass(slots=True)
class _Voicemail:
    """As it was locked, and as the reports that were taken have left it."""

    id: UUID
    was: VoicemailStatus
    was_reason: str
    drop_id: UUID
    live: bool
    now: VoicemailStatus
    reason: str


@dataclass(slots=True)
class _Drop:
    voicemail: _Voicemail
    setup_id: UUID
    now: DropStatus
    reason: str


class _Batch:
    """Reports in the order of their arrival, reduced to at most one move a voicemail and one change a drop."""

    def __init__(self, voicemails: Sequence[tuple[Any, ...]], drops: Sequence[tuple[Any, ...]]) -> None:
        locked: dict[UUID, _Voicemail] = {}
        for voicemail_id, word, reason, drop_id, live in voicemails:
            status = _VOICEMAIL_STATUSES[word]
            locked[voicemail_id] = _Voicemail(voicemail_id, status, reason, drop_id, live, status, reason)
        self._drops: dict[UUID | None, _Drop] = {
            drop_id: _Drop(locked[voicemail_id], setup_id, _DROP_STATUSES[word], reason)
            for drop_id, voicemail_id, setup_id, word, reason in drops
        }
        self.moves: dict[UUID, Move] = {}
        self.changes: dict[UUID, DropChange] = {}
        self.effects: dict[int, CarrierReport.Effect] = {}
        self.suppress: list[tuple[UUID, Reason]] = []
        self.accounts: dict[UUID, Reason] = {}  # by setup: what its carrier has against the account

    def take(self, report_id: int, setup_id: UUID, report: Report) -> None:
        drop_id, drop = report.attempt_key, self._drops.get(report.attempt_key)
        if drop_id is None or drop is None or drop.setup_id != setup_id:
            self.effects[report_id] = CarrierReport.Effect.UNKNOWN_DROP
            return
        voicemail = drop.voicemail
        to_voicemail, to_drop = conclude_report(
            report,
            voicemail=voicemail.now,
            voicemail_reason=voicemail.reason,
            latest=voicemail.drop_id == drop_id,
            drop=drop.now,
            drop_reason=drop.reason,
        )
        if report.reason and REASONS[report.reason].suppresses and voicemail.live:
            # Also where the report comes too late to change a status: who opted out has opted out.
            self.suppress.append((voicemail.id, report.reason))
        self.effects[report_id] = CarrierReport.Effect.APPLIED if to_drop else CarrierReport.Effect.KEPT
        reason = (report.reason or Reason.UNKNOWN) if report.status is ReportStatus.FAILED else None
        if to_drop is not None:
            if report.reason in breaker.ACCOUNT_REASONS:
                self.accounts[setup_id] = report.reason
            drop.now, drop.reason = to_drop, reason or ""
            self.changes[drop_id] = DropChange(
                drop_id, to_drop, reason, report.code, report.text, report.carrier_reference
            )
        if to_voicemail is not None:
            voicemail.now, voicemail.reason = to_voicemail, reason or ""
            self.moves[voicemail.id] = Move(
                voicemail.id,
                voicemail.was,
                to_voicemail,
                voicemail.was_reason,
                reason,
                code=report.code,
                text=report.text,
            )


def _suppress(voicemails: Sequence[tuple[UUID, Reason]]) -> None:
    if not voicemails:
        return
    rows = Voicemail.objects.only("workspace", "recipient").in_bulk([voicemail_id for voicemail_id, _ in voicemails])
    suppress_all(
        (rows[voicemail_id].workspace_id, rows[voicemail_id].recipient, reason) for voicemail_id, reason in voicemails
    )
