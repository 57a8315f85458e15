"""The pages of accounts: allauth's, without those by which people sign up, change their e-mail address or connect identities."""

from __future__ import annotations

from typing import Any, NoReturn

from django.http import Http404, HttpRequest
from django.urls import include, path

from rvm.platform.accounts.invitation_views import InvitationView
from rvm.platform.accounts.second_factor import views


def closed(request: HttpRequest, **_: Any) -> NoReturn:
    raise Http404("Accounts are made by invitation.")


CLOSED = ("signup/", "email/", "confirm-email/", "confirm-email/<str:key>/", "3rdparty/", "3rdparty/signup/")


urlpatterns = [
    # Before allauth's, which would answer.
    *(path(name, closed) for name in CLOSED),
    path("invitation/", InvitationView.as_view(), name="account_invitation"),
    path("2fa/totp/activate/", views.EnrolView.as_view(), name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", views.RemoveView.as_view(), name="mfa_deactivate_totp"),
    path("2fa/recovery-codes/", views.RecoveryCodesView.as_view(), name="mfa_view_recovery_codes"),
    path("2fa/recovery-codes/generate/", views.NewRecoveryCodesView.as_view(), name="mfa_generate_recovery_codes"),
    path("", include("allauth.urls")),
]
