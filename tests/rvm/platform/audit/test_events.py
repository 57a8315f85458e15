"""An audit row names action, actor, subject and request, and holds no phone number."""

from __future__ import annotations

import pytest
import structlog

from rvm.platform import audit
from rvm.platform.models import AuditEvent
from tests.factories import make_user, make_workspace

pytestmark = pytest.mark.django_db


def test_a_record_holds_the_bound_request_and_masks_numbers() -> None:
    person, workspace = make_user(), make_workspace()
    with structlog.contextvars.bound_contextvars(request_id="r-9"):
        audit.record(
            "workspace.renamed", workspace, actor=person, workspace=workspace, to="call 202-555-0142", by=person.id
        )
    event = AuditEvent.objects.get()
    assert (event.subject_type, event.subject_id, event.request_id) == ("platform.workspace", workspace.id, "r-9")
    assert event.details == {"to": "call [number]", "by": str(person.id)}


def test_the_platform_itself_is_no_actor_and_outside_a_request_there_is_no_id() -> None:
    structlog.contextvars.clear_contextvars()
    event = audit.record("tick.ran", make_workspace(), actor=None, workspace=None)
    assert event.actor is None and event.request_id == ""
