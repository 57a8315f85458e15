"""Histories of reports: wherever the batches end, the same reports end in the same rows and bring about the same drops."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from delivery.lifecycle.events import Report, ReportStatus
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import DropStatus
from delivery.lifecycle.transitions import DropChange, change_drops
from delivery.models import CarrierReport, Drop, Voicemail
from delivery.reports.inbox import merge, receive, reopen_doubtful
from delivery.worker.maintenance import rebuild_counts
from tests import factories
from tests.delivery.states import NOW, both, counter_totals, make_drop, make_submitted, row_counts
from usecases.models import Suppression, TelephonySetup
from usecases.suppressions import is_suppressed

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(seconds=5)
ACCEPTED, DELIVERED, FAILED = ReportStatus


@dataclass(frozen=True)
class Saying:
    """A report on the drop number `about`; without `keyed` it names the person and the carrier's id only."""

    about: int
    status: ReportStatus
    reason: Reason | None = None
    keyed: bool = True
    reference: str = ""
    early: bool = False
    unsigned: bool = False


REASONS = [Reason.NO_ANSWER, Reason.BUSY, Reason.REFUSED, Reason.OPTED_OUT, Reason.UNCONFIRMED, Reason.CARRIER_ACCOUNT]
sayings = st.builds(
    lambda status, reason, **fields: Saying(status=status, reason=reason if status is FAILED else None, **fields),
    about=st.integers(0, 3),
    status=st.sampled_from(list(ReportStatus)),
    reason=st.sampled_from(REASONS),
    keyed=st.booleans(),
    reference=st.sampled_from(["", "theirs-1", "theirs-2"]),
    early=st.booleans(),
    unsigned=st.sampled_from([False, False, True]),
)
INITIAL_STATES = ["sending", "uncertain", "accepted", "unconfirmed", "unreported", "busy", "not_sent", "delivered"]


class World:
    """Two people. One has two voicemails, of which the first is tried a second time; the other has one."""

    def __init__(self, initial_states: list[str], max_attempts: int) -> None:
        use_case = factories.make_use_case(max_attempts=max_attempts, retry_minutes=30)
        self.setup = use_case.setup
        self.lane = factories.make_lane(use_case, for_api=True)
        expiry = {"expires_at": NOW + timedelta(hours=72), "not_before": NOW}
        self.recipients = [factories.RECIPIENT, factories.RECIPIENT, "+12025550143"]
        rows = [factories.make_voicemail(lane=self.lane, recipient=number, **expiry) for number in self.recipients]
        first = make_drop(rows[0], "failed", "no_answer")
        self.drops = [first] + [self._in_state(row, at) for row, at in zip(rows, initial_states, strict=True)]
        self.numbers = [self.recipients[0], *self.recipients]
        rebuild_counts(self.lane.id)

    def _in_state(self, row: Voicemail, at: str) -> Drop:
        status = {"unconfirmed": "failed", "unreported": "failed", "busy": "failed", "not_sent": "queued"}.get(at, at)
        reason = at if status == "failed" else ""
        Voicemail.objects.filter(pk=row.pk).update(status=status, reason=reason)
        row.refresh_from_db()
        return make_drop(row, "not_sent" if at == "not_sent" else status, "not_sent" if at == "not_sent" else reason)

    def say(self, saying: Saying) -> None:
        drop = self.drops[saying.about]
        report = Report(
            drop.id if saying.keyed else None,
            saying.status,
            NOW - timedelta(seconds=5) if saying.early else LATER,
            carrier_reference=saying.reference,
            reason=saying.reason,
            recipient="" if saying.keyed else self.numbers[saying.about],
            unsigned=saying.unsigned,
        )
        receive(self.setup.id, b"{}", [report])

    def rows(self) -> list[Any]:
        """All that reports may change, with the ids as the places of their rows and no retry's jitter."""
        voicemails = Voicemail.objects.filter(lane=self.lane).order_by("id")
        drops = Drop.objects.filter(setup=self.setup).order_by("id")
        places = {drop.id: place for place, drop in enumerate(self.drops)}
        named = ["status", "reason", "carrier_code", "carrier_text", "failover", "accepted_at", "ended_at"]
        return [
            [(*(getattr(row, name) for name in named), row.not_before > NOW) for row in voicemails],
            [
                (row.status, row.reason, row.carrier_reference, row.provisional, row.accepted_at, row.ended_at)
                for row in drops
            ],
            [
                (row.effect, places.get(row.drop_id))
                for row in CarrierReport.objects.filter(setup=self.setup).order_by("id")
            ],
            sorted(Suppression.objects.filter(workspace=self.setup.workspace_id).values_list("last4", "reason")),
            TelephonySetup.objects.get(pk=self.setup.pk).breaker_reason,
        ]


def end_of(initial_states: list[str], max_attempts: int, batches: list[list[Saying]]) -> list[Any]:
    """What the batches end in, each merged when the next one arrives; nothing of it stays in the database."""
    with transaction.atomic():
        world = World(initial_states, max_attempts)
        for batch in batches:
            for saying in batch:
                world.say(saying)
            while merge(NOW):
                pass
        assert counter_totals(world.lane.id) == row_counts(world.lane.id)
        found = world.rows()
        transaction.set_rollback(True)
    return found


histories = st.lists(sayings, min_size=2, max_size=6)


@settings(max_examples=30)
@given(
    initial_states=st.lists(st.sampled_from(INITIAL_STATES), min_size=3, max_size=3),
    max_attempts=st.sampled_from([1, 3]),
    history=histories,
    cuts=st.sets(st.integers(1, 5)),
)
@example(
    initial_states=["accepted"] * 3,
    max_attempts=3,
    history=[Saying(1, FAILED, Reason.NO_ANSWER), Saying(1, DELIVERED)],
    cuts=set(),
)
@example(  # the carrier gave two drops of one person the same id
    initial_states=["sending"] * 3,
    max_attempts=1,
    history=[
        Saying(2, ACCEPTED, reference="theirs-2"),
        Saying(0, DELIVERED, reference="theirs-2"),
        Saying(0, ACCEPTED, keyed=False, reference="theirs-2"),
    ],
    cuts=set(),
)
@example(  # the person's first voicemail waits for its next attempt when the second brings an opt-out
    initial_states=["not_sent", "sending", "sending"],
    max_attempts=1,
    history=[
        Saying(0, ACCEPTED, keyed=False),
        Saying(0, FAILED, Reason.OPTED_OUT, keyed=False),
        Saying(0, DELIVERED),
    ],
    cuts=set(),
)
def test_the_same_reports_end_in_the_same_rows_wherever_the_batches_end(
    initial_states: list[str], max_attempts: int, history: list[Saying], cuts: set[int]
) -> None:
    one_by_one = end_of(initial_states, max_attempts, [[saying] for saying in history])
    assert end_of(initial_states, max_attempts, [history]) == one_by_one
    places = [0, *sorted(cut for cut in cuts if cut < len(history)), len(history)]
    split = [history[start:end] for start, end in pairwise(places)]
    assert end_of(initial_states, max_attempts, split) == one_by_one


def keyless(drop: Drop, status: ReportStatus, reason: Reason | None = None, **fields: Any) -> Report:
    report = Report(None, status, LATER, carrier_reference="theirs-1", reason=reason, recipient=factories.RECIPIENT)
    return replace(report, **fields)


def two_open_drops() -> tuple[Drop, Drop]:
    """To one person, of two voicemails, through one setup."""
    first = make_submitted("accepted")
    second = make_drop(factories.make_voicemail(first.voicemail.use_case, status="accepted"), "accepted")
    return first, second


@pytest.mark.parametrize("batches", [1, 2])
def test_a_report_in_doubt_is_looked_at_again_when_the_persons_other_drop_ends(batches: int) -> None:
    first, second = two_open_drops()
    receive(first.setup_id, b"{}", [keyless(first, FAILED, Reason.BUSY)])
    if batches == 2:
        assert merge(NOW) == 1
        assert both(second) == ("accepted", "", "accepted", "")
    receive(first.setup_id, b"{}", [Report(first.id, DELIVERED, LATER)])
    merge(NOW)
    assert both(first) == ("delivered", "", "delivered", "")
    assert both(second) == ("failed", "busy", "failed", "busy")
    assert [(row.effect, row.drop_id) for row in CarrierReport.objects.all()] == [
        ("applied", second.id),
        ("applied", first.id),
    ]


def test_a_report_that_may_be_the_other_drops_end_said_twice_stays_in_doubt() -> None:
    first, second = two_open_drops()
    receive(first.setup_id, b"{}", [keyless(first, DELIVERED)])
    receive(first.setup_id, b"{}", [Report(first.id, DELIVERED, LATER)])
    merge(NOW)
    assert both(second) == ("accepted", "", "accepted", "")


def test_the_carriers_id_that_a_report_brings_brings_light_to_one_in_doubt() -> None:
    first, second = two_open_drops()
    receive(first.setup_id, b"{}", [keyless(first, FAILED, Reason.BUSY)])
    receive(first.setup_id, b"{}", [Report(first.id, ACCEPTED, LATER)])
    receive(first.setup_id, b"{}", [Report(first.id, FAILED, LATER, carrier_reference="theirs-1", reason=Reason.BUSY)])
    merge(NOW)
    assert both(first) == ("failed", "busy", "failed", "busy")
    assert both(second) == ("accepted", "", "accepted", "")
    assert [row.drop_id for row in CarrierReport.objects.all()] == [first.id] * 3


def test_two_empty_references_do_not_match() -> None:
    first, second = two_open_drops()
    receive(first.setup_id, b"{}", [keyless(first, FAILED, Reason.BUSY, carrier_reference="")])
    merge(NOW)
    assert both(first) == both(second) == ("accepted", "", "accepted", "")


@pytest.mark.parametrize("spelling", ["+12025550142", "12025550142", "2025550142", "(202) 555-0142", "+1 202-555-0142"])
def test_an_opt_out_is_heard_however_the_carrier_spells_the_number(spelling: str) -> None:
    drop = make_submitted("accepted")
    receive(drop.setup_id, b"{}", [keyless(drop, FAILED, Reason.OPTED_OUT, recipient=spelling)])
    merge(NOW)
    assert is_suppressed(drop.workspace_id, factories.RECIPIENT)


def test_an_opt_out_of_somebody_whom_only_the_vendors_other_systems_reached_is_heard() -> None:
    setup = factories.make_setup(carrier="drop_cowboy", credentials={"key": "k", "secret": "s"})
    report = Report(
        None, FAILED, LATER, carrier_reference="theirs-1", reason=Reason.OPTED_OUT, recipient="+12025550199"
    )
    receive(setup.id, b"{}", [report])
    merge(NOW)
    assert is_suppressed(setup.workspace_id, "+12025550199")


@pytest.mark.parametrize("live", [True, False])
def test_a_simulated_carriers_opt_out_in_doubt_counts_for_live_voicemails_only(live: bool) -> None:
    setup = factories.make_setup()
    use_case = factories.make_use_case(setup=setup)
    for _ in range(2):
        make_drop(factories.make_voicemail(use_case, status="accepted", live=live), "accepted")
    for recipient in (factories.RECIPIENT, "+12025550199"):
        receive(setup.id, b"{}", [Report(None, FAILED, LATER, "e", "t", Reason.OPTED_OUT, recipient=recipient)])
    merge(NOW)
    assert is_suppressed(setup.workspace_id, factories.RECIPIENT) is live
    assert not is_suppressed(setup.workspace_id, "+12025550199")


def spoil_number(voicemail_id: UUID) -> None:
    """As if its encryption key had been withdrawn."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_voicemail SET recipient = set_byte(recipient, 0, 200) WHERE id = %s", [voicemail_id]
        )


def test_a_number_that_cannot_be_opened_rolls_no_batch_back_and_its_opt_out_binds_its_index() -> None:
    broken, sound = make_submitted("accepted"), make_submitted("accepted", recipient="+12025550143")
    spoil_number(broken.voicemail_id)
    for drop in (broken, sound):
        receive(drop.setup_id, b"{}", [Report(drop.id, FAILED, LATER, reason=Reason.OPTED_OUT)])
    assert merge(NOW) == 2
    assert both(sound) == ("failed", "opted_out", "failed", "opted_out")
    assert is_suppressed(sound.workspace_id, "+12025550143")
    assert is_suppressed(broken.workspace_id, factories.RECIPIENT)
    assert Drop.objects.get(pk=broken.pk).status == "failed"
    assert merge(NOW) == 0


def test_a_signed_result_overrides_an_unsigned_one_and_is_tried_again() -> None:
    drop = make_submitted("accepted", use_case=factories.make_use_case(max_attempts=2))
    receive(drop.setup_id, b"{}", [Report(drop.id, FAILED, LATER, reason=Reason.NO_ANSWER, unsigned=True)])
    merge(NOW)
    assert both(drop) == ("failed", "no_answer", "failed", "no_answer")
    receive(drop.setup_id, b"{}", [Report(drop.id, FAILED, LATER, reason=Reason.BUSY)])
    merge(NOW)
    assert both(drop) == ("queued", "", "failed", "busy")


@pytest.mark.parametrize("unsigned", [True, False])
def test_a_signed_delivery_overrides_an_unsigned_failure(unsigned: bool) -> None:
    drop = make_submitted("accepted")
    receive(drop.setup_id, b"{}", [Report(drop.id, FAILED, LATER, reason=Reason.BUSY, unsigned=unsigned)])
    receive(drop.setup_id, b"{}", [Report(drop.id, DELIVERED, LATER)])
    merge(NOW)
    end = ("delivered", "") if unsigned else ("failed", "busy")
    assert both(drop) == (*end, *end)


def test_a_report_in_doubt_comes_back_once_the_persons_other_drop_has_ended_by_its_answer() -> None:
    first, second = two_open_drops()
    receive(first.setup_id, b"{}", [keyless(first, FAILED, Reason.BUSY)])
    assert merge(NOW) == 1
    assert reopen_doubtful(NOW) == 0
    refused = DropChange(first.id, DropStatus.ACCEPTED, DropStatus.FAILED, reason=Reason.REFUSED)
    change_drops([refused], NOW + timedelta(seconds=1))
    assert reopen_doubtful(NOW) == 1
    assert merge(NOW + timedelta(seconds=2)) == 1
    assert both(second) == ("failed", "busy", "failed", "busy")
    assert reopen_doubtful(NOW) == 0
