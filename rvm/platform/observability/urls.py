"""The addresses of the health checks."""

from __future__ import annotations

from django.urls import path

from rvm.platform.observability import health

urlpatterns = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
]
