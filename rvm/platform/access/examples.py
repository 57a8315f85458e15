"""Examples of API keys and members in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from rvm.platform.access.api_key_serializers import (
    ApiKeySerializer,
    CallerSerializer,
    IssuedApiKeySerializer,
    NewApiKey,
    Rotation,
)
from rvm.platform.access.members import MemberSerializer
from rvm.platform.api.schema import give_examples

_WORKSPACE = "01920f3a-5e00-7000-8000-0000000000a0"
_ID = "01920f3b-8c00-7000-8000-0000000000b7"

_KEY: dict[str, Any] = {
    "id": _ID,
    "key_id": _ID,
    "workspace_id": _WORKSPACE,
    "name": "Reports",
    "last4": "x3Fq",
    "live": True,
    "scopes": ["voicemail:read"],
    "permissions": ["voicemail:read"],
    "role": "member",
    "networks": ["203.0.113.0/24"],
    "expires_at": "2026-05-31T15:00:00Z",
    "revoked_at": None,
    "last_used_at": None,
    "created_at": "2026-03-02T15:00:00Z",
    "updated_at": "2026-03-02T15:00:00Z",
    "created_by_entity_id": "01920f3a-6f00-7000-8000-0000000000a7",
    "created_by_credential_id": None,
    "current": False,
}

give_examples(
    {
        NewApiKey: {"name": "Reports", "scopes": ["voicemail:read"], "duration_days": 90},
        Rotation: {"overlap_hours": 24},
        ApiKeySerializer: _KEY,
        IssuedApiKeySerializer: {**_KEY, "api_key": "rvm_live_<30 characters and 6 of a checksum>"},
        CallerSerializer: {
            "workspace_id": _WORKSPACE,
            "key_id": _ID,
            "name": "Reports",
            "live": True,
            "scopes": ["voicemail:read"],
            "networks": ["203.0.113.0/24"],
            "expires_at": "2026-05-31T15:00:00Z",
            "expires_in_seconds": 7_776_000,
        },
        MemberSerializer: {
            "id": "01920f3a-7100-7000-8000-0000000000c1",
            "user_id": "01920f3a-6f00-7000-8000-0000000000a7",
            "username": "maria.lopez",
            "name": "Maria Lopez",
            "email": "maria.lopez@clinic.example",
            "role": "launcher",
            "may_see_numbers": False,
            "active": True,
            "second_factor": True,
            "member_since": "2026-01-12T16:30:00Z",
        },
    }
)
