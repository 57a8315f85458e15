"""The admin of API keys: create, rotate, revoke. The plaintext key is shown once, in the response to the request that created it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, ClassVar, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from rvm.platform.admin.form_errors import ServiceForm, copy_state
from rvm.platform.admin.questions import Question, asks
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.admin.scoping import ScopedFilter, ScopedModelAdmin
from rvm.platform.api.keys import create_api_key, revoke_api_key, rotate_api_key
from rvm.platform.errors import ServiceError
from rvm.platform.models import ApiKey
from rvm.platform.request_values import RequestValue
from rvm.platform.roles import Right
from rvm.platform.scopes import Scope


class ApiKeyForm(ServiceForm):
    scopes = forms.MultipleChoiceField(choices=Scope.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget())

    class Meta:
        model = ApiKey
        fields = ("workspace", "name", "live", "scopes", "expires_at", "networks")


class RotationForm(forms.Form):
    """For how long the old key works on."""

    overlap_hours = forms.TypedChoiceField(
        label="The old key works on for",
        choices=[(24, "24 hours"), (0, "no moment longer"), (1, "1 hour"), (72, "3 days"), (168, "7 days")],
        coerce=int,
        empty_value=cast(Any, 24),
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text="No moment longer if the key has leaked.",
    )


# A key is shown once, by the hook that follows the one that makes it.
_PLAINTEXT = RequestValue[str]("plaintext")


@admin.register(ApiKey)
class ApiKeyAdmin(ScopedModelAdmin):
    right_to_view = Right.MANAGE_KEYS
    right_to_add = Right.MANAGE_KEYS
    form = ApiKeyForm
    list_display = ("name", "ending", "kind", "state", "workspace", "last_used_at", "created_at")
    list_filter = (("workspace", ScopedFilter), "live")
    list_select_related = ("workspace",)
    search_fields = ("name", "last4")
    ordering = ("-id",)
    add_fieldsets = ((None, {"fields": ("workspace", "name", "live", "scopes", "expires_at", "networks")}),)
    fields = (
        "workspace", "name", "ending", "kind", "scopes", "networks", "state", "expires_at", "revoked_at",
        "last_used_at", "created_at",
    )  # fmt: skip
    readonly_fields = ("ending", "kind", "state", "last_used_at", "created_at", "revoked_at")
    change_form_outer_before_template = "platform/admin/api_key_buttons.html"
    _template: ClassVar[str] = "platform/admin/api_key_shown.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("digest").annotate(asked_at=Now())

    @display(description="Ends in")
    def ending(self, key: ApiKey) -> str:
        return f"…{key.last4}"

    @display(description="Kind", label={"live": "info", "test": "warning"})
    def kind(self, key: ApiKey) -> str:
        return "live" if key.live else "test"

    @display(description="State", label={"active": "success", "expired": "warning", "revoked": "danger"})
    def state(self, key: Any) -> str:
        """By the database's time, which the list asks for with its rows."""
        if key.revoked_at:
            return "revoked"
        return "expired" if key.expires_at and key.expires_at <= key.asked_at else "active"

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        asked = form.cleaned_data
        scopes = [Scope(scope) for scope in asked["scopes"]]
        _require_organisation(request, scopes, asked["workspace"].pk)
        key, plaintext = create_api_key(
            asked["workspace"],
            asked["name"],
            scopes,
            live=asked["live"],
            expires_at=asked["expires_at"],
            networks=asked["networks"],
            actor=acting_user(request),
        )
        copy_state(obj, key)
        _PLAINTEXT.set(request, plaintext)

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        return self._show_once(request, obj, _PLAINTEXT.require(request))

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<uuid:object_id>/rotate/", asks(self, self.rotate, self.about_rotation), name="platform_apikey_rotate"
            ),
            path(
                "<uuid:object_id>/revoke/",
                asks(self, self.revoke, self.about_revocation),
                name="platform_apikey_revoke",
            ),
            *super().get_urls(),
        ]

    def about_rotation(self, request: HttpRequest, object_id: UUID) -> Question:
        key = self._active_key(request, object_id, Right.ROTATE)
        return Question(
            f"Rotate “{key.name}”?",
            "A new key is made and shown once. The old one works on for as long as you choose and then never again, so put the new "
            "one in its place by then.",
            "Rotate the key",
            variant="primary",
            form=RotationForm(),
        )

    def about_revocation(self, request: HttpRequest, object_id: UUID) -> Question:
        key = self._active_key(request, object_id, Right.MANAGE_KEYS)
        return Question(
            f"Revoke “{key.name}”?",
            "What uses this key is refused from now on, and for ever. To replace a key without an interruption, rotate it.",
            "Revoke the key",
        )

    def rotate(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        key = self._active_key(request, object_id, Right.ROTATE)
        asked = RotationForm(request.POST)
        if not asked.is_valid():
            raise PermissionDenied("The old key works on for one of the times that the page offers.")
        try:
            _require_organisation(request, key.scopes, key.workspace_id)
            overlap = timedelta(hours=asked.cleaned_data["overlap_hours"])
            successor, plaintext = rotate_api_key(key, overlap, actor=acting_user(request))
        except ServiceError as refusal:
            raise PermissionDenied(refusal.message) from None
        return self._show_once(request, successor, plaintext)

    def revoke(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        revoke_api_key(self._active_key(request, object_id, Right.MANAGE_KEYS), actor=acting_user(request))
        messages.success(request, "The key is revoked: from now on it opens nothing.")
        return redirect(reverse("admin:platform_apikey_change", args=[object_id]))

    def _active_key(self, request: HttpRequest, object_id: Any, needed: Right) -> ApiKey:
        key: ApiKey = self.get_object(request, str(object_id))
        if not self.may(needed, request, key):
            raise PermissionDenied
        if key.revoked_at is not None:
            raise PermissionDenied("A revoked key stays revoked; make a new one.")
        return key

    def _show_once(self, request: HttpRequest, key: ApiKey, plaintext: str) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Your new API key",
            "key": key,
            "plaintext": plaintext,
        }
        return TemplateResponse(request, self._template, context, headers={"Cache-Control": "no-store"})


def _require_organisation(request: HttpRequest, scopes: Collection[str], workspace_id: UUID) -> None:
    """Raises ServiceError if the scopes reach into other workspaces and the user is not an administrator of all of them, who would
    hold a right in them by the key that is shown."""
    widest = Scope.SUPPRESSIONS_LIFT_ORGANISATION
    if widest in scopes and not rights_of(request).may_in_organisation(Right.MANAGE_KEYS, workspace_id):
        raise ServiceError(
            "forbidden",
            f"Only an administrator of every workspace of the organisation can give the scope {widest.value}.",
            field="scopes",
        )
