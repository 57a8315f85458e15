"""Files of sounds whose row was never committed are removed a day later; no other file is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from delivery.models import Clip, Recording
from delivery.recordings import strays
from delivery.recordings.clips import store_clip
from delivery.recordings.recordings import store_recording
from delivery.recordings.storage import read_frames
from rvm.platform.models import Workspace
from tests import factories
from tests.delivery.audio.mp3_bytes import encoded

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Iterator[Path]:
    settings.MEDIA_ROOT = str(tmp_path)
    strays._left = iter(())
    yield tmp_path
    strays._left = iter(())


class Killed(BaseException):
    """Stands for the end of the process between the file and the commit."""


def store_and_die(workspace: Workspace) -> None:
    with pytest.raises(Killed), transaction.atomic():
        store_recording(workspace, "Recording", encoded(11))
        store_clip(workspace, "Clip", encoded(1))
        raise Killed


def files(media: Path) -> set[Path]:
    return {path for path in media.rglob("*") if path.is_file()}


def age(media: Path, by: timedelta) -> None:
    then = (timezone.now() - by).timestamp()
    for path in files(media):
        os.utime(path, (then, then))


def sweep() -> None:
    for _ in repeat(None, 10):
        strays.remove_strays(timezone.now())


def test_a_folder_that_has_gone_since_it_was_listed_has_no_strays(media: Path) -> None:
    for _ in range(2):
        store_and_die(factories.make_workspace())
    strays.remove_strays(timezone.now())
    shutil.rmtree(media)
    sweep()


def test_files_of_a_process_that_died_before_the_commit_are_removed_a_day_later(media: Path) -> None:
    store_and_die(factories.make_workspace())
    assert (Recording.objects.count(), Clip.objects.count(), len(files(media))) == (0, 0, 2)
    age(media, timedelta(hours=23, minutes=59))
    sweep()
    assert len(files(media)) == 2  # its transaction could still be open
    age(media, timedelta(days=1, minutes=1))
    sweep()
    assert files(media) == set()


def test_files_with_a_row_stay(media: Path) -> None:
    kept = [store_recording(factories.make_workspace(), "Recording", encoded(11)) for _ in range(2)]
    kept += [store_clip(kept[0].workspace, "Clip", encoded(1))]
    store_and_die(kept[1].workspace)
    age(media, timedelta(days=30))
    sweep()
    assert len(files(media)) == 3
    for sound in kept:
        assert read_frames(sound)


def test_a_file_that_another_process_stores_anew_meanwhile_stays(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = factories.make_workspace()
    store_and_die(workspace)
    age(media, timedelta(days=2))
    lock = strays.lock_content

    def stored_before(sound: Any) -> None:
        monkeypatch.setattr(strays, "lock_content", lock)
        store_recording(workspace, "Recording", encoded(11))
        lock(sound)

    monkeypatch.setattr(strays, "lock_content", stored_before)
    strays.remove_strays(timezone.now())
    assert read_frames(Recording.objects.get())


def test_an_empty_media_folder_is_no_error() -> None:
    sweep()
