"""A campaign's life as hypothesis makes it up: whatever people and time do, its state, its lane and its voicemails agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from django.core.files.storage import Storage
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from campaigns.lifecycle import retries, scheduler
from campaigns.lifecycle import service as services
from campaigns.models import Campaign, Canary
from campaigns.states import CANARY_OPEN, EDITABLE, TRANSITIONS, CampaignState, CanaryState
from delivery.engine.claim import claim
from delivery.engine.lane_routes import active_routes
from delivery.lifecycle import transitions
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import TERMINAL, DropStatus, VoicemailStatus
from delivery.lifecycle.transitions import DropChange, Transition
from delivery.models import CanaryMember, Drop, Lane, Voicemail
from delivery.worker.maintenance import expire, roll_up_counts
from rvm.platform.errors import ServiceError
from tests.delivery.states import counter_totals, row_counts
from tests.factories import make_campaign, make_recording

START = datetime(2026, 3, 2, 15, tzinfo=UTC)
LEASE = timedelta(seconds=60)
S, V = CampaignState, VoicemailStatus


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


class Life(RuleBasedStateMachine):
    """One campaign of six people, and whatever may be done to it in any order."""

    def __init__(self) -> None:
        super().__init__()
        self._undo = rolled_back()
        self._undo.__enter__()
        self.now = START
        self.campaign = make_campaign(count=6)
        self.was = S.DRAFT
        self.submitted: Counter[UUID] = Counter()
        self.retries = 0

    def teardown(self) -> None:
        self._undo.__exit__(None, None, None)

    def state(self) -> CampaignState:
        return CampaignState(Campaign.objects.get(pk=self.campaign.pk).state)

    def voicemails(self, status: str) -> list[Voicemail]:
        return list(Voicemail.objects.filter(lane_id=self.campaign.pk, status=status).order_by("id"))

    def ask(self, verb: Callable[..., Any], **named: Any) -> None:
        """A refusal changes nothing."""
        before = (self.state(), row_counts(self.campaign.pk))
        try:
            with transaction.atomic():
                verb(self.campaign, actor=None, now=self.now, **named)
        except ServiceError as refusal:
            assert refusal.message.endswith(".")
            assert before == (self.state(), row_counts(self.campaign.pk))

    @initialize(launched=st.sampled_from([True, True, True, False]), first=st.sampled_from([None, 1, 2]))
    def begins(self, launched: bool, first: int | None) -> None:
        """Most lives begin with a launch, or the later rules would find nothing to do."""
        Campaign.objects.filter(pk=self.campaign.pk).update(canary_size=first)
        if launched:
            self.ask(services.launch)

    @rule()
    def launches(self) -> None:
        self.ask(services.launch)

    @rule()
    def takes_back(self) -> None:
        self.ask(services.unschedule)

    @rule()
    def pauses(self) -> None:
        self.ask(services.pause)

    @rule()
    def resumes(self) -> None:
        self.ask(services.resume)

    @precondition(lambda self: self.submitted)
    @rule()
    def cancels(self) -> None:
        self.ask(services.cancel)

    @rule(risk=st.booleans())
    def retries_the_failed(self, risk: bool) -> None:
        self.retries += 1
        self.ask(services.retry_failed, accept_duplicate_risk=risk, reasons=[])

    @rule()
    def stops_the_retry(self) -> None:
        self.ask(lambda row, now, **rest: services.stop_retry(row, **rest))

    @rule(hours=st.integers(1, 5))
    def sets_a_start(self, hours: int) -> None:
        start = self.now + timedelta(hours=hours)
        self.ask(lambda row, **rest: services.edit(row, {"starts_at": start, "ends_at": None}, **rest))

    @rule()
    def chooses_another_recording(self) -> None:
        recording = make_recording(self.campaign.workspace)
        self.ask(lambda row, **rest: services.edit(row, {"recording": recording}, **rest))

    @rule(hours=st.sampled_from([0, 1, 6, 40]))
    def ticks(self, hours: int) -> None:
        self.now += timedelta(hours=hours, seconds=1)
        expire(self.now)
        roll_up_counts()
        for step in scheduler.STEPS:
            step(self.now)

    @precondition(lambda self: self.state() == S.RUNNING)
    @rule(limit=st.integers(1, 6))
    def sends(self, limit: int) -> None:
        for route in active_routes(self.now, 500):
            wave = claim(route, limit, self.now, LEASE)
            row = Campaign.objects.get(pk=self.campaign.pk)
            for claimed in wave.claims:
                assert row.state == S.RUNNING
                assert claimed.recording_id == row.recording_id
                self.submitted[claimed.voicemail_id] += 1

    @precondition(lambda self: self.voicemails(V.SENDING))
    @rule(
        end=st.sampled_from(
            [(V.ACCEPTED, None), (V.UNCERTAIN, None), (V.FAILED, Reason.BUSY), (V.QUEUED, None), (V.DELIVERED, None)]
        )
    )
    def answers(self, end: tuple[VoicemailStatus, Reason | None]) -> None:
        """The carrier takes, refuses or never got what was sent."""
        self.conclude(V.SENDING, *end)

    @precondition(lambda self: self.voicemails(V.ACCEPTED) or self.voicemails(V.UNCERTAIN))
    @rule(end=st.sampled_from([(V.DELIVERED, None), (V.FAILED, Reason.NO_ANSWER), (V.FAILED, Reason.UNREPORTED)]))
    def reports(self, end: tuple[VoicemailStatus, Reason | None]) -> None:
        self.conclude(V.ACCEPTED, *end)
        self.conclude(V.UNCERTAIN, *end)

    def conclude(self, was: VoicemailStatus, to: VoicemailStatus, reason: Reason | None) -> None:
        rows = self.voicemails(was)
        drop = DropStatus.NOT_SENT if to is V.QUEUED else DropStatus(to)
        before = DropStatus(was.value)
        transitions.change_drops(
            [DropChange(row.drop_id, before, drop, reason=reason) for row in rows if row.drop_id], self.now
        )
        transitions.apply([Transition(row.pk, was, to, reason=reason) for row in rows], self.now)
        if to is V.QUEUED:
            self.submitted.subtract(row.pk for row in rows)

    @invariant()
    def a_state_is_left_only_where_the_table_leads(self) -> None:
        reached, frontier = {self.was}, {self.was}
        while frontier:
            frontier = {to for state in frontier for to in TRANSITIONS[state]} - reached
            reached |= frontier
        state = self.state()
        assert state in reached
        if self.was not in EDITABLE:
            assert state not in EDITABLE
        self.was = state

    @invariant()
    def the_lane_is_open_only_while_it_runs(self) -> None:
        lane, row = Lane.objects.get(pk=self.campaign.pk), Campaign.objects.get(pk=self.campaign.pk)
        if row.state == S.RUNNING:
            assert lane.held != row.recordings_set
        elif row.state != S.COMPLETED:
            assert lane.held
        assert lane.expires_at == (None if row.state in (S.DRAFT, S.SCHEDULED, S.CANCELED) else row.ends_at)
        assert not lane.idle or row.state == S.COMPLETED

    @invariant()
    def while_its_first_people_are_tried_nobody_else_is(self) -> None:
        lane = Lane.objects.get(pk=self.campaign.pk)
        members = CanaryMember.objects.filter(lane=lane).count()
        canary = Canary.objects.filter(campaign_id=self.campaign.pk, state__in=CANARY_OPEN).first()
        if canary is None:
            assert (lane.canary_left, members) == (None, 0)
        else:
            assert lane.canary_left is not None
            assert members + lane.canary_left <= canary.people
            assert (canary.state == CanaryState.STOPPED) <= (self.state() == S.PAUSED)

    @invariant()
    def completed_means_that_every_voicemail_has_ended(self) -> None:
        if self.state() == S.COMPLETED:
            assert {status for status, _ in row_counts(self.campaign.pk)} <= {status.value for status in TERMINAL}

    @invariant()
    def nobody_is_lost_and_the_counters_are_the_rows(self) -> None:
        assert sum(row_counts(self.campaign.pk).values()) == 6
        assert counter_totals(self.campaign.pk) == row_counts(self.campaign.pk)

    @invariant()
    def nobody_is_sent_to_again_unasked(self) -> None:
        most = 1 + self.retries
        assert all(count <= most for count in self.submitted.values())
        assert Drop.objects.filter(voicemail__lane_id=self.campaign.pk).exclude(status="not_sent").count() == (
            self.submitted.total()
        )


@pytest.mark.django_db
def test_whatever_people_and_time_do_campaign_lane_and_voicemails_agree() -> None:
    quick = settings(
        max_examples=15,
        stateful_step_count=25,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    with (
        patch.object(retries, "BATCH", 2),
        patch.object(scheduler, "RETRY_SECONDS", 0.0),
        patch.object(Storage, "exists", return_value=True),
        patch("django.core.files.storage.FileSystemStorage.exists", return_value=True),
    ):
        run_state_machine_as_test(Life, settings=quick)
