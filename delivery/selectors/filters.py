"""Filters of voicemails, and the conditions that they are in the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, Func, Q

from delivery.lifecycle.status import VoicemailStatus
from rvm.platform.database.ids import first_id_at
from rvm.platform.encryption.crypto import blind_index
from usecases.models import TelephonySetup

EPOCH = datetime.fromtimestamp(0, UTC)  # the epoch of ids
# By how much the clock that made an id may be ahead of the database's, which says when a row changed.
_CLOCKS_DIFFER = timedelta(hours=1)
_LATEST = datetime.max.replace(tzinfo=UTC) - _CLOCKS_DIFFER  # to which they can be added


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


def conditions_of(workspaces: Sequence[UUID], filters: VoicemailFilter) -> dict[str, Any]:
    index, number = blind_index(), filters.recipient
    addressed = [each for workspace_id in workspaces for each in index.all_of(workspace_id, number)] if number else None
    changed_before = filters.updated_before and min(filters.updated_before, _LATEST) + _CLOCKS_DIFFER
    before = [filters.created_before, changed_before]
    conditions: dict[str, Any] = {
        "use_case_id": filters.use_case_id,
        "setup_id": filters.setup_id,
        "status__in": list(filters.statuses) or None,
        "reason": filters.reason or None,
        "reference": filters.reference or None,
        "recipient_index__in": addressed,
        "id__gte": first_id_at(max(filters.created_after, EPOCH)) if filters.created_after else None,
        "id__lt": min((first_id_at(max(moment, EPOCH)) for moment in before if moment), default=None),
        "updated_at__gte": filters.updated_after,
        "updated_at__lt": filters.updated_before,
    }
    if filters.carrier:
        # A workspace has few setups; a list of their ids lets the query use an index of voicemails.
        setups = TelephonySetup.objects.filter(workspace__in=workspaces, carrier=filters.carrier)
        conditions["setup__in"] = list(setups.values_list("pk", flat=True))
    return {name: value for name, value in conditions.items() if value is not None}


def failed_for(filters: VoicemailFilter) -> Q:
    """Every voicemail but those that failed for other reasons than those that are sought."""
    sought = list(filters.failed_for)
    return ~Q(status=VoicemailStatus.FAILED) | Q(reason__in=sought) if sought else Q()


class Among(Func):
    """`id = ANY(array)`, with the array evaluated once and first.

    Without statistics on the identifiers the planner would assume many matches and scan the workspace from its newest voicemail."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY("
    output_field = BooleanField()
