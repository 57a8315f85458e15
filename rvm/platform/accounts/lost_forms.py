"""Forms that arrive after the session has ended: the person gets back to the page and is told that nothing was saved."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

LOST = "Your session had ended, so what you sent was not saved. Sign in and you are back on its page; please enter it again there."
ENTER_AGAIN = "Your session had ended, and what you sent was not saved. Please enter it again."
# A cookie and no session, so that nobody fills a table with forms.
_COOKIE = "lost_form"
_SECONDS = 3600


class LostFormMiddleware:
    """Also gives browsers a page where Django's own answer to a wrong method is empty."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith("/admin/"):
            return self.get_response(request)
        lost = request.COOKIES.get(_COOKIE) and request.method == "GET" and request.user.is_authenticated
        if lost:
            messages.warning(request, ENTER_AGAIN)
        response = self.get_response(request)
        if lost:
            response.delete_cookie(_COOKIE)
        if isinstance(response, HttpResponseNotAllowed):
            page = render(request, "405.html", status=response.status_code)
            page["Allow"] = response["Allow"]
            return page
        ended = request.method == "POST" and _leads_to_sign_in(response) and not request.user.is_authenticated
        return lead_back(request) if ended else response


def lead_back(request: HttpRequest) -> HttpResponseRedirect:
    messages.warning(request, LOST)
    response = HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': page_of_form(request)})}")
    response.set_cookie(
        _COOKIE, "1", max_age=_SECONDS, httponly=True, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE
    )
    return response


def _leads_to_sign_in(response: HttpResponseBase) -> bool:
    location = response.headers.get("Location", "")
    return response.status_code == HTTPStatus.FOUND and urlsplit(location).path == reverse("admin:login")


def page_of_form(request: HttpRequest) -> str:
    """The page of the admin from which the form came, as path and query, so that it is never elsewhere; else the first page."""
    came_from = urlsplit(request.headers.get("Referer", ""))
    inside = came_from.path.startswith("/admin/")
    return came_from._replace(scheme="", netloc="", fragment="").geturl() if inside else reverse("admin:index")
