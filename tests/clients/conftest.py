"""Fixtures of the client's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rvm_client import Client, Retries

from tests.clients.fake_server import KEY, FakeServer, fake_server


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with fake_server() as started:
        yield started


@pytest.fixture
def client(server: FakeServer) -> Iterator[Client]:
    """A client that repeats without pauses."""
    with Client(server.api, KEY, retries=Retries(first_pause=0)) as made:
        yield made
