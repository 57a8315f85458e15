"""Shares of a worker's places: no setup and no workspace takes all of them, and each place is used while only one wants it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.engine.shares import Shares, level, places


class Route(NamedTuple):
    workspace_id: UUID
    setup_id: UUID
    priority: int = 0


def route(workspace: int, setup: int, priority: int = 0) -> Route:
    return Route(UUID(int=workspace), UUID(int=1000 * workspace + setup), priority)


def turn(free: int, in_flight: Counter[Route], due: dict[Route, int], lanes: int = 1) -> tuple[Counter[Route], int]:
    """What each route takes in one turn, and how many places are kept for others."""
    held = {each.setup_id: number for each, number in in_flight.items()}
    workspaces = {each.setup_id: each.workspace_id for each in in_flight}
    routes = [each for each in due for _ in range(lanes)]
    shares = Shares(free, held, workspaces, routes)
    taken: Counter[Route] = Counter()
    for each in shares.ordered(routes):
        start = shares.share(each, due[each] - taken[each])
        shares.take(each, start)
        taken[each] += start
    return taken, shares.kept


@pytest.mark.parametrize("concurrency", [1, 2, 7, 8, 9, 64, 255, 256, 2000])
@pytest.mark.parametrize("lanes", [1, 3])
def test_a_setup_that_is_alone_takes_the_concurrency_exactly(concurrency: int, lanes: int) -> None:
    alone = route(1, 1)
    taken, kept = turn(places(concurrency), Counter(), {alone: 10_000}, lanes)
    assert (taken[alone], kept) == (concurrency, places(concurrency) - concurrency)


def test_the_places_that_are_kept_go_to_the_workspaces_other_setups_and_to_other_workspaces() -> None:
    slow = Counter({route(1, 1): 256})
    ours, others = route(1, 2), route(2, 1)
    for newcomer, least in ((ours, 28), (others, 50)):
        taken, _ = turn(places(256) - 256, slow, {newcomer: 1000, route(1, 1): 1000})
        assert taken[route(1, 1)] == 0
        assert taken[newcomer] >= least


@given(
    held=st.lists(st.integers(0, 50), min_size=1, max_size=8),
    due=st.lists(st.integers(0, 400), min_size=1, max_size=8),
    free=st.integers(0, 324),
    setups=st.integers(1, 4),
)
def test_nobody_gets_more_than_there_is_and_nothing_is_left_that_one_may_have(
    held: list[int], due: list[int], free: int, setups: int
) -> None:
    in_flight = Counter({route(at % setups, at): number for at, number in enumerate(held)})
    wanted = {route(at % setups, at): number for at, number in enumerate(due) if number}
    taken, kept = turn(free, in_flight, wanted)
    assert sum(taken.values()) <= free
    assert all(taken[each] <= wanted[each] for each in taken)
    assert kept <= free - sum(taken.values())
    if len(wanted) == 1 and (alone := next(iter(wanted))):
        left = free - taken[alone]
        assert taken[alone] == wanted[alone] or left <= 2 + (free + sum(in_flight.values())) / 4


@given(held=st.lists(st.integers(0, 100), min_size=1, max_size=10), free=st.integers(0, 200))
def test_a_level_is_where_places_given_one_by_one_to_the_fewest_end(held: list[int], free: int) -> None:
    heights = list(held)
    for _ in range(free):
        heights[heights.index(min(heights))] += 1
    assert level(held, free) == max(
        max((high for high, was in zip(heights, held, strict=True) if high > was), default=0), min(held)
    )


@dataclass
class Worker:
    """One worker's places through time: each request holds one for as long as its carrier takes."""

    concurrency: int

    def __post_init__(self) -> None:
        self.open: list[tuple[float, Route]] = []
        self.started: Counter[Route] = Counter()

    def step(self, now: float, due: dict[Route, int], seconds: dict[Route, float]) -> Counter[Route]:
        self.open = [(end, each) for end, each in self.open if end > now]
        in_flight = Counter(each for _, each in self.open)
        taken, _ = turn(places(self.concurrency) - len(self.open), in_flight, due)
        for each, number in taken.items():
            self.open += [(now + seconds[each], each)] * number
        self.started += taken
        return taken

    def in_flight(self, routes: Iterable[Route]) -> int:
        return sum(each in set(routes) for _, each in self.open)


def test_a_workspace_with_many_slow_setups_leaves_places_to_who_comes_later() -> None:
    slow = [route(1, at) for at in range(20)]
    newcomer, seconds = route(2, 1), {each: 20.0 for each in slow} | {route(2, 1): 0.05}
    worker = Worker(256)
    clock = (tick * 0.05 for tick in count())
    for _ in range(600):  # half a minute of the slow ones alone
        worker.step(next(clock), dict.fromkeys(slow, 5000), seconds)
    assert worker.in_flight(slow) > 256
    first = worker.step(next(clock), dict.fromkeys(slow, 5000) | {newcomer: 5000}, seconds)
    assert first[newcomer] >= 20
    for _ in range(200):
        worker.step(next(clock), dict.fromkeys(slow, 5000) | {newcomer: 5000}, seconds)
    assert worker.started[newcomer] >= 200 * 20


def test_two_slow_workspaces_come_to_hold_the_same() -> None:
    first, second = route(1, 1), route(2, 1)
    worker, clock = Worker(256), (tick * 0.25 for tick in count())
    for _ in range(100):
        worker.step(next(clock), {first: 5000}, {first: 20.0})
    for _ in range(100):  # 25 seconds: each place has become free once
        worker.step(next(clock), {first: 5000, second: 5000}, {first: 20.0, second: 20.0})
    assert abs(worker.in_flight([first]) - worker.in_flight([second])) <= 0.2 * worker.in_flight([first, second])


def test_who_wants_little_leaves_the_rest_to_the_others() -> None:
    little, much = route(1, 1), route(2, 1)
    taken, _ = turn(places(64), Counter(), {little: 3, much: 1000})
    assert taken[little] == 3
    assert taken[much] >= 60


def test_a_higher_priority_is_served_first_and_not_alone() -> None:
    urgent, other = route(1, 1, priority=9), route(2, 1)
    taken, _ = turn(places(64), Counter(), {other: 1000, urgent: 1000})
    assert taken[urgent] >= taken[other] - 1
    assert taken[other] > 0
