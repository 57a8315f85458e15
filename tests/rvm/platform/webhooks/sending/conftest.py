"""A sender, driven by the test until what it waits for has come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from rvm.platform.webhooks.sending.sender import Sender

PATIENCE_SECONDS = 30.0


def drive(sender: Sender, until: Callable[[], object], patience: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + patience
    while not until():
        if time.monotonic() > deadline:
            raise TimeoutError("what the test waits for has not come")
        sender.step(0.02)


@pytest.fixture
def sender(db: None) -> Iterator[Sender]:
    sender = Sender()
    yield sender
    sender.close()
