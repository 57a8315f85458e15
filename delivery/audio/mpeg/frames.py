"""The walk over all MPEG frame headers: a cheap measure of a recording's length that a wrong header cannot falsify.

Players and probes trust the Xing frame, the first bit rate or the file size; each of these can be wrong by minutes.
The walk counts every frame, and exactly the counted bytes are stored and served. It takes one pass of about half a
millisecond for 60 seconds of audio. Junk ends the pass early, so the work is bounded by the size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from delivery.audio.formats import CONVERTED_ELSEWHERE, Format, format_after_blanks
from delivery.audio.mpeg.headers import HEADER_BYTES, Stream, layer_at, stream_at
from delivery.audio.mpeg.riff import unwrapped
from delivery.audio.mpeg.tags import end_of_front_tags, end_of_padding, end_of_tag, start_of_back_tags
from delivery.audio.rejections import EXPORT, NO_SOUND, AudioRejected, rejected

# Players skip a few broken bytes unnoticed: a lost network packet. A file with more is not an intact MP3.
JUNK_PERCENT = 3
NOUGHTS_PERCENT = 10  # at the end, of a program that fills a file up
_TAG_MARKS = (b"Xing", b"Info", b"VBRI")
_SEARCH = 64 * 1024  # the bytes searched for another layer to explain a wrong beginning
_HEADER = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][^\x00-\x0f\xf0-\xff]", re.DOTALL)
_MAX_HEADERS = 20_000  # noise of 8 MB has some 3,000 of what look like one
_MAX_GAPS = 64  # within the sound, at which a tag is looked for


@dataclass(frozen=True, slots=True)
class Walk:
    """The audio of one file: `frames` are the counted frames back to back, without tags and without the Xing frame.

    `info_frame` is the first Xing, Info or VBRI frame (b"" without one), `kbps` the bit rates that occur, `junk` the
    bytes skipped between and after frames, `cut_off` whether the last frame is incomplete (it is not counted).
    """

    frames: bytes = field(repr=False)
    count: int
    stream: Stream
    kbps: frozenset[int]
    info_frame: bytes = field(repr=False)
    junk: int
    cut_off: bool

    @property
    def samples(self) -> int:
        """Samples per channel in all counted frames."""
        return self.count * self.stream.samples_per_frame

    @property
    def seconds(self) -> float:
        return self.samples / self.stream.sample_rate


def walk(data: bytes) -> Walk:
    """Count the Layer III frames of `data`. Raises AudioRejected if it is not an MP3, is damaged or changes format."""
    audio = _between_tags(data)
    if data and not audio:
        raise rejected("only_a_tag", bytes=len(data))
    end, last = len(audio), len(audio.rstrip(b"\0"))
    allowed = end * JUNK_PERCENT // 100
    at, stream, info_frame = _beginning(audio, allowed, len(data))

    runs: list[bytes] = []
    kinds: set[int] = set()  # the third header bytes that occur, which contain the bit rate
    count = junk = noughts = gaps = 0
    cut_off = False
    while at < end:
        stop, frames = _follow(audio, at, stream, kinds)
        runs.append(audio[at:stop])
        count += frames
        cut_off = _is_cut_off(audio, stop, stream)
        if cut_off or stop == end:
            break
        gaps += 1
        behind = end_of_tag(audio, stop) if gaps <= _MAX_GAPS else stop
        if behind > stop:
            at = _end_of_info_frames(audio, end_of_padding(audio, behind) if behind < last else behind, stream)
            continue
        seconds = f"{count * stream.samples_per_frame / stream.sample_rate:.1f}"
        _refuse_another_stream(audio, stop, stream, seconds)
        at = _resume(audio, stop, stream, limit=stop + allowed - junk)
        noughts = end - max(stop, last) if at == end else 0
        junk += at - stop - noughts
        if junk > allowed:
            raise rejected(
                "too_much_junk", allowed=allowed, bytes=end, seconds=seconds, share=f"{JUNK_PERCENT} per cent"
            )
        if noughts * 100 > end * NOUGHTS_PERCENT:
            most = f"{NOUGHTS_PERCENT} per cent, as noughts at the end,"
            raise rejected(
                "too_much_junk", allowed=end * NOUGHTS_PERCENT // 100, bytes=end, seconds=seconds, share=most
            )
    kbps = frozenset(stream.kbps[third] for third in kinds)
    return Walk(b"".join(runs), count, stream, kbps, info_frame, junk + noughts, cut_off)


def _between_tags(data: bytes) -> bytes:
    """What stands between the tags of an MP3, of one inside a RIFF too."""
    audio = data[end_of_front_tags(data) : start_of_back_tags(data)]
    inner = unwrapped(audio)
    return audio if inner is audio else inner[end_of_front_tags(inner) : start_of_back_tags(inner)]


def _beginning(audio: bytes, allowed: int, received: int) -> tuple[int, Stream, bytes]:
    """The offset and stream of the first frame with sound, and the first Xing, Info or VBRI frame before it.

    A header is believed if a frame follows it, after at most `allowed` bytes of damage, or if its frame is one of those. All such
    frames are skipped, because a player would trust a remaining one. Raises AudioRejected.
    """
    stream = stream_at(audio, 0)
    if stream is None:
        raise _rejection_of(audio, received)
    following = stream.lengths[audio[2]]
    at = _end_of_info_frames(audio, 0, stream)
    if at:
        first = stream_at(audio, at)
        if first is not None and stream_at(audio, at + first.lengths[audio[at + 2]]) is first:
            stream = first  # some encoders write an Info frame of two channels in front of one
        return at, stream, audio[:following]
    if following < len(audio) and stream_at(audio, following) is None:
        resumed = _resume(audio, HEADER_BYTES, stream, following + allowed)
        if not following <= resumed < len(audio):
            raise _rejection_of(audio, received)
    return 0, stream, b""


def _end_of_info_frames(audio: bytes, at: int, stream: Stream) -> int:
    """The offset after the Xing, Info and VBRI frames at `at`."""
    while stream_at(audio, at) is stream and any(
        audio.startswith(_TAG_MARKS, at + offset) for offset in stream.tag_offsets
    ):
        at = min(at + stream.lengths[audio[at + 2]], len(audio))
    return at


def _follow(audio: bytes, at: int, stream: Stream, kinds: set[int]) -> tuple[int, int]:
    """Follow the headers while they match, and return the offset after the last complete frame and the number of frames."""
    lengths, second, mono = stream.lengths, stream.second_byte, stream.channels == 1
    count, end = 0, len(audio)
    last = end - HEADER_BYTES
    while at <= last and audio[at] == 0xFF and audio[at + 1] | 1 == second and (audio[at + 3] >= 0xC0) is mono:
        third = audio[at + 2]
        length = lengths[third]
        if not length or at + length > end:
            break
        kinds.add(third)
        at += length
        count += 1
    return at, count


def _is_cut_off(audio: bytes, at: int, stream: Stream) -> bool:
    """Whether a frame of this stream begins at `at` and the file ends within it."""
    return stream_at(audio, at) is stream and at + stream.lengths[audio[at + 2]] > len(audio)


def _resume(audio: bytes, at: int, stream: Stream, limit: int) -> int:
    """The next offset, at most `limit`, with two consecutive headers of this stream; the end of the audio if there is none.

    Noise contains one header (eleven set bits) every few kilobytes, but not a second one at the right distance.
    """
    for found in _syncs(audio, at, limit + 1):
        if stream_at(audio, found) is stream and stream_at(audio, found + stream.lengths[audio[found + 2]]) is stream:
            return found
    return len(audio)


def _syncs(audio: bytes, at: int, stop: int) -> Iterator[int]:
    """The offsets from `at` up to `stop` at which a header may begin."""
    found = audio.find(b"\xff", at, stop)
    while found != -1:
        yield found
        found = audio.find(b"\xff", found + 1, stop)


def _refuse_another_stream(audio: bytes, at: int, stream: Stream, seconds: str) -> None:
    """Raise AudioRejected if a frame of another stream begins at `at`.

    Audio whose sample rate or channels change plays too fast, too slow or not at all, depending on the phone.
    """
    other = stream_at(audio, at)
    if other is None or other is stream:
        return
    if stream_at(audio, at + other.lengths[audio[at + 2]]) is other:
        raise rejected("mixed_format", before=stream, after=other, seconds=seconds)


def _advice(found: Format) -> str:
    if not found.holds_sound:
        return NO_SOUND
    return (CONVERTED_ELSEWHERE if found.demuxer else "") + EXPORT


def _rejection_of(audio: bytes, received: int) -> AudioRejected:
    """The refusal of a file without an MP3 frame at its beginning; `received`: the bytes of the whole file."""
    if other := format_after_blanks(audio):
        return rejected("another_format", name=other.name, advice=_advice(other))
    repeats = (audio[:2] + bytes([audio[2] & ~2 | padding]) for padding in (0, 2)) if len(audio) > 2 else ()
    if any(audio.find(header, HEADER_BYTES, _SEARCH) != -1 for header in repeats):
        layer = layer_at(audio, 0)
        if layer in (1, 2):
            return rejected("wrong_layer", measured={1: "I", 2: "II (MP2)"}[layer])
        if layer == 3 and audio[2] >> 4 == 0:
            return rejected("free_format")
    for header in islice(_HEADER.finditer(audio), _MAX_HEADERS):
        found = header.start()
        stream = stream_at(audio, found)
        if stream and stream_at(audio, found + stream.lengths[audio[found + 2]]) is stream:
            return rejected("bytes_before_audio", measured=found)
    return rejected("not_mp3", bytes=received)
