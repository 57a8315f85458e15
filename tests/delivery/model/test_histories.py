"""Histories: no person is reached twice, no opt-out is lost and every row ends, for any order of events."""

from __future__ import annotations

import os
import time

import pytest

from tests.delivery.model.running import QUICK, THOROUGH, show, tell

pytestmark = pytest.mark.django_db

BATCH = 50


def test_nobody_is_reached_twice_and_every_voicemail_ends_whatever_happens(pytestconfig: pytest.Config) -> None:
    """With `--timeout 0`, a failing history is shrunk, starting from the one that failed last."""
    unbounded = pytestconfig.getoption("timeout") == 0
    tell(20, phases=THOROUGH if unbounded else QUICK)


@pytest.mark.histories
def test_the_same_for_as_long_as_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    """Runs consecutive seeds. A seed always gives the same histories, so one printed line reproduces a failure."""
    seconds = float(os.environ.get("RVM_HISTORIES_MINUTES", "60")) * 60
    seed = int(os.environ.get("RVM_HISTORIES_SEED", "1"))
    began, histories, steps = time.monotonic(), 0, 0
    while True:
        show(capsys, f"\nseed {seed}: ")
        told = tell(BATCH, phases=THOROUGH, at=seed)
        histories, steps, seed = histories + told.histories, steps + told.steps, seed + 1
        show(capsys, f"{told.histories} histories, {told.steps} steps; {histories} and {steps} in all")
        if time.monotonic() - began >= seconds:
            return
