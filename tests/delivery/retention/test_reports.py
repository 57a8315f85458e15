"""Raw callbacks, and the numbers in reports, are removed with time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from delivery.models import CarrierReport
from delivery.retention.reports import REPORTS
from rvm.platform.database.clock import database_now
from rvm.platform.retention import holds, purges
from rvm.platform.retention_kinds import TERMS, RetentionKind
from tests.factories import RECIPIENT, make_setup
from usecases.models import TelephonySetup

pytestmark = pytest.mark.django_db

DAYS = timedelta(days=TERMS[RetentionKind.CALLBACKS].days or 0)


def report(setup: TelephonySetup, *, ago: timedelta = DAYS + timedelta(hours=1), **fields: Any) -> CarrierReport:
    at = database_now() - ago
    given = {"status": "delivered", "recipient": RECIPIENT, "raw": b"sealed", "received_at": at, "merged_at": at}
    return CarrierReport.objects.create(setup=setup, **{**given, **fields})


def kept() -> list[tuple[bool, bool]]:
    return [(row.raw is not None, row.recipient is not None) for row in CarrierReport.objects.order_by("id")]


def test_bytes_and_numbers_of_old_reports_go_and_what_was_said_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purges, "STEP_ROWS", 2)
    setup = make_setup()
    rows = [report(setup), report(setup, raw=None), report(setup, recipient=None)]
    report(setup, ago=DAYS - timedelta(hours=1))
    report(setup, merged_at=None)
    report(make_setup())
    workspace = setup.workspace
    assert REPORTS.count(workspace.pk, database_now() - DAYS) == 3
    assert list(REPORTS.run(workspace.pk, database_now())) == [2, 1]
    assert kept() == [(False, False)] * 3 + [(True, True)] * 3
    assert {row.status for row in CarrierReport.objects.filter(pk__in=[row.pk for row in rows])} == {"delivered"}


def test_a_hold_on_any_campaign_keeps_the_callbacks_of_its_workspace() -> None:
    setup = make_setup()
    report(setup)
    holds.place(setup.workspace, campaign_id=setup.pk, name="Flu", reason="Alder", actor=None)
    assert list(REPORTS.run(setup.workspace_id, database_now())) == []
    assert kept() == [(True, True)]
