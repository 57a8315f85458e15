"""The engine's loop: claims waves, keeps many requests in flight, writes results back set-wise. One per worker process.

Everything happens on one thread: while PostgreSQL answers, the kernel collects what carriers send. A wave is claimed only for starts
that the gate has granted, so every claimed row's request leaves at once, and holding a lane or killing a worker strands nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection

from delivery import shutdown
from delivery.carriers.base import DropRequest, Outcome, Submission
from delivery.claim import Claim, claim
from delivery.http import HttpFailure, HttpResponse, Proof, Transport
from delivery.pacing import Gate
from delivery.recording_links import carrier_link
from delivery.results import Result, record
from delivery.routes import Route, open_routes

log = structlog.get_logger(__name__)

WAVE = 200  # rows a claim takes at most: a few milliseconds of work between two looks at the network
FLUSH_ROWS = 200  # results written together at most ...
FLUSH_SECONDS = 0.03  # ... and the longest that one waits for others
IDLE_SECONDS = 0.02  # how long one look at the network waits where nothing else is to be done


def boot_clock() -> float:
    """Seconds on a clock that runs while the machine or the process sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def database_now() -> datetime:
    """The one wall clock that all workers share: a worker's own may be wrong."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


@dataclass(frozen=True, slots=True)
class Flight:
    """A claim whose request may be on the wire."""

    claim: Claim
    last_start: float  # on the boot clock: later than this the lease no longer covers the request


class Dispatcher:
    """Submits whatever is due, for every setup, until nothing is left or its time is over."""

    def __init__(
        self,
        transport: Transport[Flight],
        gate: Gate,
        *,
        http_timeout: float,
        clock: Callable[[], float] = boot_clock,
        now: Callable[[], datetime] = database_now,
        concurrency: int | None = None,
    ) -> None:
        self._transport = transport
        self._gate = gate
        self._http_timeout = http_timeout
        self._clock = clock
        self._now = now
        self._concurrency = concurrency or settings.RVM_CONCURRENCY
        self._lease = timedelta(seconds=settings.RVM_LEASE_SECONDS)
        self._in_flight: Counter[UUID] = Counter()
        self._asked: set[UUID] = set()
        self._results: list[Result] = []
        self._results_since = 0.0
        self._next_look = 0.0
        self._links: dict[tuple[UUID, date], str] = {}
        self.submitted = 0

    def run(self, seconds: float) -> bool:
        """Work for at most `seconds`, then wait for what is in flight. True where due work is left."""
        deadline = self._clock() + seconds
        left = True
        try:
            while (now := self._clock()) < deadline and not shutdown.requested.is_set():
                left = now < self._next_look or self._start_waves()
                if not left and not self._transport.in_flight and not self._results:
                    break
                self._collect(IDLE_SECONDS)
            while self._transport.in_flight or self._results:
                self._collect(IDLE_SECONDS)
        finally:
            self._gate.leave(self._asked)
        return left

    def _start_waves(self) -> bool:
        """One round over the open lanes, each in its turn. False where nothing is due."""
        room = self._concurrency - self._transport.in_flight
        if room <= 0:
            return True
        looked = self._clock()
        routes = open_routes(self._now(), WAVE)
        waits = []
        for position, route in enumerate(routes):
            share = max(1, room // (len(routes) - position))
            started, wait = self._start_wave(route, min(share, route.due, WAVE))
            room -= started
            waits.append(wait)
            if room <= 0:
                break
        if waits and min(waits) > 0:
            self._next_look = looked + min(min(waits), 0.25)
        return bool(routes)

    def _start_wave(self, route: Route, wanted: int) -> tuple[int, float]:
        """Start up to `wanted` drops of one lane; how many, and how long the gate says to wait."""
        count, wait = wanted, 0.0
        if not (route.stopped or route.use_case_deleted):
            self._asked.add(route.setup_id)
            lane = (route.lane_id, route.lane_pace) if route.lane_pace else None
            grant = self._gate.ask(
                route.setup_id,
                wanted=wanted,
                pace=route.pace,
                cap=route.cap,
                in_flight=self._in_flight[route.setup_id],
                lane=lane,
            )
            count, wait = grant.count, grant.wait
            if not count:
                # No start is free: either a time is known, or a slot opens when an answer comes.
                return 0, wait or IDLE_SECONDS
        # Before the transaction begins, so that the lease on this clock ends no later than the one in the row.
        last_start = self._clock() + self._lease.total_seconds() - self._http_timeout
        wave = claim(route, count, self._now(), self._lease)
        for claimed in wave.claims:
            self._submit(Flight(claimed, last_start))
        return len(wave.claims), 0.0

    def _submit(self, flight: Flight) -> None:
        claimed = flight.claim
        route = claimed.route
        request = route.adapter.submit_request(
            DropRequest(
                attempt_key=claimed.drop_id,
                recipient=claimed.recipient,
                sender=claimed.sender,
                recording_url=self._link(claimed),
                callback_url=f"{settings.RVM_PUBLIC_URL}/carriers/{route.callback_token}/",
            )
        )
        if self._clock() > flight.last_start:
            # Stopped or suspended since the claim: somebody else may already have drawn conclusions from the lease's end.
            self._keep(flight, Submission(Outcome.NOT_SENT, text="The lease ended before the request left."))
            return
        self._transport.submit(request, flight)
        self._in_flight[route.setup_id] += 1
        self.submitted += 1

    def _link(self, claimed: Claim) -> str:
        key = claimed.recording_id, claimed.at.date()
        if key not in self._links:
            self._links[key] = carrier_link(claimed.recording_id, claimed.at)
        return self._links[key]

    def _collect(self, seconds: float) -> None:
        """Take what ended, and write results once they are many or old."""
        for flight, end in self._transport.poll(0 if self._results else seconds):
            self._in_flight[flight.claim.route.setup_id] -= 1
            self._keep(flight, self._read(flight.claim.route, end))
        full = len(self._results) >= FLUSH_ROWS or self._clock() - self._results_since >= FLUSH_SECONDS
        if self._results and (full or not self._transport.in_flight):
            results, self._results = self._results, []
            record(results, self._now())
        elif self._results:
            for flight, end in self._transport.poll(FLUSH_SECONDS / 4):
                self._in_flight[flight.claim.route.setup_id] -= 1
                self._keep(flight, self._read(flight.claim.route, end))

    def _read(self, route: Route, end: HttpResponse | HttpFailure) -> Submission:
        if isinstance(end, HttpFailure):
            outcome = Outcome.NOT_SENT if end.proof is Proof.NOT_SENT else Outcome.UNKNOWN
            return Submission(outcome, text=end.detail)
        submission = route.adapter.read_submission(end)
        if submission.retry_after:
            self._gate.pause(route.setup_id, submission.retry_after)
        return submission

    def _keep(self, flight: Flight, submission: Submission) -> None:
        if not self._results:
            self._results_since = self._clock()
        self._results.append(Result(flight.claim, submission))
