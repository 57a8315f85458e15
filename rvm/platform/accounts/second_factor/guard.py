"""The one place that asks every session for its second factor, before any page is served to it.

A session that has shown none is sent to enrol one, or to sign in again if the person has one. What is signed in by an API key has no
session and is not asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

# Where a session says which page the person wanted when the second factor was asked for.
WANTED = "wanted_page"
# How allauth names a sign-in by code, and how we name one by an identity provider that asked for a second factor itself.
PROOFS = frozenset({"mfa", "provider_mfa"})
# A session without a second factor may enrol one, say its password for that, and leave.
OPEN = frozenset({"mfa_activate_totp", "account_reauthenticate", "account_logout", "admin:logout"})


class SecondFactorMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if not settings.RVM_REQUIRE_SECOND_FACTOR or not _opens_by_session(request) or has_shown(request):
            return None
        if is_mfa_enabled(request.user, [Authenticator.Type.TOTP]):
            logout(request)
            return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")
        if request.resolver_match and request.resolver_match.view_name in OPEN:
            return None
        if request.method == "GET":
            request.session[WANTED] = request.get_full_path()
        return redirect("mfa_activate_totp")


def _opens_by_session(request: HttpRequest) -> bool:
    """Looking at the user of a request without a session's cookie would make every response depend on cookies."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or request.path.startswith("/v1/"):
        return False
    return request.user.is_authenticated


def has_shown(request: HttpRequest) -> bool:
    """Whether this session's person has shown a second factor in it."""
    return any(each.get("method") in PROOFS for each in get_authentication_records(request, request.user))


def forget(request: HttpRequest) -> None:
    """The session has shown none any more."""
    records = get_authentication_records(request, request.user)
    request.session[AUTHENTICATION_METHODS_SESSION_KEY] = [each for each in records if each.get("method") not in PROOFS]
