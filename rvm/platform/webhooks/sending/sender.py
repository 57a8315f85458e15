"""The sender of one process: leases destinations, sends what is due to each over lines of its own, and settles what comes of it.

One thread does all of it, and waits for the network and for its own deadlines only. It survives a PostgreSQL that is away: requests
under way end meanwhile, their ends are settled later, and nothing new begins once a lease may have ended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import uuid7
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.errors import ServiceError
from rvm.platform.models.webhooks import MAX_CONCURRENCY, WebhookDestination
from rvm.platform.outbound.installation import target_of
from rvm.platform.times.boot_clock import boot_clock
from rvm.platform.webhooks.sending import feed, leases
from rvm.platform.webhooks.sending.answers import TOTAL_SECONDS, rest_of
from rvm.platform.webhooks.sending.channels import Channel, Wheel
from rvm.platform.webhooks.sending.feed import Due
from rvm.platform.webhooks.sending.schedule import Answer, Health
from rvm.platform.webhooks.sending.settlement import Result, settle
from rvm.platform.webhooks.sending.signatures import body_of, headers_of

log = structlog.get_logger(__name__)

# Requests of one process at a time; a destination is leased only if all of its own have room, so no other one takes them.
MAX_REQUESTS = 1_000
# Deliveries of a destination that are read ahead, destinations that are taken at a time, so that other processes get some, too.
AHEAD = 100
LEASED_AT_A_TIME = 20
# Seconds between looks for work, between extensions of leases, until results are settled, and until an idle line closes.
LOOK, EXTEND, SETTLE, IDLE = 0.2, 1.0, 0.03, 10.0
SETTLED_AT_ONCE = 64
# A request may begin only while its end is sure to come before that of the lease.
_MARGIN = TOTAL_SECONDS + 1


@dataclass(slots=True)
class Line:
    """What one destination is sent over. `refusal`: why nothing can be sent there, as a sentence."""

    destination: WebhookDestination = field(repr=False)
    url: str = field(repr=False, default="")
    secrets: list[str] = field(repr=False, default_factory=list)
    channel: Channel[Due] | None = field(repr=False, default=None)
    refusal: str = field(repr=False, default="")
    health: Health = field(default_factory=Health)
    queue: deque[Due] = field(repr=False, default_factory=deque)
    taken: set[UUID] = field(repr=False, default_factory=set)  # in the queue, under way, or ended and not settled
    failed: bool = False  # and not settled: nothing begins until it is known what that means for the destination
    leased_until: float = 0.0
    next_at: float = 0.0
    look_at: float = 0.0
    busy_at: float = 0.0

    @property
    def slots(self) -> int:
        return 1 if self.health.fails else self.destination.concurrency

    @property
    def under_way(self) -> int:
        return self.channel.in_flight if self.channel else 0

    def may_begin(self, now: float) -> bool:
        """Whether the first request of the queue may begin."""
        in_time = self.next_at <= now < self.leased_until - _MARGIN
        return bool(self.queue) and not self.failed and in_time and self.under_way < self.slots

    def drop_queue(self) -> None:
        self.taken.difference_update(each.id for each in self.queue)
        self.queue.clear()


class Sender:
    def __init__(self, clock: Callable[[], float] = boot_clock) -> None:
        self.process_id = uuid7()
        self.lines: dict[UUID, Line] = {}
        self.results: list[Result] = []
        self._clock = clock
        self._wheel = Wheel()
        self._extend_at = self._lease_at = self._settle_at = 0.0
        self._known, self._known_at = database_now(), clock()

    @property
    def under_way(self) -> int:
        return sum(line.under_way for line in self.lines.values())

    def look_again(self) -> None:
        """Look for work in the next step: something was published."""
        self._lease_at = 0.0
        for line in self.lines.values():
            line.look_at = 0.0

    def step(self, seconds: float) -> None:
        """Do all that is to be done now, then wait for the network, at most so long. Raises DatabaseError; later steps go on."""
        now = self._clock()
        if self.results and (now >= self._settle_at or len(self.results) >= SETTLED_AT_ONCE):
            self._settle()
        if now >= self._extend_at:
            self._extend()
        if now >= self._lease_at:
            self._lease_more()
        self._fill()
        self._send()
        self._wait(seconds)

    def rest(self, seconds: float) -> None:
        """Drive what is under way for so long, without PostgreSQL."""
        self._wheel.turn(seconds)

    def _wait(self, seconds: float) -> None:
        now = self._clock()
        due = [now + seconds, self._extend_at, self._lease_at]
        if self.results:
            due.append(self._settle_at)
        due += [line.next_at for line in self.lines.values() if line.queue and line.under_way < line.slots]
        self._wheel.turn(max(0.0, min(due) - now))

    def stop(self, seconds: float = _MARGIN) -> None:
        """Let what is under way end, settle it, and let go of all destinations."""
        until = self._clock() + seconds
        for line in self.lines.values():
            line.drop_queue()
        while self.under_way and self._clock() < until:
            self._wheel.turn(LOOK)
            self._settle()
        self._settle()
        self._let_go(list(self.lines))
        self._wheel.close()

    def close(self) -> None:
        """Abandon everything, as a process that is killed does."""
        for line in self.lines.values():
            if line.channel:
                line.channel.close()
        self.lines.clear()
        self._wheel.close()

    # Holding

    def _lease_more(self) -> None:
        self._lease_at = self._clock() + LOOK
        room = MAX_REQUESTS - sum(line.destination.concurrency for line in self.lines.values())
        count = min(LEASED_AT_A_TIME, room // MAX_CONCURRENCY)
        began = self._clock()
        if count > 0 and (found := leases.take(self.process_id, count)):
            self._load(found, began)

    def _extend(self) -> None:
        began = self._clock()
        self._extend_at = began + EXTEND
        if not self.lines:
            return
        leased = leases.extend(self.process_id, self.lines)
        self._forget([key for key in self.lines if key not in leased])
        self._load(leased, began)
        self._let_go([key for key, line in self.lines.items() if not line.taken and self._is_idle(line)])

    def _is_idle(self, line: Line) -> bool:
        return self._waits(line, 2.0) or self._clock() - line.busy_at > IDLE

    def _load(self, leased: Iterable[UUID], began: float) -> None:
        """Read the settings of destinations, which somebody may have changed."""
        self._tell_time()
        found = WebhookDestination.objects.filter(pk__in=list(leased)).prefetch_related("secrets")
        for destination in found:
            line = self.lines.get(destination.pk)
            if line is None:
                line = self.lines[destination.pk] = Line(destination, busy_at=began)
            line.destination = destination
            line.leased_until = began + leases.LEASE_SECONDS
            line.health = Health(destination.failures, destination.failing_since, destination.waits_until)
            self._direct(line)

    def _direct(self, line: Line) -> None:
        """Let the line lead to its destination's address, signed with the secrets that are valid now."""
        destination, now = line.destination, self._now()
        line.refusal = ""
        try:
            valid = [each for each in destination.secrets.all() if each.signs(now)]
            line.secrets = [each.secret for each in sorted(valid, key=lambda each: each.created_at)]
            if not line.secrets:
                line.refusal = "The destination has no secret that is valid; make a new one."
            if destination.url != line.url or line.channel is None:
                if line.channel:
                    self._abandon(line)
                line.url = destination.url
                line.channel = Channel(self._wheel, target_of(destination.url), self._ended)
        except ServiceError as error:
            line.refusal = error.message
        except Undecryptable:
            line.refusal = "The destination's address or secret does not open with the keys of this installation."

    def _abandon(self, line: Line) -> None:
        """Close the connections to an address that is no longer the destination's; what was under way is sent to the new one."""
        if line.channel:
            line.channel.close()
        line.channel = None
        line.queue.clear()
        line.taken = {each.delivery.id for each in self.results if each.delivery.destination_id == line.destination.pk}

    def _let_go(self, ended: list[UUID]) -> None:
        if ended:
            leases.release(self.process_id, ended)
            self._forget(ended)

    def _forget(self, ended: list[UUID]) -> None:
        for key in ended:
            if channel := self.lines.pop(key).channel:
                channel.close()

    # Sending

    def _fill(self) -> None:
        """Read ahead what is due. The feed is read where that is not enough; and first of all for a destination that is probed, so
        that it may be probed with something new."""
        now = self._clock()
        hungry = [line for line in self.lines.values() if now >= line.look_at and self._is_hungry(line)]
        if not hungry:
            return
        feed.read(self.process_id, [line.destination.pk for line in hungry if line.health.fails])
        short = self._take(hungry)
        had = feed.read(self.process_id, [line.destination.pk for line in short]) if short else set()
        self._take([line for line in short if line.destination.pk in had])
        for line in short:
            line.look_at = now + (0.0 if line.destination.pk in had else LOOK)

    def _is_hungry(self, line: Line) -> bool:
        if self._waits(line):
            return False
        if line.health.fails:
            return not line.taken
        return len(line.queue) <= line.destination.concurrency

    def _take(self, lines: list[Line]) -> list[Line]:
        """Put what is due into the queues, and return the lines that have room for more."""
        if not lines:
            return []
        wanted = {line.destination.pk: 1 if line.health.fails else AHEAD - len(line.queue) for line in lines}
        under_way = {each for line in lines for each in line.taken}
        found = feed.due(list(wanted.items()), under_way)
        for delivery in found:
            line = self.lines[delivery.destination_id]
            line.queue.append(delivery)
            line.taken.add(delivery.id)
            wanted[delivery.destination_id] -= 1
        return [line for line in lines if wanted[line.destination.pk] > 0 and not line.health.fails]

    def _send(self) -> None:
        now = self._clock()
        for line in self.lines.values():
            if line.queue and not line.failed and self._waits(line):
                line.drop_queue()
            while line.may_begin(now):
                self._send_one(line, line.queue.popleft())
                line.busy_at = now
                if pace := line.destination.pace_per_second:
                    line.next_at = max(line.next_at, now - SETTLE) + 1 / pace

    def _send_one(self, line: Line, delivery: Due) -> None:
        if line.refusal or line.channel is None:
            self._ended(delivery, Answer(None, line.refusal), "")
            return
        try:
            body = body_of(delivery.event_id, delivery.type, delivery.occurred_at, delivery.data)
            headers = headers_of(line.destination.signature, line.secrets, delivery.event_id, self._now(), body)
        except Exception as error:
            # Of one destination, as by a secret that is none: the others are sent to.
            log.exception("webhook_not_built", destination_id=str(line.destination.pk))
            reason = f"The request could not be built: a fault of the program ({type(error).__name__})."
            self._ended(delivery, Answer(None, reason), "")
            return
        line.channel.send(delivery, headers, body)

    def _ended(self, delivery: Due, answer: Answer, retry_after: str) -> None:
        if not self.results:
            self._settle_at = self._clock() + SETTLE
        if retry_after:
            answer = replace(answer, rest=rest_of(retry_after, self._now()))
        self.results.append(Result(delivery, answer))
        if not answer.taken:
            self._settle_at = 0.0
            if line := self.lines.get(delivery.destination_id):
                line.failed = True

    def _settle(self) -> None:
        if not self.results:
            return
        healths = settle(self.process_id, self.results)
        settled, self.results = self.results, []
        for result in settled:
            line = self.lines.get(result.delivery.destination_id)
            if line is not None:
                line.taken.discard(result.delivery.id)
                line.look_at, line.failed = 0.0, False
        for key, health in healths.items():
            if line := self.lines.get(key):
                line.health = health
        told = {each.delivery.destination_id for each in settled}
        self._let_go([key for key in told & self.lines.keys() if key not in healths])

    # Time

    def _tell_time(self) -> None:
        """Compare the clocks: times that are stored, signed or compared with stored ones are PostgreSQL's."""
        self._known, self._known_at = database_now(), self._clock()

    def _now(self) -> datetime:
        return self._known + timedelta(seconds=self._clock() - self._known_at)

    def _waits(self, line: Line, seconds: float = 0.0) -> bool:
        return line.health.waits(self._now() + timedelta(seconds=seconds))
