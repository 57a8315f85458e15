"""Numbers at which the person asked for confidential communication: skipped, unless the use case sends to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_rq import get_connection

from campaigns.planning.audience import audience_groups
from delivery.engine.claim import claim
from delivery.engine.lane_routes import active_routes
from delivery.models import Voicemail
from delivery.services.suppressions import end_left_waiting, stopped_by
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.models import Workspace
from tests.delivery.states import state
from tests.factories import (
    AROUND_THE_CLOCK,
    RECIPIENT,
    make_api,
    make_campaign,
    make_recording,
    make_suppression,
    make_use_case,
    make_voicemail,
    patient_number,
)
from usecases.models import Suppression, UseCase
from usecases.services.suppressions import suppress_number
from usecases.suppression_kinds import SuppressionKind
from usecases.suppressions import are_suppressed, ids_of_suppressions, is_suppressed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    get_connection("dispatch").flushdb()


def use_cases(workspace: Workspace) -> tuple[UseCase, UseCase]:
    """One that skips confidential numbers, as every new one does, and one that sends to them."""
    skipping = make_use_case(workspace, **AROUND_THE_CLOCK)
    return skipping, make_use_case(workspace, confidential_numbers="send", **AROUND_THE_CLOCK)


def mark(workspace: Workspace, number: str = RECIPIENT, **fields: Any) -> Suppression:
    return make_suppression(workspace, number, kind="confidential", **fields)


def test_a_confidential_number_is_reached_only_under_a_use_case_that_says_so(workspace: Workspace) -> None:
    skipped, sent = (make_voicemail(use_case) for use_case in use_cases(workspace))
    mark(workspace)
    now = timezone.now()
    for route in active_routes(now, 10):
        claim(route, 10, now, timedelta(seconds=60))
    assert state(skipped) == ("skipped", "suppressed")
    assert Voicemail.objects.get(pk=sent.pk).status == "sending"


@pytest.mark.parametrize("kind", [kind.value for kind in SuppressionKind if kind is not SuppressionKind.CONFIDENTIAL])
def test_every_other_suppression_binds_both(workspace: Workspace, kind: str) -> None:
    voicemails = [make_voicemail(use_case) for use_case in use_cases(workspace)]
    mark(workspace)
    row = make_suppression(workspace, kind=kind)
    people = [(blind_index().of(workspace.pk, RECIPIENT), RECIPIENT)]
    assert ids_of_suppressions(workspace.pk, people, "other", to_confidential=True) == [[row.pk]]
    assert are_suppressed(workspace.pk, people, "other", to_confidential=True) == [True]
    now = timezone.now()
    for route in active_routes(now, 10):
        claim(route, 10, now, timedelta(seconds=60))
    assert [state(voicemail) for voicemail in voicemails] == [("skipped", "suppressed")] * 2


def test_what_waits_ends_at_once_only_where_confidential_numbers_are_skipped(workspace: Workspace) -> None:
    skipped, waiting = (make_voicemail(use_case) for use_case in use_cases(workspace))
    kind = SuppressionKind.CONFIDENTIAL
    suppress_number(workspace=workspace, number=RECIPIENT, kind=kind, source=Suppression.Source.PERSON, actor=None)
    assert (state(skipped), state(waiting)) == (("skipped", "suppressed"), ("queued", ""))
    assert is_suppressed(workspace.pk, RECIPIENT, "other")
    assert not is_suppressed(workspace.pk, RECIPIENT, "other", to_confidential=True)


def test_what_the_tick_ends_later_is_the_same(workspace: Workspace) -> None:
    skipped, waiting = (make_voicemail(use_case) for use_case in use_cases(workspace))
    mark(workspace, waiting=True)
    assert end_left_waiting(timezone.now()) == 1
    assert (state(skipped), state(waiting)) == (("skipped", "suppressed"), ("queued", ""))


def test_what_another_suppression_stopped_is_not_counted_as_its_own(workspace: Workspace) -> None:
    skipped, sent = (make_voicemail(use_case) for use_case in use_cases(workspace))
    confidential, person = SuppressionKind.CONFIDENTIAL, Suppression.Source.PERSON
    marked, _ = suppress_number(workspace=workspace, number=RECIPIENT, kind=confidential, source=person, actor=None)
    suppress_number(workspace=workspace, number=RECIPIENT, kind=SuppressionKind.OPT_OUT, source=person, actor=None)
    assert [state(skipped), state(sent)] == [("skipped", "suppressed")] * 2
    assert [found.pk for found in stopped_by(marked)] == [skipped.pk]


def test_a_preview_and_a_request_follow_the_same_rule(workspace: Workspace) -> None:
    api, recording = make_api(workspace), make_recording(workspace)
    mark(workspace, patient_number(0))
    for use_case, suppressed in zip(use_cases(workspace), (1, 0), strict=True):
        campaign = make_campaign(use_case, 3)
        groups = audience_groups(campaign.lane, at=timezone.now(), simulated=True)
        assert sum(count for group, count in groups.items() if group.suppressed) == suppressed
        body = {"use_case_id": str(use_case.pk), "recording_id": str(recording.pk)}
        answer = api.post("voicemail", {**body, "recipient_phone_number": RECIPIENT})
        assert answer.status_code == 201
        asked = {"use_case_id": str(use_case.pk), "recipient_phone_number": patient_number(0)}
        assert api.post("eligibility", asked).json()["reason"] == ("suppressed" if suppressed else None)
        refused = api.post("voicemail", {**body, "recipient_phone_number": patient_number(0)})
        assert refused.status_code == (422 if suppressed else 201)


def test_a_program_marks_a_number_as_confidential(workspace: Workspace) -> None:
    told = make_api(workspace).post("suppressions", {"recipient_phone_number": RECIPIENT, "reason": "confidential"})
    assert (told.status_code, told.json()["reason_detail"]) == (201, "The person asked for confidential communication")
