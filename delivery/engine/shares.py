"""Shares of a worker's places among setups and workspaces. Pure.

A carrier that takes long to respond holds the places of its setup for as long. So a setup takes at most RVM_CONCURRENCY places, an
eighth more is for other setups of its workspace, and an eighth of all that for other workspaces. Each takes only so much of what
others leave that something is left for the next. While several wait, who holds the fewest places comes first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar
from uuid import UUID

_RESERVE = 8  # one part in so many is added for others


class RouteOfLane(Protocol):
    @property
    def workspace_id(self) -> UUID: ...
    @property
    def setup_id(self) -> UUID: ...
    @property
    def priority(self) -> int: ...


AnyRoute = TypeVar("AnyRoute", bound=RouteOfLane)


def places(concurrency: int) -> int:
    """The places of a worker of which one setup takes at most `concurrency`."""
    for _ in ("the workspace's other setups", "other workspaces"):
        concurrency += max(1, concurrency // _RESERVE)
    return concurrency


def _most(room: int) -> int:
    """How much of the room one may take, so that the rest is left for others: the inverse of one step of `places`."""
    return room - max(1, room // (_RESERVE + 1))


def level(held: Iterable[int], free: int) -> int:
    """How many places each has after `free` more were given, one by one, to whoever had the fewest."""
    total, ordered = free, sorted(held)
    for count, lowest in enumerate(ordered, 1):
        total += lowest
        reached = -(-total // count)
        if count == len(ordered) or reached <= ordered[count]:
            return reached
    return 0


class Shares:
    """The free places of one turn, which its routes take one after the other.

    `in_flight` has the requests of each setup, `workspaces` the workspace of each setup that has any, and `routes` all that want
    places. What a route leaves is for those after it.
    """

    def __init__(
        self, free: int, in_flight: Mapping[UUID, int], workspaces: Mapping[UUID, UUID], routes: Sequence[RouteOfLane]
    ) -> None:
        self.free = free
        self._setups = Counter(in_flight)
        self._workspaces: Counter[UUID] = Counter()
        for setup_id, count in in_flight.items():
            self._workspaces[workspaces[setup_id]] += count
        self._waiting: dict[UUID, Counter[UUID]] = {}  # by workspace, the lanes left of each setup
        for route in routes:
            self._waiting.setdefault(route.workspace_id, Counter())[route.setup_id] += 1
        self._capped = self._wants_more = False

    @property
    def kept(self) -> int:
        """The places that stay free for others than those that wait; 0 if one of these may take more at once."""
        return self.free if self._capped and not self._wants_more else 0

    def ordered(self, routes: Iterable[AnyRoute]) -> list[AnyRoute]:
        """The routes by priority, and then by who holds the fewest places."""
        return sorted(
            routes,
            key=lambda route: (-route.priority, self._workspaces[route.workspace_id], self._setups[route.setup_id]),
        )

    def share(self, route: RouteOfLane, due: int) -> int:
        """How many of `due` starts the next route may take."""
        in_workspace, in_setup = self._workspaces[route.workspace_id], self._setups[route.setup_id]
        setups = self._waiting[route.workspace_id]
        most = _most(self.free + in_workspace) - in_workspace
        fair = level((self._workspaces[each] for each in self._waiting), self.free) - in_workspace
        fair = level((self._setups[each] for each in setups), min(most, fair)) - in_setup
        most = _most(most + in_setup) - in_setup
        lanes = setups[route.setup_id]
        self._capped |= most < due
        self._wants_more |= fair < min(most, due)
        return max(0, min(most, -(-fair // lanes), due))

    def take(self, route: RouteOfLane, count: int) -> None:
        """Note that the route has taken `count` places and wants no more in this turn."""
        self.free -= count
        self._workspaces[route.workspace_id] += count
        self._setups[route.setup_id] += count
        setups = self._waiting[route.workspace_id]
        setups[route.setup_id] -= 1
        if not setups[route.setup_id]:
            del setups[route.setup_id]
        if not setups:
            del self._waiting[route.workspace_id]
