"""A world of rows whose recordings lie in the test's own folder, and whose carriers are asked nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from delivery.carriers.abilities import Check
from delivery.setups import api as setups
from tests.rvm.project.access.world import World, make_world


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def world(media: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(setups, "check_setup", lambda setup: Check(True, "asked"))
    return make_world()
