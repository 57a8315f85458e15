"""Every answer and every report, against every place where it can find a voicemail and its drop."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.outcomes import (
    LOOKUP_WAITS,
    StatusChange,
    lookup_wait,
    resolve_report,
    resolve_submission,
)
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.retry_policy import Retry
from delivery.lifecycle.status import TERMINAL, DropStatus, VoicemailStatus, can_transition

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
KEY = UUID(int=7)
V, D, R = VoicemailStatus, DropStatus, ReportStatus


@pytest.mark.parametrize(
    ("submission", "expected"),
    [
        (Submission(Outcome.ACCEPTED), StatusChange(V.ACCEPTED, D.ACCEPTED)),
        (Submission(Outcome.REFUSED), StatusChange(V.FAILED, D.FAILED, Reason.REFUSED)),
        (
            Submission(Outcome.REFUSED, reason=Reason.DO_NOT_CALL),
            StatusChange(V.FAILED, D.FAILED, Reason.DO_NOT_CALL),
        ),
        (
            Submission(Outcome.NOT_SENT),
            StatusChange(V.QUEUED, D.NOT_SENT, Reason.NOT_SENT, Retry(NOW + timedelta(seconds=1), failover=False)),
        ),
        (
            Submission(Outcome.NOT_SENT, retry_after=timedelta(minutes=9)),
            StatusChange(V.QUEUED, D.NOT_SENT, Reason.NOT_SENT, Retry(NOW + timedelta(minutes=9), failover=False)),
        ),
        (Submission(Outcome.UNKNOWN), StatusChange(V.UNCERTAIN, D.UNCERTAIN)),
    ],
)
def test_each_outcome_of_a_submission_has_one_conclusion(submission: Submission, expected: StatusChange) -> None:
    assert resolve_submission(submission, 1, NOW) == expected


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_what_was_proved_not_sent_is_queued_again(outcome: Outcome) -> None:
    conclusion = resolve_submission(Submission(outcome, retry_after=timedelta(seconds=1)), 1, NOW)
    assert (conclusion.voicemail is V.QUEUED) is (outcome is Outcome.NOT_SENT)
    assert (conclusion.retry is not None) is (outcome is Outcome.NOT_SENT)
    assert can_transition(V.SENDING, conclusion.voicemail)


@given(st.integers(min_value=1, max_value=32_767))
def test_waits_grow_and_stay_bounded(attempts: int) -> None:
    assert timedelta() < lookup_wait(attempts) <= lookup_wait(attempts + 1) <= LOOKUP_WAITS[-1]


# Where a voicemail stands by its latest drop, as the engine can bring it about: (voicemail, its reason, drop, its reason).
class State(NamedTuple):
    voicemail: V
    voicemail_reason: str
    drop: D
    drop_reason: str


STATES = [
    State(V.SENDING, "", D.SENDING, ""),
    State(V.UNCERTAIN, "", D.UNCERTAIN, ""),
    State(V.ACCEPTED, "", D.ACCEPTED, ""),
    State(V.DELIVERED, "", D.DELIVERED, ""),
    State(V.FAILED, "busy", D.FAILED, "busy"),
    State(V.FAILED, "unconfirmed", D.FAILED, "unconfirmed"),
    State(V.FAILED, "unreported", D.FAILED, "unreported"),
    State(V.QUEUED, "", D.NOT_SENT, "not_sent"),
    # Queued again, by a retry: the latest drop is still the one that ended.
    State(V.QUEUED, "", D.FAILED, "busy"),
    State(V.QUEUED, "", D.FAILED, "unconfirmed"),
    State(V.QUEUED, "", D.FAILED, "unreported"),
    State(V.CANCELED, "canceled", D.FAILED, "unconfirmed"),
    State(V.EXPIRED, "expired", D.FAILED, "unconfirmed"),
    State(V.SKIPPED, "suppressed", D.FAILED, "unconfirmed"),
]
A, OK, NO = (V.ACCEPTED, D.ACCEPTED), (V.DELIVERED, D.DELIVERED), (V.FAILED, D.FAILED)
KEPT = (None, None)
# What a report of accepted, delivered, failed changes there.
LATEST = dict(
    zip(
        STATES,
        [
            (A, OK, NO),
            (A, OK, NO),
            (KEPT, OK, NO),
            (KEPT, KEPT, KEPT),
            (KEPT, KEPT, KEPT),
            (A, OK, NO),
            (KEPT, OK, NO),  # that it was accepted is known: the guess is about what came after
            (KEPT, OK, KEPT),  # the carrier did get it after all: nobody is reached twice
            (KEPT, OK, KEPT),
            ((None, D.ACCEPTED), OK, (None, D.FAILED)),
            (KEPT, OK, (None, D.FAILED)),
            ((None, D.ACCEPTED), (None, D.DELIVERED), (None, D.FAILED)),
            ((None, D.ACCEPTED), (None, D.DELIVERED), (None, D.FAILED)),
            ((None, D.ACCEPTED), (None, D.DELIVERED), (None, D.FAILED)),
        ],
        strict=True,
    )
)


def conclude(status: R, state: State, latest: bool = True) -> tuple[V | None, D | None]:
    return resolve_report(
        Report(KEY, status, None),
        voicemail=state.voicemail,
        voicemail_reason=state.voicemail_reason,
        latest=latest,
        drop=state.drop,
        drop_reason=state.drop_reason,
    )


@pytest.mark.parametrize("state", STATES, ids=lambda state: "-".join(filter(None, state)))
def test_a_report_on_the_latest_drop(state: State) -> None:
    assert tuple(conclude(status, state) for status in R) == LATEST[state]


GUESSED = [D.FAILED, "unconfirmed"], [D.FAILED, "unreported"]


@pytest.mark.parametrize("status", list(R))
@pytest.mark.parametrize("voicemail", list(V))
@pytest.mark.parametrize(("drop", "reason"), [*GUESSED, (D.UNCERTAIN, ""), (D.ACCEPTED, "")])
def test_an_earlier_drop_can_only_make_its_voicemail_delivered(status: R, voicemail: V, drop: D, reason: str) -> None:
    state = State(voicemail, "busy" if voicemail is V.FAILED else "", drop, reason)
    to_voicemail, _ = conclude(status, state, latest=False)
    overtaken = voicemail in (V.QUEUED, V.SENDING, V.UNCERTAIN, V.ACCEPTED, V.FAILED)
    assert to_voicemail is (V.DELIVERED if status is R.DELIVERED and overtaken else None)


def reason_of(voicemail: V) -> st.SearchStrategy[str]:
    return st.sampled_from(["busy", "unconfirmed", "unreported"] if voicemail is V.FAILED else [""])


@pytest.mark.parametrize("drop", [D.FAILED, D.NOT_SENT])
@pytest.mark.parametrize("voicemail", list(V))
def test_an_earlier_drop_that_was_left_after_all_ends_the_second_attempt(voicemail: V, drop: D) -> None:
    state = State(voicemail, "busy" if voicemail is V.FAILED else "", drop, "busy")
    under_way = voicemail in (V.QUEUED, V.SENDING, V.UNCERTAIN, V.ACCEPTED)
    assert conclude(R.DELIVERED, state, latest=False) == (OK if under_way else KEPT)
    assert conclude(R.FAILED, state, latest=False) == conclude(R.ACCEPTED, state, latest=False) == KEPT


@given(st.data(), st.sampled_from(R), st.sampled_from(V), st.sampled_from(D), st.booleans())
def test_whatever_a_report_finds_it_moves_only_where_the_table_lets_it(
    data: st.DataObject, status: R, voicemail: V, drop: D, latest: bool
) -> None:
    drop_reason = data.draw(st.sampled_from(["busy", "unconfirmed", "unreported"] if drop is D.FAILED else [""]))
    state = State(voicemail, data.draw(reason_of(voicemail)), drop, drop_reason)
    to_voicemail, to_drop = conclude(status, state, latest)
    if to_voicemail is None:
        return
    assert can_transition(voicemail, to_voicemail)
    assert to_drop == to_voicemail.value
    if voicemail in TERMINAL:
        assert voicemail is V.FAILED
        assert to_voicemail is V.DELIVERED or state.voicemail_reason in ("unconfirmed", "unreported")


def after(state: State, reports: tuple[R, ...]) -> State:
    for status in reports:
        to_voicemail, to_drop = conclude(status, state)
        reason = "busy" if status is R.FAILED else ""
        if to_voicemail is not None:
            state = state._replace(voicemail=to_voicemail, voicemail_reason=reason)
        if to_drop is not None:
            state = state._replace(drop=to_drop, drop_reason=reason)
    return state


@pytest.mark.parametrize("state", STATES, ids=lambda state: "-".join(filter(None, state)))
@pytest.mark.parametrize("end", [R.DELIVERED, R.FAILED])
def test_any_order_and_any_repetition_of_accepted_and_one_end_come_to_the_same(state: State, end: R) -> None:
    ends = {
        after(state, order)
        for length in (2, 3, 4)
        for order in itertools.product((R.ACCEPTED, end), repeat=length)
        if end in order
    }
    assert ends == {after(state, (end,))}


@pytest.mark.parametrize("state", STATES, ids=lambda state: "-".join(filter(None, state)))
def test_of_two_ends_that_contradict_each_other_the_first_stays_unless_a_retry_waits(state: State) -> None:
    for first, second in itertools.permutations((R.DELIVERED, R.FAILED)):
        once = after(state, (first,))
        if once.drop == first.value and once.voicemail is not V.QUEUED:
            assert after(state, (first, second)) == once
