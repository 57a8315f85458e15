"""A decoder that its input breaks or takes over: the upload is refused with a sentence, and the caller goes on."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from delivery.audio import AudioRejected, inspect, measurement
from delivery.audio.clips import inspect_clip
from delivery.audio.mpeg.frames import walk
from delivery.audio.mpeg.headers import stream_at
from delivery.audio.silence import MIN_AUDIBLE_SECONDS
from rvm.platform.errors import ServiceError
from tests import factories
from tests.delivery.audio import hostile_tasks as tasks
from tests.delivery.audio import mp3_bytes as make
from tests.delivery.audio.mp3_bytes import encoded

SOUND = encoded(10.5, 8000, 8)
BROKEN = [tasks.crash, tasks.hoard, tasks.say_nothing, tasks.say_something_else, tasks.say_too_much]


@pytest.mark.parametrize("task", BROKEN, ids=lambda task: task.__name__)
@pytest.mark.parametrize("check", [inspect, inspect_clip])
def test_a_decoder_that_breaks_is_a_refusal(task: object, check: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "measure_frames", task)
    with pytest.raises(AudioRejected) as refused:
        check(SOUND)  # type: ignore[operator]
    assert refused.value.code == "not_decodable"


@pytest.mark.parametrize(
    ("task", "limits"), [(tasks.decode_without_end, {"cpu_seconds": 1}), (tasks.hang, {"wait_seconds": 0.2})]
)
def test_a_decoder_without_an_end_is_ended(
    task: object, limits: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measurement, "measure_frames", task)
    monkeypatch.setattr(measurement, "LIMITS", replace(measurement.LIMITS, **limits))
    with pytest.raises(AudioRejected, match="was not done with it"):
        inspect(SOUND)


def test_a_decoder_that_something_else_ends_is_no_fault_of_the_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "measure_frames", tasks.be_killed)
    with pytest.raises(ServiceError) as refused:
        inspect(SOUND)
    assert refused.value.code == measurement.CHECK_UNAVAILABLE


def test_the_decoder_finds_no_key_no_file_and_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "measure_frames", tasks.look_around)
    assert inspect(SOUND, with_levels=False).duration_ms > 10_000


def test_nothing_is_decoded_in_the_process_that_has_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    def here(*_: object, **__: object) -> None:
        raise AssertionError("a sound was decoded in this process")

    monkeypatch.setattr("miniaudio.stream_any", here)
    assert inspect(SOUND).levels is not None
    assert inspect_clip(SOUND).duration_ms > 10_000


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("task", "status", "code"),
    [(tasks.crash, 422, "not_decodable"), (tasks.be_killed, 503, "recording_check_unavailable")],
)
@pytest.mark.parametrize("path", ["recordings", "clips"])
def test_the_api_answers_with_a_problem(
    path: str, task: object, status: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measurement, "measure_frames", task)
    api = factories.make_api()
    sound = SimpleUploadedFile("sound.mp3", SOUND, "audio/mpeg")
    response = api.client.post(api.url(path), {"audio": sound})
    assert (response.status_code, json.loads(response.content)["code"]) == (status, code)


def test_children_are_forked_with_the_usual_rates_measured() -> None:
    streams = [stream_at(header, 0) for header in measurement._USUAL]
    assert {stream and stream.sample_rate for stream in streams} == {22_050, 24_000, 44_100, 48_000}
    measurement.warm_up()


def test_eight_megabytes_of_frames_are_measured_within_the_limits() -> None:
    """The most bytes of the longest sound: 320 kbit/s for a minute, and a tag that fills the rest."""
    sound = encoded(59.9, 48000, 320, 2)
    tag = make.id3v2(make.picture_frame(bytes(8 * 2**20 - len(sound) - 2000)))
    assert inspect(tag + sound).levels is not None
    assert len(tag + sound) > 8_300_000


def _parts(*parts: tuple[float, float], channels: int = 1) -> bytes:
    """An MP3 with a tone of so many dB below full scale for so many seconds each; 0 for silence."""
    sounds = [make.tone(seconds, 997, 32767 * 10 ** (-below / 20) if below else 0, 44100) for seconds, below in parts]
    return make.encode_pcm(np.repeat(np.concatenate(sounds), channels, axis=1), 44100)


@pytest.mark.parametrize(
    "parts",
    [
        [(12, 10)],
        [(3, 0), (9, 10)],
        [(11, 0), (1.5, 10)],
        [(0.6, 10), (4, 0), (0.6, 10), (6, 0)],
        [(0.5, 10), (11, 0)],
        [(12, 0)],
        [(12, 57)],
        [(12, 63)],
        [(1.2, 10)],
        [(2.4, 10)],
    ],
    ids=str,
)
@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_heard_and_played_is_the_same_with_levels_and_without(
    parts: list[tuple[float, float]], channels: int
) -> None:
    frames = walk(_parts(*parts, channels=channels)).frames
    [without] = measurement.measure_frames(io.BytesIO(frames), with_levels=False)
    [whole] = measurement.measure_frames(io.BytesIO(frames), with_levels=True)
    assert without["samples"] == whole["samples"] > 0
    assert (without["audible_seconds"] >= MIN_AUDIBLE_SECONDS) is (whole["audible_seconds"] >= MIN_AUDIBLE_SECONDS)
