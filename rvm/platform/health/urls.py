"""The addresses of the health checks."""

from __future__ import annotations

from django.urls import path

from rvm.platform.health import checks

urlpatterns = [
    path("livez", checks.livez, name="livez"),
    path("readyz", checks.readyz, name="readyz"),
]
