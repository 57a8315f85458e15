"""What can be asked about recordings and voicemails: always within one workspace, newest first.

Voicemails are of one of two worlds, live or test; sounds are of both.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, F, Func, QuerySet

from delivery.identifiers import by_either, by_record_number, by_reference
from delivery.models import Clip, Drop, Lane, Recording, Voicemail, VoicemailIdentifier
from rvm.platform.database.ids import first_id_at
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.models import Workspace
from usecases.models import TelephonySetup

_EPOCH = datetime.fromtimestamp(0, UTC)  # ids count from here


@dataclass(frozen=True, slots=True)
class VoicemailFilter:
    """All filters must hold; None or empty leaves one out. `recipient` is E.164; `either` is a reference or a record
    number.

    `_after` begins with its moment and `_before` ends before it; creation is compared to the millisecond.
    """

    use_case_id: UUID | None = None
    setup_id: UUID | None = None
    campaign_id: UUID | None = None
    statuses: Collection[str] = ()
    reason: str = ""
    carrier: str = ""
    reference: str = ""
    record_number: str = ""
    either: str = ""
    recipient: str = ""
    created_after: datetime | None = None
    created_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None


def voicemails(
    workspace: Workspace, sought: VoicemailFilter | None = None, *, live: bool | None
) -> QuerySet[Voicemail]:
    """The workspace's voicemails that pass the filter: live ones, test ones (False) or both (None)."""
    found = (
        Voicemail.objects.filter(workspace=workspace)
        .select_related("recording", "lane", "setup")
        .defer("setup__credentials", "recording__waveform")
    )
    if live is not None:
        found = found.filter(live=live)
    if sought is None:
        return found
    if sought.campaign_id:
        # A campaign and its lane have one id; the lanes of the API are no campaigns.
        lane = Lane.objects.filter(pk=sought.campaign_id, workspace=workspace, for_api=False).first()
        if lane is None:
            return found.none()
        found = found.filter(**_of_lane(lane))
    return _identified(workspace, sought, found).filter(**_conditions(workspace, sought))


def _identified(workspace: Workspace, sought: VoicemailFilter, found: QuerySet[Voicemail]) -> QuerySet[Voicemail]:
    """By the narrow table: no index of the voicemails' own has references."""
    if sought.reference:
        found = found.filter(_Among(F("pk"), ArraySubquery(_ids(by_reference(workspace.pk, sought.reference)))))
    if sought.record_number:
        found = found.filter(_Among(F("pk"), ArraySubquery(_ids(by_record_number(workspace.pk, sought.record_number)))))
    if sought.either:
        found = found.filter(_Among(F("pk"), ArraySubquery(_ids(by_either(workspace.pk, sought.either)))))
    return found


class _Among(Func):
    """Whether an id is one of an array's. The array is made first, once: of a table that it has not counted yet the planner would
    take a name for a common one, and look through all of a workspace for the few that have it, newest first."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY("
    output_field = BooleanField()


def _ids(entries: QuerySet[VoicemailIdentifier]) -> QuerySet[VoicemailIdentifier, Any]:
    return entries.values("voicemail_id")


def _of_lane(lane: Lane) -> Mapping[str, Any]:
    """What is sure of its voicemails is said as well, because no index begins with a lane: the stretch of their ids keeps a page of
    an old campaign from being sought through all that came later, the use case finds the few in a rare status among a million.
    """
    stretch = {"id__gte": lane.first_id, "id__lte": lane.last_id}
    sure = {"lane_id": lane.pk, "use_case_id": lane.use_case_id, **stretch}
    return {name: value for name, value in sure.items() if value is not None}


def _conditions(workspace: Workspace, sought: VoicemailFilter) -> Mapping[str, Any]:
    conditions: dict[str, Any] = {
        "use_case_id": sought.use_case_id,
        "setup_id": sought.setup_id,
        "status__in": list(sought.statuses) or None,
        "reason": sought.reason or None,
        "reference": sought.reference or None,
        "recipient_index__in": blind_index().all_of(workspace.pk, sought.recipient) if sought.recipient else None,
        "id__gte": first_id_at(max(sought.created_after, _EPOCH)) if sought.created_after else None,
        "id__lt": first_id_at(max(sought.created_before, _EPOCH)) if sought.created_before else None,
        "updated_at__gte": sought.updated_after,
        "updated_at__lt": sought.updated_before,
    }
    if sought.carrier:
        # A workspace has a handful of setups; naming them keeps the page on the voicemails' own index.
        setups = TelephonySetup.objects.filter(workspace=workspace, carrier=sought.carrier)
        conditions["setup__in"] = list(setups.values_list("pk", flat=True))
    return {name: value for name, value in conditions.items() if value is not None}


def drops_of(voicemail: Voicemail) -> QuerySet[Drop]:
    """Its attempts, in order."""
    return (
        Drop.objects.filter(voicemail=voicemail).select_related("setup").defer("setup__credentials").order_by("number")
    )


def recordings(workspace: Workspace) -> QuerySet[Recording]:
    """All that can be fetched by id, also those that a campaign assembled."""
    return Recording.objects.filter(workspace=workspace)


def offered_recordings(workspace: Workspace) -> QuerySet[Recording]:
    """Those that people uploaded, for lists and choices."""
    return recordings(workspace).filter(assembled=False).defer("waveform")


def clips(workspace: Workspace) -> QuerySet[Clip]:
    return Clip.objects.filter(workspace=workspace)
