"""Examples of the audit in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from rvm.platform.api.schema import give_examples
from rvm.platform.audit_api.reference.events import AuditEventPageSerializer, ReferenceAuditEventSerializer
from rvm.platform.audit_api.reference.views import (
    AuditExportPageSerializer,
    AuditExportSerializer,
    AuditSummarySerializer,
    NewAuditExport,
)
from rvm.platform.audit_api.serializers import AuditEventSerializer

_WORKSPACE = "01920f3a-5e00-7000-8000-0000000000a0"
_ID = "01920f3b-9a00-7000-8000-0000000000a8"
_PERSON = "01920f3a-6f00-7000-8000-0000000000a7"
_CAMPAIGN = "01920f3b-1c00-7000-8000-0000000000f1"
_EXPORT_ID = "01920f3b-9c00-7000-8000-0000000000a9"
_REQUEST = "be149e52-de15-4e59-84aa-f1f48e0bfb05"

_EVENT: dict[str, Any] = {
    "id": _ID,
    "event_id": _ID,
    "at": "2026-03-02T15:00:00Z",
    "action": "campaign.launched",
    "description": "Maria Lopez launched the campaign Flu shots, north side.",
    "actor_id": _PERSON,
    "actor_name": "Maria Lopez",
    "api_key_id": None,
    "address": "192.0.2.10",
    "resource_type": "campaigns.campaign",
    "resource_id": _CAMPAIGN,
    "resource_name": "Flu shots, north side",
    "phi_access": False,
    "details": {"people": 10000},
    "request_id": _REQUEST,
}
_THEIR_EVENT: dict[str, Any] = {
    "id": _ID,
    "workspace_id": _WORKSPACE,
    "timestamp": "2026-03-02T15:00:00Z",
    "service": "campaigns",
    "action": "campaign.launched",
    "description": "Maria Lopez launched the campaign Flu shots, north side.",
    "actor_entity_id": _PERSON,
    "actor_name": "Maria Lopez",
    "actor_credential_id": None,
    "ip_address": "192.0.2.10",
    "user_agent": None,
    "resource_type": "campaigns.campaign",
    "resource_id": _CAMPAIGN,
    "resource_name": "Flu shots, north side",
    "phi_accessed": False,
    "metadata": {"people": 10000},
    "request_id": _REQUEST,
}
_EXPORT: dict[str, Any] = {
    "id": _EXPORT_ID,
    "export_id": _EXPORT_ID,
    "created_at": "2026-03-02T15:10:00Z",
    "row_count": 214,
    "size": 98_331,
    "filters": {"date_from": "2026-02-01T00:00:00+00:00", "date_to": "2026-03-01T00:00:00+00:00"},
    "download_url": f"https://rvm.example.com/v1/{_WORKSPACE}/audit/exports/{_EXPORT_ID}",
    "key": _EXPORT_ID,
    "s3_key": _EXPORT_ID,
    "last_modified": "2026-03-02T15:10:00Z",
}

give_examples(
    {
        AuditEventSerializer: _EVENT,
        ReferenceAuditEventSerializer: _THEIR_EVENT,
        AuditEventPageSerializer: {
            "items": [_EVENT],
            "continuation_token": None,
            "has_more": False,
            "events": [_THEIR_EVENT],
            "total": 1,
            "limit": 50,
            "offset": 0,
            "next_offset": None,
        },
        AuditSummarySerializer: {
            "total_events": 214,
            "phi_access_events": 31,
            "unique_actors": 5,
            "services_with_events": 3,
            "date_from": "2026-02-01T00:00:00Z",
            "date_to": "2026-03-01T00:00:00Z",
        },
        NewAuditExport: {"date_from": "2026-02-01", "date_to": "2026-02-28"},
        AuditExportSerializer: _EXPORT,
        AuditExportPageSerializer: {
            "items": [_EXPORT],
            "continuation_token": None,
            "has_more": False,
            "exports": [_EXPORT],
        },
    }
)
