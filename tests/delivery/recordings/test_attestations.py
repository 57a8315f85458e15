"""Statements about recordings and clips: by whom, who may not, what joined recordings have of their clips, what goes on with them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from delivery.engine.claim import ClaimedBatch, claim
from delivery.engine.lane_routes import active_routes
from delivery.lifecycle.status import VoicemailStatus
from delivery.models import CarrierMedia, Clip, Recording, Voicemail
from delivery.recordings import attestations
from delivery.recordings.attestations import WAITS_FOR_STATEMENT, attest, unattested_among, withdraw_attestation
from delivery.recordings.clips import assemble, store_clip
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent, User, Workspace
from tests.delivery.audio.mp3_bytes import encoded
from tests.factories import (
    AROUND_THE_CLOCK,
    make_api_key,
    make_lane,
    make_recording,
    make_setup,
    make_use_case,
    make_user,
    make_voicemail,
    make_workspace,
)
from usecases.attestations.recordings import Said, Statement, Voice

pytestmark = pytest.mark.django_db

ALL = frozenset({Said.CALLER, Said.CALLBACK_NUMBER, Said.OPT_OUT_NUMBER})
COMPLETE = Statement(Voice.HUMAN, ALL, True)
SILENT = Statement(Voice.HUMAN, frozenset(), True)


@pytest.fixture
def people(workspace: Workspace) -> tuple[User, User]:
    return make_user(workspace=workspace), make_user(workspace=workspace)


def bare(workspace: Workspace, **fields: Any) -> Recording:
    return make_recording(
        workspace, **{"attested_at": None, "attested_by_another": False, "voice": "", "says": [], **fields}
    )


def code(*arguments: Any, **named: Any) -> tuple[str, str]:
    with pytest.raises(ServiceError) as refused:
        attest(*arguments, **named)
    return refused.value.code, refused.value.field


def test_a_statement_keeps_who_made_it_and_is_audited(workspace: Workspace, people: tuple[User, User]) -> None:
    uploader, colleague = people
    [recording] = attest([bare(workspace, uploaded_by=uploader)], COMPLETE, actor=colleague)
    recording.refresh_from_db()
    assert recording.attested
    assert (recording.attested_by, recording.attested_by_another, recording.voice) == (colleague, True, "human")
    assert recording.says == ["callback_number", "caller", "opt_out_number"]
    event = AuditEvent.objects.get(action="recording.attested")
    assert (event.actor, event.subject_id) == (colleague, recording.pk)
    assert event.details == {"voice": "human", "says": recording.says, "by_another": True}


def test_an_incomplete_statement_is_refused_by_field(workspace: Workspace) -> None:
    half = Statement(Voice.HUMAN, ALL - {Said.OPT_OUT_NUMBER}, True)
    assert code([bare(workspace)], half, actor=None) == ("statement_incomplete", "says_opt_out_number")
    assert not Recording.objects.get().attested


def test_where_the_workspace_says_so_another_has_to_state_it(workspace: Workspace, people: tuple[User, User]) -> None:
    uploader, colleague = people
    recording = bare(workspace, uploaded_by=uploader)
    attest([recording], COMPLETE, actor=uploader)
    assert unattested_among([recording.pk], by_another=False) == set()
    # A statement of the uploader, made before the workspace asked for another's, does not do any more.
    assert unattested_among([recording.pk], by_another=True) == {recording.pk}
    workspace.attestation_by_another = True
    workspace.save()
    assert code([Recording.objects.get()], COMPLETE, actor=uploader) == ("attestation_by_uploader", "")
    attest([Recording.objects.get()], COMPLETE, actor=colleague)
    assert unattested_among([recording.pk], by_another=True) == set()


def test_a_key_of_the_uploader_is_no_other_and_nor_is_a_key_that_the_uploading_key_made(
    workspace: Workspace, people: tuple[User, User]
) -> None:
    uploader, colleague = people
    first, _ = make_api_key(workspace, actor=uploader)
    second, _ = make_api_key(workspace, actor=first.user, maker=first)
    theirs, _ = make_api_key(workspace, actor=colleague)
    for uploads, states in ((uploader, first.user), (uploader, second.user), (first.user, second.user)):
        for one, other in ((uploads, states), (states, uploads)):
            sound = bare(workspace, uploaded_by=one)
            attest([sound], COMPLETE, actor=other)
            assert not Recording.objects.get(pk=sound.pk).attested_by_another
    sound = bare(workspace, uploaded_by=first.user)
    attest([sound], COMPLETE, actor=theirs.user)
    assert Recording.objects.get(pk=sound.pk).attested_by_another


def test_the_statement_of_another_is_not_replaced_by_the_same_of_the_uploader(
    workspace: Workspace, people: tuple[User, User]
) -> None:
    uploader, colleague = people
    [first] = attest([bare(workspace, uploaded_by=uploader)], COMPLETE, actor=colleague)
    [second] = attest([first], COMPLETE, actor=uploader)
    assert (second.attested_by, second.attested_at) == (colleague, first.attested_at)
    assert AuditEvent.objects.filter(action="recording.attested").count() == 1


def test_a_withdrawn_statement_is_gone_and_audited(workspace: Workspace) -> None:
    recording = make_recording(workspace)
    withdraw_attestation([recording], actor=None)
    assert unattested_among([recording.pk], by_another=False) == {recording.pk}
    withdraw_attestation([recording], actor=None)
    assert AuditEvent.objects.filter(action="recording.attestation_withdrawn").count() == 1


# joined recordings


@pytest.fixture
def clips(workspace: Workspace, settings: Any, tmp_path: Any) -> list[Clip]:
    settings.MEDIA_ROOT = str(tmp_path)
    return [store_clip(workspace, name, encoded(seconds)) for name, seconds in (("Hello", 2), ("Ana", 1), ("Rest", 10))]


def joined(clips: list[Clip]) -> Recording:
    return assemble(clips[0].workspace, [clip.pk for clip in clips])


def is_attested(recording: Recording) -> bool:
    return not unattested_among([recording.pk], by_another=False)


def test_a_recording_that_is_joined_later_has_the_statement_of_its_clips(clips: list[Clip]) -> None:
    attest(clips[:2], SILENT, actor=None)
    attest(clips[2:], COMPLETE, actor=None)
    recording = joined(clips)
    recording.refresh_from_db()
    assert (recording.attested, recording.attested_by, recording.voice) == (True, None, "human")
    assert recording.says == ["callback_number", "caller", "opt_out_number"]


def test_a_recording_that_was_joined_before_gets_and_loses_it_with_its_clips(clips: list[Clip]) -> None:
    recording = joined(clips)
    attest(clips[:2], SILENT, actor=None)
    assert not is_attested(recording)
    attest(clips[2:], COMPLETE, actor=None)
    recording.refresh_from_db()
    assert recording.attested and is_attested(recording)
    withdraw_attestation(clips[1:2], actor=None)
    recording.refresh_from_db()
    assert not recording.attested and not is_attested(recording)


def test_clips_of_two_workspaces_are_stated_and_withdrawn_at_once(clips: list[Clip]) -> None:
    elsewhere = store_clip(make_workspace(), "Rest", encoded(11))
    recordings = [joined(clips[2:]), joined([elsewhere])]
    attest([clips[2], elsewhere], COMPLETE, actor=None)
    assert Recording.objects.filter(attested_at__isnull=False).count() == 2
    withdraw_attestation([clips[2], elsewhere], actor=None)
    assert not any(is_attested(recording) for recording in recordings)


def test_who_calls_is_said_at_the_start_of_the_whole(clips: list[Clip]) -> None:
    attest(clips[:2], SILENT, actor=None)
    attest(clips[2:], COMPLETE, actor=None)
    assert is_attested(joined(clips))
    long = store_clip(clips[0].workspace, "Long", encoded(6))
    attest([long], SILENT, actor=None)
    assert not is_attested(joined([long, clips[2]]))


def test_a_statement_about_the_whole_stands_without_its_clips(clips: list[Clip]) -> None:
    recording = joined(clips)
    attest([recording], COMPLETE, actor=None)
    user = make_user(workspace=recording.workspace)
    attest([Recording.objects.get(pk=recording.pk)], COMPLETE, actor=user)
    attest(clips, SILENT, actor=None)
    recording.refresh_from_db()
    assert recording.attested_by == user and recording.attested
    withdraw_attestation([recording], actor=None)
    assert not is_attested(recording)


def test_a_recording_joined_in_the_moment_of_the_statement_is_judged_by_its_clips(clips: list[Clip]) -> None:
    recording = joined(clips)
    attest(clips[:2], SILENT, actor=None)
    attest(clips[2:], COMPLETE, actor=None)
    Recording.objects.update(attested_at=None)  # as if the joining had not seen the statement yet
    assert is_attested(recording)
    Clip.objects.filter(pk=clips[0].pk).update(attested_at=None)
    assert not is_attested(recording)


# the engine


def claimed(now: datetime) -> ClaimedBatch:
    [lane] = active_routes(now, 10)
    return claim(lane, 10, now, timedelta(seconds=45))


def waiting(recording: Recording, **fields: Any) -> Voicemail:
    setup = make_setup(
        recording.workspace, carrier="drop_cowboy", credentials={"key": "k", "secret": "s", "signing_secret": "whsec"}
    )
    lane = make_lane(make_use_case(setup=setup, **AROUND_THE_CLOCK))
    CarrierMedia.objects.create(setup=setup, recording=recording, state="ready", media_id="m-1")
    return make_voicemail(lane=lane, recording=recording, zones=["UTC"], **fields)


def test_a_claim_sends_what_is_stated_and_puts_off_what_is_not_until_somebody_states_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[str] = []
    monkeypatch.setattr(attestations, "wake_on_commit", woken.append)
    voicemail, now = waiting(bare(workspace)), timezone.now()
    assert claimed(now).claims == []
    voicemail.refresh_from_db()
    assert (voicemail.status, voicemail.carrier_text) == (VoicemailStatus.QUEUED, WAITS_FOR_STATEMENT)
    assert voicemail.not_before == now + timedelta(minutes=10)
    assert active_routes(timezone.now(), 10) == []
    attest([voicemail.recording], COMPLETE, actor=None)
    assert woken == ["dispatch"]
    voicemail.refresh_from_db()
    assert (voicemail.not_before <= timezone.now(), voicemail.carrier_text) == (True, "")
    assert [each.voicemail_id for each in claimed(timezone.now()).claims] == [voicemail.pk]


def test_a_statement_moves_no_voicemail_that_waits_for_something_else(workspace: Workspace) -> None:
    later = timezone.now() + timedelta(minutes=5)
    voicemail = waiting(bare(workspace), not_before=later)
    attest([voicemail.recording], COMPLETE, actor=None)
    voicemail.refresh_from_db()
    assert voicemail.not_before == later


def test_where_another_has_to_state_it_the_uploaders_statement_does_not_send(workspace: Workspace) -> None:
    Workspace.objects.update(attestation_by_another=True)
    waiting(make_recording(workspace, attested_by_another=False))
    assert claimed(timezone.now()).claims == []


def test_the_sandbox_asks_for_no_statement() -> None:
    recording = bare(make_workspace())
    lane = make_lane(make_use_case(recording.workspace, **AROUND_THE_CLOCK))
    make_voicemail(lane=lane, recording=recording, zones=["UTC"])
    assert len(claimed(timezone.now()).claims) == 1
