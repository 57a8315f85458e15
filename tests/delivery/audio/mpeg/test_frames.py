"""The frame walk on generated frame sequences: it returns what was generated, and nothing around it changes that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.audio.mpeg.frames import walk
from delivery.audio.rejections import AudioRejected
from tests.delivery.audio import mp3_bytes as make
from tests.delivery.audio.mp3_bytes import Frame

# Never a sync byte and never the letters of a tag, so that a generated gap is only a gap.
# It ends with no nought, because at the end of a file more noughts are allowed.
junk_bytes = st.lists(st.sampled_from(b"\x00\x21\x55\xaa\xfe"), max_size=60).map(lambda junk: bytes([*junk, 0x55]))


@st.composite
def recordings(draw: st.DrawFn, least: int = 2, most: int = 60) -> list[Frame]:
    """Frames of one version, sample rate and channel count; everything else differs from frame to frame."""
    version = draw(st.sampled_from(["1", "2", "2.5"]))
    rate_index, mono = draw(st.integers(0, 2)), draw(st.booleans())
    frame = st.builds(
        Frame,
        version=st.just(version),
        rate_index=st.just(rate_index),
        bitrate_index=st.integers(1, 14),
        padding=st.booleans(),
        mono=st.just(mono),
        checksum=st.booleans(),
        private=st.booleans(),
        fill=st.sampled_from([0, 0x55, 0xFF]),
    )
    return draw(st.lists(frame, min_size=least, max_size=most))


def joined(frames: list[Frame]) -> bytes:
    return b"".join(map(bytes, frames))


def marked(like: Frame, mark: bytes) -> bytes:
    """A frame of the same stream that carries `mark` where Xing, Info or VBRI stand."""
    frame = bytearray(bytes(Frame(like.version, like.rate_index, 14, mono=like.mono)))
    side_info = {("1", False): 32, ("1", True): 17}.get((like.version, like.mono), 9 if like.mono else 17)
    at = 36 if mark == b"VBRI" else 4 + side_info
    frame[at : at + 4] = mark
    return bytes(frame)


front_tags = st.lists(
    st.builds(
        lambda body, version, footer, padding: make.id3v2(body, version=version, footer=footer) + bytes(padding),
        st.binary(max_size=300),
        st.sampled_from([2, 3, 4]),
        st.booleans(),
        st.integers(0, 64),
    ),
    max_size=2,
).map(b"".join)
TAGS = [
    make.id3v2(b"Reminder", footer=True),
    make.id3v2(b"\xff\xfb\x50\xc0" * 40, footer=True),
    make.ape_tag(),
    make.ape_tag(header=False),
    make.ape_tag(b"\xff\xfb\x50\xc0" * 40),
    make.ape_tag(b"\xff\xfb\x50\xc0" * 40, header=False),
    make.lyrics3(1),
    make.lyrics3(2),
    make.id3v1(),
    make.id3v1(enhanced=True),
]
back_tags = st.lists(st.sampled_from(TAGS), max_size=4).map(b"".join)


@given(recordings(least=1))
def test_the_walk_returns_exactly_the_frames_that_were_generated(frames: list[Frame]) -> None:
    found = walk(joined(frames))
    assert found.frames == joined(frames)
    assert found.count == len(frames)
    assert found.samples == sum(frame.samples for frame in frames)
    assert found.stream.sample_rate == frames[0].sample_rate
    assert found.stream.channels == (1 if frames[0].mono else 2)
    assert found.kbps == {frame.kbps for frame in frames}
    assert (found.junk, found.cut_off, found.info_frame) == (0, False, b"")


@given(
    recordings(),
    front_tags,
    st.lists(st.sampled_from([b"Xing", b"Info", b"VBRI"]), max_size=2),
    back_tags,
    st.sampled_from([b"", make.id3v1(), make.id3v1(enhanced=True)]),
)
def test_tags_and_marked_frames_around_the_audio_change_nothing(
    frames: list[Frame], front: bytes, marks: list[bytes], back: bytes, id3v1: bytes
) -> None:
    marked_frames = [marked(frames[0], mark) for mark in marks]
    found = walk(front + b"".join(marked_frames) + joined(frames) + back + id3v1)
    assert found.frames == joined(frames)
    assert found.info_frame == (marked_frames[0] if marked_frames else b"")
    assert (found.junk, found.cut_off) == (0, False)


@pytest.mark.parametrize("noughts", [0, 300])
@pytest.mark.parametrize(
    "tag", [*TAGS, make.id3v2(b"Reminder", version=3), *(first + last for first in TAGS for last in TAGS[:4])]
)
def test_tags_stand_anywhere_and_change_nothing(tag: bytes, noughts: int) -> None:
    frames = [Frame("1", 0, 9)] * 60
    for file in (
        tag + joined(frames) + bytes(noughts),
        joined(frames) + tag + bytes(noughts),
        joined(frames[:30]) + tag + joined(frames[30:]) + bytes(noughts),
        joined(frames[:30]) + tag + marked(frames[0], b"Xing") + joined(frames[30:]) + tag + bytes(noughts),
        tag + joined(frames[:30]) + tag * 3 + joined(frames[30:]) + tag + bytes(noughts),
    ):
        found = walk(file)
        assert (found.frames, found.junk) == (joined(frames), noughts)


@pytest.mark.parametrize("tag", TAGS)
def test_noughts_stand_between_the_sound_and_its_tag(tag: bytes) -> None:
    frames = joined([Frame("1", 0, 9)] * 60)
    assert (walk(frames + bytes(2000) + tag).frames, walk(frames + bytes(2000) + tag).junk) == (frames, 2000)


@pytest.mark.parametrize(
    "tag", [*TAGS, make.id3v2(bytes(50_000)), make.id3v2() + bytes(3000), make.id3v2(b"x") + make.id3v1()]
)
def test_a_tag_without_a_sound_is_called_one(tag: bytes) -> None:
    with pytest.raises(AudioRejected, match=f"all of its {len(tag)} bytes") as refusal:
        walk(tag)
    assert refusal.value.code == "only_a_tag"


@given(recordings(least=6), junk_bytes, st.data())
def test_a_gap_is_skipped_up_to_the_junk_share_and_refused_above(
    frames: list[Frame], junk: bytes, data: st.DataObject
) -> None:
    # Two frames on each side (or the end of the file), since one header alone is not believed.
    places = [*range(2, len(frames) - 1), len(frames)]
    at = data.draw(st.sampled_from(places))
    file = joined(frames[:at]) + junk + joined(frames[at:])
    if len(junk) <= len(file) * 3 // 100:
        found = walk(file)
        assert found.frames == joined(frames)
        assert found.junk == len(junk)
    else:
        with pytest.raises(AudioRejected) as refusal:
            walk(file)
        assert refusal.value.code == "too_much_junk"


def test_the_junk_share_holds_to_the_byte() -> None:
    frames = [Frame("1", 0, 9)] * 100
    most = next(junk for junk in range(2000) if (len(joined(frames)) + junk + 1) * 3 // 100 < junk + 1)
    for at in (50, 100):
        assert walk(joined(frames[:at]) + b"\x55" * most + joined(frames[at:])).junk == most
        with pytest.raises(AudioRejected, match="at most 3 per cent"):
            walk(joined(frames[:at]) + b"\x55" * (most + 1) + joined(frames[at:]))


def test_noughts_at_the_end_may_be_a_tenth_to_the_byte() -> None:
    frames = joined([Frame("1", 0, 9)] * 100)
    most = len(frames) // 9
    assert most * 10 <= len(frames) + most < (most + 1) * 10
    found = walk(frames + bytes(most))
    assert (found.frames, found.junk, found.cut_off) == (frames, most, False)
    with pytest.raises(AudioRejected, match="at most 10 per cent, as noughts at the end, may be"):
        walk(frames + bytes(most + 1))
    with pytest.raises(AudioRejected, match="at most 3 per cent"):
        walk(frames[:20000] + bytes(most) + frames[20000:])


def test_a_last_frame_of_noughts_is_a_frame() -> None:
    frames = joined([Frame("1", 0, 9, fill=0)] * 100)
    assert walk(frames + bytes(500)).frames == frames


def test_one_header_alone_at_the_beginning_is_not_believed() -> None:
    with pytest.raises(AudioRejected) as refusal:
        walk(bytes(Frame("1", 0, 1))[:20] + joined([Frame("1", 0, 9)] * 100))
    assert refusal.value.code == "bytes_before_audio"


@pytest.mark.parametrize("info", [False, True])
@pytest.mark.parametrize("damaged", [1, 2, 5])
def test_damage_behind_the_first_frame_is_a_gap_like_any_other(damaged: int, info: bool) -> None:
    frames = [Frame("1", 0, 9)] * 100
    front = marked(frames[0], b"Info") if info else bytes(frames[0])
    broken = b"".join(bytes(4) + bytes(frame)[4:] for frame in frames[:damaged])
    if damaged < 4:
        found = walk(front + broken + joined(frames[damaged:]))
        assert found.count == 100 - damaged + (not info)
        assert found.junk == len(broken)
    else:
        with pytest.raises(AudioRejected):
            walk(front + broken + joined(frames[damaged:]))


@pytest.mark.parametrize("claimed", [0, 5000])
def test_a_tag_at_the_end_hides_no_audio_by_lying_about_its_size(claimed: int) -> None:
    frames = joined([Frame("1", 0, 9)] * 200)
    footer = bytearray(make.ape_tag(header=False)[-32:])
    footer[12:16] = claimed.to_bytes(4, "little")
    for tail in (bytes(footer), b"LYRICSBEGIN%06dLYRICS200" % claimed):
        assert walk(frames + tail).frames == frames


@pytest.mark.parametrize("size", [1, 70_000, 1_000_000])
def test_however_many_bytes_stand_in_front_they_are_counted(size: int) -> None:
    with pytest.raises(AudioRejected) as refusal:
        walk(b"\x55" * size + joined([Frame("1", 0, 9)] * 100))
    assert refusal.value.code == "bytes_before_audio"
    assert refusal.value.message.startswith(f"{size} bytes that are not audio")


@given(recordings(least=3), junk_bytes)
def test_bytes_in_front_of_the_audio_are_refused(frames: list[Frame], junk: bytes) -> None:
    with pytest.raises(AudioRejected) as refusal:
        walk(junk + joined(frames))
    assert refusal.value.code == "bytes_before_audio"
    assert f"{len(junk)} bytes" in refusal.value.message


@given(recordings(), st.data())
def test_a_cut_anywhere_leaves_the_whole_frames_before_it(frames: list[Frame], data: st.DataObject) -> None:
    whole = data.draw(st.integers(1, len(frames) - 1))
    extra = data.draw(st.integers(4, len(bytes(frames[whole])) - 1))
    found = walk(joined(frames[:whole]) + bytes(frames[whole])[:extra])
    assert found.frames == joined(frames[:whole])
    assert found.cut_off
    assert found.junk == 0


@given(recordings(least=3), recordings(least=3))
def test_two_streams_in_one_file_are_never_counted_as_one(first: list[Frame], second: list[Frame]) -> None:
    def identity(frame: Frame) -> tuple[int, bool]:
        return frame.sample_rate, frame.mono

    file = joined(first) + joined(second)
    if identity(first[0]) == identity(second[0]):
        assert walk(file).count == len(first) + len(second)
    else:
        with pytest.raises(AudioRejected) as refusal:
            walk(file)
        assert refusal.value.code == "mixed_format"


@given(st.one_of(st.integers(0, 2**28 - 1), st.integers(-1, 1)), recordings())
def test_a_tag_size_is_believed_only_within_the_file(claim: int, frames: list[Frame]) -> None:
    audio = joined(frames)
    claim = len(audio) + claim if claim in (-1, 0, 1) else claim  # the edges are worth a try of their own
    file = make.id3v2(claim=claim) + audio
    if claim > len(audio):
        with pytest.raises(AudioRejected) as refusal:
            walk(file)
        assert refusal.value.code == "tag_damaged"
    else:
        try:
            assert len(walk(file).frames) <= len(audio) - claim
        except AudioRejected:
            assert claim > 0


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from(
                [b"ID3", b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"LYRICS200", b"LYRICSEND", b"Xing", b"\xff"]
            ),
            st.builds(Frame, st.sampled_from(["1", "2", "2.5"]), st.integers(0, 2), st.integers(1, 14)).map(bytes),
        ),
        max_size=30,
    ).map(b"".join)
)
def test_any_bytes_end_in_frames_of_the_file_or_a_refusal(file: bytes) -> None:
    try:
        found = walk(file)
    except AudioRejected:
        return
    assert len(found.frames) + found.junk <= len(file)
    assert found.frames[:64] in file
    if found.count:
        assert walk(found.frames).frames == found.frames
