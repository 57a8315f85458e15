"""A recording is kept whole, once, or not at all."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from threading import Barrier, Thread

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import IntegrityError, connection, transaction
from django.test import RequestFactory
from django.utils import timezone
from mutagen.mp3 import MP3

from delivery.audio import AudioRejected, inspect, measurement
from delivery.audio.inspection import Unheard, fingerprint, inspection_of
from delivery.audio.mpeg.frames import walk
from delivery.audio.rejections import rejected
from delivery.models import Recording
from delivery.recordings import recordings as storing
from delivery.recordings.playback import play
from delivery.recordings.recordings import measured, store_recording, stored_recording
from delivery.recordings.storage import read_frames, read_mp3
from delivery.selectors.sounds import recordings, selectable_recordings
from rvm.platform.errors import ServiceError
from rvm.platform.models import Workspace
from tests.children import in_calls
from tests.delivery.audio import hostile_tasks
from tests.delivery.audio.mp3_bytes import encode_pcm, encoded, id3v2, noise
from tests.factories import make_recording, make_workspace

LEVELS = (
    "peak_dbfs",
    "rms_dbfs",
    "loudness_lufs",
    "clipped_share",
    "leading_silence",
    "trailing_silence",
    "waveform",
)


def files_in(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


@pytest.mark.django_db
def test_the_judged_frames_are_kept_and_come_back_byte_for_byte(media: Path) -> None:
    data = id3v2(b"\0" * 50) + encoded(12)
    recording = store_recording(make_workspace(), "Flu shot", data)
    assert read_frames(recording) == inspect(data).frames
    assert recording.sha256 == hashlib.sha256(read_frames(recording)).hexdigest()
    assert (recording.name, recording.channels, recording.sample_rate) == ("Flu shot", 1, 44100)
    assert 12_000 <= recording.duration_ms < 12_100
    assert recording.size_bytes == len(read_frames(recording))


@pytest.mark.django_db
def test_the_file_on_disk_is_encrypted(media: Path) -> None:
    recording = store_recording(make_workspace(), "Flu shot", encoded(12))
    [path] = files_in(media)
    assert read_frames(recording)[:64] not in path.read_bytes()


@pytest.mark.django_db
def test_the_same_sound_twice_is_one_recording_whatever_its_tags_say(media: Path) -> None:
    workspace = make_workspace()
    first = store_recording(workspace, "First", encoded(12))
    assert store_recording(workspace, "Second", id3v2(b"\0" * 99) + encoded(12)) == first
    assert Recording.objects.get().name == "First"
    assert len(files_in(media)) == 1


@pytest.mark.django_db
def test_two_workspaces_have_a_recording_each(media: Path) -> None:
    assert store_recording(make_workspace(), "A", encoded(12)) != store_recording(make_workspace(), "A", encoded(12))
    assert len(files_in(media)) == 2


@pytest.mark.django_db
def test_a_rejected_upload_leaves_no_trace(media: Path) -> None:
    with pytest.raises(AudioRejected) as caught:
        store_recording(make_workspace(), "Too short", encoded(3))
    assert caught.value.code == "too_short"
    assert not Recording.objects.exists()
    assert not files_in(media)


@pytest.mark.django_db
def test_its_levels_and_what_is_wrong_with_its_sound_are_kept(media: Path) -> None:
    kept = Recording.objects.get(
        pk=store_recording(make_workspace(), "Loud", encode_pcm(noise(12, 8000, level=32000), 8000)).pk
    )
    levels = inspect(read_frames(kept)).levels
    assert (kept.peak_dbfs, kept.rms_dbfs, kept.loudness_lufs) == (
        levels.peak_dbfs,
        levels.rms_dbfs,
        levels.loudness_lufs,
    )
    assert (kept.leading_silence, kept.trailing_silence) == (levels.leading_silence, levels.trailing_silence)
    assert kept.clipped_share == pytest.approx(levels.clipped_share)
    assert kept.waveform is not None
    assert tuple(kept.waveform) == levels.waveform
    [message] = kept.warnings
    assert message.startswith("The recording is distorted")


@pytest.mark.django_db
def test_a_recording_older_than_the_measurement_is_measured_when_it_is_looked_at(media: Path) -> None:
    old = store_recording(make_workspace(), "Old", encode_pcm(noise(12, 8000, level=100), 8000, 16))
    told = old.warnings
    assert [message[:24] for message in told] == ["The recording has 16 kbi", "The recording is very qu"]
    Recording.objects.update(**dict.fromkeys(LEVELS), warnings=["Heard before.", told[0]])
    old.refresh_from_db()
    assert measured(old).warnings == ["Heard before.", *told]
    again = Recording.objects.get()
    assert again.warnings == ["Heard before.", *told]
    assert [getattr(again, name) is None for name in LEVELS] == [False] * len(LEVELS)


@pytest.mark.django_db
def test_a_recording_is_measured_only_once(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = store_recording(make_workspace(), "New", encoded(12))
    monkeypatch.setattr("delivery.recordings.recordings.inspect", lambda data: pytest.fail("measured again"))
    assert measured(recording) is recording


@pytest.mark.django_db
def test_an_old_recording_without_its_file_stays_unmeasured(media: Path) -> None:
    assert not measured(make_recording()).measured


@pytest.mark.django_db
def test_what_a_campaign_assembled_is_offered_once_a_person_uploads_it(media: Path) -> None:
    workspace = make_workspace()
    made = store_recording(workspace, "Hello + Ann + bye", encoded(12), assembled=True)
    assert not selectable_recordings(workspace).exists()
    assert recordings(workspace).get() == made
    assert store_recording(workspace, "Again", encoded(12), assembled=True).assembled
    assert store_recording(workspace, "Hello Ann", encoded(12)) == made
    assert store_recording(workspace, "Later", encoded(12), assembled=True) == made
    assert selectable_recordings(workspace).get().name == "Hello Ann"


@pytest.mark.django_db
def test_a_full_disk_is_said_and_leaves_no_trace(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_up(self: FileSystemStorage, name: str, content: object) -> str:
        (media / name).parent.mkdir(parents=True)
        (media / name).write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device", str(media / name))

    monkeypatch.setattr(FileSystemStorage, "_save", fill_up)
    with pytest.raises(ServiceError) as caught:
        store_recording(make_workspace(), "Flu shot", encoded(12))
    assert caught.value.code == "storage_unavailable"
    assert "No space left on device" in caught.value.message
    assert str(media) not in caught.value.message
    assert not Recording.objects.exists()
    assert not files_in(media)


@pytest.mark.django_db
def test_a_storage_that_can_neither_write_nor_remove_is_refused_by_name(media: Path) -> None:
    media.write_text("a file where the folder should be")
    with pytest.raises(ServiceError) as caught:
        store_recording(make_workspace(), "Flu shot", encoded(12))
    assert caught.value.code == "storage_unavailable"
    assert not Recording.objects.exists()


@pytest.mark.django_db
def test_a_row_that_cannot_be_written_takes_its_file_along(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(row: Recording) -> None:
        assert files_in(media), "the file is there before the row"
        raise IntegrityError("refused by the test")

    monkeypatch.setattr("delivery.recordings.storage.insert", fail)
    with pytest.raises(IntegrityError):
        store_recording(make_workspace(), "Flu shot", encoded(12))
    assert not files_in(media)


@pytest.mark.django_db
def test_a_block_that_fails_takes_a_new_recording_along_and_leaves_an_old_one(media: Path) -> None:
    workspace = make_workspace()
    with pytest.raises(KeyError), stored_recording(workspace, "New", encoded(12)):
        raise KeyError
    assert not Recording.objects.exists()
    assert not files_in(media)
    old = store_recording(workspace, "Old", encoded(12))
    with pytest.raises(KeyError), stored_recording(workspace, "Again", encoded(12)) as known:
        assert known == old
        raise KeyError
    assert read_frames(Recording.objects.get())


def unheard() -> Unheard:
    audio = walk(encoded(12))
    return Unheard(audio, inspection_of(audio, fingerprint(audio)))


@contextmanager
def told(verdict: Callable[[], object]) -> Iterator[Callable[[], object]]:
    yield verdict


@pytest.mark.django_db
def test_what_is_unheard_is_written_before_the_verdict_and_goes_if_that_is_a_refusal(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        assert files_in(media)
        assert Recording.objects.exists()
        raise rejected("silent", measured="0.0", threshold=60, allowed=1.0)

    monkeypatch.setattr(storing, "listening", lambda audio: told(refuse))
    with pytest.raises(AudioRejected), stored_recording(make_workspace(), "Flu shot", unheard()):
        pytest.fail("nobody is told of a sound before it is accepted")
    assert not files_in(media)
    assert not Recording.objects.exists()


@pytest.mark.django_db
def test_a_refused_sound_whose_file_was_removed_stays_removed(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = make_workspace()
    known = store_recording(workspace, "Flu shot", encoded(12))
    (media / known.storage_name).unlink()
    Recording.objects.update(sound_removed_at=timezone.now())
    monkeypatch.setattr(measurement, "measure_frames", hostile_tasks.crash)
    with pytest.raises(AudioRejected), stored_recording(workspace, "Again", unheard()):
        pytest.fail("nobody is told of a sound before it is accepted")
    assert not files_in(media)
    assert Recording.objects.get().sound_removed_at is not None


@pytest.mark.django_db
def test_a_storage_that_fails_ends_the_child_that_hears(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "measure_frames", hostile_tasks.hang)
    media.write_text("a file where the folder should be")
    with pytest.raises(ServiceError) as caught, stored_recording(make_workspace(), "Flu shot", unheard()):
        pytest.fail("there is no file")
    assert caught.value.code == "storage_unavailable"
    assert not in_calls()
    assert not Recording.objects.exists()


@pytest.mark.django_db
def test_a_file_left_by_a_process_that_died_is_replaced(media: Path) -> None:
    workspace = make_workspace()
    recording = store_recording(workspace, "Flu shot", encoded(12))
    Recording.objects.all().delete()
    (media / recording.storage_name).write_bytes(b"half of it")
    again = store_recording(workspace, "Flu shot", encoded(12))
    assert again.pk != recording.pk
    assert read_frames(again) == inspect(encoded(12)).frames
    assert len(files_in(media)) == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_upload_from_two_sides_at_once_is_one_recording(media: Path) -> None:
    workspace = make_workspace()
    kept, barrier = _upload_from_two_sides(workspace, fail_first=False)
    assert barrier.n_waiting == 0
    assert len(kept) == 2
    assert kept[0] == kept[1] == Recording.objects.get().pk
    assert read_frames(Recording.objects.get()) == inspect(encoded(12)).frames
    assert len(files_in(media)) == 1


@pytest.mark.django_db(transaction=True)
def test_an_upload_that_fails_beside_one_that_succeeds_does_not_take_its_file(media: Path) -> None:
    kept, _ = _upload_from_two_sides(make_workspace(), fail_first=True)
    assert kept == [Recording.objects.get().pk]
    assert read_frames(Recording.objects.get()) == inspect(encoded(12)).frames


def _upload_from_two_sides(workspace: Workspace, *, fail_first: bool) -> tuple[list[object], Barrier]:
    encoded(12)
    kept: list[object] = []
    barrier = Barrier(2)

    def upload(fails: bool) -> None:
        try:
            barrier.wait(10)
            with transaction.atomic(), stored_recording(workspace, "Flu shot", encoded(12)) as recording:
                if fails:
                    raise KeyError
            kept.append(recording.pk)
        except KeyError:
            pass
        finally:
            connection.close()

    threads = [Thread(target=upload, args=(fails,)) for fails in (fail_first, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return kept, barrier


@pytest.mark.django_db
def test_players_and_carriers_get_a_frame_in_front_that_says_the_length_of_a_variable_bit_rate(media: Path) -> None:
    workspace = make_workspace()
    joined = encoded(6, kbps=32) + encoded(6, kbps=320)
    varying, constant = (store_recording(workspace, "Reminder", each) for each in (joined, encoded(12)))
    assert read_mp3(constant) == read_frames(constant)
    served = read_mp3(varying)
    assert served.endswith(read_frames(varying))
    assert (varying.sha256, varying.size_bytes) == (inspect(served).sha256, len(joined))
    assert MP3(BytesIO(served)).info.length == pytest.approx(varying.duration_ms / 1000, abs=0.001)
    assert store_recording(workspace, "Again", served) == varying


@pytest.mark.django_db
def test_a_part_of_what_is_served_counts_from_its_first_frame(media: Path, rf: RequestFactory) -> None:
    varying = store_recording(make_workspace(), "Reminder", encoded(6, kbps=32) + encoded(6, kbps=320))
    served = read_mp3(varying)
    whole = play(rf.get("/"), varying)
    part = play(rf.get("/", headers={"Range": "bytes=0-99"}), varying)
    assert (whole.content, whole["Content-Length"]) == (served, str(len(served)))
    assert (part.status_code, part.content) == (206, served[:100])
    assert part["Content-Range"] == f"bytes 0-99/{len(served)}"
