"""Where a campaign stands: locked for a verb, refused where the verb does not fit, moved and audited."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from campaigns.models import Campaign, RecipientImport
from campaigns.states import CampaignState, ImportState, may_move
from delivery.models import Lane
from rvm.platform import audit
from rvm.platform.errors import ServiceError
from rvm.platform.models import User


def locked(campaign: Campaign) -> Campaign:
    """The campaign as it is now, kept from other verbs and from the tick until the transaction ends.

    Read after it is locked: a statement that waits for a lock sees that row anew, and what it joins as it was before the wait."""
    Campaign.objects.select_for_update(no_key=True).only("pk").get(pk=campaign.pk)
    return Campaign.objects.select_related(
        "workspace", "lane__use_case__setup", "lane__use_case__workspace", "recording"
    ).get(pk=campaign.pk)


def require(row: Campaign, states: Collection[CampaignState], done: str) -> None:
    """ServiceError unless the campaign is in one of the states; `done` is what is asked for, as in “can be paused”."""
    if row.state in states:
        return
    names = [state.value for state in CampaignState if state in states]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
    raise ServiceError(
        "campaign_state",
        f"A campaign can be {done} while it is {listed}; this one is {row.state}.",
        campaign_state=row.state,
    )


def move(row: Campaign, to: CampaignState, action: str, actor: User | None, **values: Any) -> Campaign:
    """Write the new state and what comes with it. The caller holds the lock; a move that the table does not list is a bug."""
    if not may_move(CampaignState(row.state), to):
        raise ValueError(f"{row.state} -> {to}")
    was, row.state = row.state, to
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    audit.record(action, row, actor=actor, workspace=row.workspace, was=was)
    return row


def reopen(row: Campaign, actor: User | None) -> Campaign:
    """completed -> running, for voicemails that are queued again. The caller holds the campaign's lock.

    Its end stays, also where it is past: whoever was given a time of their own has that, and who was not is out of time."""
    Lane.objects.filter(pk=row.pk).update(held=not row.recordings_set, expires_at=row.ends_at, idle=False)
    return move(
        row, CampaignState.RUNNING, "campaign.reopened", actor, ended_at=None, measured_at=None, rate_per_second=None
    )


def end_ahead(row: Campaign, now: datetime) -> datetime | None:
    """The end that still binds who is tried again; past it, each is given a time of its own."""
    return row.ends_at if row.ends_at is not None and row.ends_at > now else None


def claimed(row: Campaign) -> ServiceError:
    """Why it cannot be edited any more: who began it, when, and what can still be changed."""
    who = f" by {row.launched_by}" if row.launched_by else ""
    when = f" on {row.launched_at:%-d %B %Y at %H:%M} UTC" if row.launched_at else ""
    begun = f"It was launched{who}{when}" if row.launched_at else "It has ended"
    return ServiceError(
        "campaign_claimed",
        f"{begun} and is {row.state}: who is reached and what they hear stays. Its name, pace and priority can still be changed.",
        campaign_state=row.state,
    )


def is_importing(row: Campaign) -> bool:
    """Voicemails of it may be about to be committed."""
    return RecipientImport.objects.filter(campaign=row, state=ImportState.IMPORTING).exists()
