"""Forms that arrive after the session has ended: the person gets back to the page and is told that nothing was saved."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

LOST = "Your session had ended, so what you sent was not saved. Sign in and you are back on its page; please enter it again there."
ENTER_AGAIN = "Your session had ended, and what you sent was not saved. Please enter it again."
_KEY = "lost_form"


class LostFormMiddleware:
    """Also gives browsers a page where Django's own answer to a wrong method is empty."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not request.path.startswith("/admin/"):
            return response
        if isinstance(response, HttpResponseNotAllowed):
            return render(request, "405.html", status=response.status_code)
        if request.method == "POST" and _leads_to_sign_in(response):
            request.session[_KEY] = True
            messages.warning(request, LOST)
            return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': page_of_form(request)})}")
        return response


def _leads_to_sign_in(response: HttpResponseBase) -> bool:
    location = response.headers.get("Location", "")
    return response.status_code == HTTPStatus.FOUND and urlsplit(location).path == reverse("admin:login")


def page_of_form(request: HttpRequest) -> str:
    """The page of the admin from which the form came, as path and query, so that it is never elsewhere; else the first page."""
    came_from = urlsplit(request.headers.get("Referer", ""))
    inside = came_from.path.startswith("/admin/")
    return came_from._replace(scheme="", netloc="", fragment="").geturl() if inside else reverse("admin:index")


def tell_what_was_lost(request: HttpRequest) -> None:
    """After a sign-in: say on the page of the form that it has to be entered again."""
    if request.session.pop(_KEY, False):
        messages.warning(request, ENTER_AGAIN)
