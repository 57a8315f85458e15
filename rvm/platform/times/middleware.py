"""The time zone of the desk: each page shows and reads times in the zone of its person.

Elsewhere, also in the API, in workers and in files that are sent while they are made, it stays UTC.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.times.zones import person_zone

_PAGES = ("/admin/", "/accounts/")


class TimeZoneMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()  # the thread serves others

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """Only for a session, because a look at the user makes a response depend on cookies."""
        if not request.path.startswith(_PAGES) or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return
        if request.user.is_authenticated:
            timezone.activate(person_zone(acting_user(request), rights_of(request).time_zones.values()))
