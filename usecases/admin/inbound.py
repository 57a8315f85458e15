"""Admin of what people said for themselves and of the secrets of gateways, for the operator of the platform."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from rvm.platform.admin.form_errors import copy_state
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.questions import Question, asks
from rvm.platform.admin.rights import acting_user
from rvm.platform.admin.scoping import ScopedFilter, ScopedModelAdmin
from rvm.platform.database.clock import database_now
from rvm.platform.observability.masking import number_ending
from rvm.platform.request_values import RequestValue
from rvm.platform.roles import Right
from usecases.inbound.service import create_secret, replace_secret, revoke_secret
from usecases.models import InboundMessage, InboundSecret

# A secret is shown once, by the hook that follows the one that makes it.
_PLAINTEXT = RequestValue[str]("plaintext")


@admin.register(InboundSecret)
class InboundSecretAdmin(ScopedModelAdmin):
    workspace_path: ClassVar[str | None] = None
    right_to_add = Right.ROTATE
    fixed_fields: ClassVar[tuple[str, ...]] = ("organisation",)
    list_display = ("organisation", "ending", "state", "created_at", "expires_at")
    list_filter = (("organisation", ScopedFilter),)
    list_select_related = ("organisation",)
    ordering = ("-id",)
    change_form_outer_before_template = "usecases/admin/inbound_secret_buttons.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("secret")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("organisation",) if obj is None else ("organisation", "ending", "state", "created_at", "expires_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.get_fields(request, obj)

    @display(description="Ends in")
    def ending(self, row: InboundSecret) -> str:
        return f"…{row.last4}"

    @display(description="State", label={"valid": "success", "expired": "danger", "replaced": "warning"})
    def state(self, row: InboundSecret) -> str:
        if row.expires_at is None:
            return "valid"
        return "replaced" if row.expires_at > database_now() else "expired"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        return super().change_view(request, object_id, form_url, {"signs": self.state(row) != "expired"})

    def save_model(self, request: HttpRequest, obj: InboundSecret, form: Any, change: bool) -> None:
        row, plaintext = create_secret(form.cleaned_data["organisation"], actor=acting_user(request))
        copy_state(obj, row)
        _PLAINTEXT.set(request, plaintext)

    def response_add(
        self, request: HttpRequest, obj: InboundSecret, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._show_once(request, obj, _PLAINTEXT.require(request))

    def get_urls(self) -> list[URLPattern]:
        replaced, revoked = asks(self, self.replace, self.about_replacement), asks(self, self.revoke, self.about_end)
        return [
            path("<uuid:object_id>/replace/", replaced, name="usecases_inboundsecret_replace"),
            path("<uuid:object_id>/revoke/", revoked, name="usecases_inboundsecret_revoke"),
            *super().get_urls(),
        ]

    def about_replacement(self, request: HttpRequest, object_id: UUID) -> Question:
        row = self._signing(request, object_id)
        return Question(
            f"Replace the secret of {row.organisation}?",
            "A new secret is made and shown once. The old one is heard for 24 hours more and then never again, so give the gateway "
            "the new one by then.",
            "Replace the secret",
            variant="primary",
        )

    def about_end(self, request: HttpRequest, object_id: UUID) -> Question:
        row = self._signing(request, object_id)
        return Question(
            f"Revoke the secret of {row.organisation}?",
            "What is signed with it is not heard from now on, and for ever: opt-outs that the gateway passes on are lost until it "
            "has another secret.",
            "Revoke the secret",
        )

    def replace(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        successor, plaintext = replace_secret(
            self._signing(request, object_id), actor=acting_user(request), now=database_now()
        )
        return self._show_once(request, successor, plaintext)

    def revoke(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        revoke_secret(self._signing(request, object_id), actor=acting_user(request), now=database_now())
        messages.success(request, "The secret is revoked: what it signs is not heard any more.")
        return redirect(reverse("admin:usecases_inboundsecret_change", args=[object_id]))

    def _signing(self, request: HttpRequest, object_id: UUID) -> InboundSecret:
        row: InboundSecret = self.get_object(request, str(object_id))
        if not self.may(Right.ROTATE, request, row) or self.state(row) == "expired":
            raise PermissionDenied("An expired secret stays so; make a new one.")
        return row

    def _show_once(self, request: HttpRequest, row: InboundSecret, plaintext: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "The new secret",
            "secret": row,
            "plaintext": plaintext,
            "address": request.build_absolute_uri(reverse("inbound", args=[row.organisation.slug])),
        }
        return TemplateResponse(
            request, "usecases/admin/inbound_secret_shown.html", context, headers={"Cache-Control": "no-store"}
        )


@admin.register(InboundMessage)
class InboundMessageAdmin(RecordAdmin):
    """Messages as they came. Number and words are shown to no one here: the suppressions of a number say what it led to."""

    workspace_path: ClassVar[str | None] = None
    list_display = ("received_at", "organisation", "channel", "masked", "understood")
    list_filter = (("organisation", ScopedFilter), ("channel", ChoicesDropdownFilter), "opted_out")
    list_select_related = ("organisation",)
    fields = ("organisation", "channel", "masked", "understood", "message_id", "received_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("number", "words", "digest")

    @display(description="Phone number")
    def masked(self, row: InboundMessage) -> str:
        return number_ending(row.last4) if row.last4 else "removed"

    @display(description="Understood as", label={"opt-out": "success", "not understood": "danger"})
    def understood(self, row: InboundMessage) -> str:
        return "opt-out" if row.opted_out else "not understood"
