"""Rounds that alternate between the platform and the plainest project, so that load of the machine affects both."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.measure import Spent, spending

TICK_SECONDS = 0.01


@dataclass(frozen=True)
class Round:
    """What `count` requests or rows took."""

    count: int
    spent: Spent

    @property
    def rate(self) -> float:
        return self.count / self.spent.seconds

    @property
    def cpu_ms(self) -> float:
        """Of web processes and PostgreSQL, for each; at least a tick of the clock by which the kernel counts."""
        return max(self.spent.worker_cpu + self.spent.postgres_cpu, TICK_SECONDS) * 1000 / self.count


@dataclass(frozen=True)
class Side:
    """`work` does a round's work and returns how much it was; what it needs is made before, outside of the measurement, by `make`."""

    pids: list[int]
    make: Callable[[], Callable[[], int]]


def alternate(sides: Mapping[str, Side], rounds: int, say: Callable[[str], None]) -> dict[str, list[Round]]:
    """The rounds of each side, in turn and each time in the other order; a first one warms up."""
    found: dict[str, list[Round]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name in sorted(sides, reverse=bool(number % 2)):
            work = sides[name].make()
            with spending(sides[name].pids) as spent:
                count = work()
            if number:
                found[name].append(Round(count, spent))
        if number:
            say(
                "   ".join(
                    f"{name} {found[name][-1].rate:,.0f}/s, {found[name][-1].cpu_ms:.2f} CPU ms" for name in sides
                )
            )
    return found


def ratio(found: Mapping[str, list[Round]], ours: str, theirs: str, value: Callable[[Round], float]) -> float:
    """The median over the pairs of rounds."""
    return statistics.median(value(mine) / value(other) for mine, other in zip(found[ours], found[theirs], strict=True))


def median(rounds: list[Round], value: Callable[[Round], float]) -> float:
    return statistics.median(map(value, rounds))
