"""Quotas: what does not fit is refused before it is stored, with the figures, and uploads at once do not pass one."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client, override_settings
from django.utils import timezone

from campaigns.imports import service as imports
from campaigns.models import RecipientImport
from campaigns.opt_outs import service as opt_outs
from delivery.models import Clip, Recording
from delivery.recordings.clips import store_clip
from delivery.recordings.recordings import store_recording
from delivery.recordings.storage import SOUNDS
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.quotas import CODE
from rvm.platform.roles import Role
from tests import factories
from tests.delivery.audio.mp3_bytes import encoded
from tests.sessions import Session

pytestmark = pytest.mark.django_db
LIST = b"Phone,First Name\r\n+12025550142,Ana\r\n"


@pytest.fixture
def workspace() -> Workspace:
    return factories.make_workspace()


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


def limit(workspace: Workspace, **limits: int) -> Workspace:
    Workspace.objects.filter(pk=workspace.pk).update(**limits)
    workspace.refresh_from_db()
    return workspace


def upload_list(workspace: Workspace, now: datetime | None = None) -> RecipientImport:
    campaign = factories.make_campaign(use_case=factories.make_use_case(workspace=workspace))
    campaign.workspace.refresh_from_db()
    return imports.upload(campaign=campaign, file_name="list.csv", chunks=[LIST], actor=None, now=now or timezone.now())


def files_in(media: Path, folder: str) -> list[Path]:
    return [path for path in (media / folder).rglob("*") if path.is_file()]


def test_a_sound_beyond_the_number_is_refused_with_the_figures_and_not_stored(
    workspace: Workspace, media: Path
) -> None:
    limit(workspace, max_sounds=2)
    store_recording(workspace, "First", encoded(11))
    store_clip(workspace, "Second", encoded(1))
    with pytest.raises(ServiceError, match="keeps 2 of at most 2 recordings and clips") as refused:
        store_recording(workspace, "Third", encoded(12))
    assert refused.value.code == CODE
    assert "Or ask the operator" in str(refused.value)
    assert (Recording.objects.count(), len(files_in(media, "recordings"))) == (1, 1)


def test_a_sound_beyond_the_bytes_is_refused(workspace: Workspace) -> None:
    limit(workspace, max_sounds_megabytes=1)
    factories.make_recording(workspace, size_bytes=990_000)
    with pytest.raises(ServiceError, match=r"with 1\.0 of at most 1\.0 MB"):
        store_recording(workspace, "Large", encoded(11))
    store_clip(workspace, "Small", encoded(0.5))


def test_the_same_sound_again_needs_no_room(workspace: Workspace) -> None:
    first = store_recording(workspace, "First", encoded(11))
    assert store_recording(limit(workspace, max_sounds=1), "Again", encoded(11)) == first


def test_what_is_joined_from_clips_does_not_count(workspace: Workspace) -> None:
    factories.make_recording(workspace, assembled=True)
    assert SOUNDS.usage(workspace.pk) == (0, 0)


def test_another_workspace_has_a_quota_of_its_own(workspace: Workspace) -> None:
    limit(workspace, max_sounds=0)
    assert store_clip(factories.make_workspace(), "Theirs", encoded(1)).pk
    with pytest.raises(ServiceError):
        store_clip(workspace, "Ours", encoded(1))


def test_without_a_limit_of_its_own_a_workspace_has_the_deployments(workspace: Workspace) -> None:
    with override_settings(RVM_MAX_SOUNDS=0), pytest.raises(ServiceError, match="0 of at most 0 recordings and clips"):
        store_clip(workspace, "Clip", encoded(1))


@pytest.mark.parametrize("limits", [{"max_lists": 1}, {"max_lists_megabytes": 0}])
def test_a_list_beyond_the_quota_is_refused_and_leaves_no_file(
    limits: dict[str, int], workspace: Workspace, media: Path
) -> None:
    kept = upload_list(workspace)
    limit(workspace, **limits)
    with pytest.raises(ServiceError, match="uploaded lists, with") as refused:
        upload_list(workspace)
    with pytest.raises(ServiceError):
        opt_outs.upload(workspace=workspace, file_name="no.csv", chunks=[LIST], actor=None, now=timezone.now())
    assert refused.value.code == CODE
    assert len(files_in(media, "")) == 1
    assert list(RecipientImport.objects.all()) == [kept]


def test_a_list_whose_file_was_removed_makes_room(workspace: Workspace) -> None:
    upload_list(workspace)
    limit(workspace, max_lists=1)
    RecipientImport.objects.update(file_removed_at=timezone.now())
    assert upload_list(workspace).pk


@pytest.mark.parametrize("path", ["recordings", "clips"])
def test_the_api_answers_with_a_problem(path: str, workspace: Workspace) -> None:
    limit(workspace, max_sounds=0)
    api = factories.make_api(workspace)
    response = api.client.post(api.url(path), {"audio": SimpleUploadedFile("a.mp3", encoded(11), "audio/mpeg")})
    assert (response.status_code, json.loads(response.content)["code"]) == (409, "quota_used_up")


def admin_of(workspace: Workspace, *, everywhere: bool) -> Client:
    client = Client()
    user = factories.make_user(workspace=workspace, role=Role.ADMIN, is_staff=True, is_superuser=everywhere)
    client.force_login(user)
    return client


def test_the_desk_says_it_beside_the_file(workspace: Workspace) -> None:
    limit(workspace, max_sounds=0)
    audio = SimpleUploadedFile("a.mp3", encoded(11), "audio/mpeg")
    page = admin_of(workspace, everywhere=False).post(
        "/admin/delivery/recording/add/", {"workspace": workspace.pk, "name": "A", "audio": audio}
    )
    assert "0 of at most 0 recordings and clips" in page.content.decode()


@pytest.mark.parametrize("everywhere", [True, False])
def test_the_page_of_a_workspace_shows_what_it_keeps_and_only_superusers_change_the_limits(
    everywhere: bool, workspace: Workspace
) -> None:
    limit(workspace, max_sounds=7)
    factories.make_recording(workspace, size_bytes=2_000_000)
    client, path = admin_of(workspace, everywhere=everywhere), f"/admin/platform/workspace/{workspace.pk}/change/"
    shown = client.get(path).content.decode()
    assert "Recordings and clips: 1 of 7, 2.0 of 5,000.0 MB" in shown
    form = {"name": workspace.name, "sending_enabled": "on", "max_sounds": "9"}
    if everywhere:
        form["organisation"] = str(workspace.organisation_id)
    client.post(path, form)
    workspace.refresh_from_db()
    assert workspace.max_sounds == (9 if everywhere else 7)
    assert (
        AuditEvent.objects.filter(action="workspace.updated", details__changes__has_key="max_sounds").exists()
        is everywhere
    )


@pytest.mark.django_db(transaction=True)
def test_uploads_at_once_do_not_pass_a_quota(workspace: Workspace) -> None:
    limit(workspace, max_sounds=1)
    with transaction.atomic():
        store_clip(workspace, "First", encoded(1))
        second = Session(lambda: store_clip(workspace, "Second", encoded(2)))
        second.wait_until_blocked()
    with pytest.raises(ServiceError, match="1 of at most 1"):
        second.result()
    assert Clip.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_far_below_a_quota_uploads_do_not_wait_for_each_other(workspace: Workspace) -> None:
    with transaction.atomic():
        store_clip(workspace, "First", encoded(1))
        assert Session(lambda: store_clip(workspace, "Second", encoded(2))).result().pk
