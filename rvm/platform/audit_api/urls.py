"""URL patterns of the audit under /v1/{workspace_id}/."""

from __future__ import annotations

from django.urls import path

import rvm.platform.audit_api.examples  # noqa: F401  # gives the serializers their examples
from rvm.platform.audit_api import views
from rvm.platform.audit_api.reference import views as reference

urlpatterns = [
    path("audit", views.AuditView.as_view(), name="audit"),
    path("audit/phi-access", views.PhiAccessView.as_view(), name="audit-phi-access"),
    path("audit/summary", reference.AuditSummaryView.as_view(), name="audit-summary"),
    path("audit/export", reference.AuditExportView.as_view(), name="audit-export"),
    path("audit/exports", reference.AuditExportsView.as_view(), name="audit-exports"),
    path("audit/exports/<uuid:export_id>", reference.AuditExportFileView.as_view(), name="audit-export-file"),
    path("audit/entity/<uuid:resource_id>/access-log", views.AccessLogView.as_view(), name="audit-access-log"),
]
