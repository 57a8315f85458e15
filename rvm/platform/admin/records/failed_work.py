"""The admin of failed background work: what fails, since when, why and what to do."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST
from unfold.decorators import display

from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.scoping import ScopedFilter
from rvm.platform.health.failed_work import kind_of
from rvm.platform.models import FailedWork
from rvm.platform.roles import Right


@admin.register(FailedWork)
class FailedWorkAdmin(RecordAdmin):
    """The admin of failed background work, for administrators; what is the platform's own is for superusers."""

    right_to_view = Right.CONFIGURE
    change_form_outer_before_template = "platform/admin/failed_work_buttons.html"
    list_display = ("title", "called", "workspace", "reason", "advice", "first_at", "last_at", "count")
    list_filter = (("workspace", ScopedFilter),)
    list_select_related = ("workspace",)
    fields = ("title", "called", "workspace", "reason", "advice", "first_at", "last_at", "count", "reference")
    readonly_fields = ("title", "called", "advice")

    def get_urls(self) -> list[URLPattern]:
        repeat, dismiss = (self.admin_site.admin_view(require_POST(view)) for view in (self.repeat, self.dismiss))
        return [
            path("<uuid:object_id>/repeat/", repeat, name="platform_failedwork_repeat"),
            path("<uuid:object_id>/dismiss/", dismiss, name="platform_failedwork_dismiss"),
            *super().get_urls(),
        ]

    def row_title(self, row: Any) -> str:
        return kind_of(row).title

    @display(description="What fails")
    def title(self, row: FailedWork) -> str:
        return kind_of(row).title

    @display(description="Where")
    def called(self, row: FailedWork) -> str:
        name = row.name or row.subject or "-"
        page = kind_of(row).page
        if not page:
            return name
        address = reverse(f"admin:{page}_change", args=[row.subject])
        return format_html('<a class="text-link underline" href="{}">{}</a>', address, name)

    @display(description="What to do")
    def advice(self, row: FailedWork) -> str:
        return kind_of(row).advice

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        row = kwargs.get("obj")
        if row is not None:
            kind = kind_of(row)
            context |= {"may_repeat": kind.repeat is not None, "may_dismiss": kind.dismissable}
        return super().render_change_form(request, context, *args, **kwargs)

    def repeat(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        row: FailedWork = self.get_object(request, str(object_id))
        again = kind_of(row).repeat
        if again is None or not self.has_view_permission(request, row):
            raise PermissionDenied
        self.record(request, "repeated", row, kind=row.kind, what=row.subject)
        again(row.subject)
        messages.success(request, "It is done again within moments. If it succeeds, it leaves this list by itself.")
        return redirect("admin:platform_failedwork_changelist")

    def dismiss(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        row: FailedWork = self.get_object(request, str(object_id))
        if not kind_of(row).dismissable or not self.has_view_permission(request, row):
            raise PermissionDenied
        self.record(request, "dismissed", row, kind=row.kind, what=row.subject, count=row.count)
        row.delete()
        messages.success(request, "It is off the list until it happens again.")
        return redirect("admin:platform_failedwork_changelist")
