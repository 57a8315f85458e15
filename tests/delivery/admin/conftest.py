"""A staff person of the workspace, and a media storage of the test's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from rvm.platform.models import Workspace
from tests.factories import make_user


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


@pytest.fixture
def staff(client: Client, workspace: Workspace) -> Client:
    """An administrator who may not see numbers."""
    client.force_login(make_user(workspace=workspace, is_staff=True, username="boss", password=None))
    return client
