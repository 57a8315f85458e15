"""Parts of a page that fetch themselves again while something moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

# Between two looks of an open page.
SECONDS = 4


def fragment(admin_site: Any, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view of such a part: whose session has ended is sent to the login by the whole page, not by a corner of it."""

    @never_cache
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs) if admin_site.has_permission(request) else afresh()

    return require_safe(inner)


def afresh() -> HttpResponse:
    """Tells the open page to load itself again."""
    return HttpResponse(headers={"HX-Refresh": "true"})
