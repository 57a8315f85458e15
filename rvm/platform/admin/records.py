"""What the platform writes about itself: who did what, which POSTs were answered, which processes live. Nothing here is changed."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.scoping import ScopedFilter, ScopedModelAdmin
from rvm.platform.models import AuditEvent, Heartbeat, IdempotencyKey, Role, Tally


@admin.register(AuditEvent)
class AuditEventAdmin(RecordAdmin):
    """Events of no workspace, such as a new account, are for superusers."""

    role_to_view = Role.ADMIN
    list_display = ("at", "action", "actor", "workspace", "subject_type", "subject_id")
    list_display_links = ("at", "action")
    list_filter = (("workspace", ScopedFilter),)
    list_select_related = ("actor", "workspace")
    fields = ("at", "workspace", "actor", "action", "subject_type", "subject_id", "details", "request_id")

    def within(self, queryset: QuerySet[Any], rights: Any) -> QuerySet[Any]:
        return queryset if rights.everywhere else queryset.filter(workspace__in=rights.ids(Role.ADMIN))


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(RecordAdmin):
    """The stored answer may hold a phone number and is never shown."""

    role_to_view = Role.ADMIN
    list_display = ("created_at", "key", "status", "workspace")
    list_filter = (("workspace", ScopedFilter),)
    list_select_related = ("workspace",)
    fields = ("created_at", "workspace", "key", "status")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("answer", "fingerprint")

    def within(self, queryset: QuerySet[Any], rights: Any) -> QuerySet[Any]:
        return queryset if rights.everywhere else queryset.filter(workspace__in=rights.ids(Role.ADMIN))


@admin.register(Heartbeat)
class HeartbeatAdmin(ScopedModelAdmin):
    workspace_path: ClassVar[str | None] = None
    fixed_fields: ClassVar[tuple[str, ...]] = ()
    list_display = ("name", "at")
    fields = ("name", "at")
    ordering = ("name",)


@admin.register(Tally)
class TallyAdmin(ScopedModelAdmin):
    workspace_path: ClassVar[str | None] = None
    fixed_fields: ClassVar[tuple[str, ...]] = ()
    list_display = ("name", "count", "at")
    fields = ("name", "count", "at")
    ordering = ("name",)
