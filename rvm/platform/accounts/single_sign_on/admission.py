"""People whom an identity provider lets in: with an account, found by its name for them or by their address, or an invitation."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import structlog
from allauth.account.internal.flows.login import record_authentication
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.stages import AuthenticateStage
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, _build_apps_from_settings
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import render

from rvm.platform import audit
from rvm.platform.accounts import record
from rvm.platform.accounts.invitations import accept_at_address
from rvm.platform.accounts.single_sign_on.exchange import Disbelieved
from rvm.platform.models import User

log = structlog.get_logger(__name__)

# RFC 8176, 2; OpenID Connect Extended Authentication Profile, 3; REFEDS MFA profile; PAPE, 4.1.
MULTI_FACTOR_METHOD = "mfa"
MULTI_FACTOR_CLASSES = frozenset(
    {
        "phr",
        "phrh",
        "https://refeds.org/profile/mfa",
        "http://schemas.openid.net/pape/policies/2007/06/multi-factor",
    }
)

REFUSALS = {
    "unverified_email": "Your identity provider does not say that your e-mail address is yours. Ask its administrators to verify it.",
    "unknown": "There is no account here with the e-mail address that your identity provider names. Ask an administrator of your "
    "workspace to invite you at that address.",
    "deactivated": "Your account here is switched off. Ask an administrator of your workspace.",
    "someone_else": "The account with your e-mail address belongs to another identity of your identity provider. Ask the platform's "
    "operator, who can separate it from that one.",
}


class AdmissionAdapter(DefaultSocialAccountAdapter):
    """allauth's way in by an identity provider, for nobody who has no account."""

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> list[SocialApp]:
        """The provider of the environment, and none that is written into the database."""
        found = _build_apps_from_settings(provider=provider, client_id=client_id)
        return [app for apps in found.values() for app in apps]

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        sociallogin.token = None  # nothing is asked of the provider later, and a session would keep it
        reason = "" if sociallogin.is_existing else connect(sociallogin)
        user = sociallogin.user
        if not reason and (user.is_service or not user.is_active):
            reason = "deactivated"
        if reason:
            name = next((each.email for each in sociallogin.email_addresses), "")
            known = user if sociallogin.is_existing else None
            record.sign_in_failed(known, name, timedelta(), by="single_sign_on", reason=reason)
            page = render(request, "socialaccount/refused.html", {"sentence": REFUSALS[reason]}, status=403)
            raise ImmediateHttpResponse(page)

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        # Other messages quote the provider, who may quote our secret.
        quotable = exception is None or isinstance(exception, Disbelieved)
        reason = str(exception or "the answer belongs to no request") if quotable else type(exception).__name__
        log.warning("single_sign_on_failed", error=str(error), reason=reason)


@transaction.atomic
def connect(sociallogin: SocialLogin) -> str:
    """Connect the identity with the only account that has its verified address; otherwise the reason of the refusal.

    An invitation to the address makes the account, without a password.

    An account stays with its first identity: an address may be given to somebody else at the provider.
    """
    address = next(iter(sociallogin.email_addresses), None)
    if address is None or not address.verified:
        return "unverified_email"
    found = list(User.objects.select_for_update().filter(email__iexact=address.email, is_service=False)[:2])
    if not found:
        told = sociallogin.user
        new = accept_at_address(address.email, told.first_name, told.last_name)
        found = [new] if new else []
    if len(found) != 1:
        return "unknown"
    user, identity = found[0], sociallogin.account
    if SocialAccount.objects.filter(user=user, provider=identity.provider).exists():
        return "someone_else"
    if user.is_active:
        identity.user = user
        identity.save()
        audit.record("identity.connected", user, actor=user, workspace=None)
    sociallogin.user = user
    return ""


class SecondFactorStage(AuthenticateStage):
    """Asks for a code, unless the identity provider has asked for a second factor itself."""

    def _should_handle(self, request: HttpRequest) -> bool:
        sociallogin = self.login.signal_kwargs.get("sociallogin") if self.login.signal_kwargs else None
        if sociallogin is not None and second_factor_shown(sociallogin.account.extra_data):
            record_authentication(request, self.login.user, "provider_mfa")
            return False
        return bool(super()._should_handle(request))


def second_factor_shown(id_token: dict[str, Any]) -> bool:
    """Whether the provider says so of this sign-in, or asks everybody as RVM_OIDC_SECOND_FACTOR says."""
    methods = id_token.get("amr")
    by_method = isinstance(methods, Iterable) and not isinstance(methods, str) and MULTI_FACTOR_METHOD in methods
    return settings.RVM_OIDC_SECOND_FACTOR or by_method or id_token.get("acr") in MULTI_FACTOR_CLASSES
