"""The policy of a use case in a plain sentence or two, made from its columns: what the API, the admin and a lawyer read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, time
from typing import Protocol

from rvm.platform.times import clocks
from usecases.consents.bases import PURPOSE_LABELS, Basis, ConsentRequired, Purpose
from usecases.state_rules import current_version

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Policy(Protocol):
    purpose: str
    basis: str
    consent_required: str
    consent_valid_days: int | None
    window_start: time
    window_end: time
    sends_on_holidays: bool
    state_overlay: bool
    state_overlay_reason: str
    expires_after_hours: int
    max_attempts: int
    retry_minutes: int
    max_per_day: int
    max_per_24h: int | None
    max_per_week: int
    allows_ringing: bool

    @property
    def days(self) -> Collection[int]: ...

    @property
    def live(self) -> bool: ...

    @property
    def to_confidential(self) -> bool: ...


def policy_text(policy: Policy, rules: str | None = None) -> str:
    """`rules`: the version of the state rules in force, by default the newest released one."""
    return " ".join(_parts(policy, rules or current_version()))


def weekdays(days: Collection[int]) -> str:
    """ISO weekdays by name, three or more in a row as a span."""
    chosen = sorted(set(days))
    if len(chosen) == len(WEEKDAYS):
        return "every day"
    runs: list[list[int]] = []
    for day in chosen:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    named = [part for run in runs for part in _run([WEEKDAYS[day - 1] for day in run])]
    return _listed(named) or "on no day"


def clock(at: time) -> str:
    """A time of day as it is said in the United States."""
    if at == time.max:
        return "midnight"
    return clocks.clock(at)


_BASES = {
    Basis.EXPRESS_CONSENT: "each person's prior express consent",
    Basis.HEALTHCARE_EXEMPTION: "the healthcare exemption of 47 CFR 64.1200(a)(9)(iv), without cost to the person",
    Basis.WRITTEN_CONSENT: "each person's prior express written consent",
}


def _proof(policy: Policy) -> str:
    if policy.consent_required == ConsentRequired.RECORDED:
        days = policy.consent_valid_days
        aged = (
            ""
            if days is None
            else f", given within the last {days} days"
            if days > 1
            else ", given within the last day"
        )
        return f", with a consent on record for each number{aged}"
    return "" if policy.basis == Basis.HEALTHCARE_EXEMPTION else ", as the organisation states"


def _parts(policy: Policy, rules: str) -> Iterator[str]:
    hours = f"{clock(policy.window_start)} to {clock(policy.window_end)}, {weekdays(policy.days)}"
    holidays = "also on federal holidays" if policy.sends_on_holidays else "not on federal holidays"
    yield f"Messages are left from {hours}, {holidays}, in every time zone where the person may be."
    if policy.state_overlay:
        yield f"Stricter hours of federal and state law apply as well (rules of {_day(rules)})."
    else:
        yield f"Hours of federal and state law are switched off: {policy.state_overlay_reason.strip().rstrip('.')}."
    if policy.max_attempts == 1:
        yield "Each person is tried once."
    else:
        yield f"Each person is tried up to {policy.max_attempts} times, the second time after {policy.retry_minutes} minutes."
    yield _caps(policy)
    hours_left = policy.expires_after_hours
    yield f"What cannot be left within {hours_left} {'hour' if hours_left == 1 else 'hours'} expires."
    yield f"Purpose: {PURPOSE_LABELS[Purpose(policy.purpose)].lower()}. Basis: {_BASES[Basis(policy.basis)]}{_proof(policy)}."
    if policy.allows_ringing:
        yield "The telephone may ring before a message is left; whoever answers is hung up on."
    if policy.to_confidential:
        yield "Numbers at which the person asked for confidential communication are reached too."
    if not policy.live:
        yield (
            "Its setup is simulated and reaches nobody, so no hours, days, holidays, laws, limits per number or age of consent bind."
        )


def _caps(policy: Policy) -> str:
    limits = [f"{_messages(policy.max_per_day)} a day"]
    if policy.max_per_24h is not None:
        limits.append(f"{policy.max_per_24h} in 24 hours")
    limits.append(f"{policy.max_per_week} in seven days")
    return f"A number gets at most {_listed(limits)}, all use cases of the organisation counted together."


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def _day(version: str) -> str:
    day = date.fromisoformat(version)
    return f"{day:%B} {day.day}, {day.year}"


def _run(names: list[str]) -> list[str]:
    return [f"{names[0]} to {names[-1]}"] if len(names) > 2 else names


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
