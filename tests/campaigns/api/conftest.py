"""A workspace that can send, campaigns of it, and a media storage of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from campaigns.models import Campaign
from delivery.models import Recording
from delivery.recordings.recordings import store_recording
from rvm.platform.models import Workspace
from tests.campaigns.api.calling import make_campaign
from tests.delivery.audio.mp3_bytes import encoded
from tests.factories import make_use_case
from usecases.models import UseCase


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    """The folder that recordings and lists are stored in."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


@pytest.fixture
def use_case(workspace: Workspace) -> UseCase:
    return make_use_case(workspace)


@pytest.fixture
def recording(workspace: Workspace) -> Recording:
    return store_recording(workspace, "Flu shot", encoded(12))


@pytest.fixture
def new_campaign(use_case: UseCase, recording: Recording) -> Callable[..., Campaign]:
    """A draft of the workspace, live unless said otherwise."""
    return lambda **fields: make_campaign(use_case, recording, **fields)
