"""How a campaign will run: who is sent at which opening of the windows, who runs out of time, and when the last one leaves.

Pure. A fluid of people flows at the set pace through every window that is open. As in the engine, whoever became due earlier goes
first, and those of one opening share the pace by their number. Being faster never leaves anybody later.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from usecases.windows import EVERY_DAY, next_open

# Less of a person than this is a rounding error.
NOBODY = 1e-6


@dataclass(frozen=True, slots=True)
class Hours:
    """When people may be reached by their own clocks; `any_time` where no window binds."""

    start: time
    end: time
    days: frozenset[int] = EVERY_DAY
    any_time: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """People who may all be in the same zones."""

    zones: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """`sent`: how many leave, by the opening in which they do; those of `start` can go at once. `unsent` people run out of time.

    `finishes_at`: when nobody waits any longer; the end where somebody runs out of time, None where there is nobody at all."""

    sent: dict[datetime, int]
    unsent: int
    finishes_at: datetime | None


@dataclass(slots=True)
class _Queue:
    """A group on its way: what is left of it, and the opening that it is in or waits for."""

    zones: tuple[str, ...]
    left: float
    opens: datetime | None
    closes: datetime | None
    sent: dict[datetime, float] = field(default_factory=lambda: defaultdict(float))


def forecast(groups: Sequence[Group], hours: Hours, *, start: datetime, end: datetime, pace: float) -> Forecast:
    """Run `groups` from `start` until everybody is sent or `end` comes, at most `pace` a second."""
    queues = [_Queue(group.zones, float(group.count), start, start) for group in groups if group.count]
    now, last = start, start
    for queue in queues:
        _open(queue, now, end, hours)
    while now < end and (waiting := [queue for queue in queues if queue.opens is not None and queue.left > NOBODY]):
        flowing = _first_in_line(waiting, now)
        turn = min(end, *(_next_turn(queue, now) for queue in waiting))
        total = sum(queue.left for queue in flowing)
        if flowing and pace > 0:
            turn = min(turn, now + timedelta(seconds=min(total / pace, (end - now).total_seconds())))
            # A datetime counts microseconds: what ends within one ends now.
            share = 1.0 if turn == now else min(1.0, (turn - now).total_seconds() * pace / total)
            for queue in flowing:
                assert queue.opens is not None  # noqa: S101  # it would not flow
                queue.sent[queue.opens] += queue.left * share
                queue.left = 0.0 if share > 1 - NOBODY else queue.left * (1 - share)
            last = turn
        now = turn
        for queue in queues:
            if queue.closes is not None and queue.closes <= now:
                _open(queue, now, end, hours)
    return _in_people(groups, queues, last, end)


def closes(moment: datetime, zones: Sequence[str], hours: Hours) -> datetime | None:
    """When the window that is open at `moment` closes: when, in any of the zones, what is not the window begins.

    None where it does not within a week and a day."""
    ends = []
    for zone in zones:
        for start, end, days in (
            (hours.end, time.max, EVERY_DAY),
            (time.min, hours.start, EVERY_DAY),
            (time.min, time.max, EVERY_DAY - hours.days),
        ):
            ends.append(next_open(moment, (zone,), start, end, days))
    return min((end for end in ends if end is not None), default=None)


def _open(queue: _Queue, now: datetime, end: datetime, hours: Hours) -> None:
    """Let the queue wait for its next opening from now on."""
    if hours.any_time:
        queue.opens, queue.closes = now, None
        return
    queue.opens = next_open(now, queue.zones, hours.start, hours.end, hours.days)
    if queue.opens is None or queue.opens >= end:
        queue.opens = queue.closes = None
        return
    queue.closes = closes(queue.opens, queue.zones, hours)


def _first_in_line(waiting: Sequence[_Queue], now: datetime) -> list[_Queue]:
    openings = [queue.opens for queue in waiting if queue.opens is not None and queue.opens <= now]
    return [queue for queue in waiting if openings and queue.opens == min(openings)]


def _next_turn(queue: _Queue, now: datetime) -> datetime:
    """The next moment at which the queue opens or closes."""
    turns = [moment for moment in (queue.opens, queue.closes) if moment is not None and moment > now]
    return min(turns, default=datetime.max.replace(tzinfo=now.tzinfo))


def _in_people(groups: Sequence[Group], queues: Sequence[_Queue], last: datetime, end: datetime) -> Forecast:
    """Whole people: each group's openings are rounded on their running sum, so that nobody is lost or counted twice."""
    sent: dict[datetime, int] = defaultdict(int)
    people = sum(group.count for group in groups)
    for queue in queues:
        so_far, counted = 0.0, 0
        for opening, share in sorted(queue.sent.items()):
            so_far += share
            sent[opening] += round(so_far) - counted
            counted = round(so_far)
    unsent = people - sum(sent.values())
    finishes_at = None if not people else end if unsent else last
    return Forecast({opening: count for opening, count in sorted(sent.items()) if count}, unsent, finishes_at)
