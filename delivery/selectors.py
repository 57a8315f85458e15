"""Selectors of voicemails, drops, recordings and clips, each within one workspace unless it says otherwise.

Voicemails are live or test; recordings and clips are shared by both.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, F, FilteredRelation, Func, OuterRef, Q, QuerySet, Subquery

from delivery.identifiers import by_either, by_record_number, by_reference
from delivery.lifecycle.status import VoicemailStatus
from delivery.models import Clip, Drop, Lane, Recording, Voicemail
from rvm.platform.database.ids import first_id_at
from rvm.platform.database.prepared import prepared
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.models import Workspace
from usecases.models import TelephonySetup, UseCase
from usecases.selectors import senders_of, use_case_by_id

_EPOCH = datetime.fromtimestamp(0, UTC)  # the epoch of ids


@dataclass(frozen=True, slots=True)
class VoicemailFilter:
    """Conditions on voicemails, joined by AND; None or empty means no condition.

    `recipient` is E.164; `either` is a reference or a record number. `*_after` is inclusive and `*_before` exclusive; creation times
    are compared to the millisecond. `failed_for` limits the failed ones among `statuses` to those with one of these reasons.
    """

    use_case_id: UUID | None = None
    setup_id: UUID | None = None
    campaign_id: UUID | None = None
    statuses: Collection[str] = ()
    failed_for: Collection[str] = ()
    reason: str = ""
    carrier: str = ""
    reference: str = field(default="", repr=False)
    record_number: str = field(default="", repr=False)
    either: str = field(default="", repr=False)
    recipient: str = field(default="", repr=False)
    created_after: datetime | None = None
    created_before: datetime | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None


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
    conditions = _conditions(ids, filters)
    if filters.failed_for:
        found = found.filter(~Q(status=VoicemailStatus.FAILED) | Q(reason__in=list(filters.failed_for)))
    if filters.recipient and len(ids) > 1:
        theirs = Voicemail.objects.filter(recipient_index__in=conditions.pop("recipient_index__in"))
        found = found.filter(_Among(F("pk"), ArraySubquery(theirs.values("pk"))))
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
            found = found.filter(_Among(F("pk"), ArraySubquery(entries(workspaces, text).values("voicemail_id"))))
    return found


class _Among(Func):
    """`id = ANY(array)`, with the array evaluated once and first.

    Without statistics on the identifiers the planner would assume many matches and scan the workspace from its newest voicemail."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY("
    output_field = BooleanField()


def _of_lane(lane: Lane) -> Mapping[str, Any]:
    """Conditions for the voicemails of a lane, with redundant ones for the planner, because no index begins with the lane.

    The id range keeps a page of an old campaign from scanning all later voicemails; the use case finds the few in a rare status among
    a million.
    """
    stretch = {"id__gte": lane.first_id, "id__lte": lane.last_id}
    sure = {"lane_id": lane.pk, "use_case_id": lane.use_case_id, **stretch}
    return {name: value for name, value in sure.items() if value is not None}


def _conditions(workspaces: Sequence[UUID], filters: VoicemailFilter) -> dict[str, Any]:
    index, number = blind_index(), filters.recipient
    addressed = [each for workspace_id in workspaces for each in index.all_of(workspace_id, number)] if number else None
    conditions: dict[str, Any] = {
        "use_case_id": filters.use_case_id,
        "setup_id": filters.setup_id,
        "status__in": list(filters.statuses) or None,
        "reason": filters.reason or None,
        "reference": filters.reference or None,
        "recipient_index__in": addressed,
        "id__gte": first_id_at(max(filters.created_after, _EPOCH)) if filters.created_after else None,
        "id__lt": first_id_at(max(filters.created_before, _EPOCH)) if filters.created_before else None,
        "updated_at__gte": filters.updated_after,
        "updated_at__lt": filters.updated_before,
    }
    if filters.carrier:
        # A workspace has few setups; a list of their ids lets the query use an index of voicemails.
        setups = TelephonySetup.objects.filter(workspace__in=workspaces, carrier=filters.carrier)
        conditions["setup__in"] = list(setups.values_list("pk", flat=True))
    return {name: value for name, value in conditions.items() if value is not None}


def drops_of(voicemail: Voicemail) -> QuerySet[Drop]:
    """Drops of the voicemail in order, with their setups."""
    return (
        Drop.objects.filter(voicemail=voicemail).select_related("setup").defer("setup__credentials").order_by("number")
    )


def recordings(workspace: Workspace) -> QuerySet[Recording]:
    """All recordings of the workspace, including assembled ones."""
    return Recording.objects.filter(workspace=workspace)


@prepared
def _recordings_by_id(workspace_id: UUID, recording_id: UUID) -> QuerySet[Recording]:
    return Recording.objects.filter(workspace=workspace_id, pk=recording_id)


def recording(workspace: Workspace, recording_id: UUID) -> Recording | None:
    """The recording; None if the workspace has none with this id."""
    return next(iter(_recordings_by_id(workspace.pk, recording_id)), None)


class Sending(NamedTuple):
    """What a send needs to know of what it names. `lane`: of the API's voicemails, None before the first one."""

    use_case: UseCase
    recording: Recording | None
    lane: Lane | None


# What a send reads of its use case and of the setups; the other columns are read when they are asked for.
_OF_USE_CASE = {
    *("id", "workspace", "name", "setup", "failover_setup", "purpose", "confidential_numbers", "expires_after_hours"),
    "deleted_at",
}
_OF_SETUP = {"id", "name", "carrier", "enabled", "baa_signed_on", "baa_exception_reason", "deleted_at"}
_UNREAD = [
    *(field.name for field in UseCase._meta.concrete_fields if field.name not in _OF_USE_CASE),
    *(
        f"{setup}__{field.name}"
        for setup in ("setup", "failover_setup")
        for field in TelephonySetup._meta.concrete_fields
        if field.name not in _OF_SETUP
    ),
]


@prepared
def _sending(workspace_id: UUID, use_case_id: UUID, recording_id: UUID, live: bool) -> QuerySet[UseCase]:
    lanes = Lane.objects.filter(use_case=OuterRef("pk"), live=live, for_api=True)
    named = FilteredRelation("workspace__recordings", condition=Q(workspace__recordings__pk=recording_id))
    found = use_case_by_id(workspace_id, use_case_id).annotate(recording=named).select_related("recording")
    return found.annotate(senders=senders_of(OuterRef("pk")), lane_id=Subquery(lanes.values("pk"))).defer(*_UNREAD)


def sending(workspace: Workspace, use_case_id: UUID, recording_id: UUID, *, live: bool) -> Sending | None:
    """What a send names, in one statement; None if the workspace has no such use case."""
    for use_case in _sending(workspace.pk, use_case_id, recording_id, live):
        use_case.workspace = workspace
        found: Any = use_case
        return Sending(
            use_case, getattr(found, "recording", None), found.lane_id and _api_lane(found.lane_id, use_case, live)
        )
    return None


def _api_lane(lane_id: UUID, use_case: UseCase, live: bool) -> Lane:
    """The row; other columns are read when they are asked for."""
    columns = {"id": lane_id, "workspace_id": use_case.workspace_id, "use_case_id": use_case.pk, "live": live}
    lane = Lane.from_db(None, [*columns, "for_api"], [*columns.values(), True])
    lane.use_case = use_case
    return lane


def selectable_recordings(workspace: Workspace, *, archived: bool = False) -> QuerySet[Recording]:
    """Uploaded recordings of the workspace that have their sound, for lists and choices, or those that are archived."""
    found = recordings(workspace).filter(assembled=False, sound_removed_at=None)
    return found.filter(archived_at__isnull=not archived).defer("waveform")


def clips(workspace: Workspace) -> QuerySet[Clip]:
    return Clip.objects.filter(workspace=workspace)


def selectable_clips(workspace: Workspace, *, archived: bool = False) -> QuerySet[Clip]:
    """Clips of the workspace that have their sound, for lists and choices, or those that are archived."""
    return clips(workspace).filter(sound_removed_at=None, archived_at__isnull=not archived)
