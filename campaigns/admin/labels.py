"""Texts of the admin: labels of states, statuses and outcomes, messages about the next step, formatted counts and durations. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from campaigns.lifecycle.canaries import ABOVE, SIZE, CanaryProgress
from campaigns.models import Campaign, OptOutImport
from campaigns.states import CampaignState, CanaryState, ImportState, LineOutcome, OptOutState, RetryState, RowOutcome
from delivery.lifecycle.reasons import GUESSES, REASONS, Reason
from delivery.lifecycle.status import TERMINAL, VoicemailStatus
from delivery.services.retries import LeftOut
from usecases.policy_text import WEEKDAYS

UNDOING = "What this list alone has put on the suppression list is being taken off again."
LIFTING = "What this list alone has put on the suppression list is being lifted; it stays there as history."

# Names of unfold's label colours by campaign state; a state without an entry is grey.
STATE_COLOURS: dict[str, str] = {
    CampaignState.SCHEDULED: "info",
    CampaignState.RUNNING: "primary",
    CampaignState.PAUSED: "warning",
    CampaignState.COMPLETED: "success",
    CampaignState.CANCELED: "danger",
}
_RETRYABLE = frozenset(reason.value for reason, facts in REASONS.items() if facts.retryable)
IMPORT_COLOURS: dict[str, str] = {
    ImportState.UPLOADED: "info",
    ImportState.CHECKING: "primary",
    ImportState.CHECKED: "info",
    ImportState.IMPORTING: "primary",
    ImportState.COMPLETED: "success",
    ImportState.FAILED: "danger",
}
STATUSES: dict[str, str] = {
    VoicemailStatus.DELIVERED: "delivered",
    VoicemailStatus.ACCEPTED: "accepted, no report yet",
    VoicemailStatus.SENDING: "being sent",
    VoicemailStatus.UNCERTAIN: "unclear, being looked into",
    VoicemailStatus.FAILED: "failed",
    VoicemailStatus.SKIPPED: "not sent: may not be reached",
    VoicemailStatus.EXPIRED: "not sent: out of time",
    VoicemailStatus.CANCELED: "canceled",
    VoicemailStatus.QUEUED: "waiting",
}
# Labels of the printed summary, for readers who do not know the admin.
STATUSES_IN_PRINT: dict[VoicemailStatus, str] = {
    VoicemailStatus.DELIVERED: "left in the voicemail box",
    VoicemailStatus.ACCEPTED: "taken by the carrier, which has not reported yet",
    VoicemailStatus.UNCERTAIN: "not known yet whether the carrier took it; being looked into",
    VoicemailStatus.SENDING: "being handed to the carrier",
    VoicemailStatus.QUEUED: "waiting to be sent",
    VoicemailStatus.FAILED: "could not be left",
    VoicemailStatus.SKIPPED: "held back by our own rules",
    VoicemailStatus.EXPIRED: "not sent before its time ran out",
    VoicemailStatus.CANCELED: "canceled before it was sent",
}
# CSS classes of the segments of the progress bar, by status.
BAR_COLOURS: dict[str, str] = {
    VoicemailStatus.DELIVERED: "bg-green-500",
    VoicemailStatus.ACCEPTED: "bg-primary-600",
    VoicemailStatus.SENDING: "bg-blue-400",
    VoicemailStatus.UNCERTAIN: "bg-orange-500",
    VoicemailStatus.FAILED: "bg-red-500",
    VoicemailStatus.SKIPPED: "bg-orange-300",
    VoicemailStatus.EXPIRED: "bg-orange-300",
    VoicemailStatus.CANCELED: "bg-base-400",
    VoicemailStatus.QUEUED: "bg-base-200 dark:bg-base-700",
}
OUTCOMES: dict[str, str] = {
    RowOutcome.ACCEPTED: "can be reached",
    RowOutcome.DUPLICATE_IN_FILE: "twice in this list: an earlier row says the same",
    RowOutcome.SAME_PHONE: "the number of an earlier row, which is the one that is reached: another person, or another visit",
    RowOutcome.DUPLICATE_IN_CAMPAIGN: "in the campaign already",
    RowOutcome.INVALID: "not usable as written: see below",
    RowOutcome.SUPPRESSED: "on the suppression list: must not be reached",
    RowOutcome.NOT_REACHABLE: "may not be reached by the rules",
}
IMPORT_STATES: dict[str, str] = {
    ImportState.UPLOADED: "to be checked",
    ImportState.CHECKING: "being checked",
    ImportState.CHECKED: "to be confirmed",
    ImportState.IMPORTING: "being imported",
    ImportState.COMPLETED: "imported",
    ImportState.FAILED: "cannot be read",
    ImportState.DISCARDED: "discarded",
}

OPT_OUT_STATES: dict[str, str] = {
    OptOutState.UPLOADED: "to be checked",
    OptOutState.CHECKING: "being checked",
    OptOutState.CHECKED: "to be confirmed",
    OptOutState.IMPORTING: "being listed",
    OptOutState.COMPLETED: "listed",
    OptOutState.UNDOING: "being undone",
    OptOutState.UNDONE: "undone",
    OptOutState.FAILED: "cannot be read",
    OptOutState.DISCARDED: "discarded",
}
OPT_OUT_COLOURS: dict[str, str] = {
    OptOutState.UPLOADED: "info",
    OptOutState.CHECKING: "primary",
    OptOutState.CHECKED: "info",
    OptOutState.IMPORTING: "primary",
    OptOutState.COMPLETED: "success",
    OptOutState.UNDOING: "primary",
    OptOutState.UNDONE: "warning",
    OptOutState.FAILED: "danger",
}
_OPT_OUT_OUTCOMES = (
    ("to_add", "to be added to the list"),
    ("already_listed", "on the list already"),
    ("repeated", "stand twice in the file"),
    ("waiting", "of these numbers wait in a campaign"),
    ("not_opted_out", "rows say that the person has not opted out, and are left out"),
    ("unreadable", "rows cannot be read, and keep nobody from being reached"),
)


LEFT_OUT: dict[str, str] = {
    LeftOut.NUMBER_REMOVED: "whose number was removed",
    LeftOut.RECORDING_REMOVED: "whose recording was removed",
    LeftOut.COPIED: "who were copied into another campaign",
    LeftOut.SUPPRESSED: "on the suppression list",
    LeftOut.ATTEMPTS_USED_UP: "after ten attempts",
}


@dataclass(frozen=True, slots=True)
class CampaignSnapshot:
    """The facts that decide the next step. `start` and `end` are text in the campaign's zone, "" if there is none."""

    state: str
    total: int
    recording: bool
    start: str
    end: str
    overdue: bool = False
    lists_to_check: int = 0
    lists_under_way: int = 0
    retryable: int = 0
    preparing: bool = False
    held: bool = False
    revised: bool = False
    stopped_by_canary: bool = False
    stalled: bool = False
    tries_first: bool = False


def next_step_message(campaign: CampaignSnapshot) -> str:
    """The message about the campaign's state and next step."""
    return {
        CampaignState.DRAFT: _draft,
        CampaignState.SCHEDULED: _scheduled,
        CampaignState.RUNNING: _running,
        CampaignState.PAUSED: _paused,
        CampaignState.COMPLETED: _completed,
        CampaignState.CANCELED: _canceled,
    }[CampaignState(campaign.state)](campaign)


def _draft(campaign: CampaignSnapshot) -> str:
    if campaign.lists_under_way:
        return "Draft: a list is being read. You can launch when that is done."
    if campaign.lists_to_check:
        return "Draft: a list waits for you below; check it, then confirm it."
    if not campaign.recording:
        return "Draft: choose what people will hear, add recipients, look at the preview, launch."
    if not campaign.total:
        return "Draft: add recipients, look at the preview, launch."
    later = f" It will start on {campaign.start}." if campaign.start and not campaign.overdue else ""
    return f"Draft with {people(campaign.total)}: look at the preview, then launch.{later}"


def _scheduled(campaign: CampaignSnapshot) -> str:
    if campaign.overdue and campaign.lists_under_way:
        return "Scheduled: its time has come; it starts as soon as the list is imported."
    if campaign.overdue:
        return "Scheduled: its time has come; it starts within seconds."
    return f"Scheduled: {people(campaign.total)} from {campaign.start} on. Until then it can be changed, or taken back to a draft."


def _running(campaign: CampaignSnapshot) -> str:
    if campaign.preparing:
        return "Running: the recordings are being made ready; sending begins by itself."
    if campaign.held:
        return "Running, but its lane is held, so nothing is sent. Pause and resume it to go on."
    end = f" What is not sent by {campaign.end} expires." if campaign.end else ""
    if campaign.tries_first:
        return f"Running: the first people are tried, and the others wait for the reports about them.{end}"
    return f"Running: sent as hours and pace allow.{end}"


def _paused(campaign: CampaignSnapshot) -> str:
    if campaign.revised:
        return "Paused and changed: those who still wait get it as it is below. Resume to go on."
    if campaign.stalled:
        return "Paused because its first people could not be sent to: see below why. Resume to go on with them."
    if campaign.stopped_by_canary:
        return "Paused after its first people: see below why. Resume to send to everybody else all the same."
    return (
        "Paused: nothing new is sent; what is with the carrier goes on. Edit it to change what those get who still wait. "
        "Resume to go on where it was."
    )


def _completed(campaign: CampaignSnapshot) -> str:
    more = ""
    if campaign.retryable:
        who = "One of them" if campaign.retryable == 1 else f"{campaign.retryable:,} of them"
        more = f" {who} failed for a reason that a retry can help."
    return f"Completed: nobody of {people(campaign.total)} waits any longer.{more}"


def _canceled(campaign: CampaignSnapshot) -> str:
    return "Canceled: what had not been sent stays unsent. This is final; make a new campaign to reach more people."


def tried_first(campaign: Campaign) -> str:
    """How many people are tried before the others, and by what they are judged."""
    if campaign.canary_size == 0:
        return "nobody: everybody is sent to at once"
    whom = (
        f"{SIZE:,} people, if it is more than {ABOVE:,}"
        if campaign.canary_size is None
        else people(campaign.canary_size)
    )
    return (
        f"{whom}; the others wait for the reports about these, for up to {campaign.canary_wait_minutes:,} minutes, and it is paused "
        f"if more than {campaign.canary_max_failed_percent} % fail because of the carrier, the account or the recording"
    )


def canary_message(progress: CanaryProgress) -> str:
    """The message about the first people, while they are tried and after."""
    canary, found = progress.canary, progress.found
    if canary.state == CanaryState.UNDER_WAY:
        tried = "" if found.tried == canary.people else f" {found.tried:,} of them have been tried."
        waits = f" {progress.message}" if progress.message else ""
        return (
            f"The first {people(canary.people)} are tried, and the others wait: {found.reported:,} of {canary.people:,} have a final "
            f"report, and {progress.enough:,} are needed.{tried}{waits}"
        )
    if canary.state == CanaryState.STOPPED:
        more = found.reported - canary.delivered - sum(canary.failed.values())
        since = (
            f" Since then {people(more)} more got a report; {found.delivered:,} are delivered by now."
            if more > 0
            else ""
        )
        return f"{canary.message}{since}"
    if canary.state == CanaryState.OVERRULED:
        return f"It was resumed although it had been paused: {canary.message}"
    if canary.state == CanaryState.ENDED:
        return f"The first {people(canary.people)} were to be tried before the others; that was over before they were judged."
    return canary.message


def retry_message(state: str, *, matching: int, queued: int, left_out: Mapping[str, int], stopped_because: str) -> str:
    """The message about the progress or the result of a retry."""
    left = [f"{count:,} {LEFT_OUT.get(why, why)}" for why, count in sorted(left_out.items()) if count]
    besides = f" Left out: {', '.join(left)}." if left else ""
    if state == RetryState.RUNNING:
        looked_at = queued + sum(left_out.values())
        return f"The failed are being queued again: {looked_at:,} of {people(matching)} looked at, {queued:,} queued.{besides}"
    if state == RetryState.STOPPED:
        return f"The retry was stopped with {people(queued)} queued again. {stopped_because}{besides}"
    if not queued:
        return f"The last retry found nobody whom it may reach.{besides}"
    return f"The last retry queued {people(queued)} again.{besides}"


def ended(by_status: Mapping[str, int]) -> dict[str, int]:
    """The counts of terminal statuses."""
    return {status: count for status, count in by_status.items() if status in TERMINAL}


def list_step(state: str, accepted: int, *, operates: bool, asks: bool = False, imported: int = 0) -> str:
    """The message about a recipient list's state and next step. `imported`: how many of its rows have been imported."""
    if imported and state in (ImportState.FAILED, ImportState.DISCARDED):
        broke_off = (
            f"This list broke off after its first {imported:,} rows. "
            "Whom it accepted among these is in the campaign and stays there"
        )
        again = (
            "; read it again below, or discard it and upload it again: nobody is added twice"
            if state == ImportState.FAILED
            else ""
        )
        return f"{broke_off}{again}."
    if state == ImportState.UPLOADED and operates:
        return (
            "Answer the questions about its columns, then check the list. Nobody is added by that."
            if asks
            else "Look whether the columns are read rightly, then check the list. Nobody is added by that."
        )
    if state == ImportState.CHECKED and not accepted:
        return "Checked: nobody in this list can be reached. See below why; correct the list and upload it again."
    return {
        ImportState.UPLOADED: "Uploaded: its rows are not checked yet.",
        ImportState.CHECKING: "Every row is read and judged. Nobody is added yet.",
        ImportState.CHECKED: f"Checked: {people(accepted)} can be reached. Nobody is added before you confirm.",
        ImportState.IMPORTING: f"{people(accepted).capitalize()} are being added to the campaign. Nothing is sent before its launch.",
        ImportState.COMPLETED: f"Imported: {people(accepted)} were added to the campaign.",
        ImportState.FAILED: "This list could not be read. Read it in another way below, or discard it and upload another.",
        ImportState.DISCARDED: "Discarded: nobody was added.",
    }[ImportState(state)]


def opt_out_list_message(row: OptOutImport, numbers_in_it: int, *, operates: bool, asks: bool) -> str:
    """The message about an opt-out list's state and next step."""
    if row.state == OptOutState.UPLOADED and operates:
        return (
            "Answer the questions about its columns, then check the list. Nobody is listed by that."
            if asks
            else "Look whether the columns are read rightly, then check the list. Nobody is listed by that."
        )
    if row.state == OptOutState.CHECKED and not numbers_in_it:
        return "Checked: there is no number in this list that can be read. See below why; correct the list and upload it again."
    if row.state == OptOutState.FAILED and row.added:
        return (
            f"This list broke off when {numbers(row.added)} had been put on the suppression list; that can be undone."
        )
    kept = max(0, row.added - row.taken_back)
    stays = (
        f" {numbers(kept)} {'stays' if kept == 1 else 'stay'}, because somebody else has said so since." if kept else ""
    )
    ended = (
        f" {voicemails(row.ended_meanwhile)} had been ended because of it, which is final; "
        "reach these people by another campaign."
        if row.ended_meanwhile
        else ""
    )
    undone = f"Lifted ({row.lift_reason})" if row.lift_reason else "Undone"
    return {
        OptOutState.UPLOADED: "Uploaded: its rows are not checked yet.",
        OptOutState.CHECKING: "Every row is read. Nobody is listed yet.",
        OptOutState.CHECKED: f"Checked: {numbers(numbers_in_it)} in it must not be reached. Nobody is listed before you confirm.",
        OptOutState.IMPORTING: "Its numbers are being put on the suppression list; each binds at once.",
        OptOutState.COMPLETED: f"Listed: {_were(row.added)} added, and not reached any more.",
        OptOutState.UNDOING: LIFTING if row.lift_reason else UNDOING,
        OptOutState.UNDONE: f"{undone}: {_were(row.taken_back)} taken off the suppression list.{stays}{ended}",
        OptOutState.FAILED: "This list could not be read. Read it in another way below, or discard it and upload another.",
        OptOutState.DISCARDED: "Discarded: nobody was listed.",
    }[OptOutState(row.state)]


def opt_out_outcomes(counts: Mapping[str, int]) -> list[tuple[int, str]]:
    """The results of a check as (count, label), in page order; zeros are omitted, except the numbers to add."""
    return [(counts[name], words) for name, words in _OPT_OUT_OUTCOMES if counts.get(name) or name == "to_add"]


_ANSWERS = (
    ("yes", "say yes to being reached"),
    ("no", "say no"),
    ("nothing", "say nothing, which is no yes"),
    ("unclear", "say neither yes nor no"),
    ("next_number", "have no number in the first phone column and are reached at their next one"),
)


def answers(counts: Mapping[str, int]) -> list[tuple[int, str]]:
    """Rows by consent value, and rows reached at a later phone column, as (count, label)."""
    return [(counts[answer], words) for answer, words in _ANSWERS if answer in counts]


def sheets(found: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """The sheets of a workbook as (name, label); `found` is `UploadedList.sheets`."""
    return [
        (
            sheet["name"],
            sheet["name"]
            + (" (hidden)" if sheet["visibility"] != "visible" else "")
            + ("" if sheet["has_rows"] else " (empty)"),
        )
        for sheet in found
    ]


def row_of(number: int, earlier: int | None, differs: Sequence[str]) -> str:
    """The number of a rejected row; for a repeated phone number, also the earlier row and the columns that differ."""
    if earlier is None:
        return str(number)
    other = f" in {', '.join(name.replace('_', ' ') for name in differs)}" if differs else ""
    return f"{number} (as row {earlier}{', other' + other if other else ''})"


# Labels of the outcomes of the lines of a withdrawal list; each follows a count.
LINE_OUTCOMES: dict[LineOutcome, str] = {
    LineOutcome.WAITING: "wait in the campaign and would be taken out.",
    LineOutcome.SENT: "were sent to already, or tried.",
    LineOutcome.ENDED: "would not be sent to anyway: skipped, canceled or out of time.",
    LineOutcome.NOT_FOUND: "are nobody in this campaign: look for a typing error, or for noughts that are missing in front.",
    LineOutcome.AMBIGUOUS: "fit several people, or one with another record number or visit, so nobody is taken out by them: give the "
    "phone number too, or leave out the column that fits nobody.",
    LineOutcome.REPEATED: "mean somebody whom an earlier line means.",
    LineOutcome.STANDS: "have an appointment that, by the list, is not canceled: they stay in.",
    LineOutcome.UNREADABLE: "cannot be read, are lines of the report, or leave it unclear whether the visit stands: they stay in.",
}


def people(count: int) -> str:
    return "1 person" if count == 1 else f"{count:,} people"


def launch_text(count: int, *, real: bool, later: bool, asks: bool) -> str:
    """The words of the launch button, which name how many people it reaches. `asks`: somebody else has to approve it."""
    if asks:
        return f"Ask for approval for {people(count)}"
    if real:
        return f"{'Schedule' if later else 'Launch'} for {people(count)}"
    return f"{'Schedule the simulation' if later else 'Simulate it'} for {people(count)}"


def numbers(count: int) -> str:
    return "1 number" if count == 1 else f"{count:,} numbers"


def _were(count: int) -> str:
    return f"{numbers(count)} {'was' if count == 1 else 'were'}"


def voicemails(count: int) -> str:
    return "1 voicemail" if count == 1 else f"{count:,} voicemails"


def rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def reason(code: str) -> str:
    """The explanation of a reason; an unknown code is returned with blanks for underscores."""
    try:
        return REASONS[Reason(code)].detail
    except ValueError:
        return code.replace("_", " ").capitalize()


def may_retry(code: str) -> bool:
    return code in _RETRYABLE


def may_have_reached(code: str) -> bool:
    return code in GUESSES


def rate(per_second: float) -> str:
    """The rate per second, minute or hour: the first unit in which it is at least 1."""
    if per_second >= 1:
        return f"{per_second:,.0f} a second"
    if per_second * 60 >= 1:
        return f"{per_second * 60:,.0f} a minute"
    return f"{per_second * 3600:,.0f} an hour" if per_second else "-"


def duration(span: timedelta) -> str:
    """The duration, rounded to minutes, hours or days."""
    minutes = round(span.total_seconds() / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return "1 minute" if minutes == 1 else f"{minutes} minutes"
    hours = round(minutes / 60)
    if hours < 48:
        return "1 hour" if hours == 1 else f"{hours} hours"
    return f"{round(hours / 24)} days"


def in_about(span: timedelta) -> str:
    """The time at which something is expected, counted from now: “in about 5 minutes”, “in less than a minute”."""
    told = duration(span)
    return f"in {told}" if told.startswith("less") else f"in about {told}"


@dataclass(frozen=True, slots=True)
class Part:
    """A segment of the progress bar. `percent`: of the total, with a decimal point as CSS requires."""

    status: str
    words: str
    count: int
    percent: str
    colour: str


def parts(by_status: Mapping[str, int]) -> list[Part]:
    """The segments in the order of the bar; zeros are omitted."""
    total = sum(by_status.values())
    return [
        Part(status, words, count, f"{count * 100 / total:.2f}", BAR_COLOURS[status])
        for status, words in STATUSES.items()
        if (count := by_status.get(status, 0))
    ]


def bar_text(by_status: Mapping[str, int]) -> str:
    """The text alternative and tooltip of the progress bar."""
    return ", ".join(f"{part.count:,} {part.words}" for part in parts(by_status)) or "no recipients yet"


def days(chosen: Iterable[int] | None) -> str:
    """The names of ISO weekdays, or “every day”."""
    named = [name for day, name in enumerate(WEEKDAYS, 1) if day in set(chosen or ())]
    return ", ".join(named) if 0 < len(named) < len(WEEKDAYS) else "every day"


def dated_name(campaign: Campaign) -> str:
    """The campaign as a choice, with the day of its start, or of its making, by its clock: campaigns are repeated under one name."""
    moment = (campaign.launched_at or campaign.starts_at or campaign.created_at).astimezone(
        ZoneInfo(campaign.time_zone)
    )
    draft = ", a draft" if campaign.state == CampaignState.DRAFT else ""
    return f"{campaign.name} ({moment:%b} {moment.day}, {moment.year}{draft})"
