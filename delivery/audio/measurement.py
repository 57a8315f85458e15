"""What is measured of a sound's samples: how many play, how much is heard, and the levels.

The decoder is C code and the bytes are a stranger's, so both meet in a child process, which has no secret, opens nothing and is
limited in memory and time (rvm.platform.isolation).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO

from delivery.audio.decoding import Samples, decode, decoded
from delivery.audio.levels import Levels, measure
from delivery.audio.mpeg.headers import stream_at
from delivery.audio.rejections import AudioRejected, rejected
from delivery.audio.silence import audible_seconds
from delivery.audio.telephone import heard, heard_while_decoded
from rvm.platform.errors import ServiceError
from rvm.platform.isolation.calls import ChildEnded, Limits, isolated

# A minute of sound takes 0.3 s and 50 MB beside the libraries. Somebody waits for it, a thread of the web server, and mostly a
# transaction, which PostgreSQL ends when it has idled for 30 s (rvm.platform.database.session).
LIMITS = Limits(memory_bytes=512 * 1024 * 1024, cpu_seconds=10, wait_seconds=25.0)
# The first four bytes of frames at usual rates: 44,100 and 48,000 Hz of MPEG 1, 22,050 and 24,000 Hz of MPEG 2, all mono.
_USUAL = (b"\xff\xfb\x10\xc0", b"\xff\xfb\x14\xc0", b"\xff\xf3\x10\xc0", b"\xff\xf3\x14\xc0")
CHECK_UNAVAILABLE = "recording_check_unavailable"


@dataclass(frozen=True, slots=True)
class Measurement:
    """`samples`: how many per channel play; `audible_seconds`: how long a telephone lets it be heard, counted up to the least
    that a recording needs; `levels`: None if not requested."""

    samples: int
    audible_seconds: float
    levels: Levels | None = field(repr=False)


@contextmanager
def measuring(frames: bytes, *, with_levels: bool) -> Iterator[Callable[[], Measurement]]:
    """What waits for the measurement of frames that the walk has counted, and returns it; a child takes it meanwhile.

    Both raise AudioRejected `not_decodable` if the decoder fails, and ServiceError if something else ends the child, which ends with
    the block.
    """
    with _failures_told():
        answers = isolated(measure_frames, [frames], limits=LIMITS, refusal=AudioRejected, with_levels=with_levels)

    def result() -> Measurement:
        with _failures_told():
            [said] = answers
            return _read(said)

    with closing(answers):
        yield result


@contextmanager
def _failures_told() -> Iterator[None]:
    try:
        yield
    except ChildEnded as ended:
        if ended.why == "stopped":
            raise stopped() from None
        raise rejected("not_decodable", allowed=LIMITS.cpu_seconds) from None
    except (ValueError, TypeError, KeyError):  # of a child that its input has taken over
        raise rejected("not_decodable", allowed=LIMITS.cpu_seconds) from None


def stopped() -> ServiceError:
    """The error of a check that something other than the sound has ended."""
    return ServiceError(
        CHECK_UNAVAILABLE,
        "The check of this recording was stopped before its end; nothing was kept. Upload it once more.",
    )


def _read(said: dict[str, Any]) -> Measurement:
    samples, audible, levels = int(said["samples"]), float(said["audible_seconds"]), said["levels"]
    if levels is None:
        return Measurement(samples, audible, None)
    figures: dict[str, Any] = {
        name: None if value is None else float(value) for name, value in levels.items() if name != "waveform"
    }
    return Measurement(samples, audible, Levels(waveform=tuple(bytes(levels["waveform"])), **figures))


def measure_frames(source: BinaryIO, *, with_levels: bool) -> Iterator[dict[str, Any]]:
    """The task of the child: the measurement of the frames as JSON has it."""
    frames = source.read()
    stream = stream_at(frames, 0)
    if stream is None:
        raise ValueError("the walk has counted frames of no stream")
    if not with_levels:
        samples, audible = _played(decoded(frames, stream), stream.sample_rate)
        yield {"samples": samples, "audible_seconds": audible, "levels": None}
        return
    sound = decode(frames, stream)
    # Less than a second has no levels, and is refused as what does not play.
    levels = measure(sound, stream.sample_rate) if len(sound) >= stream.sample_rate else None
    audible = audible_seconds(heard(sound, stream.sample_rate))
    yield {"samples": len(sound), "audible_seconds": audible, "levels": asdict(levels) if levels else None}


def warm_up() -> None:
    """Measure silence, so that children are forked with what the libraries keep of a first use: factors of a Fourier transform, types
    of the decoder."""
    for header in _USUAL:
        stream = stream_at(header, 0)
        if stream is not None:
            frame = header.ljust(stream.lengths[header[2]], b"\0")
            frames = frame * (2 * stream.sample_rate // stream.samples_per_frame)
            for with_levels in (True, False):
                list(measure_frames(io.BytesIO(frames), with_levels=with_levels))


def _played(pieces: Iterable[Samples], sample_rate: int) -> tuple[int, float]:
    """How many samples there are, and how long they are heard.

    Mostly enough is heard at once, and the rest is decoded into the same memory: a new process pays for each page that it touches."""
    count = 0

    def counted() -> Iterator[Samples]:
        nonlocal count
        for piece in pieces:
            count += len(piece)
            yield piece

    decoding = counted()
    audible = audible_seconds(heard_while_decoded(decoding, sample_rate))
    for _ in decoding:
        pass
    return count, audible
