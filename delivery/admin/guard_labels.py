"""What each guard says about a person, in sentences for those who look after patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from rvm.platform.tz_database import zone as zone_named
from usecases.eligibility import Defer, Expire, Explanation, Guard, Send, Skip, Verdict
from usecases.policy_text import clock, weekdays
from usecases.state_rules import FEDERATION, STATE_NAMES

# Local times shown where a person may be in many zones.
MAX_ZONES = 3
# Guards about which this page cannot say anything: there is no voicemail yet.
NOT_SHOWN = frozenset({Guard.EXPIRY, Guard.NUMBER_KEY, Guard.RECORDING})

_STANDING: Mapping[Guard, tuple[str, str]] = {
    Guard.USE_CASE: ("The use case exists.", "The use case was deleted: nothing is left under it any more."),
    Guard.SUPPRESSION: (
        "The number is not on the suppression list.",
        "The number is on the suppression list: this person must not be reached.",
    ),
    Guard.KILL_SWITCH: (
        "Sending is switched on.",
        "Sending is switched off, for the workspace, the use case or its setup: messages wait until it is on.",
    ),
    Guard.AGREEMENT: (
        "The agreement with the carrier is signed, or none is needed.",
        "The agreement with the carrier is not signed: messages wait until an administrator states on the setup when it was.",
    ),
    Guard.SENDER: (
        "The use case has a sender number.",
        "The use case has no sender number of its setup, so messages would be skipped: assign one.",
    ),
}
NOT_OWNED = (
    "Nobody has stated that the organisation owns the sender numbers: messages wait until an administrator does."
)


def answer(found: Explanation, now: datetime, at: datetime | None) -> str:
    """What would happen, in a sentence."""
    when = "now" if at is None else "then"
    match found.decision:
        case Send():
            return f"Yes: a message that is due {when} would be left {'at once' if at is None else 'then'}."
        case Skip():
            return "No: a message would be skipped, and waiting changes nothing."
        case Expire():
            return "No: there is no hour at which this person may be reached under this use case."
    return f"Not {when}: a message would wait."


def next_time(found: Explanation, zones: Sequence[str], now: datetime) -> str:
    """When the person may be reached next, by the clocks where the person may be; empty if now or never."""
    if found.reachable_at is None or found.reachable_at <= now or isinstance(found.decision, Send | Skip | Expire):
        return ""
    return f"May be reached next at {local_times(found.reachable_at, zones)}."


def local_times(moment: datetime, zones: Sequence[str]) -> str:
    """The moment by the clocks of the zones, each different one once, the earliest first."""
    shown = sorted({moment.astimezone(zone_named(zone)).replace(tzinfo=None) for zone in zones})
    texts = [f"{local:%a, %b} {local.day}, {local.year}, {clock(local.time())}" for local in shown]
    more = f" or {len(texts) - MAX_ZONES} other local times" if len(texts) > MAX_ZONES else ""
    return " or ".join(texts[:MAX_ZONES]) + more


def message_of(verdict: Verdict) -> str:
    passes = isinstance(verdict.decision, Send)
    if verdict.guard is Guard.SENDER and isinstance(verdict.decision, Defer):
        return NOT_OWNED
    if (pair := _STANDING.get(verdict.guard)) is not None:
        return pair[0] if passes else pair[1]
    if verdict.saw.get("simulated"):
        return f"{_SUBJECTS[verdict.guard]} do not bind: the setup is simulated and reaches nobody."
    return _of_hours(verdict.guard, verdict.saw, passes)


_SUBJECTS: Mapping[Guard, str] = {
    Guard.WINDOW: "Calling hours",
    Guard.DAYS: "Weekdays",
    Guard.HOLIDAYS: "Holidays",
    Guard.STATE_RULES: "Hours of the law",
    Guard.FREEZE: "Freezes of states",
}


def _of_hours(guard: Guard, saw: Mapping[str, Any], passes: bool) -> str:
    match guard:
        case Guard.WINDOW:
            hours = f"{clock(saw['window_start'])} to {clock(saw['window_end'])}"
            early = saw["closes_early_minutes"]
            closes = (
                f"; the last message goes {early:g} minutes earlier, because the carrier takes up to that long"
                if early
                else ""
            )
            return (
                f"It is {'inside' if passes else 'outside'} the calling hours, {hours} where the person may be{closes}."
            )
        case Guard.DAYS:
            return f"It is {'one' if passes else 'none'} of the use case's days: {weekdays(saw['days'])}."
        case Guard.HOLIDAYS:
            if saw["sends_on_holidays"]:
                return "The use case also sends on federal holidays."
            return (
                "It is no federal holiday."
                if passes
                else "It is a federal holiday, on which the use case does not send."
            )
        case Guard.STATE_RULES:
            if not saw["state_rules"]:
                return "The hours of the law are switched off for this use case."
            says = "allow" if passes else "do not allow"
            return f"The hours of the law {says} it ({_states(saw)}; rules of {date.fromisoformat(saw['state_rules']):%Y-%m-%d})."
        case _:
            if passes:
                return "No state where the person may be is frozen."
            names = ", ".join(_name(state) for state in saw["freezes"])
            return f"Messages are stopped for people in {names}."


def _states(saw: Mapping[str, Any]) -> str:
    if not saw["states"]:
        return "the person may be in any state, so those of all states"
    named = [_name(state) for state in saw["rules"] if state != FEDERATION]
    return f"federal law and {', '.join(named)}" if named else "federal law"


def _name(state: str) -> str:
    return "all states" if state == FEDERATION else STATE_NAMES.get(state, state)
