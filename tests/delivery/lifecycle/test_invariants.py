"""A voicemail that disagrees with its drop is found by the tick, brought together with it, logged and counted."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from delivery.lifecycle import invariants
from delivery.lifecycle.status import UNDER_WAY, DropStatus
from delivery.models import Drop, Voicemail
from delivery.web.gauges import tally
from tests import factories
from tests.delivery.states import NOW, both, counter_totals, make_submitted, row_counts

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _from_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "_walk", invariants.Walk())


# By where the voicemail and its drop stand: what both come to.
ENDS = {
    ("sending", "uncertain"): ("uncertain", "", "uncertain", ""),
    ("sending", "accepted"): ("accepted", "", "accepted", ""),
    ("sending", "delivered"): ("delivered", "", "delivered", ""),
    ("sending", "failed"): ("failed", "busy", "failed", "busy"),
    ("sending", "not_sent"): ("queued", "", "not_sent", "not_sent"),
    ("uncertain", "sending"): ("uncertain", "", "uncertain", ""),
    ("uncertain", "accepted"): ("accepted", "", "accepted", ""),
    ("uncertain", "delivered"): ("delivered", "", "delivered", ""),
    ("uncertain", "failed"): ("failed", "busy", "failed", "busy"),
    ("uncertain", "not_sent"): ("failed", "not_sent", "not_sent", "not_sent"),
    ("accepted", "sending"): ("accepted", "", "accepted", ""),
    ("accepted", "uncertain"): ("accepted", "", "accepted", ""),
    ("accepted", "delivered"): ("delivered", "", "delivered", ""),
    ("accepted", "failed"): ("failed", "busy", "failed", "busy"),
    ("accepted", "not_sent"): ("failed", "not_sent", "not_sent", "not_sent"),
}


def test_the_table_names_every_disagreement() -> None:
    assert set(ENDS) == {
        (status.value, drop.value) for status in UNDER_WAY for drop in DropStatus if drop.value != status.value
    }


@pytest.mark.parametrize(("status", "drop"), list(ENDS))
def test_the_one_that_is_behind_follows_the_other(status: str, drop: str) -> None:
    reason = {"failed": "busy", "not_sent": "not_sent"}.get(drop, "")
    row = make_submitted(status, drop={"status": drop, "reason": reason})
    with capture_logs() as logs:
        assert invariants.check(NOW) == 1
    assert both(row) == ENDS[status, drop]
    assert counter_totals(row.voicemail.lane_id) == row_counts(row.voicemail.lane_id)
    assert [(line["event"], line["voicemail_id"]) for line in logs] == [("voicemail_repaired", str(row.voicemail_id))]
    assert tally(invariants.TALLY) == 1


def test_a_voicemail_under_way_without_a_drop_ends_as_one_that_may_have_been_sent() -> None:
    drop = make_submitted("accepted")
    Drop.objects.all().delete()
    assert invariants.check(NOW) == 1
    assert Voicemail.objects.get(pk=drop.voicemail_id).reason == "unconfirmed"


def test_what_agrees_is_left_alone() -> None:
    for status in UNDER_WAY:
        make_submitted(status.value)
    factories.make_voicemail()
    assert invariants.check(NOW) == 0
    assert tally(invariants.TALLY) == 0


def test_the_walk_comes_round_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invariants, "MAX_ROWS", 2)
    use_cases = [factories.make_use_case() for _ in range(3)]
    for use_case in use_cases:
        for status in ("sending", "accepted", "accepted", "accepted", "accepted"):
            make_submitted(status, use_case=use_case)
    apart = [
        make_submitted("accepted", use_case=use_case, drop={"status": "delivered"}).voicemail_id
        for use_case in use_cases
    ]
    for _ in range(20):
        invariants.check(NOW)
    assert set(Voicemail.objects.filter(pk__in=apart).values_list("status", flat=True)) == {"delivered"}
    late = make_submitted("uncertain", use_case=use_cases[0], drop={"status": "accepted"})
    for _ in range(20):
        invariants.check(NOW)
    assert both(late) == ("accepted", "", "accepted", "")
