"""Asks the carrier about uncertain drops. Whatever it says goes through the report inbox, like a report.

A carrier that has never seen an attempt key may be given the same key again, inside the window in which it honours keys, while our
guards still allow it: the only second request for a drop that this platform ever makes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

from delivery import media
from delivery.carriers.base import Carrier, DropRequest, NeverSeen, Outcome, Report, ReportStatus, Submission
from delivery.claim import facts_of
from delivery.conclusions import CHECK_WAITS
from delivery.dispatch import boot_clock, database_now
from delivery.http import HttpFailure, HttpResponse, Transport
from delivery.models import Drop
from delivery.pacing import Gate
from delivery.recording_links import carrier_link
from delivery.reports import receive
from delivery.routes import adapter_of
from usecases.eligibility import Send, decide
from usecases.models import TelephonySetup

log = structlog.get_logger(__name__)

BATCH = 200
# A same-key resubmission keeps well away from the end of the carrier's window: its clock is not ours.
WINDOW_SHARE = 0.5

_TAKE = """
UPDATE delivery_drop d SET checks = checks + 1, due_at = %s + (%s::interval[])[least(checks + 2, %s)]
 WHERE id IN (SELECT id FROM delivery_drop WHERE status = 'uncertain' AND due_at <= %s ORDER BY due_at LIMIT %s
              FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id
"""

# Nobody has asked, settled, retried or delivered meanwhile; and nobody asks again before this request has ended.
_RESUBMIT = """
UPDATE delivery_drop d SET due_at = greatest(due_at, %s) FROM delivery_voicemail v
 WHERE d.id = %s AND d.status = 'uncertain' AND d.checks = %s
   AND v.id = d.voicemail_id AND v.status = 'uncertain' AND v.drop_id = d.id
RETURNING d.id
"""


@dataclass(frozen=True, slots=True)
class Question:
    drop: Drop
    adapter: Carrier


def settle(
    transport: Transport[Question],
    gate: Gate,
    now: Callable[[], datetime] = database_now,
    clock: Callable[[], float] = boot_clock,
) -> int:
    """Ask about the uncertain drops whose time has come; how many were taken. `clock` runs during suspension, in seconds."""
    questions = _take(now())
    for question in questions:
        if question.adapter.can_look_up:
            transport.submit(question.adapter.lookup_request(question.drop.id), question)
    # Where nothing can be looked up, the same key is the only question that can be asked.
    never_seen = [question for question in questions if not question.adapter.can_look_up]
    never_seen += [question for question, response in _answers(transport) if _never_seen(question, response)]
    _resubmit(never_seen, transport, gate, now, clock)
    return len(questions)


def _never_seen(question: Question, response: HttpResponse) -> bool:
    """Put what the carrier knows into the inbox; True where it knows nothing."""
    drop = question.drop
    match question.adapter.read_lookup(response):
        case Report() as report if report.attempt_key == drop.id:
            receive(drop.setup_id, response.body, [report])
        case Submission() as submission:
            _receive(drop, submission, response)
        case NeverSeen():
            return True
    return False


def _resubmit(
    questions: Sequence[Question],
    transport: Transport[Question],
    gate: Gate,
    now: Callable[[], datetime],
    clock: Callable[[], float],
) -> None:
    asked: Counter[UUID] = Counter()
    for question in questions:
        began = clock()
        if not _may_resubmit(question, now()) or not _gate_opens(gate, question.drop.setup, asked):
            continue
        same = _same_request(question.drop)
        if question.adapter.needs_media and not same.media_id:
            continue  # perhaps another account's by now, where the key means nothing
        request = question.adapter.submit_request(same)
        lease = timedelta(seconds=settings.RVM_LEASE_SECONDS)
        # A process that was stopped since it looked knows nothing any more.
        if _take_again(question.drop, now() + lease) and clock() - began < lease.total_seconds() / 2:
            transport.submit(request, question)
    for question, response in _answers(transport):
        submission = question.adapter.read_submission(response)
        if submission.retry_after:
            gate.pause(question.drop.setup_id, submission.retry_after)
        _receive(question.drop, submission, response)
    gate.leave(set(asked))


def _take(now: datetime) -> list[Question]:
    """Take due drops by moving their next check: two workers never ask about the same one at once."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [now, list(CHECK_WAITS), len(CHECK_WAITS), now, BATCH])
        ids = [row[0] for row in cursor.fetchall()]
    adapters: dict[UUID, Carrier | None] = {}
    questions = []
    for drop in _drops().filter(id__in=ids):
        if drop.setup_id not in adapters:
            adapters[drop.setup_id] = _adapter(drop.setup)
        if adapter := adapters[drop.setup_id]:
            questions.append(Question(drop, adapter))
    return questions


def _drops() -> QuerySet[Drop]:
    """Credentials are read apart, so that one setup's that do not open are not everybody's."""
    related = ("setup", "voicemail__lane", "voicemail__use_case__workspace")
    return Drop.objects.select_related(*related).defer("setup__credentials")


def _adapter(setup: TelephonySetup) -> Carrier | None:
    try:
        return adapter_of(setup)
    except (LookupError, ValueError) as error:
        log.error("setup_unusable", setup_id=str(setup.pk), error=type(error).__name__)
        return None


def _take_again(drop: Drop, until: datetime) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_RESUBMIT, [until, drop.pk, drop.checks])
        return cursor.fetchone() is not None


def _answers(transport: Transport[Question]) -> list[tuple[Question, HttpResponse]]:
    """Wait for all that is in flight. A question that got no answer is asked again at its next time."""
    answers = []
    while transport.in_flight:
        answers += [(question, end) for question, end in transport.poll(1.0) if not isinstance(end, HttpFailure)]
    return answers


def _receive(drop: Drop, submission: Submission, response: HttpResponse) -> None:
    """A definite answer is as good as a report."""
    status = {Outcome.ACCEPTED: ReportStatus.ACCEPTED, Outcome.REFUSED: ReportStatus.FAILED}.get(submission.outcome)
    if status is None:
        return
    report = Report(
        drop.id,
        status,
        None,
        carrier_reference=submission.carrier_reference,
        reason=submission.reason,
        code=submission.code,
        text=submission.text,
    )
    receive(drop.setup_id, response.body, [report])


def _may_resubmit(question: Question, now: datetime) -> bool:
    window = question.adapter.idempotency_window
    drop = _drops().get(pk=question.drop.pk)  # switches may have been thrown while the carrier was asked
    if window is None or now - drop.created_at > window * WINDOW_SHARE:
        return False
    if drop.voicemail.lane.held or drop.setup.deleted_at is not None:
        return False
    changed_at = drop.setup.credentials_changed_at
    if changed_at is not None and changed_at >= drop.created_at:
        return False  # perhaps another account, which has not seen the key that the first one honoured
    return isinstance(decide(facts_of(drop, question.adapter), now), Send)


def _gate_opens(gate: Gate, setup: TelephonySetup, asked: Counter[UUID]) -> bool:
    in_flight = asked[setup.pk]
    grant = gate.ask(setup.pk, wanted=1, pace=setup.pace_per_second, cap=setup.in_flight_cap, in_flight=in_flight)
    asked[setup.pk] += grant.count
    return grant.count == 1


def _same_request(drop: Drop) -> DropRequest:
    """Word for word what was submitted, or the carrier would refuse the key."""
    return DropRequest(
        attempt_key=drop.id,
        recipient=drop.voicemail.recipient,
        sender=drop.sender,
        recording_url=carrier_link(drop.voicemail.recording_id, drop.created_at),
        callback_url=f"{settings.RVM_PUBLIC_URL}/carriers/{drop.setup.callback_token}/",
        media_id=media.id_of(drop.setup_id, drop.voicemail.recording_id, drop.created_at),
    )
