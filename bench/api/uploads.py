"""Sends by form of an MP3 of 30 s: a new sound against reading, hashing and one decode of it, a known one against a JSON send."""

from __future__ import annotations

import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

from bench.api.client import Client
from bench.api.scene import Scene, Sizes, patient
from delivery.audio.decoding import decode
from delivery.audio.mpeg.frames import walk
from delivery.audio.mpeg.headers import stream_at
from rvm.devtools.sample import recording_file

SECONDS = 30
# What is stated of a new sound, without which none is sent live.
_STATED = {
    "voice": "human",
    **dict.fromkeys(("says_caller", "says_callback_number", "says_opt_out_number", "no_health_details"), "true"),
}
_serial = count(50_000)  # numbers that the sends have not
# So many bytes, of some frames, does each sound end earlier than the one before.
_SHORTER = 700


def measure(scene: Scene, sizes: Sizes, say: Callable[[str], None]) -> dict[str, float]:
    sound = _half_a_minute()
    client = Client(scene)
    taken: dict[str, list[float]] = {}
    with closing(client), tempfile.NamedTemporaryFile() as file:
        path = Path(file.name)
        for place in range(sizes.uploads + 1):
            new = sound[: len(sound) - _SHORTER * place]
            path.write_bytes(new)
            each = {
                "decode": _timed(lambda: _decoded(path)),
                "new": client.send_form(new, patient(next(_serial)), **_STATED),
                "known": client.send_form(sound, patient(next(_serial))),
                "json": client.send(),
            }
            for name, milliseconds in each.items():
                taken.setdefault(name, []).append(milliseconds)
    medians = {name: statistics.median(each[1:]) for name, each in taken.items()}  # the first warms up
    say("   ".join(f"{name} {value:.1f} ms" for name, value in medians.items()))
    return {
        "upload_ratio": round(medians["new"] / medians["decode"], 2),
        "upload_known_ratio": round(medians["known"] / medians["json"], 2),
    }


def _half_a_minute() -> bytes:
    frames = walk(recording_file()).frames
    sound = frames * (1 + int(SECONDS / walk(frames).seconds))
    return sound[: int(len(sound) * (SECONDS + 0.5) / walk(sound).seconds)]


def _decoded(path: Path) -> None:
    data = path.read_bytes()
    hashlib.sha256(data).hexdigest()
    stream = stream_at(data, 0)
    if stream is None or len(decode(data, stream)) < 10 * stream.sample_rate:
        raise RuntimeError("The sound does not play.")


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000
