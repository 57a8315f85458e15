"""Reports without our key: the one drop that they can mean, or none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from delivery.lifecycle.events import Report, ReportStatus
from delivery.lifecycle.reasons import Reason
from delivery.models import CarrierReport, Drop
from delivery.reports.inbox import merge, receive
from tests import factories
from tests.delivery.states import NOW, both, make_drop, make_submitted, state

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(seconds=5)
BUSY = ("failed", "busy", "failed", "busy")
OPEN = ("accepted", "", "accepted", "")
OTHER = "+12025550143"


def say(drop: Drop, *, reference: str = "theirs-1", recipient: str = factories.RECIPIENT, at=LATER) -> str:
    """A keyless report of a busy line, merged; what became of it."""
    report = Report(
        None,
        ReportStatus.FAILED,
        at,
        carrier_reference=reference,
        reason=Reason.BUSY,
        code="4006",
        recipient=recipient,
    )
    receive(drop.setup_id, b"{}", [report])
    assert merge(NOW) == 1
    return CarrierReport.objects.latest("id").effect


def second_to(drop: Drop, status: str = "accepted", **fields: object) -> Drop:
    """Another voicemail to the same person through the same setup."""
    voicemail = factories.make_voicemail(drop.voicemail.use_case, status=status)
    return make_drop(voicemail, status=status, **fields)


@pytest.mark.parametrize("status", ["sending", "uncertain", "accepted"])
def test_the_only_open_drop_to_the_person_is_meant_and_learns_the_carriers_id(status: str) -> None:
    drop = make_submitted(status)
    assert say(drop) == "applied"
    assert both(drop) == BUSY
    assert (drop.carrier_reference, drop.carrier_code) == ("theirs-1", "4006")


@pytest.mark.parametrize("reason", ["unreported", "unconfirmed"])
def test_a_drop_that_was_given_up_for_want_of_a_report_is_open_too(reason: str) -> None:
    drop = make_submitted("failed", reason)
    assert say(drop) == "applied"
    assert both(drop) == BUSY


def test_between_two_open_drops_nothing_is_guessed() -> None:
    drop = make_submitted("accepted")
    other = second_to(drop)
    assert say(drop) == "unknown_drop"
    assert both(drop) == both(other) == OPEN


def test_a_drop_that_an_unsigned_result_ended_leaves_a_report_in_doubt() -> None:
    drop = make_submitted("failed", "carrier_account")
    Drop.objects.filter(pk=drop.pk).update(provisional=True)
    other = second_to(drop)
    assert say(drop) == "unknown_drop"
    assert both(other) == OPEN


def test_the_carriers_id_decides_where_it_is_known() -> None:
    drop = make_submitted("accepted")
    named = second_to(drop, carrier_reference="theirs-1")
    assert say(drop) == "applied"
    assert (both(drop), both(named)) == (OPEN, BUSY)


def test_a_second_saying_about_an_ended_drop_changes_no_other() -> None:
    ended = make_submitted("failed", "no_answer", drop={"status": "failed", "carrier_reference": "theirs-1"})
    retried = second_to(ended)
    assert say(ended) == "kept"
    assert both(retried) == OPEN


def test_another_drop_that_ended_is_no_candidate() -> None:
    ended = make_submitted("delivered")
    drop = second_to(ended)
    assert say(drop) == "applied"
    assert (state(ended), both(drop)) == (("delivered", ""), BUSY)


def test_a_drop_made_after_the_event_is_not_meant() -> None:
    drop = make_submitted("accepted")
    assert say(drop, at=NOW - timedelta(seconds=1)) == "unknown_drop"
    assert both(drop) == OPEN


@pytest.mark.parametrize(("minutes", "effect"), [(5, "unknown_drop"), (6, "applied")])
def test_a_drop_made_a_little_after_the_event_leaves_it_in_doubt(minutes: int, effect: str) -> None:
    """The event's time is by the carrier's clock, which may be slow: the later drop may be the one that it is about."""
    drop = make_submitted("uncertain")
    later = second_to(drop, created_at=LATER + timedelta(minutes=minutes))
    assert say(drop) == effect
    assert both(later) == OPEN


def test_other_people_other_setups_and_other_workspaces_are_not_meant() -> None:
    drop, stranger = make_submitted("accepted"), make_submitted("accepted")
    assert say(drop, recipient=OTHER) == "unknown_drop"
    make_drop(factories.make_voicemail(status="accepted"), status="accepted")
    elsewhere = factories.make_setup(drop.workspace)
    assert say(make_drop(drop.voicemail, setup=elsewhere, status="delivered")) == "unknown_drop"
    assert both(stranger) == OPEN


def test_the_number_is_not_kept_readable() -> None:
    drop = make_submitted("accepted")
    say(drop)
    row = CarrierReport.objects.get()
    assert factories.RECIPIENT not in "".join(str(value) for name, value in vars(row).items() if name != "recipient")
    with connection.cursor() as cursor:
        cursor.execute("SELECT recipient FROM delivery_carrierreport")
        [(stored,)] = cursor.fetchall()
    assert factories.RECIPIENT.encode() not in bytes(stored)
    assert row.recipient == factories.RECIPIENT
    assert row.drop_id == drop.id
