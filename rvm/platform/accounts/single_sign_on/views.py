"""The way to the identity provider, and the way back."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

from rvm.platform.accounts.single_sign_on.exchange import Exchange


class _Arrival(OAuth2CallbackView):
    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        """The ID token has to carry the nonce of the request that this state belongs to."""
        state, response = super()._get_state(request, provider)
        self.adapter.expected_nonce = (state or {}).get("nonce", "")
        return state, response


def leave(request: HttpRequest, provider_id: str) -> HttpResponse:
    return _answer(OAuth2LoginView, request, provider_id)


@never_cache
def arrive(request: HttpRequest, provider_id: str) -> HttpResponse:
    return _answer(_Arrival, request, provider_id)


def _answer(view: Any, request: HttpRequest, provider_id: str) -> HttpResponse:
    try:
        response: HttpResponse = view.adapter_view(Exchange(request, provider_id))(request)
    except SocialApp.DoesNotExist:
        raise Http404("No identity provider is configured here.") from None
    return response
