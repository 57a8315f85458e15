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
    """People who may all be in the same zones. `expires_at`: their own end, in place of everybody's."""

    zones: tuple[str, ...]
    count: int
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """`sent`: how many leave, by the opening in which they do; those of `start` can go at once. `unsent` people run out of time.

    `finishes_at`: when nobody waits any longer; None where nobody does."""

    sent: dict[datetime, int]
    unsent: int
    finishes_at: datetime | None


@dataclass(slots=True)
class _Queue:
    """A group on its way: what is left of it, its end, and the opening that it is in or waits for, if one is left."""

    zones: tuple[str, ...]
    count: int
    left: float
    end: datetime
    opens: datetime | None = None
    closes: datetime | None = None
    sent: dict[datetime, float] = field(default_factory=lambda: defaultdict(float))


def forecast(groups: Sequence[Group], hours: Hours, *, start: datetime, end: datetime, pace: float) -> Forecast:
    """Run `groups` from `start` until everybody is sent or their end comes, at most `pace` a second."""
    queues = [
        _Queue(group.zones, group.count, float(group.count), group.expires_at or end) for group in groups if group.count
    ]
    for queue in queues:
        _wait(queue, start, hours)
    now, last = start, start
    while waiting := [queue for queue in queues if queue.opens is not None and queue.left > NOBODY]:
        flowing = _first_in_line(waiting, now)
        turn = min(_next_turn(queue, now) for queue in waiting)
        if flowing:
            turn = last = _flow(flowing, now, turn, pace)
        now = turn
        for queue in queues:
            if queue.closes is not None and queue.closes <= now:
                _wait(queue, now, hours)
    return _in_people(queues, start, last)


def _flow(flowing: Sequence[_Queue], now: datetime, turn: datetime, pace: float) -> datetime:
    """Let the pace be shared until the turn, or until all are through; returns when that is."""
    total = sum(queue.left for queue in flowing)
    room = (turn - now).total_seconds() * pace
    share = min(1.0, room / total)
    for queue in flowing:
        assert queue.opens is not None  # noqa: S101  # it would not flow
        queue.sent[queue.opens] += queue.left * share
        queue.left *= 1 - share
    return turn if share < 1 else now + timedelta(seconds=total / pace)


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


def _wait(queue: _Queue, now: datetime, hours: Hours) -> None:
    """Let the queue wait for its next opening from now on, if one comes before its end."""
    opens = now if hours.any_time else next_open(now, queue.zones, hours.start, hours.end, hours.days)
    if opens is None or opens >= queue.end:
        queue.opens = queue.closes = None
        return
    shut = None if hours.any_time else closes(opens, queue.zones, hours)
    queue.opens, queue.closes = opens, min(shut or queue.end, queue.end)


def _first_in_line(waiting: Sequence[_Queue], now: datetime) -> list[_Queue]:
    openings = [queue.opens for queue in waiting if queue.opens is not None and queue.opens <= now]
    return [queue for queue in waiting if openings and queue.opens == min(openings)]


def _next_turn(queue: _Queue, now: datetime) -> datetime:
    """When the queue opens, or closes where it is open."""
    assert queue.opens is not None and queue.closes is not None  # noqa: S101  # it would not wait
    return queue.opens if queue.opens > now else queue.closes


def _in_people(queues: Sequence[_Queue], start: datetime, last: datetime) -> Forecast:
    """Whole people: each group's openings are rounded on their running sum, so that nobody is lost or counted twice."""
    sent: dict[datetime, int] = defaultdict(int)
    unsent, ends = 0, [last]
    for queue in queues:
        so_far, counted = 0.0, 0
        for opening, share in sorted(queue.sent.items()):
            so_far += share
            sent[opening] += round(so_far) - counted
            counted = round(so_far)
        unsent += queue.count - counted
        if queue.count > counted:
            ends.append(max(queue.end, start))
    return Forecast(
        {opening: count for opening, count in sorted(sent.items()) if count}, unsent, max(ends) if queues else None
    )
