"""States and transitions of campaigns, imports, retries, canaries, approvals, opt-out lists and withdrawals, and which fields are
editable in which state.

Pure. `campaigns.lifecycle.transitions` enforces these tables and is the only writer of states.
"""

from __future__ import annotations

from enum import StrEnum


class CampaignState(StrEnum):
    DRAFT = "draft"  # not launched
    SCHEDULED = "scheduled"  # launched for a later time
    RUNNING = "running"  # its voicemails are sent as windows and pace allow
    PAUSED = "paused"  # nothing new is sent; submitted drops continue
    COMPLETED = "completed"  # every voicemail has ended
    CANCELED = "canceled"  # ended by a user; unsent voicemails are not sent


# completed -> running or paused, in which it completed: a retry, or a late report that opens a voicemail again.
TRANSITIONS: dict[CampaignState, frozenset[CampaignState]] = {
    CampaignState.DRAFT: frozenset({CampaignState.SCHEDULED, CampaignState.RUNNING, CampaignState.CANCELED}),
    CampaignState.SCHEDULED: frozenset({CampaignState.DRAFT, CampaignState.RUNNING, CampaignState.CANCELED}),
    CampaignState.RUNNING: frozenset({CampaignState.PAUSED, CampaignState.COMPLETED, CampaignState.CANCELED}),
    CampaignState.PAUSED: frozenset({CampaignState.RUNNING, CampaignState.COMPLETED, CampaignState.CANCELED}),
    CampaignState.COMPLETED: frozenset({CampaignState.RUNNING, CampaignState.PAUSED}),
    CampaignState.CANCELED: frozenset(),
}

EDITABLE = frozenset({CampaignState.DRAFT, CampaignState.SCHEDULED})
# From which states a user launches, cancels and retries.
LAUNCHABLE = frozenset({CampaignState.DRAFT})
CANCELABLE = frozenset({CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.RUNNING, CampaignState.PAUSED})
RETRYABLE = frozenset({CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.COMPLETED})
# Editable in every state, because these change neither the recipients nor the recordings.
ALWAYS_EDITABLE = frozenset({"name", "pace_per_second", "priority"})


# Editable while paused too: how many are tried first, by what they are judged, and for how long.
OF_CANARY = frozenset({"canary_size", "canary_max_failed_percent", "canary_wait_minutes"})
# And what those hear who still wait, and when and how often they are tried themselves.
_OF_THOSE_WHO_WAIT = {
    "recording",
    "ends_at",
    "window_start",
    "window_end",
    "days",
    "max_attempts",
    "retry_minutes",
}
EDITABLE_WHILE_PAUSED = ALWAYS_EDITABLE | OF_CANARY | _OF_THOSE_WHO_WAIT


def is_editable(field: str, state: str) -> bool:
    """Whether the field of a campaign, or of its lane, can be changed in the state."""
    if state in EDITABLE:
        return True
    return field in (EDITABLE_WHILE_PAUSED if state == CampaignState.PAUSED else ALWAYS_EDITABLE)


class ImportState(StrEnum):
    UPLOADED = "uploaded"  # the file is here; how it is read can be overridden
    CHECKING = "checking"  # every row is validated; nothing is queued
    CHECKED = "checked"  # the counts are known; waits to be confirmed
    IMPORTING = "importing"  # accepted rows become voicemails
    COMPLETED = "completed"
    FAILED = "failed"  # the file cannot be read; the message says why
    DISCARDED = "discarded"  # discarded by a user, or not confirmed while its file was kept


IMPORT_TRANSITIONS: dict[ImportState, frozenset[ImportState]] = {
    ImportState.UPLOADED: frozenset({ImportState.CHECKING, ImportState.DISCARDED}),
    ImportState.CHECKING: frozenset({ImportState.CHECKED, ImportState.FAILED, ImportState.DISCARDED}),
    # Back to uploaded when a user changes how the columns are read.
    ImportState.CHECKED: frozenset(
        {ImportState.UPLOADED, ImportState.CHECKING, ImportState.IMPORTING, ImportState.DISCARDED}
    ),
    ImportState.IMPORTING: frozenset({ImportState.COMPLETED, ImportState.FAILED}),
    ImportState.COMPLETED: frozenset(),
    ImportState.FAILED: frozenset({ImportState.UPLOADED, ImportState.DISCARDED}),
    ImportState.DISCARDED: frozenset(),
}
# A worker has to act on an import in one of these states; until then its campaign cannot be launched.
UNDER_WAY = frozenset({ImportState.CHECKING, ImportState.IMPORTING})


class RetryState(StrEnum):
    RUNNING = "running"  # failed voicemails are requeued in batches
    COMPLETED = "completed"  # the pass reached the last voicemail that had failed at the request
    STOPPED = "stopped"  # by a user, with its campaign, or because nothing can be sent; requeued voicemails stay queued


RETRY_TRANSITIONS: dict[RetryState, frozenset[RetryState]] = {
    RetryState.RUNNING: frozenset({RetryState.COMPLETED, RetryState.STOPPED}),
    RetryState.COMPLETED: frozenset(),
    RetryState.STOPPED: frozenset(),
}


class CanaryState(StrEnum):
    """The state of a canary: the first people of a campaign, who are tried before the others."""

    UNDER_WAY = "under_way"  # they are tried, or their reports are waited for; the others wait
    PASSED = "passed"  # few enough failed; the campaign went on by itself
    STALLED = "stalled"  # they could not be sent to for too long; the campaign was paused
    STOPPED = "stopped"  # too many failed, or too few reports came; the campaign was paused
    OVERRULED = "overruled"  # a user has resumed the campaign all the same
    ENDED = "ended"  # over without a verdict: switched off, begun anew, or the campaign has ended


CANARY_TRANSITIONS: dict[CanaryState, frozenset[CanaryState]] = {
    CanaryState.UNDER_WAY: frozenset({CanaryState.PASSED, CanaryState.STALLED, CanaryState.STOPPED, CanaryState.ENDED}),
    CanaryState.STALLED: frozenset({CanaryState.UNDER_WAY, CanaryState.ENDED}),
    CanaryState.PASSED: frozenset(),
    CanaryState.STOPPED: frozenset({CanaryState.OVERRULED, CanaryState.ENDED}),
    CanaryState.OVERRULED: frozenset(),
    CanaryState.ENDED: frozenset(),
}
# Those that are not over: the lane tries its first people only.
CANARY_OPEN = frozenset({CanaryState.UNDER_WAY, CanaryState.STALLED, CanaryState.STOPPED})


class ApprovalState(StrEnum):
    """The state of a request that somebody else approves a launch, or a retry, that reaches many people."""

    WAITING = "waiting"
    APPROVED = "approved"  # by another person; it was launched in the same moment
    DECLINED = "declined"  # by another person, with a reason
    WITHDRAWN = "withdrawn"  # nobody wants it any more
    FALLEN = "fallen"  # what would be sent has changed since it was asked for


APPROVAL_TRANSITIONS: dict[ApprovalState, frozenset[ApprovalState]] = {
    ApprovalState.WAITING: frozenset(
        {ApprovalState.APPROVED, ApprovalState.DECLINED, ApprovalState.WITHDRAWN, ApprovalState.FALLEN}
    ),
    ApprovalState.APPROVED: frozenset(),
    ApprovalState.DECLINED: frozenset(),
    ApprovalState.WITHDRAWN: frozenset(),
    ApprovalState.FALLEN: frozenset(),
}


class ApprovalKind(StrEnum):
    """What is let out by an approval."""

    LAUNCH = "launch"
    RETRY = "retry"
    RESUME = "resume"  # of a campaign that was changed while it was paused


class RowOutcome(StrEnum):
    """The outcome of a row of a recipient list; each row has exactly one."""

    ACCEPTED = "accepted"
    DUPLICATE_IN_FILE = "duplicate_in_file"
    SAME_PHONE = "same_phone"  # as an earlier row, for another person or visit
    DUPLICATE_IN_CAMPAIGN = "duplicate_in_campaign"
    INVALID = "invalid"
    SUPPRESSED = "suppressed"
    NOT_REACHABLE = "not_reachable"


# Outcomes that tell what is known of a row's number, so which rows have them is for who may see numbers.
OF_KNOWN_NUMBERS = frozenset({RowOutcome.SUPPRESSED, RowOutcome.DUPLICATE_IN_CAMPAIGN})


class OptOutState(StrEnum):
    """The state of an opt-out list."""

    UPLOADED = "uploaded"  # the file is here; how it is read can be overridden
    CHECKING = "checking"  # every row is read; no suppression is added
    CHECKED = "checked"  # the counts are known; waits to be confirmed
    IMPORTING = "importing"  # its numbers become suppressions of the workspace
    COMPLETED = "completed"
    UNDOING = "undoing"  # suppressions that only this list added are removed
    UNDONE = "undone"
    FAILED = "failed"  # the file cannot be read; the message says why
    DISCARDED = "discarded"  # discarded by a user, or not confirmed while its file was kept


OPT_OUT_TRANSITIONS: dict[OptOutState, frozenset[OptOutState]] = {
    OptOutState.UPLOADED: frozenset({OptOutState.CHECKING, OptOutState.DISCARDED}),
    OptOutState.CHECKING: frozenset({OptOutState.CHECKED, OptOutState.FAILED, OptOutState.DISCARDED}),
    OptOutState.CHECKED: frozenset(
        {OptOutState.UPLOADED, OptOutState.CHECKING, OptOutState.IMPORTING, OptOutState.DISCARDED}
    ),
    OptOutState.IMPORTING: frozenset({OptOutState.COMPLETED, OptOutState.FAILED}),
    OptOutState.COMPLETED: frozenset({OptOutState.UNDOING}),
    OptOutState.UNDOING: frozenset({OptOutState.UNDONE}),
    OptOutState.UNDONE: frozenset(),
    # A list that failed after adding suppressions can be undone; any other can be read in another way.
    OptOutState.FAILED: frozenset({OptOutState.UPLOADED, OptOutState.DISCARDED, OptOutState.UNDOING}),
    OptOutState.DISCARDED: frozenset(),
}
OPT_OUTS_UNDER_WAY = frozenset({OptOutState.CHECKING, OptOutState.IMPORTING, OptOutState.UNDOING})


class WithdrawalState(StrEnum):
    CHECKED = "checked"  # the recipients to take out are known and still queued
    CONFIRMED = "confirmed"


WITHDRAWAL_TRANSITIONS: dict[WithdrawalState, frozenset[WithdrawalState]] = {
    WithdrawalState.CHECKED: frozenset({WithdrawalState.CONFIRMED}),
    WithdrawalState.CONFIRMED: frozenset(),
}


class LineOutcome(StrEnum):
    """The outcome of a line of a withdrawal list; each line has exactly one."""

    WAITING = "waiting"  # this recipient is taken out
    SENT = "sent"  # a drop has started or ended
    ENDED = "ended"  # will not be sent anyway: skipped, canceled or expired
    NOT_FOUND = "not_found"
    AMBIGUOUS = (
        "ambiguous"  # matches several recipients, or its columns match different ones or a differently named one
    )
    REPEATED = "repeated"  # an earlier line matches the same recipient
    STANDS = (
        "stands"  # the list's status column, or a heading above the line, says that the appointment is not canceled
    )
    UNREADABLE = "unreadable"  # damaged, a line of the report, or it is unclear whether the appointment stands
