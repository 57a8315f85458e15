"""Filters of the voicemail list, applied by the API's selector within one workspace at a time.

Use cases, setups and blind indexes belong to a workspace, and the database indexes begin with it.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from django.contrib.admin import ListFilter
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import CheckboxFilter, DropdownFilter, RangeDateFilter

from delivery.admin.lanes import lane_name
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import VoicemailStatus
from delivery.models import Lane
from delivery.selectors import VoicemailFilter, voicemails
from rvm.platform.admin.exact_search import EncryptedNumberFilter
from rvm.platform.admin.rights import rights_of
from rvm.platform.models import Workspace
from usecases.models import TelephonySetup, UseCase

MAX_LANES = 200


def chosen_workspace(request: HttpRequest) -> Workspace | None:
    """The workspace of the list: the requested one, else the first by name; None for a user without workspaces."""
    if not hasattr(request, "rvm_workspace"):
        mine = list(rights_of(request).workspaces())
        asked = request.GET.get("workspace", "")
        chosen = next((workspace for workspace in mine if str(workspace.pk) == asked), mine[0] if mine else None)
        request.rvm_workspace = chosen  # type: ignore[attr-defined]
    found: Workspace | None = request.rvm_workspace  # type: ignore[attr-defined]
    return found


def filter_in_workspace(request: HttpRequest, queryset: QuerySet[Any], **filters: Any) -> QuerySet[Any]:
    """The rows of the queryset in the chosen workspace that pass the API's filter."""
    workspace = chosen_workspace(request)
    if workspace is None:
        return queryset.none()
    return queryset & voicemails(workspace, VoicemailFilter(**filters), live=None)


class WorkspaceFilter(DropdownFilter):
    title = "workspace"
    parameter_name = "workspace"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(workspace.pk), workspace.name) for workspace in rights_of(request).workspaces()]

    def value(self) -> str | None:
        asked = super().value()
        known = [key for key, _ in self.lookup_choices]
        return asked if asked in known else next(iter(known), None)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return filter_in_workspace(request, queryset)


class _Choice(DropdownFilter):
    """Filter by a row of the chosen workspace; the id of another workspace's row lists nothing."""

    argument: ClassVar[str]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value()
        if not asked:
            return queryset
        if asked not in [key for key, _ in self.lookup_choices]:
            return queryset.none()
        return filter_in_workspace(request, queryset, **{self.argument: asked})


class UseCaseFilter(_Choice):
    title, parameter_name, argument = "use case", "use_case", "use_case_id"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = UseCase.objects.filter(workspace=chosen_workspace(request)).order_by("name", "id")
        return [
            (str(pk), f"{name} (deleted)" if gone else name)
            for pk, name, gone in rows.values_list("pk", "name", "deleted_at")
        ]


class SetupFilter(_Choice):
    title, parameter_name, argument = "setup", "setup", "setup_id"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = TelephonySetup.objects.filter(workspace=chosen_workspace(request)).order_by("name", "id")
        return [(str(pk), name) for pk, name in rows.values_list("pk", "name")]


class LaneFilter(_Choice):
    title, parameter_name = "lane", "lane"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The newest lanes, and the requested one: the page of an old campaign links to its lane."""
        known = Lane.objects.filter(workspace=chosen_workspace(request)).select_related("use_case").order_by("-id")
        lanes = list(known[:MAX_LANES])
        with suppress(ValidationError):  # an invalid id matches no lane
            lanes += [lane for lane in known.filter(pk__in=request.GET.getlist("lane")[:1]) if lane not in lanes]
        return [(str(lane.pk), lane_name(lane)) for lane in lanes]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = [key for key, _ in self.lookup_choices]
        asked = self.value()
        if not asked:
            return queryset
        return queryset.filter(lane=asked) if asked in known else queryset.none()


class ReasonFilter(_Choice):
    title, parameter_name, argument = "reason", "reason", "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(reason.value, reason.value.replace("_", " ")) for reason in Reason]


class StatusFilter(CheckboxFilter):
    title, parameter_name = "status", "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(status.value, status.value) for status in VoicemailStatus]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = [status for status in self.value() or () if status]
        return filter_in_workspace(request, queryset, statuses=asked) if asked else queryset


class CreatedFilter(RangeDateFilter):
    """Filter by whole days in UTC, both inclusive."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first, last = (_day(self.used_parameters.get(f"created_at_{end}")) for end in ("from", "to"))
        if first is None and last is None:
            return queryset
        before = last + timedelta(days=1) if last else None
        return filter_in_workspace(request, queryset, created_after=first, created_before=before)


def _day(text: Any) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(str(text)), datetime.min.time(), UTC) if text else None
    except ValueError:
        return None


class RecipientFilter(EncryptedNumberFilter):
    def filter_by_term(self, request: HttpRequest, queryset: QuerySet[Any], number: str) -> QuerySet[Any]:
        return filter_in_workspace(request, queryset, recipient=number)


class IdentifierFilter(EncryptedNumberFilter):
    title, parameter_name = "record number or reference", "identifier"

    def display_term(self, number: str) -> str:
        return "as searched"

    def filter_by_term(self, request: HttpRequest, queryset: QuerySet[Any], number: str) -> QuerySet[Any]:
        return filter_in_workspace(request, queryset, either=number)


FILTERS: tuple[type[ListFilter] | tuple[str, type[ListFilter]], ...] = (
    WorkspaceFilter,
    StatusFilter,
    UseCaseFilter,
    SetupFilter,
    LaneFilter,
    ReasonFilter,
    ("created_at", CreatedFilter),
    RecipientFilter,
    IdentifierFilter,
)
