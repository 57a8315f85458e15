"""Canaries: of a large campaign the first people are tried, and it goes on by itself only if few enough of them fail.

How many they are is a setting; without one, SIZE of more than ABOVE people. A fault of the carrier, the account or the recording
fails most attempts, so a hundred show it as well as a thousand would. By the default limit of 10 %, a campaign of which 3 % fail is
paused once in some 4,000 times, and one of which 20 % fail goes on once in some 150 (binomial, of a hundred).

No wait is without an end but for what is planned (hours, caps, a later attempt, pace): a campaign is paused if the reports do not
come in time, and also if for so long nobody more of its first people could be sent to, as with a carrier that puts everything off.
What it waits for and since when is kept as a sentence.

The engine sees to it that no more are tried (`delivery.engine.canaries`); the tick judges, under the campaign's lock.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from campaigns.lifecycle.obstacles import Obstacle, obstacle_of
from campaigns.lifecycle.transitions import change_campaign, change_state
from campaigns.models import Campaign, Canary
from campaigns.models.canary import MAX_MESSAGE
from campaigns.states import CANARY_OPEN, CampaignState, CanaryState
from delivery.engine import canaries as engine
from delivery.engine import lane_holds
from delivery.engine.canaries import Outcomes
from delivery.lane_totals import counts_of
from delivery.lifecycle.reasons import REASONS
from delivery.lifecycle.status import VoicemailStatus
from delivery.models import Lane
from delivery.runtime.wakeups import wake_on_commit
from rvm.platform import audit
from rvm.platform.database.clock import database_now
from rvm.platform.events import outbox
from rvm.platform.times.clocks import spelled
from rvm.platform.times.tz_database import zone as zone_named

# How many people are tried first where the campaign does not say, and of more than how many.
SIZE = 100
ABOVE = 1_000
# The share of the first people whose reports are waited for: the last few may take hours, with a telephone that is switched off.
ENOUGH_PERCENT = 90
# So long after nobody more could be sent to it is said: a request takes its time.
PATIENCE = timedelta(minutes=1)

_OF_SENDING = frozenset(reason.value for reason, facts in REASONS.items() if facts.of_sending)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the campaign goes on, and why, as sentences."""

    passed: bool
    message: str


def size_of(row: Campaign, people: int) -> int:
    """How many of so many people the campaign tries first; 0 if all go out at once."""
    size = row.canary_size
    if size is None:
        size = SIZE if people > ABOVE else 0
    return size if size < people else 0


def enough(people: int) -> int:
    """Of how many of the first people the reports are waited for."""
    return math.ceil(people * ENOUGH_PERCENT / 100)


def judge(found: Outcomes, *, people: int, max_failed_percent: int, waited: int | None = None) -> Verdict | None:
    """The verdict on so many first people; None while their reports are waited for. `waited`: so many minutes, if that is too long.

    Only failures that tell of the carrier, the account or the recording count. It is bad as soon as it can only be bad."""
    counted = {reason: count for reason, count in found.failed.items() if reason in _OF_SENDING}
    bad, reported = _of_sending(found.failed), found.reported
    limit = f"at most {max_failed_percent} % may"
    certain = bad * 100 > max_failed_percent * people
    if certain or (reported >= enough(people) and bad * 100 > max_failed_percent * reported):
        return Verdict(
            False,
            f"{_measured(found, people)}, and {bad:,} of these failed for reasons that tell of the carrier, the account or the "
            f"recording: {_listed(counted)}. That is {_percent(bad, reported)} %; {limit}. {_TO_DO}",
        )
    if reported >= enough(people):
        measured = _measured(found, people)
        if not found.delivered:
            return Verdict(False, f"{measured}, and none was delivered: {_listed(found.failed)}. {_TO_DO}")
        return Verdict(
            True,
            f"{measured}: {found.delivered:,} were delivered, and {bad:,} failed for reasons that tell of the carrier, the account "
            f"or the recording, {_percent(bad, reported)} %; {limit}.",
        )
    if waited is not None:
        return Verdict(
            False,
            f"Of the first {people:,} people only {reported:,} had a final report {waited:,} minutes after the last of them was "
            f"tried; {enough(people):,} are needed.{_in_failover(found)} See whether the carrier's reports arrive: its callback "
            f"address is on the page of the telephony setup. {_TO_DO}",
        )
    return None


_TO_DO = (
    "So the campaign was paused. Look at the attempts of these people and at the telephony setup, then resume it, which sends to "
    "everybody else, or cancel it."
)


def _in_failover(found: Outcomes) -> str:
    verb = "waits" if found.failover == 1 else "wait"
    return f" {found.failover:,} of them {verb} for another try through the failover setup." if found.failover else ""


def _measured(found: Outcomes, people: int) -> str:
    return f"Of the first {people:,} people {found.reported:,} have a final report"


def _listed(reasons: Mapping[str, int]) -> str:
    most = sorted(reasons.items(), key=lambda entry: (-entry[1], entry[0]))[:5]
    return ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in most)


def _percent(part: int, whole: int) -> str:
    return f"{part * 100 / whole:.1f}".removesuffix(".0")


@dataclass(frozen=True, slots=True)
class CanaryProgress:
    """A canary, and how its people ended: so far, or when it was over."""

    canary: Canary
    found: Outcomes

    @property
    def enough(self) -> int:
        return enough(self.canary.people)

    @property
    def message(self) -> str:
        """What it waits for and since when, or the verdict. While somebody has paused the campaign it waits for that person."""
        waits = self.canary.state == CanaryState.UNDER_WAY
        return "" if waits and self.canary.campaign.state != CampaignState.RUNNING else self.canary.message

    @property
    def failed_of_sending(self) -> int:
        return _of_sending(self.found.failed)


def newest(campaign_ids: Iterable[UUID], now: datetime) -> dict[UUID, CanaryProgress]:
    """The newest canary of each of the campaigns that has one."""
    of_campaigns = Canary.objects.filter(campaign_id__in=list(campaign_ids)).select_related("campaign")
    newest_first = of_campaigns.order_by("campaign_id", "-id")
    rows = list(newest_first.distinct("campaign_id"))
    found = engine.outcomes([row.campaign_id for row in rows if row.state in CANARY_OPEN], now)
    return {
        row.campaign_id: CanaryProgress(
            row, found.get(row.campaign_id) or Outcomes(row.tried, row.delivered, Counter(row.failed))
        )
        for row in rows
    }


def is_called_for(row: Campaign) -> int:
    """How many of those who wait would be tried first; 0 if all would go out at once."""
    return size_of(row, counts_of([row.pk])[row.pk][VoicemailStatus.QUEUED])


def begin(row: Campaign) -> None:
    """Let out the first people only, if the campaign has so many. Its lane is held, and the caller holds the campaign's lock."""
    end(row)
    if people := is_called_for(row):
        Canary.objects.create(campaign=row, people=people, began_at=database_now())
        engine.begin(row.pk, people)


def end(row: Campaign) -> None:
    """End a canary that is not over, without a verdict. The caller holds the campaign's lock."""
    if canary := _open(row):
        _close(row, canary, CanaryState.ENDED)


def overrule(row: Campaign) -> str:
    """End a canary that has stopped the campaign, and return why it had; give one that is under way, or could not be, its whole time
    once more.

    The caller holds the campaign's lock and resumes it."""
    canary = _open(row)
    if canary is None:
        return ""
    if canary.state == CanaryState.STOPPED:
        _close(row, canary, CanaryState.OVERRULED)
        return f"Although it was paused: {canary.message}"
    canary.tried_at = canary.waits_since = None
    canary.message = ""
    canary.save()
    if canary.state == CanaryState.STALLED:
        change_state(canary, CanaryState.UNDER_WAY)
    return ""


def resize(row: Campaign) -> None:
    """Bring a canary that is not over in line with the campaign's setting. The caller holds the campaign's lock; the lane is held."""
    canary = _open(row)
    if canary is None:
        return
    found = engine.outcomes([row.pk], database_now())[row.pk]
    people = size_of(row, counts_of([row.pk])[row.pk][VoicemailStatus.QUEUED] + found.tried)
    if not people:
        end(row)
    elif people != canary.people and canary.state != CanaryState.STOPPED:
        canary.people, canary.tried_at = people, None
        canary.save()
        engine.recount(row.pk, people)


def watch(row: Campaign, now: datetime) -> None:
    """Judge the canary of a running campaign: it goes on by itself, is paused, or waits. The caller holds the campaign's lock."""
    canary = _open(row)
    if canary is None or canary.state != CanaryState.UNDER_WAY:
        return
    left = bool(Lane.objects.values_list("canary_left", flat=True).get(pk=row.pk))
    found = engine.outcomes([row.pk], now)[row.pk]
    waits = timedelta(minutes=row.canary_wait_minutes)
    obstacle = _follow(row, canary, found, left=left, now=now)
    if obstacle is not None and canary.waits_since is not None and now - canary.waits_since > waits:
        canary.message = _stalled_message(row, canary, found, canary.waits_since, obstacle)
        change_state(canary, CanaryState.STALLED)
        _pause(row, canary, found)
        return
    if engine.give_back(row.pk, canary.people):
        return  # the next tick judges: a lane that is locked must not be held
    late = canary.tried_at is not None and now - canary.tried_at > waits
    verdict = judge(
        found,
        people=canary.people,
        max_failed_percent=row.canary_max_failed_percent,
        waited=row.canary_wait_minutes if late else None,
    )
    if verdict is not None:
        _end(row, canary, found, verdict)


def _follow(row: Campaign, canary: Canary, found: Outcomes, *, left: bool, now: datetime) -> Obstacle | None:
    """Keep what the canary waits for and since when. The obstacle is that of the first people who are still to be sent to; None where
    all of them were, or are on their way: a request that is put off again does not begin the wait anew."""
    before = _waiting(canary)
    obstacle = None
    if found.sent < canary.people:
        obstacle = obstacle_of(row, now, failover=not left and not engine.has_untried(row.pk))
    if found.sent >= canary.people or (obstacle is not None and obstacle.planned):
        canary.waits_since = None
    elif found.sent > canary.sent or (obstacle is not None and canary.waits_since is None):
        canary.waits_since = now
    canary.sent = max(canary.sent, found.sent)
    if left == (canary.tried_at is not None):
        canary.tried_at = None if left else now
    canary.message = _wait_message(row, canary, found, obstacle, now)
    if _waiting(canary) != before:
        canary.save()
    return obstacle


def _end(row: Campaign, canary: Canary, found: Outcomes, verdict: Verdict) -> None:
    canary.message = verdict.message
    if not verdict.passed:
        _keep(canary, CanaryState.STOPPED, found)
        _pause(row, canary, found)
        return
    _close(row, canary, CanaryState.PASSED, found)
    wake_on_commit("dispatch")
    _record(row, canary, found)
    _tell(row, canary, found)


def _pause(row: Campaign, canary: Canary, found: Outcomes) -> None:
    """Pause the campaign because of what its canary, which is stalled or stopped, says."""
    lane_holds.hold(row.pk)
    _record(row, canary, found)
    because = canary.message
    change_campaign(
        row, CampaignState.PAUSED, "campaign.paused", None, because=because, measured_at=None, rate_per_second=None
    )
    _tell(row, canary, found)


def _waiting(canary: Canary) -> tuple[Any, ...]:
    return canary.tried_at, canary.waits_since, canary.sent, canary.message


def _wait_message(row: Campaign, canary: Canary, found: Outcomes, obstacle: Obstacle | None, now: datetime) -> str:
    """What the canary waits for and since when; empty while everything goes its way."""
    if obstacle is None and canary.waits_since is not None:
        return canary.message
    since = canary.tried_at if obstacle is None else canary.waits_since
    if since is None:
        return obstacle.message[:MAX_MESSAGE] if obstacle else ""
    until = _spelled(row, since + timedelta(minutes=row.canary_wait_minutes))
    if obstacle is None:
        return (
            f"The last of them was tried on {_spelled(row, since)}. Their reports are waited for until {until}; if too few have come "
            f"by then, the campaign is paused.{_in_failover(found)}"
        )
    if now - since < PATIENCE:
        return ""
    return (
        f"Since {_spelled(row, since)} nobody more of them could be sent to. The campaign is paused if that lasts until {until}. "
        f"{obstacle.message}"
    )[:MAX_MESSAGE]


def _stalled_message(row: Campaign, canary: Canary, found: Outcomes, since: datetime, obstacle: Obstacle) -> str:
    return (
        f"For {row.canary_wait_minutes:,} minutes, since {_spelled(row, since)}, nobody more of the first {canary.people:,} people "
        f"could be sent to; {found.sent:,} were before. So the campaign was paused. Put right what is in the way, then resume it, "
        f"which goes on with the first people, or cancel it. {obstacle.message}"
    )[:MAX_MESSAGE]


def _spelled(row: Campaign, at: datetime) -> str:
    return spelled(at.astimezone(zone_named(row.time_zone)))


def _open(row: Campaign) -> Canary | None:
    return Canary.objects.filter(campaign=row, state__in=CANARY_OPEN).first()


def _close(row: Campaign, canary: Canary, state: CanaryState, found: Outcomes | None = None) -> None:
    _keep(canary, state, found or engine.outcomes([row.pk], database_now())[row.pk])
    engine.end(row.pk)


def _keep(canary: Canary, state: CanaryState, found: Outcomes) -> None:
    change_state(
        canary,
        state,
        ended_at=database_now(),
        tried=found.tried,
        delivered=found.delivered,
        failed=dict(found.failed),
    )


def _counts(people: int, found: Outcomes) -> dict[str, int]:
    return {
        "people": people,
        "reported": found.reported,
        "delivered": found.delivered,
        "failed": found.failed.total(),
        "failed_of_sending": _of_sending(found.failed),
    }


def _of_sending(failed: Mapping[str, int]) -> int:
    return sum(count for reason, count in failed.items() if reason in _OF_SENDING)


def _record(row: Campaign, canary: Canary, found: Outcomes) -> None:
    counts = _counts(canary.people, found)
    audit.record(
        f"campaign.canary_{canary.state}", row, actor=None, workspace=row.workspace, because=canary.message, **counts
    )


def _tell(row: Campaign, canary: Canary, found: Outcomes) -> None:
    outbox.add(
        f"campaign.canary_{canary.state}",
        row.pk,
        workspace_id=row.workspace_id,
        live=row.live,
        campaign_id=row.pk,
        state=row.state,
        use_case_id=row.lane.use_case_id,
        **_counts(canary.people, found),
    )
