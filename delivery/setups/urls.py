"""URLs of telephony setups under /v1/{workspace_id}/."""

from __future__ import annotations

from django.urls import path

import delivery.setups.examples  # noqa: F401  # gives the serializers their examples
from delivery.setups import api

urlpatterns = [
    path("setups", api.SetupListView.as_view(), name="setups"),
    path("setups/<uuid:setup_id>", api.SetupView.as_view(), name="setup"),
    path("setups/<uuid:setup_id>/stats", api.SetupStatsView.as_view(), name="setup-stats"),
    path("setups/<uuid:setup_id>/test", api.SetupTestView.as_view(), name="setup-test"),
    path("setups/<uuid:setup_id>/close-breaker", api.CloseBreakerView.as_view(), name="setup-close-breaker"),
    path("setups/<uuid:setup_id>/callback-address", api.CallbackAddressView.as_view(), name="setup-callback-address"),
    path(
        "setups/<uuid:setup_id>/callback-address/earlier",
        api.EarlierCallbackAddressesView.as_view(),
        name="setup-earlier-callback-addresses",
    ),
]
