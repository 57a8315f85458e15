"""The sound of recordings and clips goes when nothing has used it for long, and nothing is queued with it then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from campaigns.lifecycle.service import launch
from delivery.models import Clip, Recording
from delivery.recordings.links import link
from delivery.recordings.recordings import store_recording
from delivery.retention.recordings import CLIPS, RECORDINGS
from delivery.services.retries import retry
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import Workspace
from rvm.platform.retention import holds
from rvm.platform.retention_kinds import TERMS, RetentionKind
from tests.delivery.audio.mp3_bytes import encoded
from tests.factories import make_api, make_campaign, make_recording, make_use_case, make_user, make_voicemail

pytestmark = pytest.mark.django_db

DAYS = timedelta(days=TERMS[RetentionKind.RECORDINGS].days or 0)
FIRST = iter(range(1, 10_000))


def recording(workspace: Workspace, *, unused: timedelta = DAYS + timedelta(hours=1), **fields: Any) -> Recording:
    row = make_recording(workspace, sha256=f"{next(FIRST):064x}", used_at=database_now() - unused, **fields)
    default_storage.save(row.storage_name, ContentFile(b"sound"))
    return row


def purged(workspace: Workspace) -> int:
    return sum(RECORDINGS.run(workspace.pk, database_now())) + sum(CLIPS.run(workspace.pk, database_now()))


def has_sound(row: Recording | Clip) -> bool:
    row.refresh_from_db()
    assert (row.sound_removed_at is None) == default_storage.exists(row.storage_name)
    return row.sound_removed_at is None


def test_what_nothing_uses_loses_its_sound_and_keeps_its_row(workspace: Workspace) -> None:
    old, young = recording(workspace, waveform=b"peaks"), recording(workspace, unused=DAYS - timedelta(hours=1))
    voicemail = make_voicemail(make_use_case(workspace), status="failed", reason="busy", recording=old)
    assert RECORDINGS.count(workspace.pk, database_now() - DAYS) == 1
    assert purged(workspace) == 1
    assert (has_sound(old), has_sound(young), old.waveform) == (False, True, None)
    assert purged(workspace) == 0
    with pytest.raises(ServiceError, match=r"The sound was removed on .* It cannot be sent again"):
        retry(voicemail, actor=None, now=database_now())


@pytest.mark.parametrize("status", ["queued", "sending", "uncertain", "accepted"])
def test_what_a_voicemail_under_way_uses_counts_as_used_now(workspace: Workspace, status: str) -> None:
    row = recording(workspace)
    make_voicemail(make_use_case(workspace), status=status, recording=row)
    assert RECORDINGS.count(workspace.pk, database_now() - DAYS) == 0
    assert purged(workspace) == 0
    assert has_sound(row) and row.used_at > database_now() - timedelta(minutes=1)


@pytest.mark.parametrize(
    ("state", "kept"), [("draft", True), ("paused", True), ("completed", False), ("canceled", False)]
)
def test_what_a_campaign_needs_is_kept_until_it_has_ended(workspace: Workspace, state: str, kept: bool) -> None:
    row, clip = recording(workspace), Clip.objects.create(
        workspace=workspace, name="Hello", sha256="c" * 64, size_bytes=1, duration_ms=1, bitrate_kbps=64, sample_rate=1,
        channels=1, used_at=database_now() - 2 * DAYS,
    )  # fmt: skip
    default_storage.save(clip.storage_name, ContentFile(b"sound"))
    use_case = make_use_case(workspace)
    make_campaign(use_case, state=state, recording=row)
    make_campaign(
        use_case, state=state, recording=recording(workspace, unused=timedelta()), script=[{"clip": str(clip.pk)}]
    )
    assert purged(workspace) == (0 if kept else 2)
    assert has_sound(row) == has_sound(clip) == kept


def test_a_launch_and_a_request_are_uses(workspace: Workspace) -> None:
    used = [recording(workspace) for _ in range(2)]
    use_case = make_use_case(workspace)
    launch(make_campaign(use_case, 1, recording=used[0]), actor=None, now=database_now())
    api = make_api(workspace)
    body = {"use_case_id": str(use_case.pk), "recording_id": str(used[1].pk), "recipient_phone_number": "+12025550177"}
    assert api.post("voicemail", body).status_code == 201
    assert all(row.used_at > database_now() - timedelta(minutes=1) for row in used if has_sound(row))


def test_a_hold_keeps_the_sound(workspace: Workspace) -> None:
    row = recording(workspace)
    holds.place(workspace, campaign_id=row.pk, name="A", reason="B", actor=None)
    assert purged(workspace) == RECORDINGS.count(workspace.pk, database_now()) == 0
    assert has_sound(row)


def test_a_removed_sound_is_said_to_be_removed_and_comes_back_with_its_upload(
    workspace: Workspace, client: Client
) -> None:
    data = encoded(seconds=12)
    row = store_recording(workspace, "Reminder", data)
    Recording.objects.filter(pk=row.pk).update(used_at=database_now() - 2 * DAYS)
    address = link(row)
    assert purged(workspace) == 1
    assert not has_sound(row)
    api, use_case = make_api(workspace), make_use_case(workspace)
    body = {"use_case_id": str(use_case.pk), "recording_id": str(row.pk), "recipient_phone_number": "+12025550177"}
    for refused in (api.post("voicemail", body), api.get(f"recordings/{row.pk}/audio")):
        assert (refused.status_code, refused.json()["code"]) == (409, "recording_removed")
    assert client.get(address).status_code == 410
    client.force_login(make_user(workspace=workspace, is_staff=True, password=None))
    assert "The sound was removed on" in client.get(f"/admin/delivery/recording/{row.pk}/change/").content.decode()
    assert store_recording(workspace, "Reminder", data).pk == row.pk
    assert has_sound(row)
    assert api.post("voicemail", body).status_code == 201
