"""Admin pages of lanes with their counts. Who may launch can change pace and priority, and hold a lane of the API."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from delivery.lane_totals import counts_of
from delivery.lifecycle.status import VoicemailStatus
from delivery.models import Lane
from rvm.platform.admin.lists import RestrictedChangeList
from rvm.platform.admin.scoping import ScopedFilter, ScopedModelAdmin, changes_of
from rvm.platform.roles import Right


def count(lanes: Iterable[Any]) -> None:
    """Set `counted` (voicemails by status) on each lane, or on each campaign, whose id is that of its lane; one statement for all."""
    rows = list(lanes)
    counts = counts_of([row.pk for row in rows])
    for row in rows:
        row.counted = counts[row.pk]


class CountedList(RestrictedChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: list[Any] = list(self.result_list)
        count(self.result_list)


@admin.register(Lane)
class LaneAdmin(ScopedModelAdmin):
    right_to_change = Right.LAUNCH
    fixed_fields: ClassVar[tuple[str, ...]] = ()
    list_display: ClassVar[Any] = ("named", "state", "in_it", "pace_per_second", "priority", "workspace")
    list_filter = (("workspace", ScopedFilter), ("use_case", ScopedFilter), "live", "held")
    list_select_related = ("workspace", "use_case")
    ordering = ("-id",)
    fields: ClassVar[Any] = (
        "named",
        "workspace",
        "use_case",
        "in_it",
        "held",
        "priority",
        "pace_per_second",
        "created_at",
    )
    readonly_fields: ClassVar[Any] = ("named", "workspace", "use_case", "in_it", "created_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Adds `held` for the lane of a campaign, because pausing and resuming the campaign sets it."""
        held = () if obj is None or obj.for_api else ("held",)
        return (*super().get_readonly_fields(request, obj), *held)

    def save_model(self, request: HttpRequest, obj: Lane, form: Any, change: bool) -> None:
        """Save the changed fields only, because the engine updates others concurrently."""
        if form.changed_data:
            obj.save(update_fields=form.changed_data)
        self.record(request, "updated", obj, changes=changes_of(form))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RestrictedChangeList]:
        return CountedList

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        lane = super().get_object(request, object_id, from_field)
        count([lane])
        return lane

    @display(description="Queue")
    def named(self, lane: Lane) -> str:
        return str(lane)

    @display(description="State", label={"open": "success", "held": "warning"})
    def state(self, lane: Lane) -> str:
        return "held" if lane.held else "idle" if lane.idle else "open"

    @display(description="Voicemails in it")
    def in_it(self, lane: Any) -> str:
        counts = lane.counted
        return ", ".join(f"{counts[s]:,} {s.value}" for s in VoicemailStatus if counts[s]) or "none"
