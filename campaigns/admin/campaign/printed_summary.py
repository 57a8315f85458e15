"""The printed summary of a campaign on one sheet: settings, outcomes and follow-up. It names no patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from campaigns.admin import labels
from campaigns.admin.campaign.bases import BASIS, bases
from campaigns.imports.row_errors import message_of
from campaigns.models import Campaign
from campaigns.selectors import imports
from campaigns.states import ImportState
from delivery.lane_totals import reasons_of
from delivery.lifecycle.reasons import REASONS, Reason
from delivery.lifecycle.status import TERMINAL, VoicemailStatus
from rvm.platform.database.clock import database_now
from rvm.platform.times import moments
from rvm.platform.times.zones import workspace_zone
from usecases.effective_settings import effective, effective_hours
from usecases.policy_text import clock

# More lines would not fit on the sheet; a last line sums up the others.
MAX_REASONS = 11
MAX_REJECTIONS = 6

RETRY = "Can be retried; nobody is reached twice."
ASK_FIRST = "May have heard it: ask before sending again."
LEAVE = "No voicemail to them any more."
FIX = "Put the cause right, then follow up."
ELSEWHERE = "Follow up another way: call, letter, portal."
NOTHING = "Nothing: this was decided."
_CAUSES = {Reason.RECORDING_REFUSED, Reason.CARRIER_ACCOUNT, Reason.NO_FUNDS, Reason.NO_SENDER, Reason.USE_CASE_DELETED}


class Line(NamedTuple):
    """A line of the summary. `share`: of all recipients, as text. `then`: the follow-up."""

    number: int
    share: str
    what: str
    then: str = ""

    @property
    def counted(self) -> str:
        return f"{self.number:,}"


@dataclass(frozen=True, slots=True)
class Summary:
    name: str
    state: str
    live: bool
    facts: list[tuple[str, str]]
    total: int
    by_status: list[Line]
    by_reason: list[Line]
    rejected: list[Line]
    generated_at: str

    @property
    def recipients(self) -> str:
        return f"{self.total:,} recipient{'' if self.total == 1 else 's'}"

    @property
    def rejected_rows(self) -> str:
        count = sum(line.number for line in self.rejected)
        return f"{count:,} row{'' if count == 1 else 's'} of the lists became no recipient"


def follow_up(reason: Reason) -> str:
    """The follow-up for voicemails that ended with this reason."""
    facts = REASONS[reason]
    if facts.may_have_reached:
        return ASK_FIRST
    if facts.retryable:
        return RETRY
    if facts.suppresses or reason is Reason.SUPPRESSED:
        return LEAVE
    if reason in _CAUSES:
        return FIX
    return NOTHING if reason is Reason.CANCELED else ELSEWHERE


def summarize(
    campaign: Campaign,
    counts: Mapping[tuple[str, str], int],
    rejected: Mapping[str, int],
    now: datetime,
    said: Sequence[str] = (),
) -> Summary:
    """The lines of the summary. `counts`: voicemails by status and reason (delivery.lane_totals); `rejected`: rows by code; `said`:
    on which basis its people are reached."""
    by_status, by_reason = Counter[str](), Counter[str]()
    for (status, reason), count in counts.items():
        by_status[status] += count
        if reason and VoicemailStatus(status) in TERMINAL:
            by_reason[reason] += count
    total = by_status.total()
    reasons = [
        Line(count, _share(count, total), REASONS[Reason(code)].detail, follow_up(Reason(code)))
        for code, count in by_reason.most_common()
    ]
    codes = [Line(count, "", message_of(code)) for code, count in Counter(rejected).most_common()]
    return Summary(
        name=campaign.name,
        state=campaign.state,
        live=campaign.live,
        facts=facts_of(campaign, said),
        total=total,
        by_status=[
            Line(by_status[status], _share(by_status[status], total), status.value, meaning)
            for status, meaning in labels.STATUSES_IN_PRINT.items()
            if by_status[status]
        ],
        by_reason=_shortened(reasons, MAX_REASONS, "reasons; the export has them all", total),
        rejected=_shortened(codes, MAX_REJECTIONS, "reasons; the error reports of the lists have them all", 0),
        generated_at=_local(now, campaign),
    )


def facts_of(campaign: Campaign, said: Sequence[str] = ()) -> list[tuple[str, str]]:
    """The settings as (name, value); times in the workspace's zone, the same for every reader. `said`: on which basis its people are
    reached."""
    use_case, lane, recording = campaign.use_case, campaign.lane, campaign.recording
    hours, pace = effective_hours(lane, use_case), effective("pace_per_second", lane, use_case.setup)
    says = f"“{recording.name}”, {recording.duration_ms / 1000:.1f} seconds" if recording else "none"
    place = use_case.workspace.name
    return [
        ("From", use_case.entity_name if use_case.entity_name == place else f"{use_case.entity_name} ({place})"),
        ("Use case", f"{use_case.name}: {use_case.get_purpose_display().lower()}"),
        *((BASIS, each) for each in said),
        ("Recording", "joined from clips for each person" if campaign.script else says),
        ("Hours", f"{clock(hours.start)} to {clock(hours.end)} at the recipient, {labels.days(hours.days)}"),
        ("Pace", f"at most {pace:g} a second"),
        ("Launched", _launched(campaign)),
        ("Ended", _local(campaign.ended_at, campaign) if campaign.ended_at else "not yet"),
    ]


def _launched(campaign: Campaign) -> str:
    if campaign.launched_at is None:
        return "not yet"
    # The user who launched it may have been deleted; the time remains.
    by = campaign.launched_by
    return _local(campaign.launched_at, campaign) + (f", by {by.get_full_name() or by.get_username()}" if by else "")


def _local(moment: datetime, campaign: Campaign) -> str:
    return moments.moment(moment, workspace_zone(campaign.workspace))


def _share(count: int, total: int) -> str:
    percent = 100 * count / total if total else 0
    return f"{percent:.1f} %" if percent >= 0.1 or not count else "under 0.1 %"


def _shortened(lines: Sequence[Line], most: int, others: str, total: int) -> list[Line]:
    if len(lines) <= most:
        return list(lines)
    rest = sum(line.number for line in lines[most - 1 :])
    share = _share(rest, total) if total else ""
    return [*lines[: most - 1], Line(rest, share, f"{len(lines) - most + 1} other {others}.")]


def summary_of(campaign: Campaign, now: datetime) -> Summary:
    """The summary from the database; it counts rejected rows of completed imports only."""
    rejected = Counter[str]()
    for codes in imports(campaign).filter(state=ImportState.COMPLETED).values_list("codes", flat=True):
        rejected.update(codes)
    return summarize(campaign, reasons_of([campaign.pk])[campaign.pk], rejected, now, bases(campaign))


def summary_page(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    """The response with the summary; the caller has checked the user's permission."""
    context = {
        "summary": summary_of(campaign, database_now()),
        "back": reverse("admin:campaigns_campaign_change", args=[campaign.pk]),
    }
    response = render(request, "campaigns/summary.html", context)
    response["Cache-Control"] = "no-store"
    return response
