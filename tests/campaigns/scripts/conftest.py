"""A media storage of the test's own, and clips to make scripts of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from delivery.models import Clip
from delivery.recordings.clips import store_clip
from rvm.platform.models import Workspace
from tests.delivery.audio import mp3_bytes as make

MakeClip = Callable[..., Clip]


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


@pytest.fixture
def make_clip(workspace: Workspace) -> MakeClip:
    """`make_clip("Ana", 0.5)`: a sound of its own for every name."""

    def made(name: str, seconds: float = 0.5, *, rate: int = 8000, into: Workspace = workspace) -> Clip:
        pcm = make.noise(seconds, rate)
        pcm[:200] = sum(map(ord, name)) * 7919 % 30000
        return store_clip(into, name, make.encode_pcm(pcm, rate, 32))

    return made
