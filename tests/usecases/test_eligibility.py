"""The decision that stands before every send, as a table and as properties."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usecases import state_rules
from usecases.eligibility import (
    FROZEN_RECHECK,
    NO_HOURS_RECHECK,
    SEND,
    STATEMENT_RECHECK,
    STOPPED_RECHECK,
    UNREADABLE_RECHECK,
    Decision,
    Defer,
    DeferReason,
    Expire,
    Facts,
    Guard,
    Send,
    Skip,
    SkipReason,
    decide,
    explain,
    never_opens,
)
from usecases.facts_json import PLAIN, as_json, common_json, from_json, from_parts, own_json
from usecases.state_rules import current_version, versions
from usecases.windows import Freeze, Hours, next_open

NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)  # in New York
NIGHT = datetime(2026, 3, 3, 4, tzinfo=UTC)  # 23:00 in New York
MORNING = datetime(2026, 3, 3, 13, tzinfo=UTC)  # 08:00 in New York
LATER = datetime(2026, 3, 9, tzinfo=UTC)
EVENING = datetime(2026, 3, 3, 1, 45, tzinfo=UTC)  # 20:45 in New York
THANKSGIVING = datetime(2026, 11, 26, 17, tzinfo=UTC)  # 12:00 in New York
DAY = timedelta(days=1)
RULES = current_version()
FREEZE = Freeze("NY", date(2026, 3, 1), date(2026, 3, 2))

CLEAR = Facts(
    simulated=False,
    stopped=False,
    use_case_deleted=False,
    has_sender=True,
    suppressed=False,
    expires_at=datetime(2026, 12, 24, tzinfo=UTC),
    hours=Hours(time(8), time(21)),
    zones=("America/New_York",),
)

TABLE: list[tuple[str, dict[str, object], datetime, Decision]] = [
    ("nothing speaks against it", {}, NOON, SEND),
    ("outside the window", {}, NIGHT, Defer(MORNING, DeferReason.OUTSIDE_WINDOW)),
    ("the sandbox reaches nobody at night", {"simulated": True}, NIGHT, SEND),
    ("the sandbox needs no zone", {"simulated": True, "zones": ()}, NIGHT, SEND),
    ("nobody knows where the person is", {"zones": ()}, NOON, Expire()),
    ("no moment suits all zones", {"zones": ("America/New_York", "Asia/Tokyo"), "hours": Hours(time(8), time(17))}, NOON, Expire()),
    ("it expires before the window opens", {"expires_at": MORNING}, NIGHT, Defer(MORNING, DeferReason.OUTSIDE_WINDOW)),
    ("hours that share nothing wait to be corrected", {"hours": Hours(time(21), time(21))}, NOON,
     Defer(NOON + NO_HOURS_RECHECK, DeferReason.OUTSIDE_WINDOW)),
    ("but not beyond its end", {"hours": Hours(time(22), time(21)), "expires_at": NOON + timedelta(minutes=5)}, NOON,
     Defer(NOON + timedelta(minutes=5), DeferReason.OUTSIDE_WINDOW)),
    ("expired this moment", {"expires_at": NOON}, NOON, Expire()),
    ("expiry wins over suppression", {"expires_at": NOON, "suppressed": True}, NOON, Expire()),
    ("expiry wins over a stop", {"expires_at": NOON, "stopped": True}, NOON, Expire()),
    ("suppressed", {"suppressed": True}, NOON, Skip(SkipReason.SUPPRESSED)),
    ("suppressed also in the sandbox", {"suppressed": True, "simulated": True}, NOON, Skip(SkipReason.SUPPRESSED)),
    ("suppressed also under a stop", {"suppressed": True, "stopped": True}, NOON, Skip(SkipReason.SUPPRESSED)),
    ("suppressed also at night", {"suppressed": True}, NIGHT, Skip(SkipReason.SUPPRESSED)),
    ("the use case is gone", {"use_case_deleted": True}, NOON, Skip(SkipReason.USE_CASE_DELETED)),
    ("no consent where one is needed", {"needs_consent": True}, NOON, Skip(SkipReason.NO_CONSENT)),
    ("no consent, in the sandbox either", {"needs_consent": True, "simulated": True}, NOON, Skip(SkipReason.NO_CONSENT)),
    ("a consent", {"needs_consent": True, "consented": True}, NOON, SEND),
    ("a consent that ends later", {"needs_consent": True, "consented": True, "consent_until": MORNING}, NOON, SEND),
    ("a consent that ends this moment", {"needs_consent": True, "consented": True, "consent_until": NOON}, NOON,
     Skip(SkipReason.NO_CONSENT)),
    ("the sandbox does not ask how old a consent is",
     {"needs_consent": True, "consented": True, "consent_until": NOON, "simulated": True}, NOON, SEND),
    ("suppression wins over a missing consent", {"needs_consent": True, "suppressed": True}, NOON, Skip(SkipReason.SUPPRESSED)),
    ("suppression wins over a consent", {"needs_consent": True, "consented": True, "suppressed": True}, NOON,
     Skip(SkipReason.SUPPRESSED)),
    ("stopped", {"stopped": True}, NOON, Defer(NOON + STOPPED_RECHECK, DeferReason.STOPPED)),
    ("a stop keeps what has no sender", {"stopped": True, "has_sender": False}, NOON,
     Defer(NOON + STOPPED_RECHECK, DeferReason.STOPPED)),
    ("a number that does not open", {"readable": False}, NOON,
     Defer(NOON + UNREADABLE_RECHECK, DeferReason.UNREADABLE)),
    ("a number that does not open in the sandbox either", {"readable": False, "simulated": True}, NOON,
     Defer(NOON + UNREADABLE_RECHECK, DeferReason.UNREADABLE)),
    ("no sender", {"has_sender": False}, NOON, Skip(SkipReason.NO_SENDER)),
    ("no agreement with the carrier", {"agreed": False}, NOON, Defer(NOON + STATEMENT_RECHECK, DeferReason.NO_AGREEMENT)),
    ("no agreement, and it ends before anybody looks again", {"agreed": False, "expires_at": NOON + timedelta(minutes=1)}, NOON,
     Defer(NOON + timedelta(minutes=1), DeferReason.NO_AGREEMENT)),
    ("without an agreement nothing is skipped for its sender", {"agreed": False, "has_sender": False}, NOON,
     Defer(NOON + STATEMENT_RECHECK, DeferReason.NO_AGREEMENT)),
    ("suppressed also without an agreement", {"agreed": False, "suppressed": True}, NOON, Skip(SkipReason.SUPPRESSED)),
    ("senders that nobody owns", {"owned": False}, NOON, Defer(NOON + STATEMENT_RECHECK, DeferReason.SENDER_NOT_OWNED)),
    ("no sender to be owned", {"owned": False, "has_sender": False}, NOON, Skip(SkipReason.NO_SENDER)),
    ("a recording about which nothing is stated", {"attested": False}, NOON,
     Defer(NOON + STATEMENT_RECHECK, DeferReason.NOT_ATTESTED)),
    ("the same at night: the statement speaks first", {"attested": False}, NIGHT,
     Defer(NIGHT + STATEMENT_RECHECK, DeferReason.NOT_ATTESTED)),
    ("a recording about which all is stated", {"attested": True}, NOON, SEND),
    ("the sandbox needs no statement", {"simulated": True, "agreed": False, "owned": False, "attested": False}, NIGHT, SEND),
    ("a day without sending", {"hours": Hours(time(8), time(21), frozenset({2, 3}))}, NOON,
     Defer(MORNING, DeferReason.OFF_DAY)),
    ("a day without sending, at night: the window speaks first", {"hours": Hours(time(8), time(21), frozenset({3}))}, NIGHT,
     Defer(MORNING + DAY, DeferReason.OUTSIDE_WINDOW)),
    ("a holiday", {"hours": Hours(time(8), time(21), holidays=False)}, THANKSGIVING,
     Defer(THANKSGIVING + timedelta(hours=20), DeferReason.HOLIDAY)),
    ("a state's rule", {"hours": Hours(time(8), time(21), rules=RULES), "states": ("RI",)}, THANKSGIVING,
     Defer(THANKSGIVING + timedelta(hours=21), DeferReason.STATE_RULE)),
    ("another state's rule does not bind", {"hours": Hours(time(8), time(21), rules=RULES), "states": ("NY",)},
     THANKSGIVING, SEND),
    ("the rule of any state where nothing is known", {"hours": Hours(time(8), time(21), rules=RULES)}, THANKSGIVING,
     Defer(THANKSGIVING + timedelta(hours=23), DeferReason.STATE_RULE)),
    ("a frozen state is looked at again within the hour", {"hours": Hours(time(8), time(21), freezes=(FREEZE,)), "states": ("NY",)},
     NOON, Defer(NOON + FROZEN_RECHECK, DeferReason.STATE_FROZEN)),
    ("and before it expires", {"hours": Hours(time(8), time(21), freezes=(FREEZE,)), "states": ("NY",),
                               "expires_at": NOON + timedelta(minutes=7)},
     NOON, Defer(NOON + timedelta(minutes=7), DeferReason.STATE_FROZEN)),
    ("a freeze that ends this night", {"hours": Hours(time(8), time(21), freezes=(FREEZE,)), "states": ("NY",)},
     MORNING - timedelta(minutes=10), Defer(MORNING, DeferReason.OUTSIDE_WINDOW)),
    ("a freeze without an end is waited for", {"hours": Hours(time(8), time(21), freezes=(Freeze("NY", date(2026, 3, 1)),)),
                                               "states": ("NY",)},
     NOON, Defer(NOON + FROZEN_RECHECK, DeferReason.STATE_FROZEN)),
    ("a freeze of another state", {"hours": Hours(time(8), time(21), freezes=(FREEZE,)), "states": ("NJ",)}, NOON, SEND),
    ("the carrier would be late", {"hours": Hours(time(8), time(21), closes_early=timedelta(minutes=15))},
     EVENING, Defer(MORNING, DeferReason.OUTSIDE_WINDOW)),
    ("a window shorter than the carrier takes waits to be corrected",
     {"hours": Hours(time(8), time(8, 15), closes_early=timedelta(minutes=15))}, NOON,
     Defer(NOON + NO_HOURS_RECHECK, DeferReason.OUTSIDE_WINDOW)),
    ("no day in common waits to be corrected", {"hours": Hours(time(8), time(21), frozenset())}, NOON,
     Defer(NOON + NO_HOURS_RECHECK, DeferReason.OFF_DAY)),
    ("none of this binds where nobody is reached",
     {"simulated": True, "hours": Hours(time(8), time(9), frozenset({5}), holidays=False, rules=RULES, freezes=(FREEZE,))},
     THANKSGIVING, SEND),
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
    agreed=st.booleans(),
    owned=st.booleans(),
    attested=st.sampled_from([None, True, False]),
    expires_at=st.integers(-60, 72 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    hours=st.builds(Hours, st.integers(0, 11).map(time), st.integers(12, 23).map(time)),
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
        assert next_open(now, given_facts.zones, given_facts.hours) == now
        assert given_facts.agreed and given_facts.owned and given_facts.attested is not False


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


def test_an_explanation_has_every_guard_once_and_in_order() -> None:
    found = explain(replace(CLEAR, suppressed=True, has_sender=False), NIGHT)
    assert [verdict.guard for verdict in found.verdicts] == list(Guard)
    assert found.decision == Skip(SkipReason.SUPPRESSED)
    told = {verdict.guard: verdict.decision for verdict in found.verdicts}
    assert told[Guard.SENDER] == Skip(SkipReason.NO_SENDER)
    assert told[Guard.WINDOW] == Defer(MORNING, DeferReason.OUTSIDE_WINDOW)
    assert told[Guard.STATE_RULES] == SEND


def test_a_guard_says_until_when_and_what_it_saw_and_the_decision_when_all_agree() -> None:
    hours = Hours(time(9), time(20), frozenset({1, 2, 3, 4, 5, 6}), holidays=False, rules=RULES)
    found = explain(replace(CLEAR, hours=hours, states=("RI",)), THANKSGIVING)
    told = {verdict.guard: verdict for verdict in found.verdicts}
    assert told[Guard.WINDOW].decision == SEND
    midnight = THANKSGIVING + timedelta(hours=12)
    assert told[Guard.HOLIDAYS].until == midnight
    assert told[Guard.STATE_RULES].until == midnight + timedelta(hours=9)
    assert found.decision == Defer(midnight + timedelta(hours=9), DeferReason.HOLIDAY)
    assert found.reachable_at == midnight + timedelta(hours=9)
    saw = told[Guard.STATE_RULES].saw
    assert (saw["state_rules"], saw["rules"], saw["states"]) == (RULES, ["US", "RI"], ("RI",))
    assert (saw["zones"], len(saw["number_plan"])) == (("America/New_York",), 12)


def test_of_a_simulated_carrier_every_guard_of_hours_says_that_it_does_not_bind() -> None:
    found = explain(replace(CLEAR, simulated=True), NIGHT)
    assert found.decision == SEND
    assert found.reachable_at == NIGHT
    assert [verdict.saw for verdict in found.verdicts][-5:] == [{"simulated": True}] * 5


@pytest.mark.parametrize(
    ("hours", "never"),
    [
        (Hours(time(9), time(20)), False),
        (Hours(time(21), time(23), rules=RULES), True),
        (Hours(time(5), time(8), rules=RULES), True),
        (Hours(time(5), time(8)), False),
        (Hours(time(8), time(8, 30), rules=RULES), False),
        (Hours(time(8), time(8, 15), closes_early=timedelta(minutes=15)), True),
        (Hours(time(7), time(8, 15), rules=RULES, closes_early=timedelta(minutes=15)), True),
        (Hours(time(9), time(20), frozenset()), True),
        (Hours(time(9), time(20), freezes=(Freeze("US", date(2026, 1, 1)),)), False),
    ],
)
def test_hours_that_never_open_are_known(hours: Hours, never: bool) -> None:
    assert never_opens(hours) is never


def many_facts() -> list[tuple[Facts, datetime]]:
    hours = [
        Hours(time(9), time(20), frozenset({1, 2, 3, 4, 5, 6}), False, version, freezes, timedelta(minutes=15))
        for version in ["", *versions()]
        for freezes in ((), (FREEZE, Freeze("LA", date(2026, 11, 1))))
    ]
    return [
        (replace(CLEAR, hours=each, states=states, expires_at=ends, suppressed=suppressed), now)
        for each in hours
        for states in ((), ("RI",), ("LA", "TX"))
        for ends in (None, LATER)
        for suppressed in (False, True)
        for now in (NOON, NIGHT, THANKSGIVING)
    ]


def test_facts_that_were_kept_as_json_give_the_same_decision_and_the_same_reasons() -> None:
    for facts_, now in many_facts():
        again = from_json(json.loads(json.dumps(as_json(facts_))))
        assert again == facts_
        assert explain(again, now) == explain(facts_, now)


def test_kept_facts_hold_no_number_name_or_address() -> None:
    fields = {"simulated", "stopped", "use_case_deleted", "has_sender", "suppressed", "expires_at", "hours", "zones",
              "states", "readable", "number_plan", "draining", "carrier_gone",
              "refuses_ringing", "agreed", "owned", "attested", "suppressions", "caps", "reached",
              "needs_consent", "consented", "consent_until", "consents"}  # fmt: skip
    assert set(as_json(CLEAR)) == fields


def test_facts_that_were_kept_before_a_guard_came_give_the_same_decision() -> None:
    kept = as_json(CLEAR)
    for name in ("agreed", "owned", "attested"):
        del kept[name]
    assert decide(from_json(kept), NOON) == SEND
    del kept["suppressed"]
    with pytest.raises(KeyError):
        from_json(kept)


@pytest.mark.parametrize("version", versions())
def test_a_decision_made_under_a_released_set_comes_out_again(version: str) -> None:
    """The decisions were kept when the set was released: a later change of code or of rules must not alter them."""
    kept = json.loads((Path(__file__).parent / "state_rules" / f"decisions-{version}.json").read_text())
    assert len(kept) >= 100
    for case in kept:
        facts_ = from_json(case["facts"])
        assert facts_.hours.rules == version
        decision = decide(facts_, datetime.fromisoformat(case["now"]))
        until = decision.until.isoformat() if isinstance(decision, Defer) else None
        assert [type(decision).__name__, getattr(decision, "reason", None), until] == case["decision"], case


@pytest.mark.parametrize("version", versions())
def test_decisions_as_they_are_kept_with_voicemails_still_load_and_come_out_again(version: str) -> None:
    """Rows of an installation of that time, in their two parts; a row without the facts of its lane was decided by its own."""
    kept = json.loads((Path(__file__).parent / "state_rules" / f"kept-{version}.json").read_text())
    assert len(kept) >= 20
    for case in kept:
        decision = decide(from_parts(case["policy"], case["facts"]), datetime.fromisoformat(case["now"]))
        until = decision.until.isoformat() if isinstance(decision, Defer) else None
        assert [type(decision).__name__, getattr(decision, "reason", None), until] == case["decision"], case


@given(facts, moments)
def test_the_two_parts_of_kept_facts_make_the_facts_again(given_facts: Facts, now: datetime) -> None:
    parts = json.loads(json.dumps([common_json(given_facts), own_json(given_facts)]))
    again = from_parts(*parts)
    assert again == given_facts
    assert decide(again, now) == decide(given_facts, now)


def test_facts_that_an_older_version_did_not_keep_speak_against_nothing() -> None:
    kept = as_json(CLEAR)
    for name in ("suppressions", "readable", "number_plan"):
        del kept[name]
    assert from_json(kept) == CLEAR
    assert from_parts(None, {}) == PLAIN
    assert explain(replace(PLAIN, zones=("UTC",)), NOON).decision == SEND


def test_a_newer_set_does_not_change_what_an_older_one_decided(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    older = replace(CLEAR, hours=Hours(time(8), time(21), rules=RULES), states=("RI",))
    before = explain(older, THANKSGIVING)
    stricter = (state_rules.FOLDER / f"{RULES}.toml").read_text().replace("09:00-18:00", "12:00-13:00")
    for name, text in ((RULES, (state_rules.FOLDER / f"{RULES}.toml").read_text()), ("2099-01-01", stricter)):
        (tmp_path / f"{name}.toml").write_text(text)
    newer_set = partial(state_rules.rule_set, folder=tmp_path)
    monkeypatch.setattr("usecases.windows.rule_set", newer_set)
    monkeypatch.setattr("usecases.eligibility.rule_set", newer_set)
    newer = replace(older, hours=replace(older.hours, rules="2099-01-01"))
    friday = datetime(2026, 11, 27, 15, tzinfo=UTC)
    assert decide(newer, friday) == Defer(datetime(2026, 11, 27, 17, tzinfo=UTC), DeferReason.STATE_RULE)
    assert decide(older, friday) == SEND
    assert explain(from_json(as_json(older)), THANKSGIVING) == before
