"""Dispatcher loop: keeps many requests in flight on one thread while `ClaimScheduler` works with the database on another.

Rows are claimed only for starts that the rate limiter has permitted, so each request leaves within moments of its claim's commit.
Holding a lane, changing a pace or killing a worker therefore leaves no claimed rows waiting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future, wait
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError

from delivery.carriers.base import Carrier, drop_request
from delivery.carriers.parsing import throttled_for
from delivery.engine.rate_limit import RateLimiter
from delivery.engine.results import Result
from delivery.engine.scheduler import MAX_WAIT, Claimed, ClaimScheduler, Turn
from delivery.engine.shares import places
from delivery.lifecycle.events import Outcome, Submission
from delivery.runtime import shutdown
from delivery.runtime.deadlines import RECORD_PATIENCE
from delivery.transport.interface import CarrierResponse, Proof, Transport, TransportFailure
from rvm.platform.database.clock import database_now
from rvm.platform.times.boot_clock import boot_clock

log = structlog.get_logger(__name__)

FLUSH_ROWS = 200  # this many results start a turn at once ...
FLUSH_SECONDS = 0.02  # ... fewer wait at most this long for others
BUSY_SECONDS = 0.002  # longest wait for the network while a turn is running
IDLE_SECONDS = 0.02  # longest wait for the network otherwise

NOT_BUILT = Submission(Outcome.NOT_SENT, text="The request for the carrier could not be built.")
TOO_LATE = Submission(Outcome.NOT_SENT, text="The lease ended before the request left.")


def submission_of(adapter: Carrier, end: CarrierResponse | TransportFailure, drop_id: UUID) -> Submission:
    """The submission that the end of a drop's request proves. Never raises: a response that the adapter cannot read is unknown."""
    if isinstance(end, TransportFailure):
        outcome = Outcome.NOT_SENT if end.proof is Proof.NOT_SENT else Outcome.UNKNOWN
        return Submission(outcome, text=end.detail)
    try:
        submission = adapter.read_submission(end)
    except Exception as error:
        # Without the error's text, which may quote the number.
        log.error("answer_not_read", drop_id=str(drop_id), error=type(error).__name__)
        return Submission(Outcome.UNKNOWN, code=f"http_{end.status}")
    pause = None if submission.retry_after else throttled_for(end)
    return replace(submission, retry_after=pause) if pause else submission


class Dispatcher:
    """Loop that submits due drops of all setups until none are left or its time is over."""

    def __init__(
        self,
        transport: Transport[Claimed],
        limiter: RateLimiter,
        executor: Executor,
        *,
        http_timeout: float,
        clock: Callable[[], float] = boot_clock,
        now: Callable[[], datetime] = database_now,
        concurrency: int | None = None,
    ) -> None:
        self._transport = transport
        self._executor = executor
        self._clock = clock
        concurrency = concurrency or settings.RVM_CONCURRENCY
        self._places = places(concurrency)
        # Below this free capacity no look starts: a turn for one drop costs nearly as much as a turn for twenty.
        self._quantum = max(1, concurrency // 16)
        # Places that the last look left free for others than those that waited, and when to look again whether others have come.
        self._kept = 0
        self._look_for_others = 0.0
        lease = timedelta(seconds=settings.RVM_LEASE_SECONDS)
        self._scheduler = ClaimScheduler(limiter, clock=clock, now=now, lease=lease, http_timeout=http_timeout)
        self._in_flight: Counter[UUID] = Counter()
        self._results: list[Result] = []
        self._results_since = 0.0
        self._next_look = 0.0
        self._left = True
        self._turn: Future[Turn] | None = None
        self._turn_results: list[Result] = []
        self._turn_looks = False
        self.submitted = 0

    def run(self, seconds: float) -> bool:
        """Work for at most `seconds`, then wait for the requests in flight. True if due work is left."""
        deadline = self._clock() + seconds
        try:
            while True:
                closing = self._clock() >= deadline or shutdown.requested.is_set()
                self._end_turn()
                if self._turn is None:
                    if self._is_done(closing):
                        return self._left
                    self._begin_turn(closing)
                self._collect()
        finally:
            self._scheduler.release()

    def _is_done(self, closing: bool) -> bool:
        return not (self._transport.in_flight or self._results) and (closing or not self._left)

    def _begin_turn(self, closing: bool) -> None:
        """Start the next turn on the database thread, if there are results to write or capacity to fill."""
        now, in_flight = self._clock(), self._transport.in_flight
        capacity = self._places - in_flight
        freed = capacity - self._kept
        useful = freed >= self._quantum or not in_flight or (self._kept and now >= self._look_for_others)
        looks = not closing and now >= self._next_look and capacity > 0 and bool(useful)
        aged = now - self._results_since
        due_to_flush = aged >= FLUSH_SECONDS or (aged >= 0 and (len(self._results) >= FLUSH_ROWS or not in_flight))
        if not looks and not (self._results and due_to_flush):
            return
        self._turn_results, self._results = self._results, []
        counts = dict(self._in_flight)
        self._turn = self._executor.submit(self._scheduler.turn, self._turn_results, capacity if looks else 0, counts)
        self._turn_looks = looks

    def _end_turn(self) -> None:
        """Take the result of a finished turn and submit what it claimed."""
        if self._turn is None or not self._turn.done():
            return
        future, self._turn = self._turn, None
        try:
            turn = future.result()
        except DatabaseError as error:
            self._defer_results(error)
            return
        if self._turn_looks:
            self._left = turn.left
            self._kept, self._look_for_others = turn.kept, self._clock() + MAX_WAIT
            self._next_look = self._clock() + (turn.wait if turn.left else IDLE_SECONDS)
        for claimed in turn.claimed:
            self._submit(claimed)

    def _defer_results(self, error: DatabaseError) -> None:
        """Keep results that PostgreSQL did not accept, to write them later. Results older than RECORD_PATIENCE are dropped: their
        leases settle them."""
        log.warning("results_not_written", count=len(self._turn_results), error=type(error).__name__)
        oldest = self._clock() - RECORD_PATIENCE
        self._results = [result for result in self._turn_results if result.since > oldest] + self._results
        self._results_since = self._clock() + 0.5
        self._next_look = self._clock() + 0.5

    def _submit(self, claimed: Claimed) -> None:
        claim, route = claimed.claim, claimed.claim.route
        try:
            drop = drop_request(
                claim.drop_id,
                key=route.callback_key,
                recipient=claim.recipient,
                sender=claim.sender,
                media_id=claim.media_id,
            )
            request = route.adapter.submit_request(drop)
        except Exception as error:
            # Without the error's text, which may quote the number.
            log.error(
                "request_not_built",
                drop_id=str(claim.drop_id),
                setup_id=str(route.setup_id),
                error=type(error).__name__,
            )
            self._add_result(claimed, NOT_BUILT, asked=False)
            return
        if self._clock() > claimed.last_start:
            # The process was stopped or suspended since the claim: the lease may have ended, and the tick acted on that.
            self._add_result(claimed, TOO_LATE, asked=False)
            return
        self._transport.submit(request, claimed)
        self._in_flight[route.setup_id] += 1
        self.submitted += 1

    def _collect(self) -> None:
        """Collect the requests that ended, or wait for the database thread if no request is in flight."""
        if not self._transport.in_flight:
            if self._turn is not None:
                wait([self._turn], timeout=IDLE_SECONDS)
            else:
                shutdown.requested.wait(max(0.0, min(self._next_look - self._clock(), IDLE_SECONDS)))
            return
        for claimed, end in self._transport.poll(IDLE_SECONDS if self._turn is None else BUSY_SECONDS):
            self._in_flight[claimed.claim.route.setup_id] -= 1
            self._add_result(claimed, submission_of(claimed.claim.route.adapter, end, claimed.claim.drop_id))

    def _add_result(self, claimed: Claimed, submission: Submission, *, asked: bool = True) -> None:
        now = self._clock()
        if not self._results:
            self._results_since = now
        self._results.append(Result(claimed.claim, submission, now, asked))
