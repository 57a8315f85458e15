"""Voicemails and their drops, filtered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, QuerySet

from delivery.identifiers import by_either, by_record_number, by_reference
from delivery.models import Drop, Lane, Voicemail
from delivery.selectors.filters import Among, VoicemailFilter, conditions_of, failed_for
from rvm.platform.models import Workspace


def voicemails(
    workspace: Workspace, filters: VoicemailFilter | None = None, *, live: bool | None
) -> QuerySet[Voicemail]:
    """The workspace's voicemails that pass the filter: live ones, test ones (False) or both (None)."""
    return voicemails_in([workspace], filters, live=live)


def voicemails_in(
    workspaces: Sequence[Workspace], filters: VoicemailFilter | None = None, *, live: bool | None
) -> QuerySet[Voicemail]:
    """The same of several workspaces. Of more than one, only what a recipient or an identifier limits is read by an index.

    Then these come first: a planner that has not counted a new workspace's rows would read them all."""
    # An index begins with the workspace, and only an equation leaves its order.
    within = {"workspace": workspaces[0]} if len(workspaces) == 1 else {"workspace__in": workspaces}
    found = (
        Voicemail.objects.filter(**within)
        .select_related("recording", "lane", "setup")
        .defer("setup__credentials", "recording__waveform")
    )
    if live is not None:
        found = found.filter(live=live)
    if filters is None:
        return found
    if filters.campaign_id:
        # A campaign and its lane have the same id; lanes of the API do not belong to a campaign.
        lane = Lane.objects.filter(pk=filters.campaign_id, workspace__in=workspaces, for_api=False).first()
        if lane is None:
            return found.none()
        found = found.filter(**_of_lane(lane))
    ids = [workspace.pk for workspace in workspaces]
    conditions = conditions_of(ids, filters)
    found = found.filter(failed_for(filters))
    if filters.recipient and len(ids) > 1:
        theirs = Voicemail.objects.filter(recipient_index__in=conditions.pop("recipient_index__in"))
        found = found.filter(Among(F("pk"), ArraySubquery(theirs.values("pk"))))
    return _identified(ids, filters, found).filter(**conditions)


def _identified(
    workspaces: Sequence[UUID], filters: VoicemailFilter, found: QuerySet[Voicemail]
) -> QuerySet[Voicemail]:
    """Apply the filters on identifiers by VoicemailIdentifier, because Voicemail has no index on references."""
    sought = (
        (by_reference, filters.reference),
        (by_record_number, filters.record_number),
        (by_either, filters.either),
    )
    for entries, text in sought:
        if text:
            found = found.filter(Among(F("pk"), ArraySubquery(entries(workspaces, text).values("voicemail_id"))))
    return found


def _of_lane(lane: Lane) -> Mapping[str, Any]:
    """Conditions for the voicemails of a lane. Its id range is redundant, and keeps the planner from reading all later voicemails for
    a page of an old campaign."""
    stretch = {"lane_id": lane.pk, "id__gte": lane.first_id, "id__lte": lane.last_id}
    return {name: value for name, value in stretch.items() if value is not None}


def drops_of(voicemail: Voicemail) -> QuerySet[Drop]:
    """Drops of the voicemail in order, with their setups."""
    return (
        Drop.objects.filter(voicemail=voicemail).select_related("setup").defer("setup__credentials").order_by("number")
    )
