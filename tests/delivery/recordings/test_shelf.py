"""The shelf: names, the archive, and what is deleted where nothing needs it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import transaction

from campaigns.lifecycle.service import create, edit, launch
from campaigns.states import CampaignState
from delivery.models import Clip, Recording, Voicemail
from delivery.recordings.clips import assemble, store_clip
from delivery.recordings.recordings import store_recording
from delivery.recordings.shelf import archive, delete, rename, unarchive
from delivery.selectors.sounds import selectable_clips, selectable_recordings
from delivery.services.voicemails import Recipient, queue_voicemails
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.retention import holds
from tests.delivery.audio.mp3_bytes import encoded
from tests.factories import make_campaign, make_use_case, make_user, make_voicemail
from tests.sessions import Session
from usecases.models import UseCase

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture(params=["recording", "clip"])
def sound(request: pytest.FixtureRequest, workspace: Workspace) -> Recording | Clip:
    if request.param == "clip":
        return store_clip(workspace, "Ana", encoded(1))
    return store_recording(workspace, "Flu shot", encoded(12))


def refusal(act: Callable[[], object]) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        act()
    return caught.value


def events(sound: Recording | Clip) -> list[str]:
    kept = AuditEvent.objects.filter(subject_id=sound.pk).order_by("id").values_list("action", flat=True)
    return [action.rpartition(".")[2] for action in kept]


def test_a_name_is_changed_and_both_are_told(sound: Recording | Clip, workspace: Workspace) -> None:
    user = make_user(workspace=workspace)
    assert rename(sound, " Spring ", actor=user).name == "Spring"
    event = AuditEvent.objects.get(subject_id=sound.pk)
    assert (event.actor_id, event.details["changes"]) == (user.pk, {"name": [sound.name, "Spring"]})
    rename(sound, "Spring", actor=user)
    assert events(sound) == ["renamed"]
    assert refusal(lambda: rename(sound, " ", actor=user)).code == "name_missing"
    assert refusal(lambda: rename(sound, "x" * 201, actor=user)).code == "too_long"


def test_what_is_archived_is_offered_no_more_until_it_is_back(sound: Recording | Clip, workspace: Workspace) -> None:
    offered = selectable_clips if isinstance(sound, Clip) else selectable_recordings
    archive(sound, actor=None)
    archive(sound, actor=None)
    assert not offered(workspace).exists()
    assert offered(workspace, archived=True).get() == sound
    unarchive(sound, actor=None)
    unarchive(sound, actor=None)
    assert offered(workspace).get() == sound
    assert events(sound) == ["archived", "unarchived"]


def test_what_is_deleted_has_no_sound_and_gets_it_back_by_another_upload(
    sound: Recording | Clip, workspace: Workspace
) -> None:
    assert delete(sound, actor=None).sound_removed_at is not None
    assert not default_storage.exists(sound.storage_name)
    delete(sound, actor=None)
    assert events(sound) == ["deleted"]
    store: Any = store_clip if isinstance(sound, Clip) else store_recording
    again = store(workspace, "Again", encoded(1 if isinstance(sound, Clip) else 12))
    assert (again.pk, again.sound_removed_at) == (sound.pk, None)
    assert default_storage.exists(sound.storage_name)


@pytest.mark.parametrize("status", ["queued", "sending", "uncertain", "accepted"])
def test_what_a_voicemail_waits_for_is_not_deleted(workspace: Workspace, status: str) -> None:
    recording = store_recording(workspace, "Flu shot", encoded(12))
    voicemail = make_voicemail(make_use_case(workspace), recording=recording, status=status)
    refused = refusal(lambda: delete(recording, actor=None))
    assert refused.code == "recording_in_use"
    assert "needed by 1 voicemail that waits or is under way. Archive it" in refused.message
    assert default_storage.exists(recording.storage_name)
    type(voicemail).objects.filter(pk=voicemail.pk).update(status="failed", reason="busy")
    delete(recording, actor=None)


@pytest.mark.parametrize("state", [state for state in CampaignState if state not in ("completed", "canceled")])
def test_what_a_campaign_has_is_not_deleted_before_it_has_ended(workspace: Workspace, state: str) -> None:
    recording, clip = store_recording(workspace, "Flu shot", encoded(12)), store_clip(workspace, "Ana", encoded(11))
    use_case = make_use_case(workspace)
    campaigns = [
        make_campaign(use_case, 0, state=state, recording=recording, name="Spring"),
        make_campaign(use_case, 0, state=state, recording=None, script=[{"clip": str(clip.pk)}], name="Names"),
    ]
    for sound, name in ((recording, "Spring"), (clip, "Names")):
        assert f"needed by the campaign “{name}”." in refusal(partial(delete, sound, actor=None)).message
    type(campaigns[0]).objects.update(state="completed")
    for sound in (recording, clip):
        delete(sound, actor=None)


def test_a_legal_hold_keeps_what_would_be_deleted(workspace: Workspace) -> None:
    recording = store_recording(workspace, "Flu shot", encoded(12))
    holds.place(workspace, campaign_id=None, name="Smith v. Lakeside", reason="Letter", actor=None)
    assert refusal(lambda: delete(recording, actor=None)).code == "recording_held"
    archive(recording, actor=None)


@pytest.mark.parametrize("act", [archive, unarchive, delete, partial(rename, name="x")])
def test_what_a_campaign_joined_is_not_on_the_shelf(workspace: Workspace, act: Callable[..., object]) -> None:
    joined = assemble(workspace, [store_clip(workspace, "Ana", encoded(11)).pk])
    assert refusal(lambda: act(joined, actor=None)).code == "recording_joined"


def test_what_is_archived_or_deleted_is_refused_for_anything_new(workspace: Workspace) -> None:
    recording, clip = store_recording(workspace, "Flu shot", encoded(12)), store_clip(workspace, "Ana", encoded(11))
    use_case = make_use_case(workspace)
    script = [{"clip": str(clip.pk)}]

    def new(**sound: Any) -> object:
        return create(workspace=workspace, name="New", use_case=use_case, live=True, actor=None, **sound)

    def queue() -> object:
        now = database_now()
        return queue_voicemails(use_case=use_case, recording=recording, live=True, recipients=[], now=now)

    for put_away, code in ((archive, "recording_archived"), (delete, "recording_removed")):
        put_away(recording, actor=None)
        put_away(clip, actor=None)
        recording.refresh_from_db()
        assert refusal(queue).code == code
        assert refusal(lambda: new(recording=recording)).code == code
        assert refusal(lambda: new(script=script)).code == code


@pytest.mark.django_db(transaction=True)
def test_a_send_that_waits_for_a_deletion_sees_it() -> None:
    use_case = make_use_case()
    recording = store_recording(use_case.workspace, "Flu shot", encoded(12))
    with transaction.atomic():
        delete(recording, actor=None)
        sending = Session(lambda: send(use_case, recording))
        sending.wait_until_blocked()
    assert refusal(sending.result).code == "recording_removed"
    assert not Voicemail.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_deletion_that_waits_for_a_send_sees_it() -> None:
    use_case = make_use_case()
    recording = store_recording(use_case.workspace, "Flu shot", encoded(12))
    with transaction.atomic():
        send(use_case, recording)
        deleting = Session(lambda: delete(recording, actor=None))
        deleting.wait_until_blocked()
    assert refusal(deleting.result).code == "recording_in_use"
    assert default_storage.exists(recording.storage_name)


def send(use_case: UseCase, recording: Recording) -> None:
    people = [Recipient("+12025550142")]
    queue_voicemails(use_case=use_case, recording=recording, live=True, recipients=people, now=database_now())


def test_what_uses_an_archived_recording_goes_on_but_a_draft_is_not_launched(workspace: Workspace) -> None:
    recording = store_recording(workspace, "Flu shot", encoded(12))
    draft = make_campaign(make_use_case(workspace), 1, recording=recording)
    archive(recording, actor=None)
    draft.refresh_from_db()
    now = database_now()
    assert edit(draft, {"name": "Other", "recording": draft.recording}, actor=None, now=now).name == "Other"
    assert refusal(lambda: launch(draft, actor=None, now=now)).code == "recording_archived"
    unarchive(recording, actor=None)
    draft.refresh_from_db()
    assert launch(draft, actor=None, now=now).state == CampaignState.RUNNING
