"""What the admin's own pages know about the site, for the pages of accounts, which are not the admin's."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest


def admin_site(request: HttpRequest) -> dict[str, Any]:
    """A context processor: the admin's titles, colours and navigation, on the pages of accounts only."""
    if not request.path.startswith(("/accounts/", "/admin/logout/")):
        return {}
    return {**admin.site.each_context(request), "single_sign_on_only": settings.RVM_OIDC_ONLY}
