"""URLs of the pages of people, below those of the admin. People have no table, so they have no ModelAdmin."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.admin.people import person_page, search_page


def _view(
    view: Callable[..., HttpResponse], methods: Callable[..., Callable[..., HttpResponse]]
) -> Callable[..., HttpResponse]:
    wrapped: Callable[..., HttpResponse] = admin.site.admin_view(methods(view))
    return wrapped


urlpatterns = [
    path("", _view(search_page.search, require_http_methods(["GET", "HEAD", "POST"])), name="people"),
    path(
        "of-voicemail/<uuid:voicemail_id>/", _view(person_page.of_voicemail, require_safe), name="person_of_voicemail"
    ),
    path(
        "of-suppression/<uuid:suppression_id>/",
        _view(person_page.of_suppression, require_safe),
        name="person_of_suppression",
    ),
    path("<str:token>/", _view(person_page.person, require_safe), name="person"),
    path("<str:token>/opt-out/", _view(person_page.opt_out_person, require_POST), name="person_opt_out"),
    path("<str:token>/erase/", _view(person_page.erase_person, require_POST), name="person_erase"),
]
