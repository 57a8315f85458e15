"""URL patterns of the audit under /v1/{workspace_id}/."""

from __future__ import annotations

from django.urls import path

import rvm.platform.audit.examples  # noqa: F401  # gives the serializers their examples
from rvm.platform.audit import views

urlpatterns = [
    path("audit", views.AuditView.as_view(), name="audit"),
    path("audit/phi-access", views.PhiAccessView.as_view(), name="audit-phi-access"),
    path("audit/entity/<uuid:resource_id>/access-log", views.AccessLogView.as_view(), name="audit-access-log"),
]
