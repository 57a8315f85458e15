"""Selectors of voicemails, drops, recordings and clips, each within one workspace unless it says otherwise.

Voicemails are live or test; recordings and clips are shared by both.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    BooleanField,
    ExpressionWrapper,
    F,
    FilteredRelation,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    UUIDField,
    Value,
)
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

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
# By how much the clock that made an id may be ahead of the database's, which says when a row changed.
_CLOCKS_DIFFER = timedelta(hours=1)


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
    found = found.filter(_failed_for(filters))
    if filters.recipient and len(ids) > 1:
        theirs = Voicemail.objects.filter(recipient_index__in=conditions.pop("recipient_index__in"))
        found = found.filter(_Among(F("pk"), ArraySubquery(theirs.values("pk"))))
    return _identified(ids, filters, found).filter(**conditions)


def _failed_for(filters: VoicemailFilter) -> Q:
    """Every voicemail but those that failed for other reasons than those that are sought."""
    sought = list(filters.failed_for)
    return ~Q(status=VoicemailStatus.FAILED) | Q(reason__in=sought) if sought else Q()


# The newest voicemails of each group, which an index has together and in order. They are compared as rows, because the planner
# leaves an order by what is equal to something out of account, and would read all newer voicemails on its way to what is rare or
# ended long ago: it takes values for evenly spread over the years. The other conditions are hidden from it, because it would
# take them for reasons to sort.
_NEWEST_OF_EACH = """
SELECT found.id FROM ({groups}) AS grouped CROSS JOIN unnest(%s::text[]) AS kind(word)
 CROSS JOIN LATERAL ({voicemails}) AS found(id) ORDER BY found.id DESC LIMIT %s
"""
_OF_A_GROUP = """
({columns}, delivery_voicemail.id) >= ({values}, greatest(grouped.low, %s::uuid))
AND ({columns}, delivery_voicemail.id) <= ({values}, least(grouped.high, %s::uuid))
"""
# Those that were made since, and of the earlier ones those that have changed since, which are few and found by their own index.
_CHANGED = """
SELECT found.id FROM (({made}) UNION ALL (SELECT id FROM ({changed} OFFSET 0) AS changed(id))) AS found(id)
 ORDER BY found.id DESC LIMIT %s
"""
_LOWEST, _HIGHEST = UUID(int=0), UUID(int=(1 << 128) - 1)
_Sql = tuple[str, tuple[Any, ...]]


def newest(
    workspace: Workspace, filters: VoicemailFilter, count: int, *, live: bool | None, below: UUID | None = None
) -> QuerySet[Voicemail]:
    """The first `count` of `voicemails`, newest first, with ids less than `below`."""
    by_groups = live is True and not _names_few(filters)
    groups = _groups(workspace, filters) if by_groups else None
    if by_groups and filters.updated_after:
        statement, parameters = _changed(workspace, filters, groups, count, below)
    elif groups:
        statement, parameters = _newest_of_each(workspace, groups, count, below)
    else:
        found = voicemails(workspace, filters, live=live).order_by("-id")
        return (found.filter(id__lt=below) if below else found)[:count]
    among = RawSQL(f"ARRAY({statement})", parameters)  # noqa: S611 - made here
    return Voicemail.objects.filter(_Among(F("pk"), among)).order_by("-id")


def _names_few(filters: VoicemailFilter) -> bool:
    """Whether an index finds all that match, without their order."""
    return bool(filters.recipient or filters.reference or filters.record_number or filters.either)


class _Groups(NamedTuple):
    """Voicemails by what they have in the first `columns` of an index: one has a word of `words`, the others are what `rows` name,
    with the least and the greatest id that these have. `rest` are the remaining filters."""

    columns: tuple[str, ...]
    words: list[str]
    rows: QuerySet[Any, dict[str, Any]]
    rest: VoicemailFilter


def _groups(workspace: Workspace, filters: VoicemailFilter) -> _Groups | None:
    """None for all voicemails of the workspace, which an index has in order."""
    statuses = [*(filters.statuses or VoicemailStatus)]
    named = [filters.use_case_id, filters.campaign_id, filters.setup_id, filters.carrier, filters.reason]
    if not any(named) and not filters.statuses:
        return None
    use_cases = {"of_use_case_id": F("pk")}
    rows: QuerySet[Any] = UseCase.objects.filter(workspace=workspace)
    bounds: dict[str, Any] = {"low": Value(_LOWEST, UUIDField()), "high": Value(_HIGHEST, UUIDField())}
    if filters.campaign_id:
        rows = Lane.objects.filter(workspace=workspace, pk=filters.campaign_id, for_api=False)
        bounds = {"low": Coalesce("first_id", bounds["low"]), "high": Coalesce("last_id", bounds["high"])}
        use_cases = {"of_use_case_id": F("use_case")}
    if filters.use_case_id:
        rows = rows.filter(**{"use_case" if filters.campaign_id else "pk": filters.use_case_id})
    setups = {"of_setup_id": F("workspace__setups")}
    sought = {"workspace__setups": filters.setup_id, "workspace__setups__carrier": filters.carrier}
    by_setup = rows.filter(**{name: value for name, value in sought.items() if value})
    if filters.reason:
        rest = replace(filters, use_case_id=None, setup_id=None, carrier="", reason="")
        columns = ("reason", "use_case_id", "setup_id")
        return _Groups(columns, [filters.reason], by_setup.values(**use_cases, **setups, **bounds), rest)
    if filters.setup_id or filters.carrier:
        rest = replace(filters, setup_id=None, carrier="", statuses=())
        return _Groups(("setup_id", "status"), statuses, by_setup.values(**setups, **bounds).distinct(), rest)
    rest = replace(filters, use_case_id=None, statuses=())
    return _Groups(("use_case_id", "status"), statuses, rows.values(**use_cases, **bounds), rest)


def _newest_of_each(workspace: Workspace, groups: _Groups, count: int, below: UUID | None) -> _Sql:
    conditions = _conditions([workspace.pk], replace(groups.rest, campaign_id=None))
    low, high = conditions.pop("id__gte", _LOWEST), conditions.pop("id__lt", _HIGHEST)
    high = UUID(int=min(high, below or high).int - 1)
    if groups.rest.campaign_id:
        conditions["lane_id"] = groups.rest.campaign_id
    other = Q(workspace=workspace, live=True, **conditions) & _failed_for(groups.rest)
    hidden = ExpressionWrapper(other, output_field=BooleanField())
    within = _OF_A_GROUP.format(
        columns=", ".join(f"delivery_voicemail.{column}" for column in groups.columns),
        values=", ".join(
            "kind.word" if column in ("status", "reason") else f"grouped.of_{column}" for column in groups.columns
        ),
    )
    each = Voicemail.objects.filter(
        RawSQL(within, (low, high), output_field=BooleanField()),  # noqa: S611 - made here
        Coalesce(hidden, Value(False)),
        # What the partial index is of.
        **({"reason__gt": ""} if "reason" in groups.columns else {}),
    ).order_by(*(f"-{column}" for column in groups.columns), "-id")
    rows, of_rows = groups.rows.order_by().query.sql_with_params()
    found, of_found = each.values("pk")[:count].query.sql_with_params()
    return _NEWEST_OF_EACH.format(groups=rows, voicemails=found), (*of_rows, groups.words, *of_found, count)


def _changed(
    workspace: Workspace, filters: VoicemailFilter, groups: _Groups | None, count: int, below: UUID | None
) -> _Sql:
    since = first_id_at(max(filters.updated_after or _EPOCH, _EPOCH))
    every = voicemails(workspace, filters, live=True).select_related(None)
    every = every.filter(id__lt=below) if below else every
    if groups is None:
        made = every.filter(id__gte=since).order_by("-id").values("pk")[:count].query.sql_with_params()
    else:
        later = max(filters.created_after or _EPOCH, filters.updated_after or _EPOCH)
        rest = replace(groups.rest, created_after=later)
        made = _newest_of_each(workspace, groups._replace(rest=rest), count, below)
    changed = every.filter(id__lt=since).order_by().values("pk").query.sql_with_params()
    return _CHANGED.format(made=made[0], changed=changed[0]), (*made[1], *changed[1], count)


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
    before = [filters.created_before, filters.updated_before and filters.updated_before + _CLOCKS_DIFFER]
    conditions: dict[str, Any] = {
        "use_case_id": filters.use_case_id,
        "setup_id": filters.setup_id,
        "status__in": list(filters.statuses) or None,
        "reason": filters.reason or None,
        "reference": filters.reference or None,
        "recipient_index__in": addressed,
        "id__gte": first_id_at(max(filters.created_after, _EPOCH)) if filters.created_after else None,
        "id__lt": min((first_id_at(max(moment, _EPOCH)) for moment in before if moment), default=None),
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
    found = (
        use_case_by_id(workspace_id, use_case_id)
        .annotate(recording=named)
        .select_related(
            "recording"  # type: ignore[misc]  # the annotation
        )
    )
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
