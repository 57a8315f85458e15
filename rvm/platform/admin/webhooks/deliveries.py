"""The admin of deliveries: which webhooks a destination was sent, each attempt with its answer, and to send one again."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.decorators import display

from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.rights import acting_user
from rvm.platform.admin.scoping import ScopedFilter
from rvm.platform.errors import ServiceError
from rvm.platform.models import WebhookDelivery, WebhookDestination
from rvm.platform.roles import Right
from rvm.platform.times import moments
from rvm.platform.webhooks.deliveries import attempts
from rvm.platform.webhooks.destinations import replay_delivery

_COLOURS = {"waiting": "info", "delivered": "success", "given up": "danger"}
_WORDS = {"pending": "waiting", "delivered": "delivered", "failed": "given up"}
_ATTEMPTS = ("Attempt", "When", "Took", "Answer", "What it says")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(RecordAdmin):
    """Fetches the ids of destinations first, so that a list of a few is read from their index."""

    workspace_path: ClassVar[str | None] = "destination__workspace"
    right_to_replay = Right.SET_UP
    change_form_outer_before_template = "platform/admin/webhook_delivery_buttons.html"
    change_form_outer_after_template = "platform/admin/webhook_attempts.html"
    list_display = ("created_at", "destination", "type", "coloured", "attempts", "due_at", "ended_at", "replay")
    list_filter = (("destination", ScopedFilter), "state")
    list_select_related = ("destination",)
    fields = (
        "destination", "type", "event_id", "subject_id", "coloured", "attempts", "due_at", "replay", "created_at", "ended_at",
    )  # fmt: skip
    readonly_fields = ("coloured",)

    def within(self, queryset: QuerySet[Any], rights: Any) -> QuerySet[Any]:
        if rights.everywhere:
            return queryset
        own = WebhookDestination.objects.filter(workspace__in=rights.ids()).values_list("pk", flat=True)
        return queryset.filter(destination__in=list(own))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("destination").defer("destination__url")

    def row_title(self, row: Any) -> str:
        return f"{row.type} to {row.destination}"

    @display(description="State", label=_COLOURS)
    def coloured(self, delivery: WebhookDelivery) -> str:
        return _WORDS[delivery.state]

    def get_urls(self) -> list[URLPattern]:
        again = self.admin_site.admin_view(require_POST(self.replay_one))
        return [
            path("<uuid:object_id>/replay/", again, name="platform_webhookdelivery_replay"),
            *super().get_urls(),
        ]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        delivery = kwargs.get("obj")
        if delivery is not None:
            may = self.may(self.right_to_replay, request, delivery) and delivery.destination.enabled
            context |= {"may_replay": may, "attempts": _table(delivery)}
        return super().render_change_form(request, context, *args, **kwargs)

    def replay_one(self, request: HttpRequest, object_id: int) -> HttpResponse:
        delivery: WebhookDelivery = self.get_object(request, str(object_id))
        if not self.may(self.right_to_replay, request, delivery):
            raise PermissionDenied
        shown = delivery
        try:
            shown = replay_delivery(delivery=delivery, actor=acting_user(request))
            messages.success(request, "It is sent again within moments; this is its new delivery.")
        except ServiceError as refusal:
            messages.error(request, refusal.message)
        return redirect(reverse("admin:platform_webhookdelivery_change", args=[shown.pk]))


def _table(delivery: WebhookDelivery) -> dict[str, Any]:
    """The attempts as unfold's table takes them."""
    rows = [
        [
            attempt.number,
            moments.moment_to_the_second(attempt.at),
            f"{attempt.milliseconds:,} ms",
            attempt.status or "none",
            " ".join(filter(None, [attempt.error, attempt.answer and f"“{attempt.answer}”"])) or "taken",
        ]
        for attempt in attempts(delivery)
    ]
    return {"headers": _ATTEMPTS, "rows": rows}
