"""Clips are kept like recordings, and a sequence of them is joined once."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Barrier, Thread
from uuid import uuid4

import numpy as np
import pytest
from django.db import connection

from delivery.audio import AudioRejected, inspect
from delivery.audio.mpeg.frames import walk
from delivery.models import Assembly, Clip, Recording
from delivery.recordings import clips as clips_service
from delivery.recordings.clips import assemble, store_clip
from delivery.recordings.recordings import measured, store_recording
from delivery.recordings.storage import read_frames, read_mp3
from rvm.platform.errors import ServiceError
from rvm.platform.models import Workspace
from tests.delivery.audio import mp3_bytes as make
from tests.factories import make_workspace

RATE = 8000


def files_in(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


def clip(workspace: Workspace, name: str, seconds: float, *, rate: int = RATE, channels: int = 1) -> Clip:
    """A sound of its own for every length."""
    return store_clip(workspace, name, make.encoded(seconds, rate, 32 if rate < 32000 else 64, channels))


def greeting_name_closing(workspace: Workspace) -> list[Clip]:
    return [clip(workspace, name, seconds) for name, seconds in (("Greeting", 6), ("Ana", 0.5), ("Closing", 5))]


def ids(clips: list[Clip]) -> list[object]:
    return [each.pk for each in clips]


@pytest.mark.django_db
def test_a_clip_is_kept_encrypted_and_comes_back_byte_for_byte(media: Path) -> None:
    workspace = make_workspace()
    kept = store_clip(workspace, "Ana", make.id3v2(b"\0" * 50) + make.encoded(0.5, RATE, 32))
    assert read_frames(kept) == make.encoded(0.5, RATE, 32)
    assert (kept.name, kept.sample_rate, kept.channels, kept.warnings) == ("Ana", RATE, 1, [])
    assert 500 <= kept.duration_ms < 720
    [path] = files_in(media)
    assert read_frames(kept)[:64] not in path.read_bytes()


@pytest.mark.django_db
def test_the_same_sound_twice_is_one_clip_and_no_recording(media: Path) -> None:
    workspace = make_workspace()
    assert clip(workspace, "Ana", 0.5) == clip(workspace, "Anna", 0.5)
    assert Clip.objects.get().name == "Ana"
    assert not Recording.objects.exists()


@pytest.mark.django_db
def test_a_sound_that_is_a_recording_too_has_a_file_for_each(media: Path) -> None:
    workspace = make_workspace()
    recording = store_recording(workspace, "Flu shot", make.encoded(12))
    kept = store_clip(workspace, "Flu shot", make.encoded(12))
    assert kept.sha256 == recording.sha256
    assert read_frames(kept) == read_frames(recording)
    assert len(files_in(media)) == 2


@pytest.mark.django_db
def test_a_refused_clip_leaves_no_trace(media: Path) -> None:
    with pytest.raises(AudioRejected):
        store_clip(make_workspace(), "Ana", make.encoded(0.05))
    assert not Clip.objects.exists()
    assert not files_in(media)


@pytest.mark.django_db
def test_a_pause_is_kept_with_its_warning() -> None:
    pause = store_clip(make_workspace(), "Pause", make.encode_pcm(np.zeros((RATE, 1), "<i2"), RATE, 32))
    assert len(pause.warnings) == 1
    assert "Nothing can be heard" in pause.warnings[0]


@pytest.mark.django_db
def test_clips_make_a_recording_of_their_frames_that_is_not_offered_among_the_recordings() -> None:
    workspace = make_workspace()
    parts = greeting_name_closing(workspace)
    recording = assemble(workspace, ids(parts))
    assert read_frames(recording) == b"".join(map(read_frames, parts))
    assert recording.duration_ms == pytest.approx(sum(part.duration_ms for part in parts), abs=1)
    assert recording.sha256 == inspect(read_frames(recording)).sha256
    assert walk(read_mp3(recording)).frames == read_frames(recording)
    assert recording.name == "Joined from 3 clips"
    assert recording.assembled


@pytest.mark.django_db
def test_how_an_assembled_recording_sounds_is_measured_when_somebody_looks() -> None:
    workspace = make_workspace()
    recording = assemble(workspace, ids(greeting_name_closing(workspace)))
    assert not recording.measured
    assert measured(recording).loudness_lufs == pytest.approx(-17, abs=8)


@pytest.mark.django_db
def test_a_sequence_is_joined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_workspace()
    parts = greeting_name_closing(workspace)
    first = assemble(workspace, ids(parts))
    monkeypatch.setattr(clips_service, "join", lambda frames: pytest.fail("joined again"))
    assert assemble(workspace, ids(parts)) == first
    assert Assembly.objects.count() == Recording.objects.count() == 1


@pytest.mark.django_db
def test_another_order_is_another_recording_and_a_clip_may_be_heard_twice() -> None:
    workspace = make_workspace()
    greeting, name, closing = greeting_name_closing(workspace)
    orders = [[greeting, name, closing], [closing, name, greeting], [greeting, name, closing, name]]
    assert len({assemble(workspace, ids(order)).pk for order in orders}) == 3


@pytest.mark.django_db
def test_what_was_uploaded_before_is_the_recording_and_stays_offered() -> None:
    workspace = make_workspace()
    parts = greeting_name_closing(workspace)
    uploaded = store_recording(workspace, "For Ana", b"".join(map(read_frames, parts)))
    recording = assemble(workspace, ids(parts))
    assert recording == uploaded
    assert (recording.assembled, recording.name) == (False, "For Ana")


@pytest.mark.django_db
def test_what_was_assembled_and_is_uploaded_later_is_offered_under_the_name_it_was_given() -> None:
    workspace = make_workspace()
    recording = assemble(workspace, ids(greeting_name_closing(workspace)))
    uploaded = store_recording(workspace, "For Ana", read_frames(recording))
    assert uploaded == recording
    assert (uploaded.assembled, uploaded.name) == (False, "For Ana")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("seconds", "code", "said"),
    [
        (
            (6, 0.5, 2),
            "too_short",
            "(“0” 6.19, “1” 0.65, “2” 2.16); a recording lasts 10 to 60. Make one of them longer",
        ),
        ((30, 0.5, 30), "too_long", "a recording lasts 10 to 60. Make one of them shorter"),
    ],
)
def test_too_little_and_too_much_is_refused_with_the_sum_and_every_length(
    seconds: tuple[float, ...], code: str, said: str, media: Path
) -> None:
    workspace = make_workspace()
    parts = [clip(workspace, str(number), length) for number, length in enumerate(seconds)]
    total = sum(part.duration_ms for part in parts) / 1000
    with pytest.raises(ServiceError) as caught:
        assemble(workspace, ids(parts))
    assert caught.value.code == code
    assert f"last {total:.2f} seconds" in caught.value.message
    assert said in caught.value.message
    assert not Recording.objects.exists()
    assert len(files_in(media)) == len({part.pk for part in parts})


@pytest.mark.django_db
@pytest.mark.parametrize(("rate", "channels", "said"), [(16000, 1, "16000 Hz mono"), (8000, 2, "8000 Hz stereo")])
def test_clips_that_differ_are_refused_by_name(rate: int, channels: int, said: str) -> None:
    workspace = make_workspace()
    parts = [clip(workspace, "Greeting", 8), clip(workspace, "Closing", 5, rate=rate, channels=channels)]
    with pytest.raises(ServiceError) as caught:
        assemble(workspace, ids(parts))
    assert caught.value.code == "clips_differ"
    assert f"“Closing” is {said} and “Greeting” is 8000 Hz mono" in caught.value.message


@pytest.mark.django_db
def test_a_clip_of_another_workspace_is_unknown() -> None:
    workspace = make_workspace()
    parts = greeting_name_closing(workspace)
    for stranger in (clip(make_workspace(), "Ana", 0.7).pk, uuid4()):
        with pytest.raises(ServiceError) as caught:
            assemble(workspace, [parts[0].pk, stranger, parts[2].pk])
        assert caught.value.code == "clip_unknown"
        assert "1 of the 3 clips" in caught.value.message


@pytest.mark.django_db
def test_clips_in_which_nobody_speaks_make_no_recording() -> None:
    workspace = make_workspace()
    pause = store_clip(workspace, "Pause", make.encode_pcm(np.zeros((12 * RATE, 1), "<i2"), RATE, 32))
    with pytest.raises(ServiceError) as caught:
        assemble(workspace, [pause.pk])
    assert caught.value.code == "silent"


@pytest.mark.django_db
def test_a_recording_whose_assembly_cannot_be_written_takes_its_file_along(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_workspace()
    parts = greeting_name_closing(workspace)

    def fail(*args: object, **options: object) -> None:
        raise KeyError

    monkeypatch.setattr(Assembly.objects, "bulk_create", fail)
    with pytest.raises(KeyError):
        assemble(workspace, ids(parts))
    assert not Recording.objects.exists()
    assert len(files_in(media)) == 3


@pytest.mark.django_db(transaction=True)
def test_one_combination_from_four_sides_at_once_is_one_recording(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_workspace()
    parts = ids(greeting_name_closing(workspace))
    barrier = Barrier(4)
    join = clips_service.join

    def join_together(frames: list[bytes]) -> bytes:
        barrier.wait(10)  # all four found no assembly
        return join(frames)

    monkeypatch.setattr(clips_service, "join", join_together)
    found: list[object] = []

    def run() -> None:
        try:
            found.append(assemble(workspace, parts).pk)
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == [Recording.objects.get().pk] * 4
    assert Assembly.objects.get().recording_id == found[0]
    assert read_frames(Recording.objects.get()) == b"".join(read_frames(Clip.objects.get(pk=pk)) for pk in parts)
    assert len(files_in(media)) == 4


@pytest.mark.django_db
def test_no_log_names_a_clip(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    workspace = make_workspace()
    with caplog.at_level(logging.DEBUG):
        parts = [
            clip(workspace, name, length) for name, length in (("Greeting", 6), ("Guadalupe", 0.5), ("Closing", 5))
        ]
        assemble(workspace, ids(parts))
        with pytest.raises(ServiceError):
            assemble(workspace, ids(parts[:2]))
    written = capfd.readouterr()
    assert "Guadalupe" not in caplog.text + written.out + written.err
