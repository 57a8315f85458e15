"""What a statement about a sound needs, and what the clips of a joined recording state together, as tables and as properties."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usecases.attestations.recordings import (
    MAX_GREETING_MS,
    Part,
    Said,
    Statement,
    Voice,
    Whole,
    missing_fields,
    whole_of,
)

NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)
ALL = frozenset({Said.CALLER, Said.CALLBACK_NUMBER, Said.OPT_OUT_NUMBER})
HUMAN, SYNTHETIC = Voice.HUMAN, Voice.SYNTHETIC


@pytest.mark.parametrize(
    ("statement", "clip", "missing"),
    [
        (Statement(HUMAN, ALL, True), False, []),
        (Statement(None, frozenset(), False), False,
         ["voice", "says_caller", "says_callback_number", "says_opt_out_number", "no_health_details"]),
        (Statement(HUMAN, ALL - {Said.OPT_OUT_NUMBER}, True), False, ["says_opt_out_number"]),
        (Statement(HUMAN, ALL, False), False, ["no_health_details"]),
        (Statement(SYNTHETIC, ALL, True), False, ["says_synthetic_voice"]),
        (Statement(SYNTHETIC, ALL | {Said.SYNTHETIC_VOICE}, True), False, []),
        (Statement(HUMAN, frozenset(), True), True, []),
        (Statement(SYNTHETIC, frozenset(), True), True, []),
        (Statement(None, ALL, False), True, ["voice", "no_health_details"]),
    ],
)  # fmt: skip
def test_a_statement_names_what_it_lacks(statement: Statement, clip: bool, missing: list[str]) -> None:
    assert missing_fields(statement, clip=clip) == missing


def part(
    *says: Said, ms: int = 3000, voice: Voice | str = HUMAN, at: datetime | None = NOON, other: bool = True
) -> Part:
    return Part(ms, at, other, str(voice) if at else "", [str(said) for said in says])


HELLO, NAME, REST = part(ms=1000), part(ms=700), part(*ALL, ms=9000)


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([REST], True),
        ([HELLO, NAME, REST], True),
        ([part(Said.CALLER), NAME, part(Said.CALLBACK_NUMBER), part(Said.OPT_OUT_NUMBER)], True),
        ([], False),
        ([HELLO, NAME], False),
        ([REST, part(at=None)], False),  # each clip is listened to
        ([part(Said.CALLER), part(Said.CALLBACK_NUMBER)], False),
        ([part(ms=MAX_GREETING_MS), REST], True),
        ([part(ms=MAX_GREETING_MS + 1), REST], False),  # who calls is not said at the start
        ([part(voice=SYNTHETIC), REST], False),
        ([part(Said.SYNTHETIC_VOICE, voice=SYNTHETIC), REST], True),
        ([part(voice=SYNTHETIC), part(*ALL, Said.SYNTHETIC_VOICE)], True),
    ],
)
def test_clips_state_a_recording_as_a_whole(parts: list[Part], whole: bool) -> None:
    assert (whole_of(parts) is not None) is whole


def test_the_whole_is_as_new_as_its_newest_clip_and_by_another_if_all_are() -> None:
    later = NOON + timedelta(days=1)
    found = whole_of([part(at=later), REST])
    assert found == Whole(later, True, HUMAN, ALL)
    found = whole_of([part(voice=SYNTHETIC, other=False), part(*ALL, Said.SYNTHETIC_VOICE)])
    assert found is not None
    assert (found.by_another, found.voice) == (False, SYNTHETIC)


parts = st.builds(
    Part,
    st.integers(200, 8000),
    st.sampled_from([None, NOON, NOON, NOON]),
    st.booleans(),
    st.sampled_from(["human", "synthetic"]),
    st.lists(st.sampled_from([str(said) for said in Said]), unique=True),
)


@given(st.lists(parts, max_size=6))
def test_what_clips_state_together_each_of_them_states_or_another(given_parts: list[Part]) -> None:
    whole = whole_of(given_parts)
    if whole is None:
        return
    assert all(each.at is not None for each in given_parts)
    assert ALL <= whole.says <= {Said(said) for each in given_parts for said in each.says}
    first = next(place for place, each in enumerate(given_parts) if Said.CALLER in each.says)
    assert sum(each.duration_ms for each in given_parts[:first]) <= MAX_GREETING_MS
    if any(each.voice == "synthetic" for each in given_parts):
        assert whole.voice is SYNTHETIC and Said.SYNTHETIC_VOICE in whole.says


@given(st.lists(parts, min_size=1, max_size=5), st.integers(0, 4))
def test_a_clip_without_a_statement_takes_it_from_the_whole(given_parts: list[Part], place: int) -> None:
    silent = [Part(each.duration_ms, None if at == place % len(given_parts) else each.at, True, "", each.says)
              for at, each in enumerate(given_parts)]  # fmt: skip
    assert whole_of(silent) is None
