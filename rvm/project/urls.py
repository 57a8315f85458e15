"""All URLs of the platform, combined from the layers."""

from __future__ import annotations

from typing import NoReturn

from django.contrib import admin
from django.http import Http404, HttpRequest
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from rvm.platform.access.api_keys import CallerView
from rvm.platform.admin.people.time_zone import TimeZoneView
from rvm.project import docs


def nowhere(request: HttpRequest) -> NoReturn:
    """An address of Django's that no page of ours asks."""
    raise Http404


# Voicemails first, and all by one look at the workspace's id: what is passed over on the way costs each send.
_OF_A_WORKSPACE = [
    "delivery.api.urls",
    "rvm.platform.access.urls",
    "rvm.platform.audit_api.urls",
    "rvm.platform.events.api.urls",
    "rvm.platform.webhooks.api.urls",
    "usecases.api.urls",
    "delivery.setups.urls",
    "campaigns.api.urls",
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/<uuid:workspace_id>/", include([path("", include(urls)) for urls in _OF_A_WORKSPACE])),
    path("v1/auth/me", CallerView.as_view(), name="caller"),
    path("", include("rvm.platform.health.urls")),
    path("", include("delivery.web.urls")),
    path("", include("usecases.inbound.urls")),
    path("v1/openapi.json", docs.OpenApiView.as_view(), name="openapi"),
    path("docs", docs.docs, name="docs"),
    path("docs/problems", docs.problems, name="problems"),
    path("docs/problems/<str:code>", docs.problem, name="problem"),
    # Before the admin's own, which match every other address below theirs.
    path("admin/people/", include("campaigns.admin.people.urls")),
    path("admin/autocomplete/", nowhere),
    path("admin/", admin.site.urls),
    path("accounts/time-zone/", TimeZoneView.as_view(), name="account_time_zone"),
    path("accounts/", include("rvm.platform.accounts.urls")),
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
]

# Under /v1/, unknown addresses and crashes also respond with problem+json.
handler400 = "rvm.platform.api.problems.bad_request"
handler403 = "rvm.platform.api.problems.permission_denied"
handler404 = "rvm.platform.api.problems.page_not_found"
handler500 = "rvm.platform.api.problems.server_error"
