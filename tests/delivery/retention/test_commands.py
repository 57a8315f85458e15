"""Commands to calls are removed with the callbacks that asked for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from delivery.models import CallCommand
from delivery.retention.commands import COMMANDS
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import uuid7
from rvm.platform.retention import holds, purges
from rvm.platform.retention_kinds import TERMS, RetentionKind
from tests.factories import make_setup
from usecases.models import TelephonySetup

pytestmark = pytest.mark.django_db

DAYS = timedelta(days=TERMS[RetentionKind.CALLBACKS].days or 0)


def command(setup: TelephonySetup, *, ago: timedelta = DAYS + timedelta(hours=1), **fields: Any) -> CallCommand:
    at = database_now() - ago
    given = {"action": "play", "state": "taken", "carrier_reference": "call", "created_at": at, "not_after": at}
    return CallCommand.objects.create(setup=setup, drop_id=uuid7(), **{**given, **fields})


def test_old_commands_go_and_what_may_still_leave_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purges, "STEP_ROWS", 2)
    setup = make_setup()
    for state in ("taken", "refused", "dropped"):
        command(setup, state=state)
    kept = {
        command(setup, ago=DAYS - timedelta(hours=1)).pk,
        command(setup, state="waiting").pk,
        command(setup, state="leaving").pk,
        command(make_setup()).pk,
    }
    assert COMMANDS.count(setup.workspace_id, database_now() - DAYS) == 3
    assert list(COMMANDS.run(setup.workspace_id, database_now())) == [2, 1]
    assert set(CallCommand.objects.values_list("pk", flat=True)) == kept


def test_a_hold_keeps_them() -> None:
    setup = make_setup()
    command(setup)
    holds.place(setup.workspace, campaign_id=setup.pk, name="Flu", reason="Alder", actor=None)
    assert list(COMMANDS.run(setup.workspace_id, database_now())) == []
