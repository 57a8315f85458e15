"""The identity provider: allauth's OpenID Connect with what it leaves out, a nonce, and without what strangers could add.

allauth takes parameters of the request to the provider from the address of its own page, where a link could put them, and connects
identities to whoever is signed in. Neither is needed here.
"""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.providers.base import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import get_random_string

from rvm.platform.accounts.single_sign_on.exchange import Exchange

NONCE_LENGTH = 32


class IdentityProvider(OpenIDConnectProvider):
    oauth2_adapter_class = Exchange
    pkce_enabled_default = True

    def get_scope(self) -> list[str]:
        return ["openid", "email", "profile"]

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        wanted = super().get_redirect_from_request_kwargs(request).get("next_url")
        return {"process": AuthProcess.LOGIN, "next_url": wanted}

    def redirect(
        self, request: HttpRequest, process: str, next_url: Any = None, data: Any = None, **kwargs: Any
    ) -> Any:
        nonce = get_random_string(NONCE_LENGTH)
        try:
            response: HttpResponse = super().redirect(
                request, process, next_url, data, auth_params={"nonce": nonce}, nonce=nonce
            )
        except OAuth2Error as error:
            return render_authentication_error(request, self, exception=error)
        return response

    def extract_uid(self, data: dict[str, Any]) -> str:
        return str(data["id_token"]["sub"])

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        """Kept with the account: how the person signed in at the provider, and nothing about the person."""
        return {name: data["id_token"][name] for name in ("amr", "acr") if name in data["id_token"]}

    def extract_common_fields(self, data: dict[str, Any]) -> dict[str, Any]:
        claims = data["claims"]
        names = {
            "first_name": str(claims.get("given_name", ""))[:150],
            "last_name": str(claims.get("family_name", ""))[:150],
        }
        return {"email": claims.get("email"), "email_verified": claims.get("email_verified"), **names}

    def extract_email_addresses(self, data: dict[str, Any]) -> list[Any]:
        return list(super().extract_email_addresses(data["claims"]))


provider_classes = [IdentityProvider]
