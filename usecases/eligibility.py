"""Eligibility: the decision whether a person may be reached now, made for the preview of a launch, at the claim and before a
resubmission.

Pure. Callers gather the facts set-wise; no code here reads a clock, a table or a setting.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from usecases.windows import EVERY_DAY, next_open


class SkipReason(StrEnum):
    SUPPRESSED = "suppressed"
    USE_CASE_DELETED = "use_case_deleted"
    NO_SENDER = "no_sender"


class DeferReason(StrEnum):
    OUTSIDE_WINDOW = "outside_window"
    STOPPED = "stopped"  # sending is switched off by a kill switch
    UNREADABLE = "unreadable"  # the number cannot be decrypted with the keys of this installation


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

# Wait before a voicemail behind a kill switch, or with a number that cannot be decrypted, is decided again.
STOPPED_RECHECK = timedelta(seconds=30)
# The same if use case and campaign have no common hour: probably a mistake, which users can fix while the voicemail waits.
NO_HOURS_RECHECK = timedelta(hours=1)
SEND = Send()


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts about one voicemail that the decision needs.

    `simulated`: the carrier reaches no person, so no window applies. `zones`: all time zones that the person may be in.
    `expires_at`: None means never. `days`: allowed local weekdays, 1 is Monday. `readable`: the number can be decrypted.
    """

    simulated: bool
    stopped: bool
    use_case_deleted: bool
    has_sender: bool
    suppressed: bool
    expires_at: datetime | None
    window_start: time
    window_end: time
    zones: tuple[str, ...]
    days: Collection[int] = EVERY_DAY
    readable: bool = True


@dataclass(frozen=True, slots=True)
class LanePolicy:
    """Facts common to all voicemails of a lane that no kill switch stops."""

    simulated: bool
    use_case_deleted: bool
    window_start: time
    window_end: time
    days: Collection[int]

    def facts(
        self,
        zones: Collection[str],
        *,
        suppressed: bool,
        has_sender: bool,
        expires_at: datetime | None,
        readable: bool = True,
    ) -> Facts:
        """The complete facts, with those about one person added."""
        return Facts(
            simulated=self.simulated,
            stopped=False,
            use_case_deleted=self.use_case_deleted,
            has_sender=has_sender,
            suppressed=suppressed,
            expires_at=expires_at,
            window_start=self.window_start,
            window_end=self.window_end,
            zones=tuple(zones),
            days=self.days,
            readable=readable,
        )


def decide(facts: Facts, now: datetime) -> Decision:
    """The decision about a voicemail at `now`.

    Expiry comes first, then a deleted use case and suppression, which no wait changes, then the kill switches, then a missing sender:
    so no voicemail is skipped for lack of a sender while sending is stopped.
    """
    if facts.expires_at is not None and facts.expires_at <= now:
        return Expire()
    if facts.use_case_deleted:
        return Skip(SkipReason.USE_CASE_DELETED)
    if facts.suppressed:
        return Skip(SkipReason.SUPPRESSED)
    if facts.stopped or not facts.readable:
        return Defer(now + STOPPED_RECHECK, DeferReason.STOPPED if facts.stopped else DeferReason.UNREADABLE)
    if not facts.has_sender:
        return Skip(SkipReason.NO_SENDER)
    if facts.simulated:
        return SEND
    if facts.window_start >= facts.window_end:
        recheck = now + NO_HOURS_RECHECK
        return Defer(min(recheck, facts.expires_at or recheck), DeferReason.OUTSIDE_WINDOW)
    opens = next_open(now, facts.zones, facts.window_start, facts.window_end, facts.days)
    if opens is None:
        # No moment suits all zones. The preview shows this before the launch, and waiting would not change it.
        return Expire()
    if facts.expires_at is not None and opens >= facts.expires_at:
        return Defer(facts.expires_at, DeferReason.OUTSIDE_WINDOW)
    return SEND if opens <= now else Defer(opens, DeferReason.OUTSIDE_WINDOW)
