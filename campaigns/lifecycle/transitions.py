"""The only writer of the states of campaigns, recipient imports, withdrawals, retries, canaries, approvals and opt-out lists.

A state changes under the row's lock, or by an update conditional on the state that the decision was based on, so one of two
concurrent decisions wins. A transition missing from the tables of `campaigns.states` is a bug and is rejected before it is written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db.models.functions import Now

from campaigns.models import Campaign, CampaignRetry, Canary, LaunchApproval, OptOutImport, RecipientImport, Withdrawal
from campaigns.states import (
    APPROVAL_TRANSITIONS,
    CANARY_TRANSITIONS,
    IMPORT_TRANSITIONS,
    OPT_OUT_TRANSITIONS,
    RETRY_TRANSITIONS,
    TRANSITIONS,
    WITHDRAWAL_TRANSITIONS,
    CampaignState,
    ImportState,
    OptOutState,
)
from delivery.models import Lane
from rvm.platform import audit
from rvm.platform.errors import ServiceError
from rvm.platform.events import outbox
from rvm.platform.events.types import TYPES
from rvm.platform.models import User
from rvm.platform.times import moments

Stateful = Campaign | CampaignRetry | Canary | LaunchApproval | OptOutImport | RecipientImport | Withdrawal

_TABLES: Mapping[type[Stateful], Mapping[Any, Collection[str]]] = {
    Campaign: TRANSITIONS,
    CampaignRetry: RETRY_TRANSITIONS,
    Canary: CANARY_TRANSITIONS,
    LaunchApproval: APPROVAL_TRANSITIONS,
    OptOutImport: OPT_OUT_TRANSITIONS,
    RecipientImport: IMPORT_TRANSITIONS,
    Withdrawal: WITHDRAWAL_TRANSITIONS,
}


class InvalidTransition(ValueError):
    """A transition that the tables do not list: a bug in the caller."""


class Superseded(Exception):
    """The list left the state that this process was working on; the process must abandon its work."""


def can_become(row: Stateful, to: str) -> bool:
    """Whether the row may change from its state to `to`."""
    if isinstance(row, OptOutImport) and row.state == OptOutState.FAILED and row.added:
        return to == OptOutState.UNDOING  # it has added suppressions, so it can only be undone
    # A list whose reading is changed once more stays uploaded.
    return to in _TABLES[type(row)][row.state] or row.state == to == ImportState.UPLOADED


def change_state(row: Stateful, to: str, **values: Any) -> None:
    """Save the whole row with its new state and `values`. The caller holds the row's lock. Raises InvalidTransition."""
    _require(row, to)
    row.state = to
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


def change_state_if_still(row: OptOutImport | RecipientImport, to: str, **values: Any) -> None:
    """Write the new state and `values` if the stored list is still in the state of `row`, which was read without its lock.
    Raises Superseded, InvalidTransition."""
    _require(row, to)
    write_if_still(row, state=to, **values)


def write_if_still(row: OptOutImport | RecipientImport, **values: Any) -> None:
    """Write `values` if the stored list is still in the state of `row`. Raises Superseded."""
    rows = type(row).objects.filter(pk=row.pk, state=row.state)
    if not rows.update(updated_at=Now(), **values):
        raise Superseded


def _require(row: Stateful, to: str) -> None:
    if not can_become(row, to):
        raise InvalidTransition(f"{type(row).__name__}: {row.state} -> {to}")


def locked(campaign: Campaign) -> Campaign:
    """The current campaign, locked against other services and the tick until the transaction ends.

    It is read in a second statement: one that waits for a lock rereads the locked row, but joined rows are those from before the
    wait."""
    Campaign.objects.select_for_update(no_key=True).only("pk").get(pk=campaign.pk)
    return Campaign.objects.select_related(
        "workspace", "lane__use_case__setup", "lane__use_case__workspace", "recording"
    ).get(pk=campaign.pk)


def require(row: Campaign, states: Collection[CampaignState], done: str) -> None:
    """Raise ServiceError unless the campaign is in one of `states`; `done` is a participle for the message: “can be paused”."""
    if row.state not in states:
        raise ServiceError("campaign_state", passed(row, states, done), campaign_state=row.state)


def passed(row: Campaign, states: Collection[CampaignState], done: str) -> str:
    """Why something cannot be done with a campaign that is in none of `states`, as sentences."""
    names = [_called(state) for state in CampaignState if state in states]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
    which = listed if states == {CampaignState.DRAFT} else f"one that is {listed}"
    return f"This campaign is {_called(row.state)}. Only {which} can be {done}."


def _called(state: str) -> str:
    return "a draft" if state == CampaignState.DRAFT else str(state)


def require_as_seen(seen: Campaign, row: Campaign) -> None:
    """Raise ServiceError if a draft of the caller is scheduled by now: what is changed then is sent, which needs another right."""
    if seen.state == CampaignState.DRAFT and row.state == CampaignState.SCHEDULED:
        raise ServiceError(
            "campaign_state",
            "This campaign was scheduled meanwhile, so what is changed in it is sent. Look at it again, and change it then.",
            campaign_state=row.state,
        )


def change_campaign(
    row: Campaign, to: CampaignState, action: str, actor: User | None, *, because: str = "", **values: Any
) -> Campaign:
    """Save the campaign with its new state and `values`, record an audit event, with a reason that is not the actor's wish, and tell
    the workspace's systems. The caller holds the campaign's lock."""
    was = row.state
    change_state(row, to, **values)
    audit.record(
        action, row, actor=actor, workspace=row.workspace, was=was, **({"because": because} if because else {})
    )
    if action in TYPES:
        outbox.add(
            action,
            row.pk,
            workspace_id=row.workspace_id,
            live=row.live,
            campaign_id=row.pk,
            state=to,
            use_case_id=row.lane.use_case_id,
        )
    return row


def reopen(row: Campaign, actor: User | None) -> Campaign:
    """completed -> running, or -> paused if it completed while its lane was held for a pause, for voicemails that are queued again.
    The caller holds the campaign's lock.

    `ends_at` stays, even if it is past: a voicemail with an expiry of its own keeps it, and one without has expired."""
    Lane.objects.filter(pk=row.pk).update(expires_at=row.ends_at, idle=False)
    paused = row.lane.held
    return change_campaign(
        row,
        CampaignState.PAUSED if paused else CampaignState.RUNNING,
        "campaign.reopened",
        actor,
        because="It completed while it was paused, and nobody has resumed it." if paused else "",
        ended_at=None,
        measured_at=None,
        rate_per_second=None,
    )


def future_end(row: Campaign, now: datetime) -> datetime | None:
    """The campaign's end if it is in the future, else None: retried voicemails then get an expiry of their own."""
    return row.ends_at if row.ends_at is not None and row.ends_at > now else None


def already_launched(row: Campaign) -> ServiceError:
    """The refusal of an edit after the launch: who launched the campaign, when, and what can still be changed."""
    who = f" by {row.launched_by}" if row.launched_by else ""
    when = f" on {moments.moment(row.launched_at)}" if row.launched_at else ""
    begun = f"It was launched{who}{when}" if row.launched_at else "It has ended"
    more = (
        "Its name, pace and priority can be changed at any time; while it is paused also recording, hours, days, end and attempts "
        "of those who still wait, and how many are tried first."
        if row.state in (CampaignState.RUNNING, CampaignState.PAUSED)
        else "Its name, pace and priority can still be changed."
    )
    return ServiceError(
        "campaign_begun",
        f"{begun} and is {row.state}: who is reached stays. {more}",
        campaign_state=row.state,
    )


def is_importing(row: Campaign) -> bool:
    """Whether an import or a copy is inserting voicemails, which may commit after the caller has looked."""
    return row.is_copying or RecipientImport.objects.filter(campaign=row, state=ImportState.IMPORTING).exists()
