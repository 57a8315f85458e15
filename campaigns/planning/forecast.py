"""Forecast of a campaign: how many voicemails leave at which window opening, how many expire, and when the last one leaves.

Pure. A fluid model: recipients flow at the set pace through every open window. As in the engine, recipients due earlier go first,
and groups that opened together share the pace in proportion to their size. A higher pace never makes a recipient later.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from usecases.windows import Hours, closing, next_open

# A remaining fraction of a recipient below this is a rounding error.
EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class Group:
    """Recipients with the same possible time zones and states. `expires_at` replaces the end of the forecast for them. None of them
    leaves before `not_before`."""

    zones: tuple[str, ...]
    count: int
    expires_at: datetime | None = None
    states: tuple[str, ...] = ()
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """`sent`: recipients by the window opening at which they leave; the key `start` means at once. `unsent`: recipients that expire.

    `finishes_at`: when the last recipient leaves or expires; None if there are none."""

    sent: dict[datetime, int]
    unsent: int
    finishes_at: datetime | None


@dataclass(slots=True)
class _Queue:
    """A group during the forecast: its remainder, its end, and its current or next window opening, None if none remains."""

    group: Group
    left: float
    end: datetime
    opens: datetime | None = None
    closes: datetime | None = None
    sent: dict[datetime, float] = field(default_factory=lambda: defaultdict(float))


def forecast(groups: Sequence[Group], hours: Hours | None, *, start: datetime, end: datetime, pace: float) -> Forecast:
    """Forecast `groups` from `start` until all recipients are sent or expired, at `pace` a second; `end` is the default expiry.

    `hours` are None where no hours bind."""
    queues = [_Queue(group, float(group.count), group.expires_at or end) for group in groups if group.count]
    for queue in queues:
        _set_next_opening(queue, start, hours)
    now, last = start, start
    while waiting := [queue for queue in queues if queue.opens is not None and queue.left > EPSILON]:
        flowing = _earliest_open(waiting, now)
        turn = min(_next_change(queue, now) for queue in waiting)
        if flowing:
            turn = last = _flow(flowing, now, turn, pace)
        now = turn
        for queue in queues:
            if queue.closes is not None and queue.closes <= now:
                _set_next_opening(queue, now, hours)
    return _in_whole_recipients(queues, start, last)


def _flow(flowing: Sequence[_Queue], now: datetime, turn: datetime, pace: float) -> datetime:
    """Share the pace among the queues until `turn` or until they are empty; return that time."""
    total = sum(queue.left for queue in flowing)
    room = (turn - now).total_seconds() * pace
    share = min(1.0, room / total)
    for queue in flowing:
        assert queue.opens is not None  # noqa: S101  # only queues with an opening flow
        queue.sent[queue.opens] += queue.left * share
        queue.left *= 1 - share
    return turn if share < 1 else now + timedelta(seconds=total / pace)


def _set_next_opening(queue: _Queue, now: datetime, hours: Hours | None) -> None:
    """Set the queue's current or next opening from `now` on, or None if there is none before its end."""
    zones, states = queue.group.zones, queue.group.states
    now = max(now, queue.group.not_before or now)
    opens = now if hours is None else next_open(now, zones, hours, states)
    if opens is None or opens >= queue.end:
        queue.opens = queue.closes = None
        return
    shut = None if hours is None else closing(opens, zones, hours, states)
    queue.opens, queue.closes = opens, min(shut or queue.end, queue.end)


def _earliest_open(waiting: Sequence[_Queue], now: datetime) -> list[_Queue]:
    openings = [queue.opens for queue in waiting if queue.opens is not None and queue.opens <= now]
    return [queue for queue in waiting if openings and queue.opens == min(openings)]


def _next_change(queue: _Queue, now: datetime) -> datetime:
    """The time at which the queue opens, or closes if it is open."""
    assert queue.opens is not None and queue.closes is not None  # noqa: S101  # only waiting queues are asked
    return queue.opens if queue.opens > now else queue.closes


def _in_whole_recipients(queues: Sequence[_Queue], start: datetime, last: datetime) -> Forecast:
    """The forecast in whole recipients; each group is rounded on its running sum, so that its total stays exact."""
    sent: dict[datetime, int] = defaultdict(int)
    unsent, ends = 0, [last]
    for queue in queues:
        so_far, counted = 0.0, 0
        for opening, share in sorted(queue.sent.items()):
            so_far += share
            sent[opening] += round(so_far) - counted
            counted = round(so_far)
        unsent += queue.group.count - counted
        if queue.group.count > counted:
            ends.append(max(queue.end, start))
    return Forecast(
        {opening: count for opening, count in sorted(sent.items()) if count}, unsent, max(ends) if queues else None
    )
