"""Page fragments that the browser polls while their content changes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

# The polling interval of an open page.
SECONDS = 4


def fragment(admin_site: Any, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A fragment's view. After the session has ended, the whole page reloads, so that the login is not shown inside the fragment."""

    @never_cache
    @functools.wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs) if admin_site.has_permission(request) else reload_page()

    return require_safe(inner)


def reload_page() -> HttpResponse:
    """A response that makes htmx reload the page."""
    return HttpResponse(headers={"HX-Refresh": "true"})
