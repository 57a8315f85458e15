"""The admin of organisations and workspaces: superusers create them, administrators change the settings of workspaces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from unfold.decorators import display

from rvm.platform.admin.pickers import ZoneField
from rvm.platform.admin.retention import RetentionPages
from rvm.platform.admin.rights import rights_of
from rvm.platform.admin.scoping import ScopedModelAdmin
from rvm.platform.models import Organisation, Workspace
from rvm.platform.quotas import QUOTAS, megabytes
from rvm.platform.roles import Right
from rvm.platform.times.zones import zone_name


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


_QUOTAS = ("max_sounds", "max_sounds_megabytes", "max_lists", "max_lists_megabytes")


def _lines(workspace: Workspace) -> Iterator[str]:
    for quota in () if workspace._state.adding else QUOTAS:
        used, limits = quota.usage(workspace.pk), quota.limits(workspace)
        label = quota.label[0].upper() + quota.label[1:]
        yield f"{label}: {used.number:,} of {limits.number:,}, {megabytes(used)} of {megabytes(limits)} MB"


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
        "time_zone",
        "sending_enabled",
        "marketing_enabled",
        "attestation_by_another",
        "converts_audio",
        "launch_approval_above",
        "countries",
        "area_codes",
        "public_page",
        "kept",
        *_QUOTAS,
        "created_at",
    )
    readonly_fields = ("public_page", "kept", "created_at")
    ordering = ("name",)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "time_zone":
            otherwise = f"As the platform: {zone_name(settings.RVM_TIME_ZONE)}"
            return ZoneField(otherwise, help_text=db_field.help_text)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

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

    @display(description="Kept, of the most that is allowed")
    def kept(self, workspace: Workspace) -> str:
        return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in _lines(workspace))) or "-"  # a constant  # nosec B308

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The read-only fields, except for superusers also those that the operator decides: which countries are open, which
        organisation it belongs to, and how much it may keep."""
        held = () if rights_of(request).everywhere else ("countries", "organisation", *_QUOTAS)
        return (*super().get_readonly_fields(request, obj), *held)
