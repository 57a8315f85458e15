"""A workspace that can send, and a media storage of the test's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rvm.platform.models import Workspace
from tests.factories import make_use_case
from usecases.models import UseCase


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    """The folder that recordings are stored in."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


@pytest.fixture
def use_case(workspace: Workspace) -> UseCase:
    return make_use_case(workspace, numbers=2)
