"""The admin's way in and out: the pages of allauth, whose tables are no pages of the admin. Only members of a workspace come in."""

from __future__ import annotations

from typing import Any

from allauth.account import admin as account_admin
from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.account.views import logout
from allauth.mfa import admin as mfa_admin
from allauth.mfa.models import Authenticator
from allauth.socialaccount import admin as socialaccount_admin
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from rvm.platform.admin.rights import rights_of

# Importing allauth's own pages registers them, and an import happens once.
_REGISTERING = (account_admin, mfa_admin, socialaccount_admin)
for model in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(model)

_is_staff = admin.site.has_permission


def has_permission(request: HttpRequest) -> bool:
    rights = rights_of(request)
    return _is_staff(request) and (rights.everywhere or bool(rights.roles))


@secure_admin_login
def login(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """For an account that is signed in already."""
    if not has_permission(request):
        raise PermissionDenied(
            "Your account is a member of no workspace. An administrator of a workspace can invite you."
        )
    return redirect("admin:index")


admin.site.has_permission = has_permission  # type: ignore[method-assign]
admin.site.login = login  # type: ignore[method-assign]
# One way out, which may lead on to the identity provider's.
admin.site.logout = logout  # type: ignore[method-assign]
