"""The engine's turns at the database: write what ended, look what is due, obtain permits from the rate limiter, claim.

A turn runs on a thread of its own while the network goes on, so that neither waits for the other. A lane that fails (an
unknown carrier, credentials that do not open, a deadlock) is logged and left alone for a while, a result that cannot be written is
left out; neither stops the others. Only a PostgreSQL or a Redis that does not answer ends a turn early.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

import structlog
from django.db import DatabaseError, connection
from redis.exceptions import RedisError, ResponseError

from delivery.engine import circuit_breaker
from delivery.engine.claim import Claim, ClaimedBatch, claim
from delivery.engine.lane_routes import ActiveRoute, UnusableSetup, active_routes
from delivery.engine.rate_limit import RateLimiter
from delivery.engine.results import Result, record
from delivery.runtime.bisection import OUTAGES, bisected

log = structlog.get_logger(__name__)

MAX_CLAIMED = 500  # rows a claim takes at most: some ten milliseconds of work
CROWDED_SECONDS = 0.01  # until the next look where the limiter gave less than was wanted without naming a time
MAX_WAIT = 0.25  # a held lane, a changed pace and a new lane are seen at least this often
REDIS_WAIT = 1.0  # nothing is started while the limiter or PostgreSQL is out of reach, nor of a lane that met a passing trouble there
BROKEN_SECONDS = 5.0  # how long a failing lane is left alone
MEDIA_SECONDS = 1.0  # how long one is that waits for its recording to be at the carrier
UNUSABLE_SECONDS = 30.0  # how long a lane whose setup cannot be used is left alone


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim whose request may be on the wire."""

    claim: Claim
    last_start: float  # on the boot clock: later than this the lease no longer covers the request


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn found. `left`: due work that could not be claimed now. `wait`: until looking again is worth while."""

    claimed: list[Claimed] = field(default_factory=list)
    left: bool = True
    wait: float = 0.0


class ClaimScheduler:
    """Claims for one worker process. `last_start` margins keep a request's whole time inside its lease."""

    def __init__(
        self,
        limiter: RateLimiter,
        *,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        lease: timedelta,
        http_timeout: float,
    ) -> None:
        self._limiter = limiter
        self._clock = clock
        self._now = now
        self._lease = lease
        self._margin = lease.total_seconds() - http_timeout
        self._asked: set[UUID] = set()
        self._resting: dict[UUID, float] = {}
        self._owed = 0.0  # until then a lane rests that is worth waiting for
        self._turns = 0

    def turn(self, results: Sequence[Result], capacity: int, in_flight: Mapping[UUID, int]) -> Turn:
        """Record `results`, then claim for up to `capacity` starts. Raises DatabaseError where the results were not written."""
        if connection.errors_occurred and not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()  # PostgreSQL may have restarted
        if results:
            now = self._now()
            bisected(lambda part: record(part, now), results, _not_written)
            self._judge(results, now)
        if capacity <= 0:
            return Turn()
        try:
            return self._claim(capacity, in_flight)
        except RedisError as error:
            log.warning("rate_limiter_unreachable", error=type(error).__name__)
        except DatabaseError as error:
            # What was recorded before is committed.
            log.warning("claim_failed", error=type(error).__name__)
        return Turn(wait=REDIS_WAIT)

    def _judge(self, results: Sequence[Result], now: datetime) -> None:
        """A carrier that said to wait, or that fails, is left alone by everybody. The results are written already."""
        try:
            for result in results:
                if result.submission.retry_after:
                    self._limiter.pause(result.claim.route.setup_id, result.submission.retry_after)
            circuit_breaker.watch(self._limiter.redis, [result for result in results if result.asked], now)
        except (RedisError, DatabaseError) as error:
            log.warning("carrier_not_judged", error=type(error).__name__)

    def release(self) -> None:
        """Give back this worker's share of the caps; it runs out by itself where Redis does not answer."""
        try:
            self._limiter.release(self._asked)
        except RedisError as error:
            log.warning("rate_limiter_unreachable", error=type(error).__name__)

    def _claim(self, capacity: int, in_flight: Mapping[UUID, int]) -> Turn:
        # Before the time is read, so that the lease on this clock ends no later than the one in the row.
        began = self._clock()
        last_start = began + self._margin
        now = self._now()
        found = active_routes(now, min(capacity, MAX_CLAIMED))
        routes = self._in_turn(route for route in found if self._resting.get(route.lane_id, 0.0) <= began)
        claimed: list[Claimed] = []
        open_by_setup = dict(in_flight)
        waits: list[float] = []
        for position, route in enumerate(routes):
            share = max(1, (capacity - len(claimed)) // (len(routes) - position))
            wanted, in_setup = min(share, route.due, MAX_CLAIMED), open_by_setup.get(route.setup_id, 0)
            try:
                started, wait = self._start(route, wanted, in_setup, now, last_start)
            except (RedisError, DatabaseError) as error:
                if _is_outage(error):
                    # What other lanes have claimed leaves all the same: nobody else may send it.
                    log.warning("turn_cut_short", error=type(error).__name__)
                    return Turn(claimed, wait=REDIS_WAIT)
                self._pass_over(route, error)
                continue
            open_by_setup[route.setup_id] = open_by_setup.get(route.setup_id, 0) + len(started)
            claimed += started
            waits.append(wait)
            if len(claimed) >= capacity:
                break
        wait = min(waits, default=max(0.0, self._owed - began))
        return Turn(claimed, left=bool(routes) or self._owed > began, wait=min(wait, MAX_WAIT))

    def _pass_over(self, route: ActiveRoute, error: Exception) -> None:
        """The trouble is this lane's. A deadlock passes; a statement that is wrong stays so, and so does a pace that is no number."""
        log.warning("lane_passed_over", lane_id=str(route.lane_id), error=type(error).__name__)
        passes = isinstance(error, OUTAGES) or type(error) is DatabaseError
        self._rest(route, REDIS_WAIT if passes else BROKEN_SECONDS)
        if passes:
            self._owed = self._resting[route.lane_id]

    def _rest(self, route: ActiveRoute, seconds: float) -> None:
        self._resting[route.lane_id] = self._clock() + seconds

    def _in_turn(self, routes: Iterable[ActiveRoute]) -> list[ActiveRoute]:
        """The most urgent first; among equals another one begins each time, so that starts which are short go round."""
        self._turns += 1
        ordered: list[ActiveRoute] = []
        for _, group in groupby(routes, key=lambda route: route.priority):
            equals = list(group)
            first = self._turns % len(equals)
            ordered += equals[first:] + equals[:first]
        return ordered

    def _start(
        self, route: ActiveRoute, wanted: int, in_flight: int, now: datetime, last_start: float
    ) -> tuple[list[Claimed], float]:
        """Start up to `wanted` drops of one lane, and how long to wait before asking for more."""
        if route.use_case_deleted:  # they are skipped, which takes no starts
            return self._claimed(route, wanted, now, last_start), 0.0
        if route.probing:
            if not circuit_breaker.may_probe(self._limiter.redis, route.setup_id):
                return [], MAX_WAIT
            wanted = 1
        self._asked.add(route.setup_id)
        permit = self._limiter.acquire(
            route.setup_id,
            wanted=wanted,
            pace=route.pace,
            cap=route.cap,
            in_flight=in_flight,
            lane=(route.lane_id, route.lane_pace) if route.lane_pace else None,
        )
        wait = 0.0 if permit.count == wanted else permit.wait or CROWDED_SECONDS
        claimed = self._claimed(route, permit.count, now, last_start) if permit.count else []
        self._give_back(route, permit.count, len(claimed))
        return claimed, wait

    def _claimed(self, route: ActiveRoute, count: int, now: datetime, last_start: float) -> list[Claimed]:
        """Claim up to `count`. A lane that cannot be used, or fails, rests until it is worth another look."""
        try:
            batch = claim(route, count, now, self._lease)
        except UnusableSetup as error:
            log.error("setup_unusable", setup_id=str(error.setup_id), error=error.cause)
            batch = ClaimedBatch([], 0)
            self._rest(route, UNUSABLE_SECONDS)
        except DatabaseError:
            raise
        except Exception:
            log.exception("lane_failed", lane_id=str(route.lane_id), setup_id=str(route.setup_id))
            batch = ClaimedBatch([], 0)
            self._rest(route, BROKEN_SECONDS)
        if batch.waits:
            self._rest(route, MEDIA_SECONDS)
        return [Claimed(claimed, last_start) for claimed in batch.claims]

    def _give_back(self, route: ActiveRoute, granted: int, used: int) -> None:
        """Starts that nobody could use are others': who sleeps, is put off or was refused costs no pace. What was claimed leaves also
        where Redis is gone by now."""
        lane = (route.lane_id, route.lane_pace) if route.lane_pace else None
        try:
            if used < granted:
                self._limiter.give_back(route.setup_id, granted - used, pace=route.pace, lane=lane)
            if route.probing and not used:
                circuit_breaker.return_probe(self._limiter.redis, route.setup_id)
        except RedisError as error:
            log.warning("rate_limiter_unreachable", error=type(error).__name__)


def _is_outage(error: Exception) -> bool:
    """Whether PostgreSQL or Redis does not answer at all; if they do, it is about what they were asked."""
    return not isinstance(error, ResponseError) if isinstance(error, RedisError) else not connection.is_usable()


def _not_written(result: Result, error: Exception) -> None:
    """Its drop becomes uncertain with its lease and is settled like a dead worker's."""
    log.error("result_not_written", drop_id=str(result.claim.drop_id), error=type(error).__name__)
