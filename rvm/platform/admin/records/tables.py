"""The read-only admin of idempotency keys, heartbeats and tallies."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.scoping import ScopedFilter, ScopedModelAdmin
from rvm.platform.models import Heartbeat, IdempotencyKey, Tally
from rvm.platform.roles import Right


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(RecordAdmin):
    """The admin of idempotency keys. The stored response is never shown, because it may contain a phone number."""

    right_to_view = Right.MANAGE_KEYS
    list_display = ("created_at", "key", "status", "workspace")
    list_filter = (("workspace", ScopedFilter),)
    list_select_related = ("workspace",)
    fields = ("created_at", "workspace", "key", "status")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("answer", "fingerprint")


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
