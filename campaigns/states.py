"""The lives of campaigns and of what belongs to them: their states, the only transitions between them, and what may be edited when.

Pure. `campaigns.lifecycle.transitions` holds to these tables and is the only writer.
"""

from __future__ import annotations

from enum import StrEnum


class CampaignState(StrEnum):
    DRAFT = "draft"  # being put together
    SCHEDULED = "scheduled"  # launched for a time that has not come
    RUNNING = "running"  # claimed: its voicemails are sent as windows and pace allow
    PAUSED = "paused"  # nothing new is sent; what is with the carrier goes on
    COMPLETED = "completed"  # every voicemail has come to an end
    CANCELED = "canceled"  # a person ended it; what was not sent stays unsent


# completed -> running is the failed subset that somebody retries; no other way leads back.
TRANSITIONS: dict[CampaignState, frozenset[CampaignState]] = {
    CampaignState.DRAFT: frozenset({CampaignState.SCHEDULED, CampaignState.RUNNING, CampaignState.CANCELED}),
    CampaignState.SCHEDULED: frozenset({CampaignState.DRAFT, CampaignState.RUNNING, CampaignState.CANCELED}),
    CampaignState.RUNNING: frozenset({CampaignState.PAUSED, CampaignState.COMPLETED, CampaignState.CANCELED}),
    CampaignState.PAUSED: frozenset({CampaignState.RUNNING, CampaignState.COMPLETED, CampaignState.CANCELED}),
    CampaignState.COMPLETED: frozenset({CampaignState.RUNNING}),
    CampaignState.CANCELED: frozenset(),
}

EDITABLE = frozenset({CampaignState.DRAFT, CampaignState.SCHEDULED})
# What may be changed while it is sent: none of it changes who is reached or what they hear.
ALWAYS_EDITABLE = frozenset({"name", "pace_per_second", "priority"})


class ImportState(StrEnum):
    UPLOADED = "uploaded"  # the file is here; how it is read can be overridden
    CHECKING = "checking"  # every row is read and judged; nothing is queued
    CHECKED = "checked"  # the counts are known; waits to be confirmed
    IMPORTING = "importing"  # accepted rows become voicemails
    COMPLETED = "completed"
    FAILED = "failed"  # the file cannot be read; the sentence says why
    DISCARDED = "discarded"  # a person dropped it, or nobody confirmed it within a day


IMPORT_TRANSITIONS: dict[ImportState, frozenset[ImportState]] = {
    ImportState.UPLOADED: frozenset({ImportState.CHECKING, ImportState.DISCARDED}),
    ImportState.CHECKING: frozenset({ImportState.CHECKED, ImportState.FAILED, ImportState.DISCARDED}),
    # Back to uploaded where somebody reads the columns in another way.
    ImportState.CHECKED: frozenset(
        {ImportState.UPLOADED, ImportState.CHECKING, ImportState.IMPORTING, ImportState.DISCARDED}
    ),
    ImportState.IMPORTING: frozenset({ImportState.COMPLETED, ImportState.FAILED}),
    ImportState.COMPLETED: frozenset(),
    ImportState.FAILED: frozenset({ImportState.UPLOADED, ImportState.DISCARDED}),
    ImportState.DISCARDED: frozenset(),
}
# An import in one of these is somebody's work: its queue is woken for it, and its campaign does not launch.
UNDER_WAY = frozenset({ImportState.CHECKING, ImportState.IMPORTING})


class RetryState(StrEnum):
    RUNNING = "running"  # the failed are queued again, batch by batch
    COMPLETED = "completed"  # all who had failed when it was asked for were looked at
    STOPPED = (
        "stopped"  # by a person, with its campaign, or because nothing can be sent any more; who was queued stays so
    )


RETRY_TRANSITIONS: dict[RetryState, frozenset[RetryState]] = {
    RetryState.RUNNING: frozenset({RetryState.COMPLETED, RetryState.STOPPED}),
    RetryState.COMPLETED: frozenset(),
    RetryState.STOPPED: frozenset(),
}


class Outcome(StrEnum):
    """How a row of a list ended: exactly one of these."""

    ACCEPTED = "accepted"
    DUPLICATE_IN_FILE = "duplicate_in_file"
    SAME_PHONE = "same_phone"  # of an earlier row's number, and another person or another visit
    DUPLICATE_IN_CAMPAIGN = "duplicate_in_campaign"
    INVALID = "invalid"
    SUPPRESSED = "suppressed"
    NOT_REACHABLE = "not_reachable"


class OptOutState(StrEnum):
    """Of a list of people who must not be reached."""

    UPLOADED = "uploaded"  # the file is here; how it is read can be overridden
    CHECKING = "checking"  # every row is read; nobody is on the list yet
    CHECKED = "checked"  # the counts are known; waits to be confirmed
    IMPORTING = "importing"  # its numbers are put on the workspace's list
    COMPLETED = "completed"
    UNDOING = "undoing"  # what it alone has put there is taken off again
    UNDONE = "undone"
    FAILED = "failed"  # the file cannot be read; the sentence says why
    DISCARDED = "discarded"  # a person dropped it, or nobody confirmed it within a day


_O = OptOutState

OPT_OUT_TRANSITIONS: dict[OptOutState, frozenset[OptOutState]] = {
    _O.UPLOADED: frozenset({_O.CHECKING, _O.DISCARDED}),
    _O.CHECKING: frozenset({_O.CHECKED, _O.FAILED, _O.DISCARDED}),
    _O.CHECKED: frozenset({_O.UPLOADED, _O.CHECKING, _O.IMPORTING, _O.DISCARDED}),
    _O.IMPORTING: frozenset({_O.COMPLETED, _O.FAILED}),
    _O.COMPLETED: frozenset({_O.UNDOING}),
    _O.UNDOING: frozenset({_O.UNDONE}),
    _O.UNDONE: frozenset(),
    # One that broke off half-way has put numbers on the list, which is undone; any other is read in another way.
    _O.FAILED: frozenset({_O.UPLOADED, _O.DISCARDED, _O.UNDOING}),
    _O.DISCARDED: frozenset(),
}
OPT_OUTS_UNDER_WAY = frozenset({_O.CHECKING, _O.IMPORTING, _O.UNDOING})


class WithdrawalState(StrEnum):
    CHECKED = "checked"  # who would be taken out is known; nobody is yet
    CONFIRMED = "confirmed"


WITHDRAWAL_TRANSITIONS: dict[WithdrawalState, frozenset[WithdrawalState]] = {
    WithdrawalState.CHECKED: frozenset({WithdrawalState.CONFIRMED}),
    WithdrawalState.CONFIRMED: frozenset(),
}


class LineOutcome(StrEnum):
    """What a line of a list of people to take out of a campaign came to: exactly one of these."""

    WAITING = "waiting"  # this person is taken out
    SENT = "sent"  # the message has left, or has been tried
    ENDED = "ended"  # will not be sent anyway: skipped, canceled or expired
    NOT_FOUND = "not_found"
    AMBIGUOUS = "ambiguous"  # fits several people, or its columns fit different ones
    REPEATED = "repeated"  # an earlier line means the same person
    STANDS = "stands"  # by the list's own status the appointment is not canceled
    UNREADABLE = "unreadable"  # damaged, or its status is unclear
