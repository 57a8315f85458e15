"""A model of everything that may happen to a few voicemails, in any order: two workers, a carrier that keeps its own ledger, time,
people. The carrier's ledger decides: nobody may get a message twice unless a person took that risk, and every voicemail ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.db import transaction
from django_rq import get_connection
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from delivery.engine.claim import Claim, claim
from delivery.engine.lane_routes import active_routes
from delivery.engine.rate_limit import RateLimiter
from delivery.engine.results import Result, record
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import TERMINAL, TRANSITIONS, VoicemailStatus
from delivery.models import Voicemail
from delivery.reports.inbox import merge, receive
from delivery.reports.reconciliation import reconcile
from delivery.services.retries import retry
from delivery.services.voicemails import cancel
from delivery.transport.interface import CarrierRequest, CarrierResponse
from delivery.worker.maintenance import expire, expire_leases, fail_unconfirmed, fail_unreported, roll_up_counts
from rvm.platform.database import sql
from rvm.platform.errors import ServiceError
from tests import factories
from tests.delivery.fake_carrier import FakeTransport
from tests.delivery.states import NOW, counter_totals, row_counts

LEASE, HTTP_TIMEOUT = timedelta(seconds=45), timedelta(seconds=15)
WORKERS = st.sampled_from([0, 1])
ANSWERS = {
    "accepted": Submission(Outcome.ACCEPTED, carrier_reference="c"),
    "refused": Submission(Outcome.REFUSED, reason=Reason.REFUSED),
    "throttled": Submission(Outcome.NOT_SENT),
    "unreachable": Submission(Outcome.NOT_SENT),
    "lost on the way": Submission(Outcome.UNKNOWN),
    "answer lost": Submission(Outcome.UNKNOWN),
}
ARRIVES = ("accepted", "answer lost")
# What every step looks at, past the ORM: it took most of the model's time.
VOICEMAILS = "SELECT id, status, drop_id FROM delivery_voicemail ORDER BY id"
DROPS = "SELECT id, voicemail_id, status FROM delivery_drop"
UNMERGED = "SELECT 1 FROM delivery_carrierreport WHERE merged_at IS NULL LIMIT 1"
UNCERTAIN = "SELECT 1 FROM delivery_drop WHERE status = 'uncertain' AND due_at <= %s LIMIT 1"


class Engine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.now = NOW
        setup = factories.make_setup(pace_per_second=100_000, in_flight_cap=10_000)
        self.lane = factories.make_lane(factories.make_use_case(setup=setup, max_attempts=2))
        recording = factories.make_recording(self.lane.workspace)
        for number in range(3):
            factories.make_voicemail(
                lane=self.lane,
                recording=recording,
                recipient=f"+120255501{number:02}",
                not_before=NOW,
                expires_at=NOW + timedelta(hours=72),
            )
        self.claimed: list[list[Claim]] = [[], []]
        self.answered: list[list[Result]] = [[], []]
        self.submitted: Counter[UUID] = Counter()
        self.resubmitted: Counter[UUID] = Counter()
        # The carrier's ledger: what it has, and what became of it.
        self.has: dict[UUID, ReportStatus | None] = {}
        self.risks: Counter[UUID] = Counter()
        self.last: dict[UUID, str] = {}

    def teardown(self) -> None:
        try:
            self.everything_ends()
        finally:
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    # two workers

    def works(self, wait: int, worker: int, answers: list[str], recorded: bool) -> None:
        self.time_passes(wait)
        self.claims(worker, len(answers))
        for answer in answers:
            if self.claimed[worker]:
                self.submits(worker, answer)
        if recorded:
            self.records(worker)

    # What mostly happens, therefore twice; the rules after it take it apart.
    working = rule(
        wait=st.sampled_from([0, 3, 200]),
        worker=WORKERS,
        answers=st.lists(st.sampled_from(list(ANSWERS)), min_size=1, max_size=3),
        recorded=st.sampled_from([True, True, False]),
    )
    works_first = working(works)
    works_again = working(works)

    @rule(worker=WORKERS, limit=st.integers(1, 3))
    def claims(self, worker: int, limit: int) -> None:
        for route in active_routes(self.now, 10):
            self.claimed[worker] += claim(route, limit, self.now, LEASE).claims

    @precondition(lambda self: any(self.claimed))
    @rule(worker=WORKERS, answer=st.sampled_from(list(ANSWERS)))
    def submits(self, worker: int, answer: str) -> None:
        if not self.claimed[worker]:
            worker = 1 - worker
        one = self.claimed[worker].pop(0)
        if self.now > one.at + LEASE - HTTP_TIMEOUT:
            submission = Submission(Outcome.NOT_SENT, text="The lease ended before the request left.")
        else:
            self.submitted[one.drop_id] += 1
            submission = ANSWERS[answer]
            if answer in ARRIVES:
                self.has[one.drop_id] = None
        self.answered[worker].append(Result(one, submission))

    @precondition(lambda self: any(self.answered))
    @rule(worker=WORKERS)
    def records(self, worker: int) -> None:
        results, self.answered[worker] = self.answered[worker], []
        record(results, self.now)

    @precondition(lambda self: any(self.claimed) or any(self.answered))
    @rule(worker=WORKERS)
    def dies(self, worker: int) -> None:
        self.claimed[worker], self.answered[worker] = [], []

    # the carrier

    @precondition(lambda self: bool(self.has))
    @rule(data=st.data(), status=st.sampled_from(ReportStatus), times=st.integers(1, 2), merged=st.booleans())
    def reports(self, data: st.DataObject, status: ReportStatus, times: int, merged: bool) -> None:
        key = data.draw(st.sampled_from(list(self.has)))
        if status is not ReportStatus.ACCEPTED:
            status = self.has[key] = self.has[key] or status  # an end, once said, is what it says ever after
        reason = Reason.BUSY if status is ReportStatus.FAILED else None
        for _ in range(times):
            receive(self.lane.use_case.setup_id, b"", [Report(key, status, None, reason=reason)])
        if merged:
            merge(self.now)

    @precondition(lambda self: bool(sql.run(UNMERGED, [])))
    @rule(limit=st.integers(1, 5))
    def merges(self, limit: int) -> None:
        merge(self.now, limit)

    @precondition(lambda self: bool(sql.run(UNCERTAIN, [self.now])))
    @rule(arrives=st.booleans(), answers=st.booleans())
    def settles(self, arrives: bool, answers: bool) -> None:
        def carrier(request: CarrierRequest) -> Any:
            if request.method == "GET":
                return self.look_up(UUID(request.url.rpartition("=")[2]))
            key = UUID(orjson.loads(request.body)["reference"])
            self.resubmitted[key] += 1
            if arrives:
                self.has.setdefault(key, None)
            return (
                CarrierResponse(202, b'{"id":"c","status":"accepted"}')
                if arrives and answers
                else CarrierResponse(500, b"")
            )

        reconcile(
            FakeTransport(carrier), RateLimiter(get_connection("dispatch"), "settler"), lambda: self.now, lambda: 0.0
        )

    def look_up(self, key: UUID) -> CarrierResponse:
        if key not in self.has:
            return CarrierResponse(404, b'{"code":"never_seen"}')
        status = self.has[key] or ReportStatus.ACCEPTED
        return CarrierResponse(200, orjson.dumps({"id": "c", "reference": str(key), "status": status, "code": "busy"}))

    # time and people

    @rule(seconds=st.sampled_from([1, 3, 10, 40, 120, 120, 1800, 3600, 13 * 3600, 25 * 3600]))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)
        for step in (expire_leases, expire, fail_unreported, fail_unconfirmed):
            step(self.now)
            self.what_has_ended_stays()  # a move a step: what failed may be queued by one and expire by the next

    @rule()
    def folds(self) -> None:
        roll_up_counts()

    @precondition(lambda self: "queued" in self.last.values())
    @rule(place=st.integers(0, 2))
    def cancels(self, place: int) -> None:
        self._try(cancel, place)

    @precondition(lambda self: not {"failed", "uncertain"}.isdisjoint(self.last.values()))
    @rule(place=st.integers(0, 2), risk=st.booleans())
    def retries(self, place: int, risk: bool) -> None:
        row = self._try(retry, place, accept_duplicate_risk=risk)
        if row is not None and risk:
            self.risks[row.pk] += 1

    def _try(self, service: Callable[..., Voicemail], place: int, **options: bool) -> Voicemail | None:
        try:
            return service(self.rows()[place], actor=None, now=self.now, **options)
        except ServiceError:
            return None

    # what must hold after every step

    def rows(self) -> list[Voicemail]:
        return list(Voicemail.objects.order_by("id"))

    @invariant()
    def counts_are_the_rows(self) -> None:
        assert counter_totals(self.lane.pk) == row_counts(self.lane.pk)

    @invariant()
    def a_key_leaves_once_and_again_only_where_the_carrier_never_saw_it(self) -> None:
        assert all(times == 1 for times in self.submitted.values())

    @invariant()
    def nobody_is_reached_twice(self) -> None:
        reached: Counter[UUID] = Counter()
        for key, voicemail_id, _ in sql.run(DROPS, []):
            reached[voicemail_id] += key in self.has and self.has[key] is not ReportStatus.FAILED
        for voicemail_id, times in reached.items():
            assert times <= 1 + self.risks[voicemail_id]

    @invariant()
    def what_has_ended_stays(self) -> None:
        for voicemail_id, status, _ in sql.run(VOICEMAILS, []):
            before, self.last[voicemail_id] = self.last.get(voicemail_id), status
            if before in TERMINAL and status != before:
                # within one step a retry may follow
                assert before == VoicemailStatus.FAILED
                assert status in TRANSITIONS[VoicemailStatus.FAILED]

    @invariant()
    def a_status_and_its_latest_drop_agree(self) -> None:
        drops = sql.run(DROPS, [])
        of_drops = {drop_id: status for drop_id, _, status in drops}
        delivered = {voicemail_id for _, voicemail_id, status in drops if status == "delivered"}
        for voicemail_id, status, drop_id in sql.run(VOICEMAILS, []):
            if status in (VoicemailStatus.SENDING, VoicemailStatus.UNCERTAIN, VoicemailStatus.ACCEPTED):
                assert of_drops[drop_id] == status
            if status == VoicemailStatus.DELIVERED:
                assert voicemail_id in delivered

    def everything_ends(self) -> None:
        """Whatever has happened: with all workers dead and nobody reporting, time alone ends every voicemail."""
        while merge(self.now):
            self.what_has_ended_stays()
        for _ in range(3):
            self.time_passes(80 * 3600)
        rows = self.rows()
        assert {row.status for row in rows} <= TERMINAL
        assert all(row.ended_at for row in rows)
        self.counts_are_the_rows()
        self.nobody_is_reached_twice()


@pytest.mark.django_db
def test_nobody_is_reached_twice_and_every_voicemail_ends_whatever_happens(pytestconfig: pytest.Config) -> None:
    get_connection("dispatch").flushdb()
    run_state_machine_as_test(
        Engine,
        settings=settings(
            max_examples=25,
            stateful_step_count=50,
            suppress_health_check=list(HealthCheck),
            phases=phases(pytestconfig),
            print_blob=True,
        ),
    )


def phases(pytestconfig: pytest.Config) -> list[Phase]:
    """To shorten a history that fails takes Hypothesis up to five minutes, more than a test may take: it does so where the person
    lifted the limit with `--timeout 0`, and from the history that failed last."""
    unbounded = pytestconfig.getoption("timeout") == 0
    return [phase for phase in Phase if unbounded or phase not in (Phase.shrink, Phase.explain)]


@pytest.mark.django_db
def test_the_model_sees_every_move_of_what_fails_late_and_expires_before_its_retry() -> None:
    """As a drawn history once ended: its last report was merged only when all that was left was ended, and the model saw two moves
    as one that is not allowed."""
    engine = Engine()
    engine.claims(worker=0, limit=1)
    engine.submits(worker=0, answer="answer lost")
    engine.records(worker=0)
    engine.time_passes(25 * 3600)
    [key] = engine.has
    row = Voicemail.objects.get(drop_id=key)
    assert (row.status, row.reason) == ("failed", "unconfirmed")
    engine.what_has_ended_stays()
    receive(engine.lane.use_case.setup_id, b"", [Report(key, ReportStatus.FAILED, None, reason=Reason.BUSY)])
    engine.teardown()
    assert engine.last[row.pk] == "expired"
