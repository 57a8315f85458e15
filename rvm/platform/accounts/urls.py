"""The pages of accounts: allauth's, without those by which people sign up or change their e-mail address."""

from __future__ import annotations

from typing import Any, NoReturn

from django.http import Http404, HttpRequest
from django.urls import include, path


def closed(request: HttpRequest, **_: Any) -> NoReturn:
    raise Http404("Accounts are made by invitation.")


urlpatterns = [
    # Before allauth's, which would answer.
    *(path(name, closed) for name in ("signup/", "email/", "confirm-email/", "confirm-email/<str:key>/")),
    path("", include("allauth.urls")),
]
