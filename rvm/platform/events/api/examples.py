"""Examples of events in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from rvm.platform.api.schema import give_examples
from rvm.platform.events.api.views import EventPageSerializer, EventSerializer

_EVENT: dict[str, Any] = {
    "id": "01920f3b-9a00-7001-8000-0000000000e1",
    "type": "voicemail.delivered",
    "timestamp": "2026-03-02T15:00:00Z",
    "data": {
        "voicemail_id": "01920f3b-8c00-7000-8000-0000000000b7",
        "status": "delivered",
        "reason": None,
        "attempts": 1,
        "use_case_id": "01920f3a-6f00-7000-8000-0000000000a2",
        "campaign_id": None,
    },
}

give_examples(
    {
        EventSerializer: _EVENT,
        EventPageSerializer: {"items": [_EVENT], "after": _EVENT["id"], "has_more": False},
    }
)
