"""Fixtures that tests of several floors share: a workspace, and a client that calls its API with a key."""

from __future__ import annotations

import pytest

from rvm.platform.models import Workspace
from tests.factories import Api, make_api, make_workspace


@pytest.fixture
def workspace(db: None) -> Workspace:
    return make_workspace()


@pytest.fixture
def api(workspace: Workspace) -> Api:
    """Calls `/v1/{workspace}/…` with a live key that has every scope."""
    return make_api(workspace)
