"""Fixtures of delivery's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django_rq import get_connection
from redis import Redis


@pytest.fixture
def redis() -> Iterator[Redis]:
    """The Redis of all queues, empty before and after."""
    connection: Redis = get_connection("dispatch")
    connection.flushdb()
    yield connection
    connection.flushdb()
