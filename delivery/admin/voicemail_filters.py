"""Filters of the voicemail list, applied by the API's selector: within one workspace, or in a search within all of the user's.

Use cases, setups and blind indexes belong to a workspace, and the database indexes begin with it; only those of recipients and
identifiers find the same in several.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.admin import ListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import CheckboxFilter, DropdownFilter

from delivery.admin.colours import status_words
from delivery.lifecycle.reasons import Reason, detail_of
from delivery.lifecycle.status import VoicemailStatus
from delivery.selectors.filters import VoicemailFilter
from delivery.selectors.voicemails import voicemails_in
from rvm.platform.admin.day_filter import DaysFilter
from rvm.platform.admin.exact_search import MAX_WORKSPACES, EncryptedNumberFilter
from rvm.platform.admin.rights import rights_of
from rvm.platform.models import Workspace
from rvm.platform.request_values import RequestValue
from usecases.models import TelephonySetup, UseCase

# The parameters of a search, which find the same in all workspaces of the user.
SEARCHED = ("number", "identifier")
_LISTED = RequestValue[Sequence[Workspace]]("listed_workspaces")


def listed_workspaces(request: HttpRequest) -> Sequence[Workspace]:
    """The workspaces of the list: the requested one, else in a search all of the user's, else the first by name."""
    return _LISTED.once(request, lambda: _listed(request))


def _listed(request: HttpRequest) -> Sequence[Workspace]:
    mine = rights_of(request).workspaces()
    asked = request.GET.get("workspace", "")
    searched = any(name in request.GET for name in SEARCHED)
    chosen = [workspace for workspace in mine if str(workspace.pk) == asked]
    return chosen or list(mine[: MAX_WORKSPACES if searched else 1])


def chosen_workspace(request: HttpRequest) -> Workspace | None:
    """The one workspace of the list; None for a search in several, and for a user without workspaces."""
    listed = listed_workspaces(request)
    return listed[0] if len(listed) == 1 else None


def filter_in_workspaces(request: HttpRequest, queryset: QuerySet[Any], **filters: Any) -> QuerySet[Any]:
    """The rows of the queryset in the listed workspaces that pass the API's filter."""
    workspaces = listed_workspaces(request)
    if not workspaces:
        return queryset.none()
    return queryset & voicemails_in(workspaces, VoicemailFilter(**filters), live=None)


def in_workspace(name: str, row: Any, request: HttpRequest) -> str:
    """The name of a row as a choice, with its workspace's where several are listed."""
    several = listed_workspaces(request)
    own = next((each.name for each in several if each.pk == row.workspace_id), "")
    return f"{name}, {own}" if len(several) > 1 else name


class WorkspaceFilter(DropdownFilter):
    title = "workspace"
    parameter_name = "workspace"

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        self.chosen = chosen_workspace(request)
        self.all_option = ["", "All of yours"] if any(name in request.GET for name in SEARCHED) else None
        super().__init__(request, *args)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(workspace.pk), workspace.name) for workspace in rights_of(request).workspaces()]

    def value(self) -> str | None:
        return str(self.chosen.pk) if self.chosen else ""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return filter_in_workspaces(request, queryset)


class Choice(DropdownFilter):
    """Filter by a row of the listed workspaces; the id of another workspace's row lists nothing."""

    argument: ClassVar[str]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value()
        if not asked:
            return queryset
        if asked not in [key for key, _ in self.lookup_choices]:
            return queryset.none()
        return self.chosen(request, queryset, asked)

    def chosen(self, request: HttpRequest, queryset: QuerySet[Any], asked: str) -> QuerySet[Any]:
        """The rows with this choice, which is an offered one."""
        return filter_in_workspaces(request, queryset, **{self.argument: asked})


class UseCaseFilter(Choice):
    title, parameter_name, argument = "use case", "use_case", "use_case_id"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = UseCase.objects.filter(workspace__in=listed_workspaces(request)).order_by("name", "id")
        return [
            (str(row.pk), in_workspace(f"{row.name} (deleted)" if row.deleted_at else row.name, row, request))
            for row in rows.only("name", "deleted_at", "workspace_id")
        ]


class SetupFilter(Choice):
    title, parameter_name, argument = "setup", "setup", "setup_id"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = TelephonySetup.objects.filter(workspace__in=listed_workspaces(request)).order_by("name", "id")
        return [(str(row.pk), in_workspace(row.name, row, request)) for row in rows.only("name", "workspace_id")]


class ReasonFilter(Choice):
    title, parameter_name, argument = "reason", "reason", "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(reason.value, detail_of(reason)) for reason in Reason]


class StatusFilter(CheckboxFilter):
    title, parameter_name = "status", "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(status.value, status_words(status)) for status in VoicemailStatus]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = [status for status in self.value() or () if status]
        return filter_in_workspaces(request, queryset, statuses=asked) if asked else queryset


class CreatedFilter(DaysFilter):
    def workspace_id(self, request: HttpRequest) -> UUID | None:
        listed = listed_workspaces(request)
        return listed[0].pk if len(listed) == 1 else None

    def between(
        self, request: HttpRequest, queryset: QuerySet[Any], begin: datetime | None, end: datetime | None
    ) -> QuerySet[Any]:
        return filter_in_workspaces(request, queryset, created_after=begin, created_before=end)


class RecipientFilter(EncryptedNumberFilter):
    def filter_by_term(self, request: HttpRequest, queryset: QuerySet[Any], number: str) -> QuerySet[Any]:
        return filter_in_workspaces(request, queryset, recipient=number)


class IdentifierFilter(EncryptedNumberFilter):
    title, parameter_name = "record number or reference", "identifier"

    def filter_by_term(self, request: HttpRequest, queryset: QuerySet[Any], number: str) -> QuerySet[Any]:
        return filter_in_workspaces(request, queryset, either=number)


FILTERS: tuple[type[ListFilter] | tuple[str, type[ListFilter]], ...] = (
    WorkspaceFilter,
    StatusFilter,
    UseCaseFilter,
    SetupFilter,
    ReasonFilter,
    ("created_at", CreatedFilter),
    RecipientFilter,
    IdentifierFilter,
)
