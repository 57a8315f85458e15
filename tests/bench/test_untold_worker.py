"""The baseline of what events cost tells nobody of a change, and changes the same."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bench.programs import untold_worker
from delivery.lifecycle import transitions
from delivery.lifecycle.status import VoicemailStatus
from delivery.lifecycle.transitions import Transition
from delivery.models import Voicemail
from rvm.platform.models import Outbox
from tests.factories import make_voicemail

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


def cancel() -> None:
    row = make_voicemail()
    transitions.apply([Transition(row.pk, VoicemailStatus.QUEUED, VoicemailStatus.CANCELED)], NOW)
    assert Voicemail.objects.get(pk=row.pk).status == "canceled"


def test_a_worker_that_tells_nobody_changes_voicemails_without_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    cancel()
    assert Outbox.objects.count() == 1
    for name in ("_APPLY_TRANSITIONS", "_REQUEUE_FAILED"):
        monkeypatch.setattr(transitions, name, getattr(transitions, name))  # restored after the test
    untold_worker.tell_nobody()
    cancel()
    assert Outbox.objects.count() == 1
