"""Turns of the claim scheduler at the database: write results, look for due work, obtain permits from the rate limiter, claim.

A turn runs on its own thread beside the network loop, so that neither waits for the other. A lane that fails (an unknown carrier,
unreadable credentials, a deadlock) is logged and skipped for a while; a result that cannot be written is left out. Neither stops the
others. Only an unreachable PostgreSQL or Redis ends a turn early.
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
from delivery.engine.shares import Shares
from delivery.models import Lane
from delivery.runtime.bisection import OUTAGES, bisected
from rvm.platform.health import failed_work
from usecases.models import TelephonySetup

log = structlog.get_logger(__name__)

MAX_CLAIMED = 500  # rows of one claim at most: some ten milliseconds of work
CROWDED_SECONDS = 0.01  # wait after a permit for fewer starts than wanted that names no wait
MAX_WAIT = 0.25  # a held lane, a changed pace and a new lane are noticed at the latest after this
REDIS_WAIT = 1.0  # wait while Redis or PostgreSQL is unreachable, and for a lane after a passing fault of either
BROKEN_SECONDS = 5.0  # how long a failing lane is skipped
MEDIA_SECONDS = 1.0  # how long a lane is skipped that waits for its recording at the carrier
UNUSABLE_SECONDS = 30.0  # how long a lane is skipped whose setup cannot be used


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim whose request may be on the wire."""

    claim: Claim
    last_start: float  # on the boot clock: a request that starts later may outlast the lease


@dataclass(frozen=True, slots=True)
class Turn:
    """Result of a turn. `left`: due work may remain. `wait`: seconds until the next look is useful. `kept`: places that stay free for
    setups that have nothing due yet."""

    claimed: list[Claimed] = field(default_factory=list)
    left: bool = True
    wait: float = 0.0
    kept: int = 0


class ClaimScheduler:
    """Scheduler of the claims of one worker process. Each claim's `last_start` leaves time for the whole request inside its lease."""

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
        self._limited_setups: set[UUID] = set()
        self._skipped_until: dict[UUID, float] = {}
        self._retry_at = 0.0  # boot clock: until then a lane rests after a passing fault, and the job waits for it
        self._rotation = 0
        self._workspaces: dict[UUID, UUID] = {}  # of setups that have requests in flight or due work

    def turn(self, results: Sequence[Result], capacity: int, in_flight: Mapping[UUID, int]) -> Turn:
        """Record `results`, then claim for up to `capacity` starts. Raises DatabaseError if the results were not written."""
        if connection.errors_occurred and not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()  # PostgreSQL may have restarted
        if results:
            now = self._now()
            bisected(lambda part: record(part, now), results, _not_written)
            self._update_breakers(results, now)
        if capacity <= 0:
            return Turn()
        try:
            return self._claim(capacity, in_flight)
        except RedisError as error:
            log.warning("rate_limiter_unreachable", error=type(error).__name__)
        except DatabaseError as error:
            # The results above are committed already, so this error does not concern them.
            log.warning("claim_failed", error=type(error).__name__)
        return Turn(wait=REDIS_WAIT)

    def _update_breakers(self, results: Sequence[Result], now: datetime) -> None:
        """Pause setups whose carriers asked for it, and update the breakers. The results are written already."""
        try:
            for result in results:
                if result.submission.retry_after:
                    self._limiter.pause(result.claim.route.setup_id, result.submission.retry_after)
            circuit_breaker.watch(self._limiter.redis, [result for result in results if result.asked], now)
        except (RedisError, DatabaseError) as error:
            log.warning("carrier_not_judged", error=type(error).__name__)

    def release(self) -> None:
        """Free this worker's share of the caps. If Redis does not respond, the share expires."""
        try:
            self._limiter.release(self._limited_setups)
        except RedisError as error:
            log.warning("rate_limiter_unreachable", error=type(error).__name__)

    def _claim(self, capacity: int, in_flight: Mapping[UUID, int]) -> Turn:
        # Read before the database's time, so that the lease on this clock ends no later than the one in the row.
        began = self._clock()
        last_start = began + self._margin
        now = self._now()
        found = active_routes(now, min(capacity, MAX_CLAIMED))
        routes = self._rotated(route for route in found if self._skipped_until.get(route.lane_id, 0.0) <= began)
        open_by_setup = {setup_id: count for setup_id, count in in_flight.items() if count}
        self._workspaces = {setup_id: self._workspaces.get(setup_id, setup_id) for setup_id in open_by_setup} | {
            route.setup_id: route.workspace_id for route in routes
        }
        shares = Shares(capacity, open_by_setup, self._workspaces, routes)
        claimed: list[Claimed] = []
        waits: list[float] = []
        for route in shares.ordered(routes):
            wanted, in_setup = shares.share(route, min(route.due, MAX_CLAIMED)), open_by_setup.get(route.setup_id, 0)
            if not wanted:
                shares.take(route, 0)
                continue
            try:
                started, wait = self._start(route, wanted, in_setup, now, last_start)
            except (RedisError, DatabaseError) as error:
                if _is_outage(error):
                    # Drops already claimed from other lanes are still sent: only this worker may send them.
                    log.warning("turn_cut_short", error=type(error).__name__)
                    return Turn(claimed, wait=REDIS_WAIT)
                self._skip_failing_lane(route, error)
                shares.take(route, 0)
                continue
            shares.take(route, len(started))
            open_by_setup[route.setup_id] = open_by_setup.get(route.setup_id, 0) + len(started)
            claimed += started
            waits.append(wait)
            if len(claimed) >= capacity:
                break
        self._rotation += bool(claimed)
        wait = min(waits, default=max(0.0, self._retry_at - began))
        left = bool(routes) or self._retry_at > began
        return Turn(claimed, left=left, wait=min(wait, MAX_WAIT), kept=shares.kept)

    def _skip_failing_lane(self, route: ActiveRoute, error: Exception) -> None:
        """Skip a lane for a while after a fault of its own. A deadlock passes soon; a wrong statement or an invalid pace does not."""
        log.warning("lane_passed_over", lane_id=str(route.lane_id), error=type(error).__name__)
        passes = isinstance(error, OUTAGES) or type(error) is DatabaseError
        self._skip_for(route, REDIS_WAIT if passes else BROKEN_SECONDS)
        if not passes:
            _record_lane(route, error)
        if passes:
            self._retry_at = self._skipped_until[route.lane_id]

    def _skip_for(self, route: ActiveRoute, seconds: float) -> None:
        self._skipped_until[route.lane_id] = self._clock() + seconds

    def _rotated(self, routes: Iterable[ActiveRoute]) -> list[ActiveRoute]:
        """Routes by priority, rotated among equals, so that scarce starts are shared.

        Only turns that start something count: where every second turn gets a permit, the others would undo the rotation.
        """
        ordered: list[ActiveRoute] = []
        for _, group in groupby(routes, key=lambda route: route.priority):
            equals = list(group)
            first = self._rotation % len(equals)
            ordered += equals[first:] + equals[:first]
        return ordered

    def _start(
        self, route: ActiveRoute, wanted: int, in_flight: int, now: datetime, last_start: float
    ) -> tuple[list[Claimed], float]:
        """Claim up to `wanted` drops of one lane, and return them with the seconds to wait before asking for more."""
        if route.use_case_deleted:  # they are skipped, which takes no starts
            return self._claimed(route, wanted, now, last_start), 0.0
        if route.probing:
            if not circuit_breaker.may_probe(self._limiter.redis, route.setup_id):
                return [], MAX_WAIT
            wanted = 1
        self._limited_setups.add(route.setup_id)
        permit = self._limiter.acquire(
            route.setup_id,
            wanted=wanted,
            pace=route.pace,
            cap=route.in_flight_cap,
            in_flight=in_flight,
            lane=(route.lane_id, route.lane_pace) if route.lane_pace else None,
        )
        wait = 0.0 if permit.count == wanted else permit.wait or CROWDED_SECONDS
        claimed = self._claimed(route, permit.count, now, last_start) if permit.count else []
        self._give_back(route, permit.count, len(claimed))
        return claimed, wait

    def _claimed(self, route: ActiveRoute, count: int, now: datetime, last_start: float) -> list[Claimed]:
        """Claim up to `count` drops. A lane that fails, or whose setup cannot be used, is skipped for a while."""
        try:
            batch = claim(route, count, now, self._lease)
        except UnusableSetup as error:
            log.error("setup_unusable", setup_id=str(error.setup_id), error=error.cause)
            _record_setup(error)
            batch = ClaimedBatch([], 0)
            self._skip_for(route, UNUSABLE_SECONDS)
        except DatabaseError:
            raise
        except Exception as error:
            log.exception("lane_failed", lane_id=str(route.lane_id), setup_id=str(route.setup_id))
            _record_lane(route, error)
            batch = ClaimedBatch([], 0)
            self._skip_for(route, BROKEN_SECONDS)
        if batch.waits:
            self._skip_for(route, MEDIA_SECONDS)
        return [Claimed(claimed, last_start) for claimed in batch.claims]

    def _give_back(self, route: ActiveRoute, permitted: int, used: int) -> None:
        """Return unused starts to the limiter: recipients who were deferred, put off or skipped use no pace. Claimed drops are sent
        even if Redis is unreachable by now."""
        lane = (route.lane_id, route.lane_pace) if route.lane_pace else None
        try:
            if used < permitted:
                self._limiter.give_back(route.setup_id, permitted - used, pace=route.pace, lane=lane)
            if route.probing and not used:
                circuit_breaker.return_probe(self._limiter.redis, route.setup_id)
        except RedisError as error:
            log.warning("rate_limiter_unreachable", error=type(error).__name__)


def _is_outage(error: Exception) -> bool:
    """Whether PostgreSQL or Redis does not respond at all. Otherwise the error concerns the statement or command."""
    return not isinstance(error, ResponseError) if isinstance(error, RedisError) else not connection.is_usable()


def _not_written(result: Result, error: Exception) -> None:
    """Log a result that cannot be written. Its drop becomes uncertain when its lease ends, like one of a dead worker."""
    drop_id = str(result.claim.drop_id)
    log.error("result_not_written", drop_id=drop_id, error=type(error).__name__)
    failed_work.record("drop", reason=failed_work.reason_of(error), reference=drop_id)


def _record_setup(error: UnusableSetup) -> None:
    setup = TelephonySetup.objects.only("name", "workspace_id").filter(pk=error.setup_id).first()
    if setup is not None:
        reason = "Its credentials cannot be read, or its carrier is unknown to this installation."
        failed_work.record("setup", str(setup.pk), name=setup.name, workspace_id=setup.workspace_id, reason=reason)


def _record_lane(route: ActiveRoute, error: Exception) -> None:
    workspace_id = Lane.objects.values_list("workspace_id", flat=True).filter(pk=route.lane_id).first()
    reason = failed_work.reason_of(error)
    failed_work.record("lane", str(route.lane_id), name="A lane", workspace_id=workspace_id, reason=reason)
