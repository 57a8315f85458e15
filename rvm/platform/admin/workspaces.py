"""The admin of organisations and workspaces: superusers create them, administrators change the settings of workspaces."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from unfold.decorators import display

from rvm.platform.admin.retention import RetentionPages
from rvm.platform.admin.rights import rights_of
from rvm.platform.admin.scoping import ScopedModelAdmin
from rvm.platform.models import Organisation, Workspace
from rvm.platform.roles import Right


@admin.register(Organisation)
class OrganisationAdmin(ScopedModelAdmin):
    workspace_path: ClassVar[str | None] = None
    right_to_add = Right.CONFIGURE
    right_to_change = Right.CONFIGURE
    fixed_fields: ClassVar[tuple[str, ...]] = ()
    list_display = ("name", "slug", "created_at")
    fields = ("name", "slug", "opt_out_page", "opt_out_keys", "created_at")
    readonly_fields = ("created_at",)
    ordering = ("name",)


@admin.register(Workspace)
class WorkspaceAdmin(RetentionPages, ScopedModelAdmin):
    change_form_outer_before_template = "platform/admin/workspace_buttons.html"
    workspace_path: ClassVar[str | None] = "pk"
    right_to_add = Right.CONFIGURE
    right_to_change = Right.CONFIGURE
    fixed_fields: ClassVar[tuple[str, ...]] = ("slug",)
    list_display = ("name", "slug", "organisation", "sending_enabled", "created_at")
    list_select_related = ("organisation",)
    fields = (
        "name",
        "slug",
        "organisation",
        "sending_enabled",
        "marketing_enabled",
        "attestation_by_another",
        "launch_approval_above",
        "countries",
        "area_codes",
        "public_page",
        "created_at",
    )
    readonly_fields = ("public_page", "created_at")
    ordering = ("name",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return rights_of(request).everywhere

    def has_history(self, request: HttpRequest, row: Any) -> bool:
        """For those who may read the audit only: searches and exports are about the workspace, and hide what others may see."""
        return super().has_history(request, row) and self.may_read_audit(request, row)

    @display(description="Public opt-out page")
    def public_page(self, workspace: Workspace) -> str:
        """The address that people are told, in letters for example."""
        organisation = getattr(workspace, "organisation", None)
        if organisation is None or not organisation.opt_out_page:
            return "-"
        return f"{settings.RVM_PUBLIC_URL}{reverse('opt_out_page', args=[organisation.slug])}"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The read-only fields, except for superusers also those that the operator decides: which countries are open, and which
        organisation it belongs to."""
        held = () if rights_of(request).everywhere else ("countries", "organisation")
        return (*super().get_readonly_fields(request, obj), *held)
