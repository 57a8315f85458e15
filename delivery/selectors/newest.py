"""The first page of a list of voicemails, which an index has together whatever it is filtered by, among millions of others.

The statements are texts, put together from what is asked for: the ORM took longer to write one than PostgreSQL to answer it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from delivery.identifiers import CONDITIONS, condition_values
from delivery.lifecycle.status import VoicemailStatus
from delivery.models.voicemail import COMMON_STATUSES
from delivery.selectors.filters import EPOCH, VoicemailFilter, conditions_of
from rvm.platform.database.ids import first_id_at
from rvm.platform.database.narrow_rows import Sql
from rvm.platform.models import Workspace
from rvm.platform.observability.representation import hides

_NEWEST = """
SELECT v.id FROM delivery_voicemail v WHERE {conditions} ORDER BY v.id DESC LIMIT %(count)s
"""
# The newest voicemails of each group, which an index has together and in order. They are compared as rows, because the planner
# leaves an order by what is equal to something out of account, and would read all newer voicemails on its way to what is rare or
# ended long ago: it takes values for evenly spread over the years. The other conditions are hidden from it by `coalesce`, because
# it would take them for reasons to sort.
_NEWEST_OF_EACH = """
SELECT found.id FROM ({groups}) AS grouped CROSS JOIN unnest(%({words})s::text[]) AS kind(word) CROSS JOIN LATERAL (
  SELECT v.id FROM delivery_voicemail v
   WHERE ({columns}, v.id) >= ({values}, greatest(grouped.low, %({low})s::uuid{enough}))
     AND ({columns}, v.id) <= ({values}, least(grouped.high, %(high)s::uuid))
     AND coalesce({conditions}, false){partial}
   ORDER BY {order}, v.id DESC LIMIT %(count)s) AS found
 ORDER BY found.id DESC LIMIT %(count)s
"""
# Most have the first of the words. Where these are enough for the page, those of the others that are older than all of them are
# not looked for: in a few of a campaign among many of its use case, each word would take as long as the first.
_NEWEST_OF_TWO = """
WITH likely AS MATERIALIZED ({likely})
SELECT found.id FROM (SELECT id FROM likely UNION ALL ({others})) AS found(id) ORDER BY found.id DESC LIMIT %(count)s
"""
_ENOUGH = ", (SELECT likely.id FROM likely ORDER BY likely.id DESC OFFSET %(count)s - 1 LIMIT 1)"
# Those that were made since, and where these do not fill the page, of the earlier ones those that have changed since, which are few
# and found by their own index.
_CHANGED = """
WITH made AS MATERIALIZED ({made})
SELECT found.id FROM (SELECT id FROM made UNION ALL (
  SELECT v.id FROM delivery_voicemail v WHERE {conditions} AND (SELECT count(*) FROM made) < %(count)s OFFSET 0)) AS found(id)
 ORDER BY found.id DESC LIMIT %(count)s
"""
_USE_CASES = """
SELECT id AS use_case_id, %(lowest)s::uuid AS low, %(highest)s::uuid AS high
  FROM usecases_usecase WHERE workspace_id = %(workspace_id)s"""
_OF_CAMPAIGN = """
SELECT id AS lane_id, use_case_id, coalesce(first_id, %(lowest)s::uuid) AS low, coalesce(last_id, %(highest)s::uuid) AS high
  FROM delivery_lane WHERE workspace_id = %(workspace_id)s AND id = %(campaign_id)s AND NOT for_api"""
_OF_WORKSPACE = "SELECT %(workspace_id)s::uuid AS workspace_id, %(lowest)s::uuid AS low, %(highest)s::uuid AS high"
_SETUPS = "SELECT id AS setup_id FROM usecases_telephonysetup WHERE workspace_id = %(workspace_id)s"
# A campaign and its lane have the same id; lanes of the API do not belong to a campaign.
_IN_CAMPAIGN = (
    "v.lane_id = %(campaign_id)s AND EXISTS (SELECT FROM delivery_lane WHERE id = %(campaign_id)s AND NOT for_api)"
)
_AT_CARRIER = f"v.setup_id = ANY(ARRAY({_SETUPS} AND carrier = %(carrier)s))"
_FAILED_FOR = f"(v.status <> '{VoicemailStatus.FAILED}' OR v.reason = ANY(%(failed_for)s))"
# What the partial indexes are of.
_HAS_REASON = "v.reason > ''"
_ENDED_OTHERWISE = "v.status NOT IN ('{}')".format("', '".join(COMMON_STATUSES))
# By the lookups of `conditions_of`.
_COMPARISONS = {"": "=", "in": "= ANY", "gte": ">=", "lt": "<"}
_LIKELY = (VoicemailStatus.DELIVERED, VoicemailStatus.FAILED)
_LOWEST, _HIGHEST = UUID(int=0), UUID(int=(1 << 128) - 1)


def newest(workspace: Workspace, filters: VoicemailFilter, count: int, *, live: bool, below: UUID | None = None) -> Sql:
    """The ids of the first `count` of `voicemails`, newest first, of those that are less than `below`."""
    compared = conditions_of([workspace.pk], replace(filters, carrier=""))
    low, end = compared.pop("id__gte", _LOWEST), compared.pop("id__lt", _HIGHEST)
    asked = _Asked(filters, compared, live)
    values = {
        **compared,
        "workspace_id": workspace.pk,
        "campaign_id": filters.campaign_id,
        "carrier": filters.carrier,
        "failed_for": list(filters.failed_for),
        "lowest": _LOWEST,
        "low": low,
        "high": UUID(int=min(end, below or end).int - 1),
        "highest": _HIGHEST,
        "count": count,
    }
    for name in CONDITIONS:
        if text := getattr(filters, name):
            values |= condition_values(workspace.pk, name, text)
    if asked.many and filters.updated_after:
        since = max(first_id_at(max(filters.updated_after, EPOCH)), low)
        values |= {"since": since, "before_since": min(UUID(int=since.int - 1), values["high"])}
        made = _newest(asked, values, low="since")
        return Sql(_CHANGED.format(made=made, conditions=asked.texts("low", "before_since", by_change=True)), values)
    return Sql(_newest(asked, values, low="low"), values)


@hides("compared")
class _Asked(NamedTuple):
    """What is asked for, and what is compared with columns of it, by the lookups of `conditions_of`."""

    filters: VoicemailFilter
    compared: Mapping[str, Any]
    live: bool

    @property
    def many(self) -> bool:
        """Whether many may match. Otherwise an index finds all, without their order: test voicemails, and those of a person."""
        of_few = (self.filters.recipient, *(getattr(self.filters, name) for name in CONDITIONS))
        return self.live and not any(of_few)

    def texts(self, low: str, high: str, *, without: Collection[str] = (), by_change: bool = False) -> str:
        """The conditions but for those `without`, of ids from one parameter to another. `by_change`: the index of changes is to be
        read; elsewhere it is hidden, because the planner would read all that changed, wherever it is, in place of the newest."""
        texts = ["v.workspace_id = %(workspace_id)s", "v.live" if self.live else "NOT v.live"]
        texts += [f"v.id >= %({low})s", f"v.id <= %({high})s"]
        for name in [name for name in self.compared if name not in without]:
            column, _, lookup = name.partition("__")
            text = f"v.{column} {_COMPARISONS[lookup]} (%({name})s)"
            texts.append(f"coalesce({text}, false)" if column == "updated_at" and not by_change else text)
        others = {"campaign_id": _IN_CAMPAIGN, "carrier": _AT_CARRIER, "failed_for": _FAILED_FOR, **CONDITIONS}
        texts += [text for name, text in others.items() if getattr(self.filters, name) and name not in without]
        return " AND ".join(texts)


class _Groups(NamedTuple):
    """Voicemails by what they have in the first `columns` of an index: one has a word of `words`, the others are what `rows` name,
    with the least and the greatest id that these have. `by` are the conditions that this answers, `partial` what the index is of."""

    columns: tuple[str, ...]
    words: Sequence[str]
    rows: str
    by: frozenset[str]
    partial: str = ""


def _newest(asked: _Asked, values: dict[str, Any], *, low: str) -> str:
    """The statement for ids from this parameter on; `values` get what it needs."""
    groups = _groups(asked.filters) if asked.many else None
    if groups is None:
        return _NEWEST.format(conditions=asked.texts(low, "high"))
    values |= {"likely": list(groups.words[:1]), "others": list(groups.words[1:])}
    likely = _newest_of_each(asked, groups, "likely", low)
    if not values["others"]:
        return likely
    return _NEWEST_OF_TWO.format(likely=likely, others=_newest_of_each(asked, groups, "others", low, _ENOUGH))


def _newest_of_each(asked: _Asked, groups: _Groups, words: str, low: str, enough: str = "") -> str:
    columns = [f"v.{column}" for column in groups.columns]
    return _NEWEST_OF_EACH.format(
        groups=groups.rows,
        words=words,
        low=low,
        enough=enough,
        columns=", ".join(columns),
        values=", ".join(
            "kind.word" if column in ("status", "reason") else f"grouped.{column}" for column in groups.columns
        ),
        conditions=f"({asked.texts(low, 'high', without=groups.by)})",
        partial=f" AND {groups.partial}" if groups.partial else "",
        order=", ".join(f"{column} DESC" for column in columns),
    )


def _groups(filters: VoicemailFilter) -> _Groups | None:
    """None for all voicemails of the workspace, which an index has in order."""
    named = [filters.use_case_id, filters.campaign_id, filters.setup_id, filters.carrier, filters.reason]
    if not any(named) and not filters.statuses:
        return None
    # Most are delivered, and of the others most failed.
    statuses = sorted({*(filters.statuses or VoicemailStatus)}, key=lambda word: (word not in _LIKELY, word))
    use_cases = _OF_CAMPAIGN if filters.campaign_id else _USE_CASES
    if filters.use_case_id:
        use_cases += f" AND {'use_case_id' if filters.campaign_id else 'id'} = %(use_case_id)s"
    elsewhere = filters.setup_id or filters.carrier or filters.reason
    rare = set(statuses).isdisjoint(COMMON_STATUSES)
    if filters.campaign_id and (rare or not elsewhere):
        return _Groups(
            ("lane_id", "status"), statuses, use_cases, frozenset({"campaign_id", "use_case_id", "status__in"})
        )
    if rare and not any(named):
        by = frozenset({"status__in"})
        return _Groups(("workspace_id", "status"), statuses, _OF_WORKSPACE, by, _ENDED_OTHERWISE)
    setups = _SETUPS
    setups += " AND id = %(setup_id)s" if filters.setup_id else ""
    setups += " AND carrier = %(carrier)s" if filters.carrier else ""
    both = f"FROM ({use_cases}) AS named CROSS JOIN ({setups}) AS setups"
    if filters.reason:
        columns = ("reason", "use_case_id", "setup_id")
        by = frozenset({"reason", "use_case_id", "setup_id", "carrier"})
        return _Groups(columns, [filters.reason], f"SELECT use_case_id, setup_id, low, high {both}", by, _HAS_REASON)
    if filters.setup_id or filters.carrier:
        by = frozenset({"setup_id", "carrier", "status__in"})
        return _Groups(("setup_id", "status"), statuses, f"SELECT DISTINCT setup_id, low, high {both}", by)
    return _Groups(("use_case_id", "status"), statuses, use_cases, frozenset({"use_case_id", "status__in"}))
