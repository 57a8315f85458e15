"""Fixtures of the audit's tests."""

from __future__ import annotations

from typing import Any

import pytest

from rvm.platform import audit
from rvm.platform.models import AuditEvent, User, Workspace
from tests.factories import make_user


@pytest.fixture
def maria(workspace: Workspace) -> User:
    return make_user(workspace=workspace, first_name="Maria", last_name="Lopez", password=None)


def record(action: str, row: Any, actor: User | None, workspace: Workspace | None, **details: Any) -> AuditEvent:
    return audit.record(action, row, actor=actor, workspace=workspace, **details)
