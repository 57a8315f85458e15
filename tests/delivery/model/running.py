"""Runner of histories: a number of them with one seed, in a world that is rolled back afterwards."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis._settings import not_set
from hypothesis.stateful import run_state_machine_as_test

from tests.delivery.model.histories import History
from tests.delivery.model.world import created

MAX_STEPS = 40
# Hypothesis takes up to five minutes to shrink a failing history.
QUICK = tuple(phase for phase in Phase if phase not in (Phase.shrink, Phase.explain))
THOROUGH = tuple(phase for phase in Phase if phase is not Phase.explain)


@dataclass(frozen=True, slots=True)
class Told:
    histories: int
    steps: int


def tell(histories: int, *, phases: Collection[Phase], at: int | None = None) -> Told:
    """Run histories and return how many ran, with their steps; raises the first failure. `at` is the seed; None is a random one."""
    with created() as world:
        machine = type("History", (History,), {"world": world, "told": 0, "steps": 0})
        if at is not None:
            machine = seed(at)(machine)
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=histories,
                stateful_step_count=MAX_STEPS,
                suppress_health_check=list(HealthCheck),
                phases=phases,
                database=None if at is not None else not_set,
                print_blob=True,
            ),
        )
        return Told(machine.told, machine.steps)


def show(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Print immediately, past pytest's capture."""
    with capsys.disabled():
        sys.stdout.write(text)
        sys.stdout.flush()
