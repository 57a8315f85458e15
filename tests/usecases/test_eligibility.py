"""The decision that stands before every send, as a table and as properties."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usecases.eligibility import (
    NO_HOURS_RECHECK,
    SEND,
    STOPPED_RECHECK,
    Decision,
    Defer,
    DeferReason,
    Expire,
    Facts,
    Send,
    Skip,
    SkipReason,
    decide,
)
from usecases.windows import next_open

NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)  # in New York
NIGHT = datetime(2026, 3, 3, 4, tzinfo=UTC)  # 23:00 in New York
MORNING = datetime(2026, 3, 3, 13, tzinfo=UTC)  # 08:00 in New York
LATER = datetime(2026, 3, 9, tzinfo=UTC)

CLEAR = Facts(
    simulated=False,
    stopped=False,
    use_case_deleted=False,
    has_sender=True,
    suppressed=False,
    expires_at=LATER,
    window_start=time(8),
    window_end=time(21),
    zones=("America/New_York",),
)

TABLE: list[tuple[str, dict[str, object], datetime, Decision]] = [
    ("nothing speaks against it", {}, NOON, SEND),
    ("outside the window", {}, NIGHT, Defer(MORNING, DeferReason.OUTSIDE_WINDOW)),
    ("the sandbox reaches nobody at night", {"simulated": True}, NIGHT, SEND),
    ("the sandbox needs no zone", {"simulated": True, "zones": ()}, NIGHT, SEND),
    ("nobody knows where the person is", {"zones": ()}, NOON, Expire()),
    ("no moment suits all zones", {"zones": ("America/New_York", "Asia/Tokyo"), "window_end": time(17)}, NOON, Expire()),
    ("it expires before the window opens", {"expires_at": MORNING}, NIGHT, Defer(MORNING, DeferReason.OUTSIDE_WINDOW)),
    ("hours that share nothing wait to be corrected", {"window_start": time(21)}, NOON,
     Defer(NOON + NO_HOURS_RECHECK, DeferReason.OUTSIDE_WINDOW)),
    ("but not beyond its end", {"window_start": time(22), "expires_at": NOON + timedelta(minutes=5)}, NOON,
     Defer(NOON + timedelta(minutes=5), DeferReason.OUTSIDE_WINDOW)),
    ("expired this moment", {"expires_at": NOON}, NOON, Expire()),
    ("expiry wins over suppression", {"expires_at": NOON, "suppressed": True}, NOON, Expire()),
    ("expiry wins over a stop", {"expires_at": NOON, "stopped": True}, NOON, Expire()),
    ("suppressed", {"suppressed": True}, NOON, Skip(SkipReason.SUPPRESSED)),
    ("suppressed also in the sandbox", {"suppressed": True, "simulated": True}, NOON, Skip(SkipReason.SUPPRESSED)),
    ("suppressed also under a stop", {"suppressed": True, "stopped": True}, NOON, Skip(SkipReason.SUPPRESSED)),
    ("suppressed also at night", {"suppressed": True}, NIGHT, Skip(SkipReason.SUPPRESSED)),
    ("the use case is gone", {"use_case_deleted": True}, NOON, Skip(SkipReason.USE_CASE_DELETED)),
    ("stopped", {"stopped": True}, NOON, Defer(NOON + STOPPED_RECHECK, DeferReason.STOPPED)),
    ("a stop keeps what has no sender", {"stopped": True, "has_sender": False}, NOON,
     Defer(NOON + STOPPED_RECHECK, DeferReason.STOPPED)),
    ("a number that does not open", {"readable": False}, NOON,
     Defer(NOON + STOPPED_RECHECK, DeferReason.UNREADABLE)),
    ("a number that does not open in the sandbox either", {"readable": False, "simulated": True}, NOON,
     Defer(NOON + STOPPED_RECHECK, DeferReason.UNREADABLE)),
    ("no sender", {"has_sender": False}, NOON, Skip(SkipReason.NO_SENDER)),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "now", "decision"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_decision_is_the_tables(changes: dict[str, object], now: datetime, decision: Decision) -> None:
    assert decide(replace(CLEAR, **changes), now) == decision  # type: ignore[arg-type]


facts = st.builds(
    Facts,
    simulated=st.booleans(),
    stopped=st.booleans(),
    use_case_deleted=st.booleans(),
    has_sender=st.booleans(),
    suppressed=st.booleans(),
    expires_at=st.integers(-60, 72 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    window_start=st.integers(0, 11).map(time),
    window_end=st.integers(12, 23).map(time),
    zones=st.lists(st.sampled_from(["America/New_York", "America/Phoenix", "Pacific/Honolulu"]), max_size=3).map(tuple),
)
moments = st.integers(0, 48 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes))


@given(facts, moments)
def test_what_is_sent_is_unexpired_allowed_and_inside_the_window(given_facts: Facts, now: datetime) -> None:
    if not isinstance(decide(given_facts, now), Send):
        return
    assert now < given_facts.expires_at
    assert given_facts.has_sender
    assert not (given_facts.stopped or given_facts.use_case_deleted or given_facts.suppressed)
    if not given_facts.simulated:
        assert next_open(now, given_facts.zones, given_facts.window_start, given_facts.window_end) == now


@given(facts, moments)
def test_expiry_wins_over_everything(given_facts: Facts, now: datetime) -> None:
    assert decide(replace(given_facts, expires_at=now), now) == Expire()


@given(facts, moments)
def test_suppressed_people_are_never_sent_to_nor_kept_waiting(given_facts: Facts, now: datetime) -> None:
    assert isinstance(decide(replace(given_facts, suppressed=True), now), Skip | Expire)


@given(facts, moments)
def test_waiting_always_ends_later_and_then_the_window_is_open_or_the_voicemail_has_expired(
    given_facts: Facts, now: datetime
) -> None:
    decision = decide(given_facts, now)
    if not isinstance(decision, Defer):
        return
    assert decision.until > now
    if decision.reason is DeferReason.OUTSIDE_WINDOW:
        assert isinstance(decide(given_facts, decision.until), Send | Expire)
