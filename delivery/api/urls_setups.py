"""The addresses of telephony setups under /v1/{workspace_id}/."""

from __future__ import annotations

from django.urls import path

from delivery.api import setups

urlpatterns = [
    path("setups", setups.SetupListView.as_view(), name="setups"),
    path("setups/<uuid:setup_id>", setups.SetupView.as_view(), name="setup"),
    path("setups/<uuid:setup_id>/test", setups.SetupTestView.as_view(), name="setup-test"),
]
