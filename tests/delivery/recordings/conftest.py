"""A media storage of the test's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    """The folder that recordings are stored in."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"
