"""Asks the carrier about uncertain drops. Whatever it says goes through the report inbox, like a report.

A carrier that has never seen an attempt key may be given the same key again, inside the window in which it honours keys, while our
guards still allow it: the only second request for a drop that this platform ever makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from delivery.carriers.base import Carrier, DropRequest, NeverSeen, Outcome, Report, ReportStatus, Submission
from delivery.claim import facts_of
from delivery.conclusions import check_wait
from delivery.http import HttpFailure, HttpResponse, Transport
from delivery.models import Drop
from delivery.pacing import Gate
from delivery.recording_links import carrier_link
from delivery.reports import receive
from delivery.routes import adapter_of
from usecases.eligibility import Send, decide

BATCH = 200
# A same-key resubmission keeps well away from the end of the carrier's window: its clock is not ours.
WINDOW_SHARE = 0.5

_TAKE = """
UPDATE delivery_drop SET checks = checks + 1, due_at = %s
 WHERE id IN (SELECT id FROM delivery_drop WHERE status = 'uncertain' AND due_at <= %s ORDER BY due_at LIMIT %s
              FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Question:
    drop: Drop
    adapter: Carrier


def settle(transport: Transport[Question], gate: Gate, now: datetime) -> int:
    """Ask about the uncertain drops whose time has come; how many were taken."""
    questions = _take(now)
    never_seen: list[Question] = []
    for question in questions:
        if question.adapter.can_look_up:
            transport.submit(question.adapter.lookup_request(question.drop.id), question)
    for question, response in _answers(transport):
        match question.adapter.read_lookup(response):
            case Report() as report:
                receive(question.drop.setup_id, response.body, [report])
            case Submission() as submission:
                _receive(question.drop, submission, response)
            case NeverSeen():
                never_seen.append(question)
    for question in never_seen:
        if _may_resubmit(question, now) and _gate_opens(gate, question):
            transport.submit(question.adapter.submit_request(_same_request(question.drop)), question)
    for question, response in _answers(transport):
        _receive(question.drop, question.adapter.read_submission(response), response)
    return len(questions)


def _take(now: datetime) -> list[Question]:
    """Take due drops by moving their next check: two workers never ask about the same one at once."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [now + check_wait(1), now, BATCH])
        ids = [row[0] for row in cursor.fetchall()]
    drops = Drop.objects.filter(id__in=ids).select_related("setup", "voicemail__use_case__workspace")
    return [Question(drop, adapter_of(drop.setup)) for drop in drops]


def _answers(transport: Transport[Question]) -> Sequence[tuple[Question, HttpResponse]]:
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
    drop, window = question.drop, question.adapter.idempotency_window
    if window is None or now - drop.created_at > window * WINDOW_SHARE:
        return False
    return isinstance(decide(facts_of(drop, question.adapter), now), Send)


def _gate_opens(gate: Gate, question: Question) -> bool:
    setup = question.drop.setup
    return gate.ask(setup.id, wanted=1, pace=setup.pace_per_second, cap=setup.in_flight_cap, in_flight=0).count == 1


def _same_request(drop: Drop) -> DropRequest:
    """Word for word what was submitted, or the carrier would refuse the key."""
    return DropRequest(
        attempt_key=drop.id,
        recipient=drop.voicemail.recipient,
        sender=drop.sender,
        recording_url=carrier_link(drop.voicemail.recording_id, drop.created_at),
        callback_url=f"{settings.RVM_PUBLIC_URL}/carriers/{drop.setup.callback_token}/",
    )
