"""The table of moves: what is final stays final, but for the two documented ways back."""

from __future__ import annotations

import itertools

import pytest

from delivery.lifecycle.status import TERMINAL, TRANSITIONS, VoicemailStatus, can_transition

V = VoicemailStatus

# The picture in docs/architecture.md, written a second time: whoever changes a move changes both.
DOCUMENTED = {
    V.QUEUED: {V.SENDING, V.SKIPPED, V.CANCELED, V.EXPIRED, V.DELIVERED, V.FAILED},
    V.SENDING: {V.QUEUED, V.UNCERTAIN, V.ACCEPTED, V.DELIVERED, V.FAILED},
    V.UNCERTAIN: {V.ACCEPTED, V.DELIVERED, V.FAILED},
    V.ACCEPTED: {V.DELIVERED, V.FAILED},
    V.FAILED: {V.QUEUED, V.ACCEPTED, V.DELIVERED, V.FAILED},
}


@pytest.mark.parametrize(("old", "new"), list(itertools.product(V, V)), ids=lambda status: str(status))
def test_exactly_the_documented_moves_may_happen(old: V, new: V) -> None:
    assert can_transition(old, new) is (new in DOCUMENTED.get(old, set()))


def test_every_status_has_its_row_in_the_table() -> None:
    assert set(TRANSITIONS) == set(V)


def test_of_the_final_statuses_only_failed_is_ever_left() -> None:
    assert {status for status in TERMINAL if TRANSITIONS[status]} == {V.FAILED}


def test_what_is_uncertain_is_never_queued_on_its_own() -> None:
    assert not can_transition(V.UNCERTAIN, V.QUEUED)
    assert not can_transition(V.UNCERTAIN, V.SENDING)


def test_every_status_can_come_to_an_end() -> None:
    for status in V:
        seen, open_ones = {status}, [status]
        while open_ones:
            for following in TRANSITIONS[open_ones.pop()] - seen:
                seen.add(following)
                open_ones.append(following)
        assert seen & TERMINAL


def test_a_submission_is_only_ever_reached_through_the_queue() -> None:
    assert {status for status in V if can_transition(status, V.SENDING)} == {V.QUEUED}
