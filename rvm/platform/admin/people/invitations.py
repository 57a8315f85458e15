"""The admin of invitations: who manages the people of a workspace invites, sends again and withdraws."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.decorators import display

from rvm.platform.accounts import invitations
from rvm.platform.admin.form_errors import ServiceForm, copy_state
from rvm.platform.admin.questions import Question, asks
from rvm.platform.admin.rights import acting_user
from rvm.platform.admin.scoping import ScopedFilter, ScopedModelAdmin
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import Invitation
from rvm.platform.request_values import RequestValue
from rvm.platform.roles import Right, Role


class InvitationForm(ServiceForm):
    class Meta:
        model = Invitation
        fields = ("workspace", "email", "role", "may_see_numbers")
        help_texts: ClassVar[dict[str, Any]] = {
            "email": "Whoever reads the mail of this address can take the invitation up.",
            "may_see_numbers": "Phone numbers of patients are masked for everybody else.",
        }


# It is shown once, by the hook that follows the one that makes it.
_LINK = RequestValue[str]("link")


@admin.register(Invitation)
class InvitationAdmin(ScopedModelAdmin):
    right_to_view = Right.MANAGE_PEOPLE
    right_to_add = Right.MANAGE_PEOPLE
    form: type[forms.ModelForm] = InvitationForm
    list_display = ("email", "workspace", "role", "may_see_numbers", "state", "invited_by", "expires_at")
    list_filter = (("workspace", ScopedFilter), "role")
    list_select_related = ("workspace", "invited_by")
    search_fields = ("email",)
    ordering = ("-id",)
    add_fieldsets = ((None, {"fields": ("workspace", "email", "role", "may_see_numbers")}),)
    fields = (
        "workspace", "email", "role", "may_see_numbers", "state", "invited_by", "created_at", "expires_at", "accepted_at",
        "accepted_by", "withdrawn_at",
    )  # fmt: skip
    readonly_fields = ("state", "invited_by", "created_at", "expires_at", "accepted_at", "accepted_by", "withdrawn_at")
    change_form_outer_before_template = "platform/admin/invitation_buttons.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("digest")

    @display(
        description="State", label={"open": "info", "accepted": "success", "withdrawn": "danger", "expired": "warning"}
    )
    def state(self, invitation: Invitation) -> str:
        if invitation.accepted_at:
            return "accepted"
        if invitation.withdrawn_at:
            return "withdrawn"
        return "expired" if invitation.expires_at <= database_now() else "open"

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.add_fieldsets if obj is None else super().get_fieldsets(request, obj)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> Any:
        if obj is not None:
            context["is_open"] = not (obj.accepted_at or obj.withdrawn_at)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        asked = form.cleaned_data
        invitation, link = invitations.invite(
            asked["workspace"],
            asked["email"],
            Role(asked["role"]),
            may_see_numbers=asked["may_see_numbers"],
            actor=acting_user(request),
        )
        copy_state(obj, invitation)
        _LINK.set(request, link)

    def response_add(self, request: HttpRequest, obj: Invitation, post_url_continue: str | None = None) -> HttpResponse:
        return self._hand_over(request, obj, _LINK.require(request))

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("<uuid:object_id>/renew/", wrap(require_POST(self.renew)), name="platform_invitation_renew"),
            path(
                "<uuid:object_id>/withdraw/",
                asks(self, self.withdraw, self.about_withdrawal),
                name="platform_invitation_withdraw",
            ),
            *super().get_urls(),
        ]

    def renew(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        invitation = self._own(request, object_id)
        try:
            link = invitations.renew(invitation, actor=acting_user(request))
        except ServiceError as refusal:
            raise PermissionDenied(refusal.message) from None
        return self._hand_over(request, invitation, link)

    def about_withdrawal(self, request: HttpRequest, object_id: UUID) -> Question:
        invitation = self._own(request, object_id)
        title = f"Withdraw the invitation of {invitation.email}?"
        if (state := self.state(invitation)) in ("accepted", "withdrawn"):
            return Question(title, f"This invitation is {state}, so it cannot be withdrawn any more.")
        return Question(
            title,
            "Its link opens nothing from now on. To let the person in after all, invite them anew.",
            "Withdraw the invitation",
        )

    def withdraw(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        try:
            invitations.withdraw(self._own(request, object_id), actor=acting_user(request))
        except ServiceError as refusal:
            raise PermissionDenied(refusal.message) from None
        messages.success(request, "The invitation is withdrawn: its link opens nothing.")
        return redirect(reverse("admin:platform_invitation_change", args=[object_id]))

    def _own(self, request: HttpRequest, object_id: Any) -> Invitation:
        invitation: Invitation = self.get_object(request, str(object_id))
        if not self.may(Right.MANAGE_PEOPLE, request, invitation):
            raise PermissionDenied
        return invitation

    def _hand_over(self, request: HttpRequest, invitation: Invitation, link: str) -> HttpResponse:
        """By e-mail, or else on a page for the inviter, once."""
        there = reverse("admin:platform_invitation_change", args=[invitation.pk])
        if invitations.send(invitation, link):
            messages.success(request, f"The invitation is on its way to {invitation.email}.")
            return redirect(there)
        purpose = f"No e-mail was sent. This is the link with which {invitation.email} takes the invitation up."
        return show_link(self, request, "The invitation's link", purpose, link, there)


def show_link(
    page: ScopedModelAdmin, request: HttpRequest, title: str, purpose: str, link: str, back: str
) -> HttpResponse:
    context = {
        **page.admin_site.each_context(request), "title": title, "purpose": purpose, "link": link, "back": back,
    }  # fmt: skip
    return TemplateResponse(request, "platform/admin/link_shown.html", context, headers={"Cache-Control": "no-store"})
