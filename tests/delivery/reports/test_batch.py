"""The conclusions of a batch, without a database: thousands of histories end the same wherever their batches end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from hypothesis import example, given, settings
from hypothesis import strategies as st

from delivery.lifecycle.events import Report, ReportStatus
from delivery.lifecycle.reasons import REASONS, Reason
from delivery.lifecycle.retry_policy import Retry
from delivery.lifecycle.status import DropStatus, VoicemailStatus, can_transition, can_transition_drop
from delivery.lifecycle.transitions import DropChange, Transition
from delivery.reports.batch import Arrival, Batch, DropState, VoicemailState
from tests.delivery.states import NOW

SETUP, OTHER_SETUP = UUID(int=1), UUID(int=2)
ANA, BEN = (SETUP, b"ana"), (SETUP, b"ben")
# By the drop's number: its voicemail's number, and whom it is for. Drop 0 was tried before drop 1.
DROPS = {0: (0, ANA), 1: (0, ANA), 2: (1, ANA), 3: (2, BEN)}
LATEST = {0: 1, 1: 2, 2: 3}
# Where voicemail and drop stand together.
INITIAL_STATES: dict[str, tuple[VoicemailStatus, DropStatus, str]] = {
    "sending": (VoicemailStatus.SENDING, DropStatus.SENDING, ""),
    "uncertain": (VoicemailStatus.UNCERTAIN, DropStatus.UNCERTAIN, ""),
    "accepted": (VoicemailStatus.ACCEPTED, DropStatus.ACCEPTED, ""),
    "delivered": (VoicemailStatus.DELIVERED, DropStatus.DELIVERED, ""),
    "busy": (VoicemailStatus.FAILED, DropStatus.FAILED, "busy"),
    "unreported": (VoicemailStatus.FAILED, DropStatus.FAILED, "unreported"),
    "unconfirmed": (VoicemailStatus.FAILED, DropStatus.FAILED, "unconfirmed"),
    "retried": (VoicemailStatus.QUEUED, DropStatus.FAILED, "busy"),
    "not sent": (VoicemailStatus.QUEUED, DropStatus.NOT_SENT, "not_sent"),
    "canceled": (VoicemailStatus.CANCELED, DropStatus.FAILED, "busy"),
}
reports = st.builds(
    lambda status, reason, **fields: Report(status=status, reason=reason if status == "failed" else None, **fields),
    attempt_key=st.sampled_from([None, *(UUID(int=number) for number in range(5))]),
    status=st.sampled_from(list(ReportStatus)),
    occurred_at=st.sampled_from([None, NOW - timedelta(minutes=1), NOW + timedelta(minutes=1)]),
    carrier_reference=st.sampled_from(["", "theirs-1", "theirs-2"]),
    reason=st.sampled_from(list(Reason)),
    unsigned=st.sampled_from([False, False, True]),
)
arrivals = st.tuples(reports, st.sampled_from([ANA, BEN]), st.sampled_from([SETUP, SETUP, SETUP, OTHER_SETUP]))


class World:
    """Three voicemails and four drops as a table would hold them; each batch begins from what the one before has left."""

    def __init__(self, initial_states: list[str], retries: int) -> None:
        self.voicemails = [
            VoicemailState(
                UUID(int=number), status, reason if status == "failed" else "", UUID(int=LATEST[number]), True, False
            )
            for number, (status, _, reason) in enumerate(INITIAL_STATES[name] for name in initial_states)
        ]
        statuses = [(DropStatus.FAILED, "no_answer"), *(INITIAL_STATES[name][1:] for name in initial_states)]
        self.drops = [
            DropState(UUID(int=number), self.voicemails[of], SETUP, *statuses[number], "", False, NOW, person)
            for number, (of, person) in DROPS.items()
        ]
        self.retries = retries
        self.matched: dict[int, Any] = {}
        self.opted_out: set[Any] = set()
        self.accounts: set[Any] = set()
        self.in_doubt: dict[int, Arrival] = {}

    def merge(self, batch_of: list[Arrival]) -> None:
        batch = Batch(self.drops, self.retry_of)
        for arrival in self.in_doubt.values():
            batch.put_in_doubt(arrival)
        for arrival in batch_of:
            batch.take(arrival)
            self.in_doubt[arrival.id] = arrival
        for each in batch.rounds:
            assert len({transition.voicemail_id for transition in each.transitions}) == len(each.transitions)
            assert len({change.drop_id for change in each.changes}) == len(each.changes)
            assert all(can_transition(transition.from_status, transition.to_status) for transition in each.transitions)
            assert all(can_transition_drop(change.from_status, change.to_status) for change in each.changes)
        for row in self.voicemails:
            assert_a_chain(
                [
                    transition
                    for each in batch.rounds
                    for transition in each.transitions
                    if transition.voicemail_id == row.id
                ]
            )
        for drop in self.drops:
            assert_a_chain([change for each in batch.rounds for change in each.changes if change.drop_id == drop.id])
        self.matched |= batch.matched
        self.in_doubt = {
            key: arrival
            for key, arrival in self.in_doubt.items()
            if arrival.person is not None and self.matched[key][0] is None
        }
        self.opted_out |= {(voicemail.id, reason) for voicemail, reason in batch.opted_out}
        self.opted_out |= {arrival.person for arrival in batch.opted_out_people}
        self.accounts |= set(batch.accounts)
        for voicemail in self.voicemails:
            voicemail.transitions = 0
        for drop in self.drops:
            drop.changes = 0

    def retry_of(self, voicemail: VoicemailState, reason: Reason) -> Retry | None:
        if not self.retries or not REASONS[reason].retryable:
            return None
        return Retry(NOW + timedelta(hours=1), failover=not voicemail.failover)

    def rows(self) -> list[Any]:
        return [
            [(each.status, each.reason, each.failover) for each in self.voicemails],
            [(each.status, each.reason, each.carrier_reference, each.provisional) for each in self.drops],
            self.matched,
            self.opted_out,
            self.accounts,
        ]


def assert_a_chain(steps: list[Transition] | list[DropChange]) -> None:
    """Each step begins where the one before has ended."""
    for before, after in pairwise(steps):
        assert (after.from_status, after.from_reason) == (before.to_status, before.reason or "")


def split(history: list[Arrival], cuts: set[int]) -> Iterator[list[Arrival]]:
    for start, end in pairwise([0, *sorted(cut for cut in cuts if cut < len(history)), len(history)]):
        yield history[start:end]


def end_of(
    initial_states: list[str], retries: int, batches: Iterator[list[Arrival]] | list[list[Arrival]]
) -> list[Any]:
    world = World(initial_states, retries)
    for batch in batches:
        world.merge(batch)
    return world.rows()


@settings(max_examples=400)
@given(
    initial_states=st.lists(st.sampled_from(list(INITIAL_STATES)), min_size=3, max_size=3),
    retries=st.integers(0, 1),
    said=st.lists(arrivals, min_size=2, max_size=8),
    cuts=st.sets(st.integers(1, 7)),
)
@example(
    initial_states=["accepted"] * 3,
    retries=1,
    said=[
        (Report(UUID(int=1), ReportStatus.FAILED, NOW, reason=Reason.NO_ANSWER), ANA, SETUP),
        (Report(UUID(int=1), ReportStatus.DELIVERED, NOW), ANA, SETUP),
    ],
    cuts=set(),
)
def test_every_history_of_reports_ends_the_same_wherever_its_batches_end(
    initial_states: list[str], retries: int, said: list[tuple[Report, Any, UUID]], cuts: set[int]
) -> None:
    history = [
        Arrival(number, setup, report, person if report.attempt_key is None and setup == SETUP else None)
        for number, (report, person, setup) in enumerate(said)
    ]
    one_by_one = end_of(initial_states, retries, [[arrival] for arrival in history])
    assert end_of(initial_states, retries, [history]) == one_by_one
    assert end_of(initial_states, retries, split(history, cuts)) == one_by_one
    assert_no_second_message(initial_states, history, one_by_one)


def assert_no_second_message(initial_states: list[str], history: list[Arrival], end: list[Any]) -> None:
    """What was said to be delivered under our key, before anything else, does not wait for another attempt."""
    if any(arrival.person for arrival in history):
        return
    for number in (1, 2, 3):
        voicemail = DROPS[number][0]
        own = [
            each.report for each in history if each.report.attempt_key == UUID(int=number) and each.setup_id == SETUP
        ]
        opened = initial_states[voicemail] in (
            "sending",
            "uncertain",
            "accepted",
            "unreported",
            "unconfirmed",
            "retried",
        )
        if opened and own and own[0].status is ReportStatus.DELIVERED:
            assert end[0][voicemail][0] is VoicemailStatus.DELIVERED
