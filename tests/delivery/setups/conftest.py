"""A use case that can send."""

from __future__ import annotations

import pytest

from rvm.platform.models import Workspace
from tests.factories import make_use_case
from usecases.models import UseCase


@pytest.fixture
def use_case(workspace: Workspace) -> UseCase:
    return make_use_case(workspace)
