"""What is fetched from the identity provider and checked, before anybody is let in.

OpenID Connect Core 1.0, 3.1.3.7 (the ID token) and 5.3.2 (the person of the ID token and of what else is told are the same), and
Discovery 1.0, 4.3 (the issuer is the configured one).
"""

from __future__ import annotations

import base64
from hmac import compare_digest
from typing import Any
from urllib.parse import urlencode

import jwt
import requests
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from rvm.platform.encryption.crypto import Undecryptable, cipher

# By a key pair only: anybody who knows the client's secret could sign with that.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
REQUIRED_CLAIMS = ["iss", "sub", "aud", "exp", "iat", "nonce"]
CLOCKS_DIFFER_BY_SECONDS = 60
# The only provider, in addresses of pages and in rows of identities.
PROVIDER_ID = "sso"
SESSION_KEY, PURPOSE = "single_sign_on_id_token", b"single-sign-on:id-token"


class Disbelieved(OAuth2Error):
    """An answer of the provider that is not accepted; the message is the reason, for the log."""


class Exchange(OpenIDConnectOAuth2Adapter):
    """Raises Disbelieved, and OAuth2Error, which may quote the provider; allauth answers both with a page."""

    expected_nonce: str = ""

    @property
    def openid_config(self) -> dict[str, Any]:
        if not hasattr(self, "_openid_config"):
            self._openid_config = checked_configuration(_fetch(self.get_provider().server_url))
        return self._openid_config

    def complete_login(self, request: HttpRequest, app: Any, token: SocialToken, **kwargs: Any) -> Any:
        id_token = self.checked_id_token(kwargs["response"].get("id_token"), app.client_id)
        told = id_token
        if "userinfo_endpoint" in self.openid_config:
            told = _fetch(self.profile_url, {"Authorization": f"Bearer {token.token}"})
            if told.get("sub") != id_token["sub"]:
                raise Disbelieved("what the provider tells is about somebody else")
        keep_for_signing_out(request, kwargs["response"]["id_token"])
        claims = {**id_token, **told}
        return self.get_provider().sociallogin_from_response(request, {"id_token": id_token, "claims": claims})

    def checked_id_token(self, text: Any, client_id: str) -> dict[str, Any]:
        try:
            keys = jwt.PyJWKSet.from_dict(_fetch(self.openid_config["jwks_uri"]))
            kid = jwt.get_unverified_header(text).get("kid")
            # A provider with a single key need not name it.
            (key,) = [each for each in keys.keys if kid in (None, each.key_id)]
            claims: dict[str, Any] = jwt.decode(
                text,
                key,
                algorithms=ALGORITHMS,
                audience=client_id,
                issuer=settings.RVM_OIDC_ISSUER,
                leeway=CLOCKS_DIFFER_BY_SECONDS,
                options={"require": REQUIRED_CLAIMS},
            )
        except (jwt.PyJWTError, ValueError) as error:
            raise Disbelieved(f"the ID token is refused: {type(error).__name__}") from error
        if claims.get("azp", client_id) != client_id:
            raise Disbelieved("the ID token was issued to another client")
        if not self.expected_nonce or not compare_digest(str(claims["nonce"]).encode(), self.expected_nonce.encode()):
            raise Disbelieved("the ID token answers another request")
        return claims


def keep_for_signing_out(request: HttpRequest, id_token: str) -> None:
    sealed = cipher().encrypt(id_token.encode(), PURPOSE)
    request.session[SESSION_KEY] = base64.b64encode(sealed).decode()


def way_out(request: HttpRequest) -> str | None:
    """The address at which the person signs out of the identity provider too; None if it has none (RP-Initiated Logout 1.0)."""
    sealed = request.session.get(SESSION_KEY)
    if sealed is None:
        return None
    exchange = Exchange(request, PROVIDER_ID)
    try:
        address = exchange.openid_config.get("end_session_endpoint")
    except (OAuth2Error, SocialApp.DoesNotExist):
        return None
    try:
        id_token = cipher().decrypt(base64.b64decode(sealed), PURPOSE).decode()
    except Undecryptable:
        return None  # its key was retired since the sign-in
    asked = {
        "id_token_hint": id_token,
        "client_id": exchange.get_provider().app.client_id,
        "post_logout_redirect_uri": request.build_absolute_uri(reverse("account_login")),
    }
    return f"{address}?{urlencode(asked)}" if address else None


def checked_configuration(found: dict[str, Any]) -> dict[str, Any]:
    if found.get("issuer") != settings.RVM_OIDC_ISSUER:
        raise Disbelieved("the provider calls itself by another name than RVM_OIDC_ISSUER")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if name not in found:
            raise Disbelieved(f"the provider has no {name}")
    encrypted = settings.RVM_OIDC_ISSUER.startswith("https://")
    addresses = [str(value) for name, value in found.items() if name.endswith("_endpoint") or name == "jwks_uri"]
    if encrypted and not all(each.startswith("https://") for each in addresses):
        raise Disbelieved("the provider has an address without encryption")
    return found


def _fetch(address: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    try:
        with get_adapter().get_requests_session() as session:
            response = session.get(address, headers=headers)
            response.raise_for_status()
            found = response.json()
    except (requests.RequestException, ValueError) as error:
        raise Disbelieved(f"the provider does not answer: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise Disbelieved("the provider answers something else")
    return found
