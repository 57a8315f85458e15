"""A campaign with recipients in the admin of somebody who may do everything there but see numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from campaigns.lifecycle.service import create
from campaigns.models import Campaign
from delivery.models import Lane
from rvm.platform.models import Workspace
from rvm.platform.roles import Role
from tests.factories import make_lane, make_recording, make_use_case, make_user, make_voicemail


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    return tmp_path / "media"


@pytest.fixture
def operator(client: Client, workspace: Workspace) -> Client:
    client.force_login(
        make_user(workspace=workspace, role=Role.LAUNCHER, is_staff=True, username="olive", password=None)
    )
    return client


@pytest.fixture
def compliance(workspace: Workspace) -> Client:
    client = Client()
    client.force_login(
        make_user(workspace=workspace, role=Role.COMPLIANCE, is_staff=True, username="cora", password=None)
    )
    return client


@pytest.fixture
def viewer(workspace: Workspace) -> Client:
    client = Client()
    client.force_login(make_user(workspace=workspace, role=Role.VIEWER, is_staff=True, username="vera", password=None))
    return client


@pytest.fixture
def stranger(db: None) -> Client:
    """Of another workspace."""
    client = Client()
    client.force_login(make_user(workspace=make_lane().workspace, is_staff=True, username="stan", password=None))
    return client


@pytest.fixture
def campaign(workspace: Workspace) -> Campaign:
    return make_campaign(workspace)


def make_campaign(workspace: Workspace, *, recipients: int = 0, **fields: Any) -> Campaign:
    """A draft; its recording has no file. `state` and other columns as given, and that many voicemails waiting."""
    state = fields.pop("state", None)
    use_case = fields.pop("use_case", None) or make_use_case(workspace)
    said = {"name": "Flu shots", "live": True, "recording": make_recording(workspace), **fields}
    made = create(workspace=workspace, use_case=use_case, actor=None, **said)
    for number in range(recipients):
        make_voicemail(
            lane=made.lane, recipient=f"+1202555{100 + number:04}", recording=made.recording, expires_at=None
        )
    if state is not None:
        Campaign.objects.filter(pk=made.pk).update(state=state)
        if state == "completed":  # one that ran
            Lane.objects.filter(pk=made.pk).update(held=False)
        made.refresh_from_db()
    return made


@pytest.fixture
def make() -> Callable[..., Campaign]:
    return make_campaign
