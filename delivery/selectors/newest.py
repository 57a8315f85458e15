"""The first page of a list of voicemails, which an index has together whatever it is filtered by, among millions of others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet, UUIDField, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from delivery.lifecycle.status import VoicemailStatus
from delivery.models import Lane, Voicemail
from delivery.selectors.filters import EPOCH, Among, VoicemailFilter, conditions_of, failed_for
from delivery.selectors.voicemails import voicemails
from rvm.platform.database.ids import first_id_at
from rvm.platform.models import Workspace
from usecases.models import UseCase

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
    among = RawSQL(f"ARRAY({statement})", parameters)  # made here  # noqa: S611  # nosec B611
    return Voicemail.objects.filter(Among(F("pk"), among)).order_by("-id")


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
    conditions = conditions_of([workspace.pk], replace(groups.rest, campaign_id=None))
    low, high = conditions.pop("id__gte", _LOWEST), conditions.pop("id__lt", _HIGHEST)
    high = UUID(int=min(high, below or high).int - 1)
    if groups.rest.campaign_id:
        conditions["lane_id"] = groups.rest.campaign_id
    other = Q(workspace=workspace, live=True, **conditions) & failed_for(groups.rest)
    hidden = ExpressionWrapper(other, output_field=BooleanField())
    within = _OF_A_GROUP.format(
        columns=", ".join(f"delivery_voicemail.{column}" for column in groups.columns),
        values=", ".join(
            "kind.word" if column in ("status", "reason") else f"grouped.of_{column}" for column in groups.columns
        ),
    )
    each = Voicemail.objects.filter(
        RawSQL(within, (low, high), output_field=BooleanField()),  # made here  # noqa: S611  # nosec B611
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
    since = first_id_at(max(filters.updated_after or EPOCH, EPOCH))
    every = voicemails(workspace, filters, live=True).select_related(None)
    every = every.filter(id__lt=below) if below else every
    if groups is None:
        made = every.filter(id__gte=since).order_by("-id").values("pk")[:count].query.sql_with_params()
    else:
        later = max(filters.created_after or EPOCH, filters.updated_after or EPOCH)
        rest = replace(groups.rest, created_after=later)
        made = _newest_of_each(workspace, groups._replace(rest=rest), count, below)
    changed = every.filter(id__lt=since).order_by().values("pk").query.sql_with_params()
    return _CHANGED.format(made=made[0], changed=changed[0]), (*made[1], *changed[1], count)
