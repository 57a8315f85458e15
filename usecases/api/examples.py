"""Example requests and responses of this layer in the OpenAPI document. Names and numbers are fictional."""

from __future__ import annotations

from typing import Any

from rvm.platform.api.schema import give_examples
from usecases.api.consent_serializers import ConsentDetailSerializer, ConsentSerializer, RevocationRequest
from usecases.api.serializers import (
    NewPhoneNumber,
    NewUseCase,
    PhoneNumberChanges,
    PhoneNumberSerializer,
    UseCaseChanges,
    UseCaseSerializer,
)
from usecases.api.suppression_serializers import NewSuppression, SuppressionDetailSerializer, SuppressionSerializer

_WORKSPACE = "01920f3a-6f00-7000-8000-0000000000a0"
_USE_CASE = "01920f3a-6f00-7000-8000-0000000000a1"
_SETUP = "01920f3a-6f00-7000-8000-0000000000b1"
_NUMBER = "01920f3a-6f00-7000-8000-0000000000b2"
_PERSON = "01920f3a-6f00-7000-8000-0000000000a7"

_POLICY: dict[str, Any] = {
    "sending_enabled": True,
    "allows_ringing": False,
    "purpose": "appointment",
    "basis": "express_consent",
    "consent_required": "attested",
    "consent_statement": "All patients signed form 12 at registration.",
    "consent_valid_days": None,
    "confidential_numbers": "skip",
    "window_start": "09:00:00",
    "window_end": "20:00:00",
    "days": [1, 2, 3, 4, 5, 6],
    "sends_on_holidays": False,
    "state_overlay": True,
    "expires_after_hours": 72,
    "max_attempts": 3,
    "retry_minutes": 60,
    "max_per_day": 1,
    "max_per_24h": None,
    "max_per_week": 3,
    "failover_reasons": [],
}
_CONSENT: dict[str, Any] = {
    "id": "01920f3a-7d00-7000-8000-0000000000c5",
    "consent_id": "01920f3a-7d00-7000-8000-0000000000c5",
    "recipient_phone_number": "+•••••••0142",
    "purposes": ["appointment"],
    "basis": "express_consent",
    "source": "signed form",
    "list_id": None,
    "given_at": "2026-03-02T15:00:00Z",
    "expires_at": None,
    "created_by": _PERSON,
    "created_at": "2026-03-02T15:04:00Z",
    "active": True,
    "revoked_at": None,
    "revocation_channel": None,
}
_SUPPRESSION: dict[str, Any] = {
    "id": "01920f3a-7e00-7000-8000-0000000000c6",
    "suppression_id": "01920f3a-7e00-7000-8000-0000000000c6",
    "recipient_phone_number": "+•••••••0142",
    "reason": "opt_out",
    "reason_detail": "Opted out",
    "note": "Asked by telephone.",
    "source": "api",
    "purposes": [],
    "scope": "organisation",
    "origin": "this_workspace",
    "opt_out_list_id": None,
    "created_by": _PERSON,
    "created_at": "2026-03-02T15:05:00Z",
    "active": True,
    "lifted_at": None,
    "lifted_by": None,
    "lift_reason": None,
}

give_examples(
    {
        NewUseCase: {
            "channel": "ringless_voicemail",
            "entity_name": "Lakeside Clinic",
            "name": "Appointment reminder",
            "description": "Reminders two days before an appointment.",
            "setup_id": _SETUP,
            "purpose": "appointment",
            "consent_statement": _POLICY["consent_statement"],
        },
        UseCaseChanges: {"window_start": "10:00", "window_end": "18:00", "days": [1, 2, 3, 4, 5]},
        UseCaseSerializer: {
            "id": _USE_CASE,
            "channel": "ringless_voicemail",
            "entity_name": "Lakeside Clinic",
            "name": "Appointment reminder",
            "description": "Reminders two days before an appointment.",
            "setup_id": _SETUP,
            "failover_setup_id": None,
            "phone_numbers": [{"id": _NUMBER, "phone_number": "+12125550100"}],
            **_POLICY,
            "state_overlay_reason": None,
            "consent_confirmed_at": "2026-03-02T14:00:00Z",
            "policy_text": "Sends Monday to Saturday from 09:00 to 20:00 at the recipient.",
            "created_at": "2026-03-02T14:00:00Z",
            "updated_at": "2026-03-02T14:00:00Z",
        },
        NewPhoneNumber: {"phone_number": "+12125550100", "setup_id": _SETUP, "owned": True},
        PhoneNumberChanges: {"display_name": "North side", "status": "active", "owned": True},
        PhoneNumberSerializer: {
            "id": _NUMBER,
            "workspace_id": _WORKSPACE,
            "phone_number": "+12125550100",
            "display_name": "North side",
            "notes": None,
            "status": "active",
            "setup_id": _SETUP,
            "provider": "drop_cowboy",
            "provider_phone_sid": None,
            "capabilities": ["outbound"],
            "inbound_service_id": None,
            "forwarding": None,
            "use_cases": [{"id": _USE_CASE, "name": "Appointment reminder"}],
            "owned": True,
            "owned_stated_at": "2026-03-02T14:10:00Z",
            "owned_stated_by": _PERSON,
            "created_at": "2026-03-02T14:05:00Z",
            "updated_at": "2026-03-02T14:10:00Z",
        },
        ConsentSerializer: _CONSENT,
        ConsentDetailSerializer: {**_CONSENT, "evidence": None},
        RevocationRequest: {"channel": "telephone", "revoked_at": "2026-03-04T16:00:00Z"},
        NewSuppression: {
            "recipient_phone_number": "+12025550142",
            "reason": "opt_out",
            "scope": "organisation",
            "note": "Asked by telephone.",
        },
        SuppressionSerializer: _SUPPRESSION,
        SuppressionDetailSerializer: {**_SUPPRESSION, "consent": None, "others": []},
    }
)
