"""Eligibility: the decision whether a person may be reached now, made for the preview of a launch, at the claim and before a
resubmission, and explained guard by guard.

Pure. Callers gather the facts set-wise; no code here reads a clock, a table or a setting. `usecases.facts_json` keeps facts, so that
a decision can be made again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from rvm.phone_numbers.number_plan import ELSEWHERE
from rvm.phone_numbers.number_plan import VERSION as NUMBER_PLAN
from rvm.phone_numbers.places import Places
from usecases.caps import UNCAPPED, Caps, counts_at, open_from, smaller
from usecases.state_rules import rule_set
from usecases.windows import MINUTE, Hours, next_open


class Guard(StrEnum):
    """The guards, in the order in which the first that speaks decides."""

    EXPIRY = "expiry"
    USE_CASE = "use_case"
    SUPPRESSION = "suppression"
    CONSENT = "consent"
    KILL_SWITCH = "kill_switch"
    SETUP = "setup"
    AGREEMENT = "agreement"
    NUMBER_KEY = "number_key"
    SENDER = "sender"
    RECORDING = "recording"
    CAPS = "caps"
    WINDOW = "window"
    DAYS = "days"
    HOLIDAYS = "holidays"
    STATE_RULES = "state_rules"
    FREEZE = "freeze"


class SkipReason(StrEnum):
    SUPPRESSED = "suppressed"
    NO_CONSENT = "no_consent"
    USE_CASE_DELETED = "use_case_deleted"
    NO_SENDER = "no_sender"


class DeferReason(StrEnum):
    OUTSIDE_WINDOW = "outside_window"
    OFF_DAY = "off_day"  # a weekday without sending
    HOLIDAY = "holiday"
    STATE_RULE = "state_rule"
    STATE_FROZEN = "state_frozen"
    CAP_REACHED = "cap_reached"  # as many drops to the number as its use case or a state allows
    STOPPED = "stopped"  # sending is switched off by a kill switch
    SETUP_DRAINING = "setup_draining"  # the setup gets no new attempts
    CARRIER_GONE = "carrier_gone"  # the setup's carrier is not installed any more
    RINGING_NOT_ALLOWED = "ringing_not_allowed"  # the setup's carrier calls, and the use case allows no ringing
    UNREADABLE = "unreadable"  # the number cannot be decrypted with the keys of this installation
    NO_AGREEMENT = "no_agreement"  # with the carrier of a live setup
    SENDER_NOT_OWNED = "sender_not_owned"  # nobody has stated that the organisation owns the sender numbers
    NOT_ATTESTED = "not_attested"  # nobody has stated what the recording says


@dataclass(frozen=True, slots=True)
class Send: ...


@dataclass(frozen=True, slots=True)
class Defer:
    until: datetime
    reason: DeferReason


@dataclass(frozen=True, slots=True)
class Skip:
    reason: SkipReason


@dataclass(frozen=True, slots=True)
class Expire: ...


Decision = Send | Defer | Skip | Expire

# Wait before a voicemail behind a kill switch or a setup that gets nothing new is decided again.
STOPPED_RECHECK = timedelta(seconds=30)
# The same while a statement is missing that an administrator has to make.
STATEMENT_RECHECK = timedelta(minutes=10)
UNREADABLE_RECHECK = timedelta(minutes=10)
# The same if use case and campaign have no common hour: probably a mistake, which users can fix while the voicemail waits.
NO_HOURS_RECHECK = timedelta(hours=1)
# The same in a frozen state: the freeze may be lifted before its end.
FROZEN_RECHECK = timedelta(hours=1)
SEND = Send()


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts about one voicemail that the decision needs: no number, name or address.

    `simulated`: the carrier reaches no person, so no hours apply. `zones`, `states`: all that the person may be in; without states
    the rules of all bind. `expires_at`: None means never. `readable`: the number can be decrypted. `number_plan`: the version by
    which places were taken from the number. `draining`: the setup gets no new attempts. `carrier_gone`: its carrier is not
    installed any more. `refuses_ringing`: its carrier calls, and the use case allows no ringing. `agreed`: the setup has a signed
    agreement with its carrier or an exception. `owned`: a sender number's ownership is stated. `attested`: the recording's statement
    was made; None if the question names no recording. `suppressions`: ids of those that bind, where the facts are kept. `reached`:
    when the organisation's recent drops to the number were made that may have reached it, in order. `needs_consent`: only people
    with a recorded consent are reached. `consented`: the person has one, which ends at `consent_until`, None for never; `consents`:
    their ids.
    """

    simulated: bool
    stopped: bool
    use_case_deleted: bool
    has_sender: bool
    suppressed: bool
    expires_at: datetime | None
    hours: Hours
    zones: tuple[str, ...]
    states: tuple[str, ...] = ()
    readable: bool = True
    number_plan: str = NUMBER_PLAN
    draining: bool = False
    carrier_gone: bool = False
    refuses_ringing: bool = False
    agreed: bool = True
    owned: bool = True
    attested: bool | None = None
    suppressions: tuple[str, ...] = ()
    caps: Caps = UNCAPPED
    reached: tuple[datetime, ...] = ()
    needs_consent: bool = False
    consented: bool = False
    consent_until: datetime | None = None
    consents: tuple[str, ...] = ()


class ConsentHeld(NamedTuple):
    """A person's recorded consents that count for a use case: their ids, and when the last one ends, None for never."""

    ids: tuple[str, ...]
    until: datetime | None


@dataclass(frozen=True, slots=True)
class LanePolicy:
    """Facts common to all voicemails of a lane. At a claim no kill switch stops it, its setup takes new attempts and no statement
    about setup and sender is missing, because its lane would not be looked at; a preview says beside its figures what is missing."""

    simulated: bool
    use_case_deleted: bool
    hours: Hours
    stopped: bool = False
    agreed: bool = True
    owned: bool = True
    caps: Caps = UNCAPPED
    needs_consent: bool = False
    draining: bool = False
    carrier_gone: bool = False
    refuses_ringing: bool = False

    def facts(
        self,
        places: Places,
        *,
        suppressed: bool,
        has_sender: bool,
        expires_at: datetime | None,
        readable: bool = True,
        attested: bool | None = None,
        reached: tuple[datetime, ...] = (),
        consent: ConsentHeld | None = None,
    ) -> Facts:
        """The complete facts, with those about one person added."""
        return Facts(
            self.simulated,
            self.stopped,
            self.use_case_deleted,
            has_sender,
            suppressed,
            expires_at,
            self.hours,
            places.zones,
            places.states,
            readable,
            draining=self.draining,
            carrier_gone=self.carrier_gone,
            refuses_ringing=self.refuses_ringing,
            agreed=self.agreed,
            owned=self.owned,
            attested=attested,
            caps=self.caps,
            reached=reached,
            needs_consent=self.needs_consent,
            consented=consent is not None,
            consent_until=consent.until if consent else None,
            consents=consent.ids if consent else (),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one guard says, were it alone. `until`: when it says yes, None for now or never. `saw`: the facts that it saw."""

    guard: Guard
    decision: Decision
    until: datetime | None
    saw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Explanation:
    """`reachable_at`: when the caps and all guards of hours let it pass, None for never, until further notice and while a statement
    is missing; `now` where they do already."""

    decision: Decision
    verdicts: tuple[Verdict, ...]
    reachable_at: datetime | None


def decide(facts: Facts, now: datetime) -> Decision:
    """The decision about a voicemail at `now`: that of the first guard that does not let it pass.

    Expiry comes first, then a deleted use case, suppression and a missing consent, which no wait changes, then the kill switches,
    the setup and the agreement with the carrier, then a missing sender: so no voicemail is skipped for lack of a sender while
    sending is stopped. The caps and the guards of hours come last, and a voicemail waits until all of them let it pass.
    """
    for judge in _JUDGES:
        if (decision := judge(facts, now)) is not None:
            return decision
    if facts.simulated:
        return SEND
    opens = _opens(facts, now)
    return SEND if opens is not None and opens <= now else _wait(facts, now, opens)


def explain(facts: Facts, now: datetime) -> Explanation:
    """The decision, and what every guard says. Facts that reach no person pass every guard of hours."""
    standing = (_standing(guard, judge, facts, now) for guard, judge in _STANDING.items())
    of_hours = (_of_hours(guard, facts, now) for guard in _OF_HOURS)
    opens = now if facts.simulated else _opens(facts, now)
    decision = decide(facts, now)
    known = not (isinstance(decision, Defer) and decision.reason in _UNTIL_FURTHER_NOTICE)
    return Explanation(decision, (*standing, _caps(facts, now), *of_hours), opens if known else None)


# Of a moment in a plain week: whether hours ever open does not depend on it.
_SOME_MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def never_opens(hours: Hours) -> bool:
    """Whether the hours allow no moment to anybody: the rule of the federation binds in all states."""
    return hours.empty or next_open(_SOME_MONDAY, ("UTC",), replace(hours, freezes=()), (ELSEWHERE,)) is None


def _opens(facts: Facts, now: datetime) -> datetime | None:
    """The first moment from `now` on that the caps and all guards of hours allow; None if there is none."""
    return next_open(uncapped_from(facts, now), facts.zones, facts.hours, facts.states)


def uncapped_from(facts: Facts, now: datetime) -> datetime:
    """The first moment from `now` on that the caps allow."""
    if not facts.reached:
        return now
    return max(now, open_from(binding_caps(facts), facts.reached, facts.zones) or now)


def binding_caps(facts: Facts) -> Caps:
    """The caps of the use case, narrowed by the rules of the states."""
    return _narrowed(facts.caps, facts.hours.rules, facts.states)


@lru_cache(maxsize=4096)
def _narrowed(caps: Caps, rules: str, states: tuple[str, ...]) -> Caps:
    binding = rule_set(rules).binding(states) if rules else ()
    least = min((rule.max_per_24h for rule in binding if rule.max_per_24h is not None), default=None)
    return replace(caps, per_24h=smaller(caps.per_24h, least))


def _wait(facts: Facts, now: datetime, opens: datetime | None) -> Decision:
    """The decision outside the allowed time; `opens` is its next beginning."""
    frozen = next_open(now, facts.zones, _part(facts.hours, Guard.FREEZE), facts.states) != now
    if facts.hours.empty:
        until = now + NO_HOURS_RECHECK
    elif frozen and facts.zones:
        recheck = max(now + FROZEN_RECHECK, uncapped_from(facts, now))
        until = min(opens or recheck, recheck)
    elif opens is None:
        # No moment suits all zones and rules. The preview shows this before the launch, and waiting would not change it.
        return Expire()
    else:
        until = opens
    return Defer(until if facts.expires_at is None else min(until, facts.expires_at), _reason(facts, now))


def _reason(facts: Facts, now: datetime) -> DeferReason:
    """That of the caps if they are reached, else of the first guard of hours that is shut now; of the window if each is open by
    itself."""
    if uncapped_from(facts, now) > now:
        return DeferReason.CAP_REACHED
    for guard, reason in _OF_HOURS.items():
        if next_open(now, facts.zones, _part(facts.hours, guard), facts.states) != now:
            return reason
    return DeferReason.OUTSIDE_WINDOW


# Guards whose verdict no hour changes, each alone.


def _expiry(facts: Facts, now: datetime) -> Decision | None:
    return Expire() if facts.expires_at is not None and facts.expires_at <= now else None


def _use_case(facts: Facts, now: datetime) -> Decision | None:
    return Skip(SkipReason.USE_CASE_DELETED) if facts.use_case_deleted else None


def _suppression(facts: Facts, now: datetime) -> Decision | None:
    return Skip(SkipReason.SUPPRESSED) if facts.suppressed else None


def _consent(facts: Facts, now: datetime) -> Decision | None:
    """A simulated setup reaches nobody, so the age of a consent does not matter there."""
    stands = facts.consented and (facts.simulated or facts.consent_until is None or now < facts.consent_until)
    return Skip(SkipReason.NO_CONSENT) if facts.needs_consent and not stands else None


def _kill_switch(facts: Facts, now: datetime) -> Decision | None:
    return Defer(now + STOPPED_RECHECK, DeferReason.STOPPED) if facts.stopped else None


def _setup(facts: Facts, now: datetime) -> Decision | None:
    if facts.carrier_gone:
        return Defer(now + STOPPED_RECHECK, DeferReason.CARRIER_GONE)
    if facts.refuses_ringing:
        return Defer(now + STOPPED_RECHECK, DeferReason.RINGING_NOT_ALLOWED)
    return Defer(now + STOPPED_RECHECK, DeferReason.SETUP_DRAINING) if facts.draining else None


def _number_key(facts: Facts, now: datetime) -> Decision | None:
    return None if facts.readable else Defer(now + UNREADABLE_RECHECK, DeferReason.UNREADABLE)


def _agreement(facts: Facts, now: datetime) -> Decision | None:
    return None if facts.agreed or facts.simulated else _missing(facts, now, DeferReason.NO_AGREEMENT)


def _sender(facts: Facts, now: datetime) -> Decision | None:
    if not facts.has_sender:
        return Skip(SkipReason.NO_SENDER)
    return None if facts.owned or facts.simulated else _missing(facts, now, DeferReason.SENDER_NOT_OWNED)


def _recording(facts: Facts, now: datetime) -> Decision | None:
    unattested = facts.attested is False and not facts.simulated
    return _missing(facts, now, DeferReason.NOT_ATTESTED) if unattested else None


def _missing(facts: Facts, now: datetime, reason: DeferReason) -> Defer:
    """The wait for a statement, which may be made at any time."""
    until = now + STATEMENT_RECHECK
    return Defer(until if facts.expires_at is None else min(until, facts.expires_at), reason)


_STANDING: Mapping[Guard, Callable[[Facts, datetime], Decision | None]] = {
    Guard.EXPIRY: _expiry,
    Guard.USE_CASE: _use_case,
    Guard.SUPPRESSION: _suppression,
    Guard.CONSENT: _consent,
    Guard.KILL_SWITCH: _kill_switch,
    Guard.SETUP: _setup,
    Guard.AGREEMENT: _agreement,
    Guard.NUMBER_KEY: _number_key,
    Guard.SENDER: _sender,
    Guard.RECORDING: _recording,
}
_JUDGES = tuple(_STANDING.values())
# The facts that each of them sees.
_SEEN: Mapping[Guard, tuple[str, ...]] = {
    Guard.EXPIRY: ("expires_at",),
    Guard.USE_CASE: ("use_case_deleted",),
    Guard.SUPPRESSION: ("suppressed",),
    Guard.CONSENT: ("needs_consent", "consented", "consent_until", "consents", "simulated"),
    Guard.KILL_SWITCH: ("stopped",),
    Guard.SETUP: ("draining", "carrier_gone", "refuses_ringing"),
    Guard.AGREEMENT: ("agreed", "simulated"),
    Guard.NUMBER_KEY: ("readable",),
    Guard.SENDER: ("has_sender", "owned", "simulated"),
    Guard.RECORDING: ("attested", "simulated"),
}
_OF_HOURS: Mapping[Guard, DeferReason] = {
    Guard.WINDOW: DeferReason.OUTSIDE_WINDOW,
    Guard.DAYS: DeferReason.OFF_DAY,
    Guard.HOLIDAYS: DeferReason.HOLIDAY,
    Guard.STATE_RULES: DeferReason.STATE_RULE,
    Guard.FREEZE: DeferReason.STATE_FROZEN,
}
# Reasons that a voicemail waits for a better hour.
OF_HOURS = frozenset(_OF_HOURS.values())
# Reasons that a voicemail waits for somebody's statement.
OF_STATEMENTS = frozenset({DeferReason.NO_AGREEMENT, DeferReason.SENDER_NOT_OWNED, DeferReason.NOT_ATTESTED})
_OF_SETUPS = frozenset({DeferReason.SETUP_DRAINING, DeferReason.CARRIER_GONE, DeferReason.RINGING_NOT_ALLOWED})
_UNTIL_FURTHER_NOTICE = OF_STATEMENTS | _OF_SETUPS


@lru_cache(maxsize=4096)
def _part(hours: Hours, guard: Guard) -> Hours:
    """What one guard of hours alone allows."""
    free = Hours(time.min, time.max)
    match guard:
        case Guard.WINDOW:
            return replace(free, start=hours.start, end=hours.end, closes_early=hours.closes_early)
        case Guard.DAYS:
            return replace(free, days=hours.days)
        case Guard.HOLIDAYS:
            return replace(free, holidays=hours.holidays)
        case Guard.STATE_RULES:
            return replace(free, rules=hours.rules, closes_early=hours.closes_early)
        case _:
            return replace(free, freezes=hours.freezes)


def _standing(
    guard: Guard, judge: Callable[[Facts, datetime], Decision | None], facts: Facts, now: datetime
) -> Verdict:
    decision = judge(facts, now) or SEND
    until = decision.until if isinstance(decision, Defer) else None
    return Verdict(guard, decision, until, {name: getattr(facts, name) for name in _SEEN[guard]})


def _caps(facts: Facts, now: datetime) -> Verdict:
    if facts.simulated:
        return Verdict(Guard.CAPS, SEND, None, {"simulated": True})
    caps, counts, opens = binding_caps(facts), counts_at(now, facts.reached, facts.zones), uncapped_from(facts, now)
    saw = {
        "max_per_day": caps.per_day,
        "max_per_24h": caps.per_24h,
        "max_per_week": caps.per_week,
        "on_day": counts.on_day,
        "in_24h": counts.in_24h,
        "in_week": counts.in_week,
        "zones": facts.zones,
    }
    if opens <= now:
        return Verdict(Guard.CAPS, SEND, None, saw)
    return Verdict(Guard.CAPS, Defer(opens, DeferReason.CAP_REACHED), opens, saw)


def _of_hours(guard: Guard, facts: Facts, now: datetime) -> Verdict:
    saw = _saw(guard, facts)
    if facts.simulated:
        return Verdict(guard, SEND, None, {"simulated": True})
    opens = next_open(now, facts.zones, _part(facts.hours, guard), facts.states)
    if opens == now:
        return Verdict(guard, SEND, None, saw)
    if opens is None:
        return Verdict(guard, Expire(), None, saw)
    return Verdict(guard, Defer(opens, _OF_HOURS[guard]), opens, saw)


def _saw(guard: Guard, facts: Facts) -> dict[str, Any]:
    hours, places = facts.hours, {"zones": facts.zones, "number_plan": facts.number_plan}
    match guard:
        case Guard.WINDOW:
            early = hours.closes_early / MINUTE
            return {"window_start": hours.start, "window_end": hours.end, "closes_early_minutes": early, **places}
        case Guard.DAYS:
            return {"days": sorted(hours.days), **places}
        case Guard.HOLIDAYS:
            return {"sends_on_holidays": hours.holidays, **places}
        case Guard.STATE_RULES:
            binding = rule_set(hours.rules).binding(facts.states) if hours.rules else ()
            rules = {"state_rules": hours.rules, "rules": [rule.state for rule in binding]}
            return {**rules, "states": facts.states, **places}
        case _:
            binding_freezes = [freeze for freeze in hours.freezes if freeze.binds(facts.states)]
            return {"freezes": [freeze.state for freeze in binding_freezes], "states": facts.states, **places}
