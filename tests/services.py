"""What services refuse, and what they leave in the audit."""

from __future__ import annotations

from typing import Any

import pytest

from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent, Workspace


def refused(verb: Any, **arguments: Any) -> ServiceError:
    """The refusal of a call, which must be a sentence."""
    with pytest.raises(ServiceError) as refusal:
        verb(**arguments)
    assert str(refusal.value).endswith(".")
    return refusal.value


def actions(workspace: Workspace) -> list[str]:
    """The actions in the workspace's audit, sorted."""
    return sorted(AuditEvent.objects.filter(workspace=workspace).values_list("action", flat=True))
