"""The example of an audit event in the OpenAPI document."""

from __future__ import annotations

from rvm.platform.api.schema import give_examples
from rvm.platform.audit.serializers import AuditEventSerializer

give_examples(
    {
        AuditEventSerializer: {
            "event_id": "01920f3b-9a00-7000-8000-0000000000a8",
            "at": "2026-03-02T15:00:00Z",
            "action": "campaign.launched",
            "description": "Maria Lopez launched the campaign Flu shots, north side.",
            "actor_id": "01920f3a-6f00-7000-8000-0000000000a7",
            "actor_name": "Maria Lopez",
            "api_key_id": None,
            "address": "192.0.2.10",
            "resource_type": "campaigns.campaign",
            "resource_id": "01920f3b-1c00-7000-8000-0000000000f1",
            "resource_name": "Flu shots, north side",
            "phi_access": False,
            "details": {"people": 10000},
            "request_id": "be149e52-de15-4e59-84aa-f1f48e0bfb05",
        }
    }
)
