"""The life of a campaign and of an import, read off their tables."""

from __future__ import annotations

import pytest

from campaigns.states import (
    ALWAYS_EDITABLE,
    EDITABLE,
    IMPORT_TRANSITIONS,
    TRANSITIONS,
    CampaignState,
    ImportState,
)

C = CampaignState


@pytest.mark.parametrize("was", list(CampaignState))
def test_every_state_names_where_it_leads(was: CampaignState) -> None:
    assert was not in TRANSITIONS[was]


def test_a_canceled_campaign_stays_canceled() -> None:
    assert not TRANSITIONS[C.CANCELED]


def test_a_completed_campaign_only_runs_again() -> None:
    assert TRANSITIONS[C.COMPLETED] == {C.RUNNING, C.PAUSED}


def test_nothing_that_has_run_is_a_draft_again() -> None:
    begun, reached = {C.RUNNING}, set[CampaignState]()
    while begun - reached:
        state = (begun - reached).pop()
        reached.add(state)
        begun |= TRANSITIONS[state]
    assert reached == {C.RUNNING, C.PAUSED, C.COMPLETED, C.CANCELED}
    assert not reached & EDITABLE


def test_who_is_reached_and_what_they_hear_is_never_always_editable() -> None:
    assert not ALWAYS_EDITABLE & {"use_case", "recording", "script", "starts_at", "ends_at", "window_start", "days"}


def test_every_import_can_come_to_an_end() -> None:
    ends = {ImportState.COMPLETED, ImportState.DISCARDED}
    for state in ImportState:
        reached, frontier = {state}, {state}
        while frontier:
            frontier = {to for was in frontier for to in IMPORT_TRANSITIONS[was]} - reached
            reached |= frontier
        assert reached & ends
