"""The one writer of statuses, over the real tables: nothing moves from where it no longer is, and every move is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.lifecycle import transitions
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import TERMINAL, TRANSITIONS, DropStatus, VoicemailStatus, can_transition_drop
from delivery.lifecycle.transitions import DropChange, InvalidTransition, NewDrop, Transition
from delivery.models import Drop, Lane, LaneCount, LaneDelta, Voicemail
from delivery.worker.maintenance import rebuild_counts, roll_up_counts
from rvm.platform.database.ids import uuid7
from tests import factories
from tests.delivery.states import NOW, both, counter_totals, make_drop, make_submitted, row_counts, state

pytestmark = pytest.mark.django_db
V, D = VoicemailStatus, DropStatus


def test_a_move_from_a_status_that_the_voicemail_has_left_changes_nothing() -> None:
    drop = make_submitted("accepted")
    before = row_counts(drop.voicemail.lane_id)
    assert transitions.apply([Transition(drop.voicemail_id, V.SENDING, V.UNCERTAIN, drop_id=drop.id)], NOW) == set()
    assert both(drop) == ("accepted", "", "accepted", "")
    assert counter_totals(drop.voicemail.lane_id) == before


def test_a_move_from_another_reason_of_the_same_status_changes_nothing() -> None:
    drop = make_submitted("failed", "busy")
    move = Transition(drop.voicemail_id, V.FAILED, V.ACCEPTED, from_reason="unconfirmed")
    assert transitions.apply([move], NOW) == set()
    assert state(drop.voicemail) == ("failed", "busy")


def test_an_earlier_drop_does_not_move_its_voicemail() -> None:
    first = make_submitted("sending")
    second = make_drop(first.voicemail)
    move = Transition(first.voicemail_id, V.SENDING, V.UNCERTAIN, drop_id=first.id)
    assert transitions.apply([move], NOW) == set()
    assert transitions.apply([replace(move, drop_id=second.id)], NOW) == {first.voicemail_id}


@pytest.mark.parametrize(("was", "now"), [(was, now) for was in V for now in V if now not in TRANSITIONS[was]])
def test_a_move_that_the_table_does_not_list_is_refused_before_anything_is_written(was: V, now: V) -> None:
    allowed, refused = factories.make_voicemail(), factories.make_voicemail(status=was)
    with pytest.raises(InvalidTransition):
        transitions.apply([Transition(allowed.id, V.QUEUED, V.CANCELED), Transition(refused.id, was, now)], NOW)
    assert state(allowed) == ("queued", "")
    assert state(refused) == (was, "")


def test_a_move_writes_the_end_its_time_and_the_carriers_words_cut_to_their_columns() -> None:
    drop = make_submitted("accepted")
    move = Transition(drop.voicemail_id, V.ACCEPTED, V.FAILED, reason=Reason.BUSY, code="9" * 60, text="x" * 300)
    assert transitions.apply([move], NOW) == {drop.voicemail_id}
    voicemail = Voicemail.objects.get()
    assert (voicemail.status, voicemail.reason, voicemail.ended_at) == ("failed", "busy", NOW)
    assert (voicemail.carrier_code, voicemail.carrier_text) == ("9" * 40, "x" * 200)


def test_a_retry_takes_the_end_back_and_keeps_when_it_was_accepted() -> None:
    drop = make_submitted("failed", "unreported", accepted_at=NOW - timedelta(days=1))
    later = NOW + timedelta(minutes=5)
    transitions.apply(
        [Transition(drop.voicemail_id, V.FAILED, V.QUEUED, from_reason="unreported", not_before=later)], NOW
    )
    voicemail = Voicemail.objects.get()
    assert (voicemail.status, voicemail.reason, voicemail.not_before) == ("queued", "", later)
    assert (voicemail.ended_at, voicemail.accepted_at) == (None, NOW - timedelta(days=1))


def test_a_drop_begins_only_for_a_voicemail_that_is_queued() -> None:
    queued, canceled = factories.make_voicemail(), factories.make_voicemail(status="canceled")
    drops = [NewDrop(uuid7(), row.id, "+12125550100", row.recording_id) for row in (queued, canceled)]
    transitions.begin(
        drops,
        setup_id=queued.use_case.setup_id,
        credentials_version=7,
        callback_version=3,
        at=NOW,
        lease_until=NOW + timedelta(seconds=45),
    )
    drop = Drop.objects.get()
    assert (drop.id, drop.voicemail_id, drop.number, drop.created_at) == (drops[0].id, queued.id, 1, NOW)
    assert (drop.due_at, drop.credentials_version, drop.callback_version) == (NOW + timedelta(seconds=45), 7, 3)
    assert both(drop) == ("sending", "", "sending", "")
    assert state(canceled) == ("canceled", "")
    assert counter_totals(canceled.lane_id) == {("canceled", ""): 1}


FORWARD = {
    (D.SENDING, ""): set(D) - {D.SENDING},
    (D.UNCERTAIN, ""): {D.ACCEPTED, D.DELIVERED, D.FAILED},
    (D.ACCEPTED, ""): {D.DELIVERED, D.FAILED},
    (D.FAILED, "unconfirmed"): {D.ACCEPTED, D.DELIVERED, D.FAILED},
    (D.FAILED, "unreported"): {D.ACCEPTED, D.DELIVERED, D.FAILED},
    (D.FAILED, "busy"): {D.DELIVERED},
    (D.NOT_SENT, "not_sent"): {D.DELIVERED},
    (D.DELIVERED, ""): set(),
}


@pytest.mark.parametrize(("was", "reason"), list(FORWARD))
def test_a_drop_never_goes_backwards(was: D, reason: str) -> None:
    voicemail = factories.make_voicemail()
    for now in D:
        drop = make_drop(voicemail, was, reason)
        change = DropChange(drop.id, was, now, from_reason=reason, reason=Reason.LITIGATOR)
        if can_transition_drop(was, now):
            assert transitions.change_drops([change], NOW) == (set() if now in FORWARD[was, reason] else {drop.id})
        else:
            with pytest.raises(InvalidTransition):
                transitions.change_drops([change], NOW)
        assert state(drop) == ((now, "litigator") if now in FORWARD[was, reason] else (was, reason)), now


@pytest.mark.parametrize(("status", "reason"), list(FORWARD))
@pytest.mark.parametrize(("was", "from_reason"), list(FORWARD))
def test_a_change_that_was_decided_from_another_status_or_reason_is_not_written(
    was: D, from_reason: str, status: D, reason: str
) -> None:
    drop = make_drop(factories.make_voicemail(), status, reason)
    for now in (D.ACCEPTED, D.DELIVERED, D.FAILED):
        if can_transition_drop(was, now) and (was, from_reason) != (status, reason):
            transitions.change_drops([DropChange(drop.id, was, now, from_reason=from_reason)], NOW)
            assert state(drop) == (status, reason)


def test_what_an_unsigned_result_ended_may_end_otherwise() -> None:
    drop = make_drop(factories.make_voicemail(), D.FAILED, "busy", provisional=True)
    transitions.change_drops(
        [DropChange(drop.id, D.FAILED, D.FAILED, from_reason="busy", reason=Reason.LITIGATOR)], NOW
    )
    assert state(drop) == ("failed", "litigator")
    assert not drop.provisional


REASONS_OF: dict[V, list[Reason | None]] = {
    V.FAILED: [Reason.BUSY, Reason.UNCONFIRMED, Reason.UNREPORTED],
    V.SKIPPED: [Reason.SUPPRESSED, Reason.NO_SENDER],
    V.CANCELED: [Reason.CANCELED],
    V.EXPIRED: [Reason.EXPIRED],
}

# A step of a history: which voicemails, which of the moves that each of them has open, and whether the tick folds afterwards.
step = st.tuples(st.lists(st.integers(0, 5), min_size=1, max_size=6, unique=True), st.integers(0, 60), st.booleans())


@settings(max_examples=25)
@given(history=st.lists(step, max_size=14))
def test_counts_equal_the_rows_after_any_history(history: list[tuple[list[int], int, bool]]) -> None:
    lanes = [factories.make_lane() for _ in range(2)]
    ids = [factories.make_voicemail(lane=lanes[number % 2]).id for number in range(6)]
    for numbers, choice, fold in history:
        rows = [Voicemail.objects.get(id=ids[number]) for number in numbers]
        _go(rows, choice)
        if fold:
            roll_up_counts(limit=choice % 3 + 1)
        for lane in lanes:
            assert counter_totals(lane.id) == row_counts(lane.id)
    roll_up_counts()
    assert LaneDelta.objects.count() == 0
    for lane in lanes:
        assert counter_totals(lane.id) == row_counts(lane.id)


def _go(rows: list[Voicemail], choice: int) -> None:
    """One batch of legal moves, some of them stale."""
    begun, asked = [], []
    for place, row in enumerate(rows):
        was = V(row.status)
        following = sorted(TRANSITIONS[was])
        if not following:
            asked.append(Transition(row.id, V.SENDING, V.DELIVERED))  # stale
        elif (now := following[(choice + place) % len(following)]) is V.SENDING:
            begun.append(NewDrop(uuid7(), row.id, "+12125550100", row.recording_id))
        else:
            reasons = REASONS_OF.get(now, [None])
            asked.append(Transition(row.id, was, now, row.reason, reasons[choice % len(reasons)]))
    transitions.begin(
        begun, setup_id=rows[0].use_case.setup_id, credentials_version=1, callback_version=1, at=NOW, lease_until=NOW
    )
    moved = transitions.apply(asked, NOW)
    assert moved == {
        move.voicemail_id for move in asked if move.from_status is not V.SENDING or _was_sending(rows, move)
    }
    for row in rows:
        before = V(row.status)
        row.refresh_from_db()
        assert before not in TERMINAL or before is V.FAILED or row.status == before


def _was_sending(rows: list[Voicemail], move: Transition) -> bool:
    return any(row.id == move.voicemail_id and row.status == V.SENDING for row in rows)


def corrupt(lane: Lane) -> None:
    LaneDelta.objects.create(lane=lane, status="queued", delta=3)
    LaneDelta.objects.create(lane=lane, status="delivered", delta=-1)
    LaneCount.objects.create(lane=lane, status="failed", reason="no_answer", count=7)


def test_counts_can_be_rebuilt_from_the_rows() -> None:
    lane, other = factories.make_lane(), factories.make_lane()
    for status in ("queued", "queued", "delivered", "failed"):
        factories.make_voicemail(lane=lane, status=status, reason="busy" if status == "failed" else "")
    roll_up_counts()
    corrupt(lane)
    corrupt(other)
    rebuild_counts(lane.id)
    expected = {("queued", ""): 2, ("delivered", ""): 1, ("failed", "busy"): 1}
    assert counter_totals(lane.id) == row_counts(lane.id) == expected
    assert counter_totals(other.id) != row_counts(other.id) == {}
    rebuild_counts(lane.id)
    roll_up_counts()
    assert counter_totals(lane.id) == expected


def test_the_counts_of_a_lane_that_is_right_are_left_alone() -> None:
    lane_id: UUID = factories.make_voicemail().lane_id
    rebuild_counts(lane_id)
    assert LaneDelta.objects.count() == 1
