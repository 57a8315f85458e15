"""Frames are read from a stream however its bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rvm_client.http.sse import MAX_LINE, Frame, frames

STREAM = (
    "retry: 3000\n:\nid: e0\n\n"
    'id: e1\nevent: voicemail.delivered\ndata: {"id":"e1","text":"a\u2028b é"}\n\n'
    ":\nid: e2\n\n"
    "event:end\ndata:one\ndata: two\n\n"
    "\n\n"
    "event: unfinished\ndata: x\n"
)
FRAMES = [
    Frame("e0", retry_seconds=3.0),
    Frame("e1", "voicemail.delivered", '{"id":"e1","text":"a\u2028b é"}'),
    Frame("e2"),
    Frame("e2", "end", "one\ntwo"),
]


@given(cuts=st.lists(st.integers(0, len(STREAM.encode())), max_size=20), crlf=st.booleans())
def test_frames_do_not_depend_on_how_the_bytes_arrive(cuts: list[int], crlf: bool) -> None:
    content = (STREAM.replace("\n", "\r\n") if crlf else STREAM).encode()
    ends = [0, *sorted(cuts), len(content)]
    assert list(frames(content[start:end] for start, end in pairwise(ends))) == FRAMES


def test_a_line_without_an_end_is_no_stream() -> None:
    with pytest.raises(ValueError, match="no end"):
        list(frames(b"x" * 1000 for _ in range(MAX_LINE // 1000 + 1)))
