"""Read-only admin pages of drops, carrier reports, carrier media and references. A report's raw callback is never shown."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.decorators import display

from delivery.admin.colours import STATUS_COLOURS, worded
from delivery.models import CarrierMedia, CarrierReport, Drop, VoicemailReference
from delivery.recordings.uploads import may_be_uploaded_again, upload_again
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.rights import acting_user
from rvm.platform.admin.scoping import ScopedFilter
from rvm.platform.errors import ServiceError
from rvm.platform.roles import Right
from usecases.models import TelephonySetup


@admin.register(Drop)
class DropAdmin(RecordAdmin):
    list_display = ("created_at", "voicemail_id", "number", "coloured", "reason", "setup", "sender", "live")
    list_select_related = ("setup",)
    fields = (
        "voicemail_id", "number", "status", "reason_detail", "carrier_code", "carrier_text", "carrier_reference", "setup", "sender",
        "live", "checks", "fetches", "fetched_at", "fetched_bytes", "created_at", "accepted_at", "ended_at",
    )  # fmt: skip
    readonly_fields = ("voicemail_id", "reason_detail")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("setup__credentials")

    @display(description="Status", label=STATUS_COLOURS)
    def coloured(self, drop: Drop) -> tuple[str, str]:
        return worded(drop.status)

    @display(description="Reason")
    def reason_detail(self, drop: Drop) -> str:
        return drop.reason_detail or "-"


@admin.register(CarrierReport)
class CarrierReportAdmin(RecordAdmin):
    """Fetches setup ids first, because reports have no index on the setup: the list then reads the index of arrival."""

    workspace_path: ClassVar[str | None] = "setup__workspace"
    list_display = ("received_at", "drop_id", "coloured", "reason", "effect", "setup")
    list_select_related = ("setup",)
    fields = (
        "received_at", "setup", "drop_id", "status", "reason", "carrier_code", "carrier_text", "carrier_reference", "event_id",
        "occurred_at", "merged_at", "effect",
    )  # fmt: skip

    def within(self, queryset: QuerySet[Any], rights: Any) -> QuerySet[Any]:
        if rights.everywhere:
            return queryset
        setups = TelephonySetup.objects.filter(workspace__in=rights.ids()).values_list("pk", flat=True)
        return queryset.filter(setup__in=list(setups))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("raw", "setup__credentials")

    @display(description="Status", label=STATUS_COLOURS)
    def coloured(self, report: CarrierReport) -> tuple[str, str]:
        return worded(report.status)


@admin.register(CarrierMedia)
class CarrierMediaAdmin(RecordAdmin):
    """Recordings uploaded to carriers, with errors; who may launch can request a failed upload again."""

    workspace_path: ClassVar[str | None] = "setup__workspace"
    right_to_upload = Right.LAUNCH
    change_form_outer_before_template = "delivery/admin/upload_again.html"
    list_display = ("created_at", "recording", "setup", "coloured", "error", "attempts", "ready_at")
    list_filter = ("state",)
    list_select_related = ("setup", "recording")
    fields = ("recording", "setup", "state", "media_id", "error", "attempts", "due_at", "created_at", "ready_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("setup").defer("setup__credentials")

    def get_urls(self) -> list[URLPattern]:
        again = self.admin_site.admin_view(require_POST(self.upload_again))
        return [
            path("<uuid:object_id>/upload-again/", again, name="delivery_carriermedia_upload_again"),
            *super().get_urls(),
        ]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        media = kwargs.get("obj")
        may = media is not None and may_be_uploaded_again(media) and self.may(self.right_to_upload, request, media)
        return super().render_change_form(request, {**context, "may_upload_again": may}, *args, **kwargs)

    def upload_again(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        media: CarrierMedia = self.get_object(request, str(object_id))
        if not self.may(self.right_to_upload, request, media):
            raise PermissionDenied
        try:
            upload_again(media=media, actor=acting_user(request))
            messages.success(request, "The recording is uploaded again within moments.")
        except ServiceError as refusal:
            messages.error(request, refusal.message)
        return redirect(reverse("admin:delivery_carriermedia_change", args=[object_id]))

    @display(
        description="State", label={"ready": "success", "wanted": "info", "failed": "warning", "refused": "danger"}
    )
    def coloured(self, media: CarrierMedia) -> str:
        return media.state


@admin.register(VoicemailReference)
class VoicemailReferenceAdmin(RecordAdmin):
    list_display = ("reference", "voicemail_id", "live", "workspace")
    list_filter = (("workspace", ScopedFilter),)
    list_select_related = ("workspace",)
    fields = ("workspace", "reference", "voicemail_id", "live")
