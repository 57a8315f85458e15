"""Inbox of carrier reports: stored on arrival, merged into voicemails in batches."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction

from delivery.engine import circuit_breaker
from delivery.lifecycle import transitions
from delivery.lifecycle.events import MAX_CODE, MAX_REFERENCE, MAX_TEXT, Report, ReportStatus
from delivery.lifecycle.reasons import Reason, suppression_kind
from delivery.lifecycle.retries import retryable
from delivery.lifecycle.retry_policy import Retry
from delivery.lifecycle.status import DropStatus, VoicemailStatus
from delivery.models import CarrierReport
from delivery.models.voicemail import number_in
from delivery.reports.batch import Arrival, Batch, DropState, Person, VoicemailState
from delivery.runtime.wakeups import wake_throttled_on_commit
from delivery.runtime.watermarks import Watermark
from delivery.selectors.plays import may_have_played
from rvm.phone_numbers.numbers import e164_of
from rvm.platform.database import sql
from rvm.platform.database.ids import uuid7
from rvm.platform.encryption.crypto import Undecryptable, blind_index
from rvm.platform.encryption.fields import EncryptedField, EncryptedTextField
from rvm.platform.health.failed_work import record_on_commit
from usecases.models import RINGING_CARRIERS, TelephonySetup
from usecases.suppressions import Statement, suppress_all, suppress_index

log = structlog.get_logger(__name__)

BATCH = 2000
RAW: EncryptedField = CarrierReport._meta.get_field("raw")
_RECIPIENT: EncryptedTextField = CarrierReport._meta.get_field("recipient")
# For this long after its arrival, a report in doubt is correlated again when a drop of its person ends; and how many at once.
MAX_DOUBT = timedelta(days=7)
MAX_IN_DOUBT = 500

# Most callbacks hold one report; to unnest arrays for one row costs PostgreSQL four times as much.
_INSERT_REPORT = """
INSERT INTO delivery_carrierreport (setup_id, binding, drop_id, recipient, status, reason, carrier_code, carrier_text,
                                    carrier_reference, event_id, occurred_at, unsigned, raw, effect)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '')
"""
# Inserts the other reports of a callback, as arrays.
_INSERT_REPORTS = """
INSERT INTO delivery_carrierreport (setup_id, binding, drop_id, recipient, status, reason, carrier_code, carrier_text,
                                    carrier_reference, event_id, occurred_at, unsigned, effect)
SELECT *, '' FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::bytea[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                         %s::text[], %s::timestamptz[], %s::bool[])
"""


def receive(setup_id: UUID, raw: bytes, reports: Sequence[Report]) -> None:
    """Insert the reports of a verified callback or look-up, the raw bytes with the first, and wake the reports worker."""
    if not reports:
        return
    first, *more = [_row(setup_id, report) for report in reports]
    with transaction.atomic() if more else nullcontext():
        sql.run(_INSERT_REPORT, [*first, RAW.encrypt(raw, *first[:2])])
        if more:
            *ids, recipients, status, reason, code, text, reference, event_id, times, unsigned = zip(*more, strict=True)
            words = map(sql.texts, (status, reason, code, text, reference, event_id))
            arrays = [*map(sql.ids, ids), list(recipients), *words, sql.times(times)]
            sql.run(_INSERT_REPORTS, [*arrays, list(unsigned)])
        wake_throttled_on_commit("reports")


def _row(setup_id: UUID, report: Report) -> tuple[Any, ...]:
    number = e164_of(report.recipient) if report.recipient else None
    if report.recipient and number is None:
        log.error("report_names_no_number", setup_id=str(setup_id))
    binding = uuid7()
    return (
        setup_id,
        binding,
        report.attempt_key,
        _RECIPIENT.encrypt(number, setup_id, binding) if number else None,
        report.status.value,
        report.reason.value if report.reason else "",
        report.code[:MAX_CODE],
        report.text[:MAX_TEXT],
        report.carrier_reference[:MAX_REFERENCE],
        report.event_id[:MAX_REFERENCE],
        report.occurred_at,
        report.unsigned,
    )


# With statistics from an empty inbox, the planner would rather read all entries of the index, dead ones too, and sort them.
_READ_IN_ORDER = "SET LOCAL enable_bitmapscan = off"
# Times are expensive to parse, so only those of reports without an attempt key are read.
_TAKE_UNMERGED = """
SELECT id, setup_id, drop_id, recipient, status, reason, carrier_code, carrier_text, carrier_reference,
       CASE WHEN drop_id IS NULL THEN occurred_at END, unsigned, binding
  FROM delivery_carrierreport WHERE merged_at IS NULL AND id >= %s ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_INBOX = Watermark(0)
# A partial index holds exactly these rows, so this costs nothing for carriers that repeat the attempt key.
_TAKE_IN_DOUBT = """
SELECT id, setup_id, drop_id, recipient, status, reason, carrier_code, carrier_text, carrier_reference, occurred_at, unsigned, binding
  FROM delivery_carrierreport
 WHERE effect = 'unknown_drop' AND recipient IS NOT NULL AND drop_id IS NULL AND setup_id = ANY(%s::uuid[])
   AND received_at > %s AND merged_at IS NOT NULL
 ORDER BY id DESC LIMIT %s FOR UPDATE SKIP LOCKED
"""
# Recipients of drops.
_PEOPLE_OF_DROPS = """
SELECT d.setup_id, v.recipient_index FROM delivery_drop d JOIN delivery_voicemail v ON v.id = d.voicemail_id
 WHERE d.id = ANY(%s::uuid[])
"""
# Uses the index of the listings by recipient; each person has few voicemails.
_DROPS_OF_PEOPLE = """
SELECT d.id, d.setup_id, v.recipient_index FROM delivery_voicemail v JOIN delivery_drop d ON d.voicemail_id = v.id
 WHERE v.recipient_index = ANY(%s::bytea[]) AND d.setup_id = ANY(%s::uuid[])
"""
# Voicemails are locked in the order that all writers use, and before their drops are read, because every change of a drop happens
# under the lock of its voicemail.
_LOCK_VOICEMAILS = """
SELECT id, status, reason, drop_id, live, failover FROM delivery_voicemail
 WHERE id = ANY(ARRAY(SELECT voicemail_id FROM delivery_drop WHERE id = ANY(%s::uuid[]))) ORDER BY id FOR NO KEY UPDATE
"""
# State of the drops, read after their voicemails are locked.
_READ_DROPS = """
SELECT d.id, d.voicemail_id, d.setup_id, d.status, d.reason, d.carrier_reference, d.provisional, CASE WHEN %s THEN d.created_at END,
       s.carrier, d.created_at > s.breaker_reported_at
  FROM delivery_drop d JOIN usecases_telephonysetup s ON s.id = d.setup_id WHERE d.id = ANY(%s::uuid[])
"""
_MARK_REPORTS_MERGED = """
UPDATE delivery_carrierreport r SET merged_at = %s, effect = a.effect, drop_id = coalesce(r.drop_id, a.drop_id)
  FROM unnest(%s::bigint[], %s::text[], %s::uuid[]) AS a(id, effect, drop_id) WHERE r.id = a.id
"""


def merge(now: datetime, limit: int = BATCH) -> int:
    """Merge one batch of the inbox and return the number of its reports. Call again until it returns 0."""
    with transaction.atomic():
        sql.run(_READ_IN_ORDER, [])
        with _INBOX.look() as first:
            rows = sql.run(_TAKE_UNMERGED, [first, limit])
        if not rows:
            return 0
        _INBOX.reached(rows[0][0])
        arrivals, in_doubt, people = _read(rows, now)
        batch = _lock(arrivals, in_doubt, people, now)
        for arrival in in_doubt:
            batch.put_in_doubt(arrival)
        for arrival in arrivals:
            batch.take(arrival)
        for each in batch.rounds:
            transitions.apply(each.transitions, now, locked=True)
            transitions.change_drops(each.changes, now)
        _suppress(batch)
        _judge_accounts(batch, now)
        _mark_merged(batch, now)
    return len(rows)


def _judge_accounts(batch: Batch, now: datetime) -> None:
    """Open and close breakers; of one setup opening first, so that a drop that was begun before the last refusal closes nothing."""
    for setup_id in sorted(batch.accounts.keys() | batch.proofs.keys()):
        if refusals := batch.accounts.get(setup_id):
            report = refusals[-1][1]
            reason, drop_ids = report.reason or Reason.CARRIER_ACCOUNT, [drop_id for drop_id, _ in refusals]
            circuit_breaker.open_by_report(setup_id, drop_ids, reason, now, report.code, report.text)
        if proofs := batch.proofs.get(setup_id):
            circuit_breaker.close_by_report(setup_id, proofs)


def _mark_merged(batch: Batch, now: datetime) -> None:
    effect = CarrierReport.Effect
    effects = [
        effect.UNKNOWN_DROP if drop_id is None else effect.APPLIED if applied else effect.KEPT
        for drop_id, applied in batch.matched.values()
    ]
    drop_ids = sql.ids(drop_id for drop_id, _ in batch.matched.values())
    sql.run(_MARK_REPORTS_MERGED, [now, sql.numbers(batch.matched), sql.texts(effects), drop_ids])


# The latest reports in doubt, by the partial index of these.
_FIND_IN_DOUBT = """
SELECT id, setup_id, recipient, merged_at, binding FROM delivery_carrierreport
 WHERE effect = 'unknown_drop' AND recipient IS NOT NULL AND drop_id IS NULL AND received_at > %s ORDER BY id DESC LIMIT %s
"""
# When the last drop of each person ended, by the index of recipients.
_LAST_ENDS_OF_PEOPLE = """
SELECT d.setup_id, v.recipient_index, max(d.ended_at)
  FROM delivery_voicemail v JOIN delivery_drop d ON d.voicemail_id = v.id
 WHERE v.recipient_index = ANY(%s::bytea[]) AND d.setup_id = ANY(%s::uuid[]) AND d.ended_at IS NOT NULL GROUP BY 1, 2
"""


def reopen_doubtful(now: datetime) -> int:
    """Return reports in doubt to the inbox if a drop of their person has ended since, other than by a report; returns how many."""
    rows = sql.run(_FIND_IN_DOUBT, [now - MAX_DOUBT, MAX_IN_DOUBT])
    people = _People({setup_id for _, setup_id, _, _, _ in rows})
    numbers = {row[0]: _opened(row[2], row[1], row[4]) for row in rows}
    persons = {row[0]: people.add(row[1], number) for row in rows if (number := numbers[row[0]])}
    ended: dict[Person | None, datetime] = {}
    for setup_id, index, at in sql.run(
        _LAST_ENDS_OF_PEOPLE, [sql.binaries(people.indexes(set(persons.values()))), sql.ids(people.workspaces)]
    ):
        person = people.person_of(setup_id, index)
        ended[person] = max(at, ended.get(person, at))
    again = [row[0] for row in rows if (at := ended.get(persons.get(row[0]))) and at >= row[3]]
    return CarrierReport.objects.filter(pk__in=again).update(merged_at=None, effect="") if again else 0


# A dictionary look-up costs a tenth of the enumeration's own.
_REASONS: dict[str, Reason | None] = {"": None, **{reason.value: reason for reason in Reason}}
_REPORT_STATUSES = {status.value: status for status in ReportStatus}
_VOICEMAIL_STATUSES = {status.value: status for status in VoicemailStatus}
_DROP_STATUSES = {status.value: status for status in DropStatus}


class _People:
    """Recipients of reports without an attempt key, found by every blind index that their voicemails may have (several during a key
    rotation)."""

    def __init__(self, setup_ids: Collection[UUID]) -> None:
        setups = TelephonySetup.objects.filter(id__in=setup_ids)
        self.workspaces: dict[UUID, UUID] = dict(setups.values_list("id", "workspace_id"))
        self._person_of: dict[Person, Person] = {}

    def add(self, setup_id: UUID, number: str) -> Person:
        index, workspace_id = blind_index(), self.workspaces[setup_id]
        person = (setup_id, index.of(workspace_id, number))
        for each in index.all_of(workspace_id, number):
            self._person_of[setup_id, each] = person
        return person

    def person_of(self, setup_id: UUID, recipient_index: bytes) -> Person | None:
        return self._person_of.get((setup_id, bytes(recipient_index)))

    def indexes(self, people: Collection[Person | None]) -> list[bytes]:
        return [index for (_, index), person in self._person_of.items() if person in people]


def _read(rows: list[tuple[Any, ...]], now: datetime) -> tuple[list[Arrival], list[Arrival], _People | None]:
    """Reports of the batch, reports in doubt about the same people, and the recipients of both (None if no report lacks a key)."""
    setups = sql.ids({row[1] for row in rows})
    doubtful = sql.run(_TAKE_IN_DOUBT, [setups, now - MAX_DOUBT, MAX_IN_DOUBT])
    named = [row for row in [*rows, *doubtful] if row[2] is None and row[3] is not None]
    if not named:
        return [_arrival(row, None) for row in rows], [], None
    people = _People({row[1] for row in named})
    arrivals = [_arrival(row, people) for row in rows]
    in_doubt = [_arrival(row, people) for row in doubtful]
    if in_doubt:
        keys = sql.ids({row[2] for row in rows if row[2] is not None})
        about = {arrival.person for arrival in arrivals}
        about |= {people.person_of(*row) for row in sql.run(_PEOPLE_OF_DROPS, [keys])}
        in_doubt = [arrival for arrival in in_doubt if arrival.person is not None and arrival.person in about]
    return arrivals, in_doubt, people


def _arrival(row: tuple[Any, ...], people: _People | None) -> Arrival:
    report_id, setup_id, key, recipient, status, reason, code, text, reference, occurred_at, unsigned, binding = row
    report = Report(
        key, _REPORT_STATUSES[status], occurred_at, "", reference, _REASONS[reason], code, text, "", unsigned
    )
    if key is not None or recipient is None or people is None:
        return Arrival(report_id, setup_id, report)
    number = _opened(recipient, setup_id, binding)
    if number is None:
        log.error("recipient_unreadable", report_id=report_id)
        record_on_commit("unreadable", "reports", name="Reports", reason="Their recipients are not known.")
        return Arrival(report_id, setup_id, report)
    return Arrival(report_id, setup_id, report, people.add(setup_id, number), number)


def _opened(recipient: bytes, setup_id: UUID, binding: UUID) -> str | None:
    """The decrypted number; None if the key is not configured, or the ciphertext is damaged or another report's."""
    try:
        return _RECIPIENT.decrypt(recipient, setup_id, binding)
    except Undecryptable:
        return None


def _lock(arrivals: list[Arrival], in_doubt: list[Arrival], people: _People | None, now: datetime) -> Batch:
    """A batch with all voicemails and drops that its reports may be about, locked until the transaction ends."""
    keys = {arrival.report.attempt_key for arrival in arrivals if arrival.report.attempt_key}
    persons: dict[UUID, Person | None] = {}
    if people is not None:
        indexes = people.indexes({arrival.person for arrival in [*arrivals, *in_doubt]})
        found = sql.run(_DROPS_OF_PEOPLE, [sql.binaries(indexes), sql.ids(people.workspaces)])
        persons = {drop_id: people.person_of(setup_id, index) for drop_id, setup_id, index in found}
    drop_ids = sql.ids(keys | persons.keys())
    voicemails = {
        row[0]: VoicemailState(row[0], _VOICEMAIL_STATUSES[row[1]], *row[2:])
        for row in sql.run(_LOCK_VOICEMAILS, [drop_ids])
    }
    failed = {each.report.attempt_key for each in [*arrivals, *in_doubt] if each.report.status is ReportStatus.FAILED}
    played = may_have_played([key for key in failed if key])
    drops = [
        DropState(
            drop_id,
            voicemails[of],
            setup_id,
            _DROP_STATUSES[status],
            reason,
            reference,
            provisional,
            at,
            persons.get(drop_id),
            played.get(drop_id, "")[:MAX_REFERENCE],
            carrier in RINGING_CARRIERS,
            bool(proves),
        )
        for drop_id, of, setup_id, status, reason, reference, provisional, at, carrier, proves in sql.run(
            _READ_DROPS, [bool(persons), drop_ids]
        )
    ]
    again = (
        retryable({drop.voicemail.id for drop in drops if drop.id in failed or drop.id in persons}) if failed else {}
    )

    def retry_of(voicemail: VoicemailState, reason: Reason) -> Retry | None:
        policy = again.get(voicemail.id)
        return policy.after(reason, now, failover=voicemail.failover) if policy else None

    return Batch(drops, retry_of)


def _suppress(batch: Batch) -> None:
    """Suppress all people who opted out. A number that cannot be decrypted is suppressed by its blind index, without an error.

    What waits for them is left to the tick: a later report of this batch may be about one of those voicemails, and a skipped one
    would keep it from being applied only where the batch happens to end between the two.
    """
    ids = [voicemail.id for voicemail, _ in batch.opted_out]
    rows = {row[0]: row[1:] for row in _numbers(ids)} if ids else {}
    statements: list[Statement] = []
    # In the same order in every transaction, as in `suppress_all`, so that two of them cannot deadlock.
    for voicemail, reason in sorted(batch.opted_out, key=lambda each: bytes(rows[each[0].id][2])):
        workspace_id, recipient, index, index_key, last4 = rows[voicemail.id]
        kind = suppression_kind(reason)
        number = number_in(recipient, workspace_id, voicemail.id)
        if number is None:
            if recipient is not None:  # otherwise the person was erased meanwhile
                log.error("recipient_unreadable", voicemail_id=str(voicemail.id))
                record_on_commit(
                    "unreadable", "opt-outs", name="Opt-outs", reason="They count in their own workspace only."
                )
            suppress_index(
                workspace_id=workspace_id,
                number_index=bytes(index),
                index_key=index_key,
                last4=last4,
                reason=reason,
                kind=kind,
                later=True,
            )
        else:
            statements.append(Statement(workspace_id, number, reason, kind))
    suppress_all([*statements, *_people_opted_out(batch)], later=True)


def _numbers(voicemail_ids: list[UUID]) -> Iterable[tuple[Any, ...]]:
    return sql.run(
        "SELECT id, workspace_id, recipient, recipient_index, index_key, last4 FROM delivery_voicemail WHERE id = ANY(%s::uuid[])",
        [sql.ids(voicemail_ids)],
    )


def _people_opted_out(batch: Batch) -> Iterator[Statement]:
    """People who opted out by a report whose drop is in doubt. A simulated carrier's report counts only if the batch has a drop of
    its setup to the person."""
    if not batch.opted_out_people:
        return
    setups = TelephonySetup.objects.in_bulk({arrival.setup_id for arrival in batch.opted_out_people})
    for arrival in batch.opted_out_people:
        setup, reason = setups[arrival.setup_id], arrival.report.reason
        if reason is not None and (batch.knows(arrival.person) or setup.live):
            yield Statement(setup.workspace_id, arrival.number, reason, suppression_kind(reason))
