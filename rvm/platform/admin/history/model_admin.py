"""The history of a row: its part of the audit, on a page of its own that every page of a row links to.

Everybody who may open the row sees who changed it. Who looked at it, from where, and under which request, is for those who may read
the audit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin

from rvm.platform.admin.history.event_lines import lines
from rvm.platform.admin.rights import rights_of
from rvm.platform.audit.selectors import in_words
from rvm.platform.audit.vocabulary import DISCLOSURES
from rvm.platform.database.ids import id_in
from rvm.platform.models import AuditEvent
from rvm.platform.roles import Right

PAGE = 50
# Of the newest parts of a row, such as the lists of a campaign.
MAX_PARTS = 500


class RowWithTitle:
    """A row with another display name, for templates."""

    def __init__(self, row: models.Model, title: str) -> None:
        self._row = row
        self._title = title

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)

    def __str__(self) -> str:
        return self._title


class History(ModelAdmin):
    """A ModelAdmin whose rows have a history. Django's own log of the admin is not written: it knows only what was done here, while
    the audit also has what came over the API and from the platform."""

    def history_subjects(self, row: Any) -> Sequence[UUID]:
        """The ids of the row and of its parts, whose events are the row's too."""
        return [row.pk]

    def may_read_audit(self, request: HttpRequest, row: Any) -> bool:
        """Whether the reader may see all events about the row."""
        return rights_of(request).may(Right.READ_AUDIT, self.workspace_id(row))

    def has_history(self, request: HttpRequest, row: Any) -> bool:
        """Whether the row has a history that the reader may open."""
        named = isinstance(self.opts.pk, models.UUIDField) and self.model is not AuditEvent
        return named and self.has_view_permission(request, row)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if not self.has_history(request, row):
            raise PermissionDenied
        whole = self.may_read_audit(request, row)
        found = in_words(self._events(request, row, whole=whole))
        if before := id_in(request.GET.get("before", "")):
            found = found.filter(pk__lt=before)
        page = list(found[: PAGE + 1])
        context = {
            **self.admin_site.each_context(request),
            "title": "History",
            "subtitle": None,
            "opts": self.opts,
            "original": RowWithTitle(row, self.row_title(row)),
            "named": self.row_title(row),
            "lines": lines(request, page[:PAGE]),
            "older": str(page[PAGE - 1].pk) if len(page) > PAGE else None,
            "before": before,
            "whole": whole,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "platform/admin/history.html", context)

    def _events(self, request: HttpRequest, row: Any, *, whole: bool) -> QuerySet[AuditEvent]:
        rights = rights_of(request)
        found = AuditEvent.objects.filter(subject_id__in=self.history_subjects(row))
        if not rights.everywhere:
            found = found.filter(Q(workspace__in=rights.ids()) | (Q(workspace=None) if whole else Q()))
        return found if whole else found.exclude(action__in=DISCLOSURES)

    # what the audit holds already

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        return None
