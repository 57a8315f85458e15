"""Fixtures of the sandbox carrier's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rvm.simulators.sandbox import harness


@pytest.fixture
def receiver() -> Iterator[harness.Receiver]:
    with harness.receiver() as taker:
        yield taker
