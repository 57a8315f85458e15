"""The admin of the one row that says which database this is and whether all sending is held; superusers hold and release."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.decorators import display

from rvm.platform.admin.rights import acting_user
from rvm.platform.admin.scoping import ScopedModelAdmin
from rvm.platform.errors import ServiceError
from rvm.platform.models import DatabaseIdentity
from rvm.platform.sending_hold import service


@admin.register(DatabaseIdentity)
class DatabaseIdentityAdmin(ScopedModelAdmin):
    workspace_path: ClassVar[str | None] = None
    fixed_fields: ClassVar[tuple[str, ...]] = ()
    change_form_outer_before_template = "platform/admin/sending.html"
    list_display = ("state", "kept", "kept_at", "held_at")
    fields = ("state", "kept", "seen", "kept_at", "held_at")
    readonly_fields = ("state", "kept", "seen")

    def get_urls(self) -> list[URLPattern]:
        hold, release = (self.admin_site.admin_view(require_POST(view)) for view in (self.hold, self.release))
        return [
            path("<uuid:object_id>/hold/", hold, name="platform_databaseidentity_hold"),
            path("<uuid:object_id>/release/", release, name="platform_databaseidentity_release"),
            *super().get_urls(),
        ]

    @display(description="Sending")
    def state(self, row: DatabaseIdentity) -> str:
        why = service.look().why_held
        return f"Held. {why}" if why else "Not held."

    @display(description="Database that is kept")
    def kept(self, row: DatabaseIdentity) -> str:
        return str(service.look().kept)

    @display(description="Database that is seen (cluster/timeline/database)")
    def seen(self, row: DatabaseIdentity) -> str:
        return str(service.look().seen)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        found = service.look()
        context |= {"held": bool(found.why_held), "seen": str(found.seen)}
        if found.why_held:
            context["checklist"] = found.checklist()
        return super().render_change_form(request, context, *args, **kwargs)

    def hold(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        self._require(request, object_id)
        reason = request.POST.get("reason", "").strip()
        if not reason:
            messages.error(request, "Say why; everybody who waits reads it.")
        elif service.hold(acting_user(request), reason):
            messages.success(request, "All sending is held until somebody releases it here.")
        return redirect(request.path.replace("/hold/", "/change/"))

    def release(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        self._require(request, object_id)
        try:
            service.release(
                acting_user(request),
                request.POST.get("identity", ""),
                request.POST.get("reason", ""),
                end_waiting=request.POST.get("waiting") == "end",
            )
            messages.success(request, "It is released, and the audit has who did it and why.")
        except ServiceError as error:
            messages.error(request, error.message)
        return redirect(request.path.replace("/release/", "/change/"))

    def _require(self, request: HttpRequest, object_id: Any) -> None:
        row = self.get_object(request, str(object_id))
        if not self.has_view_permission(request, row):
            raise PermissionDenied


def address() -> str:
    """The address of the page on which sending is released."""
    return reverse("admin:platform_databaseidentity_change", args=[DatabaseIdentity.ONLY])
