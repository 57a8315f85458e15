"""Fixtures of chaos tests: servers that tests may break, and scenes whose invariants are checked at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.chaos import invariants
from tests.chaos.scene import Scene, scene
from tests.chaos.servers import Servers, own_servers

Play = Callable[..., AbstractContextManager[Scene]]


@pytest.fixture(scope="session")
def servers(django_db_blocker: DjangoDbBlocker) -> Iterator[Servers]:
    with django_db_blocker.unblock(), own_servers() as started:
        yield started


@pytest.fixture
def play(servers: Servers, tmp_path: Path, request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Play:
    """`with play(...) as scene:` starts the platform (options as for `tests.chaos.scene.scene`). After the block it waits until
    every voicemail has ended and checks all invariants."""

    @contextmanager
    def staged(**options: Any) -> Iterator[Scene]:
        with django_db_blocker.unblock(), scene(servers, tmp_path, request.node.name, **options) as stage:
            yield stage
            stage.wait_until_ended()
            invariants.check(stage)
        invariants.check_afterwards(stage)

    return staged
