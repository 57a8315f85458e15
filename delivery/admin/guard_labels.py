"""What each guard says about a person, in sentences for those who look after patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from delivery.models import KeptDecision
from rvm.platform.times import moments
from rvm.platform.times.tz_database import zone as zone_named
from usecases.eligibility import (
    Defer,
    DeferReason,
    Expire,
    Explanation,
    Facts,
    Guard,
    Send,
    Skip,
    Verdict,
    explain,
)
from usecases.facts_json import PLAIN
from usecases.policy_text import clock, weekdays
from usecases.state_rules import FEDERATION, STATE_NAMES

# Local times shown where a person may be in many zones.
MAX_ZONES = 3
# Guards about which this page cannot say anything: there is no voicemail yet.
NOT_SHOWN = frozenset({Guard.EXPIRY, Guard.NUMBER_KEY, Guard.RECORDING})

_STANDING: Mapping[Guard, tuple[str, str]] = {
    Guard.EXPIRY: ("Its time had not run out.", "Its time had run out."),
    Guard.NUMBER_KEY: (
        "The number can be read.",
        "The number cannot be read with the keys of this installation; ask your operator for the key that is missing.",
    ),
    Guard.USE_CASE: ("The use case exists.", "The use case was deleted: nothing is left under it any more."),
    Guard.SUPPRESSION: (
        "The number is not on the suppression list.",
        "The number is on the suppression list: this person must not be reached.",
    ),
    Guard.CONSENT: (
        "No recorded consent is needed, or one of this number stands.",
        "The use case needs a recorded consent, and none of this number stands for its purpose.",
    ),
    Guard.KILL_SWITCH: (
        "Sending is switched on.",
        "Sending is switched off, for the workspace, the use case or its setup, or a workspace that has just joined "
        "the organisation is being read in: messages wait.",
    ),
    Guard.SETUP: (
        "The setup takes new messages.",
        "The setup drains: messages wait until that ends, or until the use case has another setup.",
    ),
    Guard.AGREEMENT: (
        "The agreement with the carrier is signed, or none is needed.",
        "The agreement with the carrier is not signed: messages wait until an administrator states on the setup when it was.",
    ),
    Guard.SENDER: (
        "The use case has a sender number.",
        "The use case has no sender number of its setup, so messages would be skipped: assign one.",
    ),
    Guard.RECORDING: (
        "What has to be stated about the recording is stated, or nothing has to be.",
        "What has to be stated about the recording is not stated: messages wait until somebody does.",
    ),
}
NOT_OWNED = (
    "No sender number may be used: each is inactive, or nobody has stated that the organisation owns it. Messages wait until an "
    "administrator changes that."
)

CARRIER_GONE = (
    "The carrier of the setup is not installed any more: messages wait until your operator installs it again, or an administrator "
    "gives the use case another setup."
)
RINGING = (
    "The carrier of the setup calls, so that the telephone rings, and the use case allows no ringing: messages wait until it does, "
    "or until it has another setup."
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


# Why a voicemail waits, by the reason of its deferral.
_WAITS: Mapping[str, str] = {
    DeferReason.OUTSIDE_WINDOW: "Waits for the calling hours where the person may be.",
    DeferReason.OFF_DAY: "Waits for a day on which it may be sent.",
    DeferReason.HOLIDAY: "Waits for the end of a holiday.",
    DeferReason.STATE_RULE: "Waits for hours that the law of a state allows.",
    DeferReason.STATE_FROZEN: "Waits because messages to a state are stopped.",
    DeferReason.STOPPED: "Waits because sending is switched off.",
    DeferReason.SETUP_DRAINING: "Waits because its setup drains: it gets nothing new.",
    DeferReason.CARRIER_GONE: "Waits because the carrier of its setup is not installed any more: until your operator installs it "
    "again, or its use case gets another setup.",
    DeferReason.RINGING_NOT_ALLOWED: "Waits because the carrier of its setup rings, which its use case does not allow: until it "
    "does, or gets another setup.",
    DeferReason.UNREADABLE: "Waits for a key with which the number can be read.",
    DeferReason.NO_AGREEMENT: "Waits for the statement that the agreement with the carrier is signed.",
    DeferReason.SENDER_NOT_OWNED: "Waits for a sender number that is active and stated to be owned.",
    DeferReason.NOT_ATTESTED: "Waits for the statement about its recording.",
    DeferReason.CAP_REACHED: "Waits because as many messages as are allowed have gone to this number.",
}


def waits_text(reason: str) -> str:
    """Why a voicemail waits, in a sentence; empty without a reason."""
    return _WAITS.get(reason, f"Waits: {reason.replace('_', ' ')}.") if reason else ""


def kept_text(kept: KeptDecision, late: bool | None) -> dict[str, Any]:
    """The latest decision that withheld a voicemail, for its page. `late`: whether what was sent at the end of the hours came after
    them."""
    try:
        facts = kept.all_facts
        found = explain(facts, kept.decided_at).verdicts
    except LookupError:  # decided by a newer release, in the middle of an upgrade
        facts, found = PLAIN, ()
    # Without the facts of the lane, only what decided was known: what the first guard that objects saw.
    deciding = [verdict for verdict in found if not isinstance(verdict.decision, Send)][:1]
    shown = found if kept.policy else deciding
    return {
        "title": _KEPT_TITLES[kept.decision],
        "step": kept.get_step_display(),
        "at": kept.decided_at,
        "until": kept.until if kept.decision == "defer" else None,
        "late": _late(kept, facts, late) if found else "",
        "suppressions": list(facts.suppressions),
        "guards": [{"passes": isinstance(verdict.decision, Send), "message": message_of(verdict)} for verdict in shown],
    }


_KEPT_TITLES: Mapping[str, str] = {
    "defer": "Why it was made to wait",
    "skip": "Why it was not sent",
    "expire": "Why it could not be sent at any time",
    "send": "It was sent at the end of the calling hours",
}


def _late(kept: KeptDecision, facts: Facts, late: bool | None) -> str:
    if kept.hours_end is None:
        return ""
    minutes = (kept.hours_end - kept.decided_at) // timedelta(minutes=1)
    sent = (
        f"It was sent {minutes} minutes before the end of the allowed time, {local_times(kept.hours_end, facts.zones)}."
    )
    if late is None:
        return f"{sent} The carrier has not said yet when it accepted it."
    if late:
        return f"{sent} The carrier was slower than is known of it: it came after that end."
    return f"{sent} What the carrier has said so far happened before that end."


def next_time(found: Explanation, zones: Sequence[str], now: datetime) -> str:
    """The time at which the person may be reached next, by the clocks where the person may be; empty if now or never."""
    if found.reachable_at is None or found.reachable_at <= now or isinstance(found.decision, Send | Skip | Expire):
        return ""
    return f"May be reached next at {local_times(found.reachable_at, zones)}."


def local_times(moment: datetime, zones: Sequence[str]) -> str:
    """The moment by the clocks of the zones, each different one once, the earliest first."""
    there = [moment.astimezone(zone_named(zone)) for zone in zones]
    shown = {local.replace(tzinfo=None): local for local in reversed(there)}
    texts = [moments.moment(shown[local], shown[local].tzinfo) for local in sorted(shown)]
    more = f" or {len(texts) - MAX_ZONES} other local times" if len(texts) > MAX_ZONES else ""
    return " or ".join(texts[:MAX_ZONES]) + more


def message_of(verdict: Verdict) -> str:
    passes = isinstance(verdict.decision, Send)
    if verdict.guard is Guard.SENDER and isinstance(verdict.decision, Defer):
        return NOT_OWNED
    if verdict.guard is Guard.SETUP and verdict.saw["carrier_gone"]:
        return CARRIER_GONE
    if verdict.guard is Guard.SETUP and verdict.saw["refuses_ringing"]:
        return RINGING
    if (pair := _STANDING.get(verdict.guard)) is not None:
        return pair[0] if passes else pair[1]
    if verdict.guard is Guard.CAPS and not verdict.saw.get("simulated"):
        return _caps(verdict.saw, passes)
    if verdict.saw.get("simulated"):
        return f"{_SUBJECTS[verdict.guard]} do not bind: the setup is simulated and reaches nobody."
    return _of_hours(verdict.guard, verdict.saw, passes)


def objections(found: Explanation) -> str:
    """Why a message would not be sent now, in the sentences of the guards that object."""
    told = [message_of(verdict) for verdict in found.verdicts if not isinstance(verdict.decision, Send)]
    return " ".join(told)


_SUBJECTS: Mapping[Guard, str] = {
    Guard.CAPS: "Limits per number",
    Guard.WINDOW: "Calling hours",
    Guard.DAYS: "Weekdays",
    Guard.HOLIDAYS: "Holidays",
    Guard.STATE_RULES: "Hours of the law",
    Guard.FREEZE: "Freezes of states",
}


def _caps(saw: Mapping[str, Any], passes: bool) -> str:
    limits = (
        (saw["on_day"], saw["max_per_day"], "on this day"),
        (saw["in_24h"], saw["max_per_24h"], "in 24 hours"),
        (saw["in_week"], saw["max_per_week"], "in seven days"),
    )
    told = ", ".join(f"{count} of {most} {span}" for count, most, span in limits if most is not None)
    begins = "The number may get another message" if passes else "The number has had as many messages as it may get"
    return f"{begins}: {told}, those of all use cases of the organisation counted."


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
            return f"The hours of the law {says} it ({_states(saw)}; rules of {moments.day(date.fromisoformat(saw['state_rules']))})."
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
