"""Histories find every planted fault, and every fault can be planted in the current engine."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.delivery.model.mutants import MUTANTS, Planted
from tests.delivery.model.running import QUICK, show, tell

# A fault must be found within this many histories, with fixed seeds, so that the result does not depend on the machine.
MAX_HISTORIES = 1000
BATCH = 50


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_fault_can_be_planted(mutant: Callable[[], Planted]) -> None:
    with mutant():
        pass


@pytest.mark.django_db
@pytest.mark.histories
@pytest.mark.parametrize(("mutant", "words"), MUTANTS.items(), ids=[mutant.__name__ for mutant in MUTANTS])
def test_a_planted_fault_is_found(
    mutant: Callable[[], Planted], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with mutant():
        for seed in range(1, MAX_HISTORIES // BATCH + 1):
            try:
                tell(BATCH, phases=QUICK, at=seed)
            except Exception as fault:
                what = str(fault).partition("\n")[0]
                show(capsys, f"\n{mutant.__name__}: found with seed {seed}: {what}")
                if not re.search(words, what):
                    raise
                return
    pytest.fail(f"{MAX_HISTORIES} histories did not find it")
