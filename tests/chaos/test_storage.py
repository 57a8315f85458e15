"""The disk for recordings is full or missing: uploads are refused with the reason, leave nothing partial, and sending continues."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from rvm.devtools.sample import recording_file
from tests.chaos.conftest import Play
from tests.chaos.scene import Scene

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("how", ["full", "gone"])
def test_an_upload_to_a_disk_that_takes_nothing_is_refused_whole_and_works_once_it_does(play: Play, how: str) -> None:
    with play() as scene:
        media = Path(scene.stack.variables["RVM_MEDIA_ROOT"])
        take_away(scene, media, how)
        for _ in range(3):
            status, problem = scene.try_upload()
            assert (status, problem["code"]) == (503, "storage_unavailable"), problem
            assert "could not be stored" in problem["detail"] and str(media) not in problem["detail"]
        assert scene.rows("SELECT count(*) FROM delivery_recording") == [(0,)]
        give_back(scene, media, how)
        assert not [path for path in media.rglob("*") if path.is_file()]
        scene.queue(50)
        scene.wait_until_ended()
        [kept] = [path for path in media.rglob("*") if path.is_file()]
        assert kept.stat().st_size > len(recording_file()) // 2


def take_away(scene: Scene, media: Path, how: str) -> None:
    """Make storage unusable. Full: the file size of web processes is limited to that of logs. Gone: a file replaces the folder."""
    if how == "full":
        for pid in scene.processes("web"):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
    else:
        media.rename(media.with_name("away")) if media.exists() else None
        media.touch()


def give_back(scene: Scene, media: Path, how: str) -> None:
    if how == "full":
        for pid in scene.processes("web"):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    else:
        media.unlink()
