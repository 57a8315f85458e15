"""The page to which the link of an invitation leads: make an account, or join with the one that there is."""

from __future__ import annotations

from typing import Any

from allauth.account.fields import PasswordField, SetPasswordField
from allauth.account.forms import PasswordVerificationMixin
from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from rvm.platform.accounts import invitations
from rvm.platform.accounts.people import person_named
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import Invitation, User

_TOKEN = "invitation"  # noqa: S105  # a key of the session


class NewAccountForm(PasswordVerificationMixin, forms.Form):
    """Without passwords where people sign in by the identity provider only."""

    first_name = forms.CharField(
        max_length=150, widget=forms.TextInput({"autocomplete": "given-name", "autofocus": True})
    )
    last_name = forms.CharField(max_length=150, widget=forms.TextInput({"autocomplete": "family-name"}))
    password1 = SetPasswordField(label="Password")
    password2 = PasswordField(label="Password again", autocomplete="new-password")

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if settings.RVM_OIDC_ONLY:
            del self.fields["password1"], self.fields["password2"]
        else:
            password: Any = self.fields["password1"]
            password.user = User(username=email, email=email)  # what it must not resemble


@method_decorator([never_cache, sensitive_post_parameters("password1", "password2")], name="dispatch")
class InvitationView(View):
    """The token goes from the link into the session, so that no address on the way has it."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if token := request.GET.get("token"):
            request.session[_TOKEN] = token
            return redirect("account_invitation")
        invitation = self._invitation()
        if invitation is None:
            return self._page("closed")
        if request.user.is_authenticated:
            return self._page("join", invitation)
        if person_named(invitation.email):
            return self._page("known", invitation, sign_in=f"{reverse('account_login')}?next={request.path}")
        return self._page("new", invitation, form=NewAccountForm(email=invitation.email))

    def post(self, request: HttpRequest) -> HttpResponse:
        invitation = self._invitation()
        if invitation is None:
            return self._page("closed")
        try:
            if isinstance(request.user, User):
                return self._join(request.user, invitation)
            return self._make_account(invitation)
        except ServiceError:
            return self._page("closed")

    def _join(self, user: User, invitation: Invitation) -> HttpResponse:
        invitations.accept(self._token, user)
        del self.request.session[_TOKEN]
        messages.success(self.request, f"You are a member of {invitation.workspace}.")
        return redirect("admin:index")

    def _make_account(self, invitation: Invitation) -> HttpResponse:
        form = NewAccountForm(self.request.POST, email=invitation.email)
        if person_named(invitation.email) or not form.is_valid():
            return self._page("new", invitation, form=form)
        given = form.cleaned_data
        user = invitations.accept_as_new(
            self._token, invitation.email, given["first_name"], given["last_name"], given.get("password1")
        )
        del self.request.session[_TOKEN]
        if settings.RVM_OIDC_ONLY:
            messages.success(self.request, f"You are a member of {invitation.workspace}. Sign in.")
            return redirect("account_login")
        # Who has just chosen the password need not say it again to enrol a second factor.
        record_authentication(self.request, user, "password")
        signed_in: HttpResponse = perform_login(self.request, user, redirect_url=reverse("admin:index"))
        return signed_in

    @property
    def _token(self) -> str:
        token: str = self.request.session.get(_TOKEN, "")
        return token

    def _invitation(self) -> Invitation | None:
        return invitations.valid_invitation(self._token, database_now())

    def _page(self, name: str, invitation: Invitation | None = None, **context: Any) -> HttpResponse:
        context |= {"invitation": invitation}
        return TemplateResponse(self.request, f"accounts/invitation_{name}.html", context)
