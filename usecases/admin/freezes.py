"""Admin of freezes of states. They bind every workspace, so superusers alone see them; one that is over stays as a record."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin

from rvm.platform.admin.scoping import ScopedModelAdmin
from rvm.platform.roles import Right
from usecases.models import StateFreeze


@admin.register(StateFreeze)
class StateFreezeAdmin(ScopedModelAdmin):
    workspace_path: ClassVar[str | None] = None
    right_to_add = Right.SET_UP
    right_to_change = Right.SET_UP
    fixed_fields: ClassVar[tuple[str, ...]] = ()
    list_display = ("state", "starts_on", "ends_on", "reason")
    fields = ("state", "starts_on", "ends_on", "reason")
    ordering = ("-id",)
