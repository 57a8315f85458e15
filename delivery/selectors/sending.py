"""What a send names, found by one statement that is compiled once."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import FilteredRelation, OuterRef, Q, QuerySet, Subquery

from delivery.models import Lane, Recording
from rvm.platform.database.prepared import prepared
from rvm.platform.models import Workspace
from usecases.models import TelephonySetup, UseCase
from usecases.selectors import senders_of, use_case_by_id


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
_OF_SETUP = {
    *("id", "name", "carrier", "simulated", "enabled", "draining", "baa_signed_on", "baa_exception_reason"),
    "deleted_at",
}
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
    known: dict[str, Any] = {
        "id": lane_id,
        "workspace_id": use_case.workspace_id,
        "use_case_id": use_case.pk,
        "live": live,
        "for_api": True,
    }
    # Django takes the values in the order of the table's columns.
    columns = [column.attname for column in Lane._meta.concrete_fields if column.attname in known]
    lane = Lane.from_db(None, columns, [known[column] for column in columns])
    lane.use_case = use_case
    return lane
