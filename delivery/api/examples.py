"""Example requests and responses of this layer in the OpenAPI document. Phone numbers are fictional."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from delivery.api.serializers.eligibility import EligibilitySerializer, answered
from delivery.api.serializers.requests import SendUpload
from delivery.api.serializers.sounds import (
    ClipDetailSerializer,
    ClipSerializer,
    ClipUpload,
    NewClipStatement,
    NewRecordingStatement,
    RecordingDetailSerializer,
    RecordingSerializer,
    RecordingUpload,
    SoundChanges,
)
from delivery.lifecycle.reasons import REASONS, Reason
from delivery.services.voicemails import REFERENCE_USED
from rvm.platform.api.schema import give_examples, request_example, response_example
from usecases.eligibility import Facts, explain
from usecases.facts_json import as_json
from usecases.windows import USUAL_DELAY, Hours

USE_CASE_ID = "01920f3a-6f00-7000-8000-0000000000a1"
SETUP_ID = "01920f3a-6f00-7000-8000-0000000000b1"
RECORDING_ID = "01920f3a-6f00-7000-8000-0000000000c1"
_VOICEMAIL = "01920f3b-8a40-7000-8000-0000000000d1"
_DROP = "01920f3b-8f00-7000-8000-0000000000e1"

_QUEUED: dict[str, Any] = {
    "id": _VOICEMAIL,
    "voicemail_id": _VOICEMAIL,
    "setup_id": SETUP_ID,
    "use_case_id": USE_CASE_ID,
    "campaign_id": None,
    "recording_id": RECORDING_ID,
    "live": True,
    "recipient_phone_number": "+•••••••0142",
    "number_removed_at": None,
    "sender_phone_number": "+12125550100",
    "reference": "appointment-8841",
    "record_number": "•••••••",
    "metadata": {"site": "north"},
    "status": "queued",
    "reason": None,
    "reason_detail": None,
    "waiting_for": None,
    "carrier": "sandbox",
    "carrier_code": None,
    "carrier_text": None,
    "attempts": 0,
    "duration_ms": 21_420,
    "not_before": "2026-03-02T15:00:00Z",
    "expires_at": "2026-03-05T15:00:00Z",
    "created_at": "2026-03-02T15:00:00Z",
    "sending_at": None,
    "accepted_at": None,
    "ended_at": None,
    "updated_at": "2026-03-02T15:00:00Z",
}
_DELIVERED = {
    **_QUEUED,
    "status": "delivered",
    "attempts": 1,
    "sending_at": "2026-03-02T15:00:01Z",
    "accepted_at": "2026-03-02T15:00:02Z",
    "ended_at": "2026-03-02T15:00:41Z",
    "updated_at": "2026-03-02T15:00:41Z",
}
_DROP_DELIVERED = {
    "id": _DROP,
    "drop_id": _DROP,
    "number": 1,
    "setup_id": SETUP_ID,
    "carrier": "sandbox",
    "sender_phone_number": "+12125550100",
    "status": "delivered",
    "reason": None,
    "reason_detail": None,
    "carrier_code": None,
    "carrier_text": None,
    "carrier_reference": "sbx_7Q2M",
    "created_at": "2026-03-02T15:00:01Z",
    "accepted_at": "2026-03-02T15:00:02Z",
    "ended_at": "2026-03-02T15:00:41Z",
}


SEND_RECORDING = request_example(
    "A recording to one person",
    {
        "use_case_id": USE_CASE_ID,
        "recipient_phone_number": "+12025550142",
        "recording_id": RECORDING_ID,
        "reference": "appointment-8841",
        "metadata": {"site": "north"},
    },
)
SENT = response_example("Queued", _QUEUED, 201)
QUEUED_AGAIN = response_example("Queued again", {**_QUEUED, "attempts": 1, "sending_at": "2026-03-02T15:00:01Z"})
CANCELED = response_example(
    "Canceled",
    {
        **_QUEUED,
        "status": "canceled",
        "reason": "canceled",
        "reason_detail": REASONS[Reason.CANCELED].detail,
        "ended_at": "2026-03-02T15:00:30Z",
    },
)
PAGE = response_example("The last page", {"items": [_DELIVERED], "continuation_token": None, "has_more": False})
SEARCH = request_example(
    "What did not reach one person",
    {"recipient_phone_number": "+12025550142", "status": ["failed", "skipped", "expired"]},
)
DETAIL = response_example("Delivered", {**_DELIVERED, "last_decision": None, "drops": [_DROP_DELIVERED]})
_WITHHELD_FACTS = Facts(
    simulated=False,
    stopped=False,
    use_case_deleted=False,
    has_sender=True,
    suppressed=False,
    expires_at=datetime(2026, 3, 5, 15, tzinfo=UTC),
    hours=Hours(
        time(9), time(20), frozenset(range(1, 7)), holidays=False, rules="2026-11-29", closes_early=USUAL_DELAY
    ),
    zones=("America/New_York",),
    states=("DC",),
)
WAITING = response_example(
    "Waits for Monday",
    {
        **_QUEUED,
        "not_before": "2026-03-02T14:00:00Z",
        "waiting_for": "off_day",
        "last_decision": {
            "step": "claim",
            "decision": "defer",
            "reason": "off_day",
            "decided_at": "2026-03-01T15:00:00Z",
            "until": "2026-03-02T14:00:00Z",
            "hours_end": None,
            "after_hours": None,
            "facts": as_json(_WITHHELD_FACTS),
        },
        "drops": [],
    },
)
RETRY = request_example("Accept the risk of a second message", {"accept_duplicate_risk": True})
BATCH = request_example(
    "Two people",
    {
        "use_case_id": USE_CASE_ID,
        "recording_id": RECORDING_ID,
        "recipients": [
            {"recipient_phone_number": "+12025550142", "reference": "appointment-8841"},
            {"recipient_phone_number": "+12025550143", "reference": "appointment-8841"},
        ],
    },
)
BATCH_RESULT = response_example(
    "One queued, one refused",
    {
        "queued": 1,
        "refused": 1,
        "items": [
            {"index": 0, "voicemail_id": _VOICEMAIL, "sender_phone_number": "+12125550100", "status": "queued"},
            {
                "index": 1,
                "error": {
                    "code": "reference_used",
                    "detail": REFERENCE_USED,
                    "pointer": "/recipients/1/reference",
                    "voicemail_id": _VOICEMAIL,
                },
            },
        ],
    },
)
_RECORDING_KEPT: dict[str, Any] = {
    "id": RECORDING_ID,
    "recording_id": RECORDING_ID,
    "name": "Flu shot reminder",
    "sha256": "9f2b5e0c7a1d4c3e8b6f0a9d2c4e6f8091a3b5c7d9e1f20314253647586970ab",
    "size_bytes": 171_360,
    "duration_ms": 21_420,
    "bitrate_kbps": 64,
    "bitrate_mode": "CBR",
    "sample_rate": 44_100,
    "channels": 1,
    "encoder": "LAME 3.100",
    "conversion": None,
    "warnings": [],
    "created_at": "2026-03-02T14:58:00Z",
    "archived_at": None,
    "sound_removed_at": None,
    "attestation": {
        "stated_at": "2026-03-02T14:58:00Z",
        "stated_by": "01920f3a-6f00-7000-8000-0000000000a7",
        "by_another": False,
        "voice": "human",
        "says": ["callback_number", "caller", "opt_out_number"],
    },
    "levels": {
        "peak_dbfs": -1.99,
        "rms_dbfs": -22.24,
        "loudness_lufs": -21.77,
        "clipped_percent": 0.0,
        "leading_silence_seconds": 0.0,
        "trailing_silence_seconds": 0.4,
    },
}
RECORDING_FROM_URL = request_example(
    "From an address", {"url": "https://files.example.org/messages/flu-shot.mp3", "name": "Flu shot, spring"}
)
CLIP_FROM_URL = request_example("From an address", {"url": "https://files.example.org/names/ana.mp3", "name": "Ana"})
RECORDING = response_example("Kept", _RECORDING_KEPT, 201)
RECORDING_DETAIL = response_example(
    "With a link that plays it",
    {
        **_RECORDING_KEPT,
        "waveform": [0, 96, 143, 120, 203, 88] * 50,
        "audio_url": "https://rvm.example.com/recordings/player.01920f3a6f0070008000000000000000c1.1772464500~aGVsbG8.mp3",
    },
)
_CLIP: dict[str, Any] = {
    "id": "01920f3a-6f00-7000-8000-0000000000f1",
    "clip_id": "01920f3a-6f00-7000-8000-0000000000f1",
    "name": "Ana",
    "sha256": "1c2b5e0c7a1d4c3e8b6f0a9d2c4e6f8091a3b5c7d9e1f20314253647586970ab",
    "size_bytes": 6_687,
    "duration_ms": 836,
    "bitrate_kbps": 64,
    "sample_rate": 44_100,
    "channels": 1,
    "conversion": None,
    "warnings": [],
    "created_at": "2026-03-02T14:59:00Z",
    "archived_at": None,
    "sound_removed_at": None,
    "attestation": {
        "stated_at": "2026-03-02T14:59:00Z",
        "stated_by": "01920f3a-6f00-7000-8000-0000000000a7",
        "by_another": False,
        "voice": "human",
        "says": [],
    },
}
CLIP = response_example("Kept", _CLIP, 201)
ASK_ELIGIBILITY = request_example(
    "A person on a Sunday",
    {"use_case_id": USE_CASE_ID, "recipient_phone_number": "+13055550142", "at": "2026-03-01T15:00:00Z"},
)
_IN_FLORIDA = Facts(
    simulated=False,
    stopped=False,
    use_case_deleted=False,
    has_sender=True,
    suppressed=False,
    expires_at=None,
    hours=Hours(
        time(9), time(20), frozenset(range(1, 7)), holidays=False, rules="2026-11-29", closes_early=USUAL_DELAY
    ),
    zones=("America/New_York",),
    states=("FL",),
)
ELIGIBILITY = response_example(
    "Not on a Sunday",
    EligibilitySerializer(answered(explain(_IN_FLORIDA, datetime(2026, 3, 1, 15, tzinfo=UTC)))).data,
)

_SOUND = "(the bytes of the file)"
_STATEMENT = {"voice": "human", "no_health_details": True}
_STATED = {**_STATEMENT, "says_caller": True, "says_callback_number": True, "says_opt_out_number": True}
give_examples(
    {
        SendUpload: {"use_case_id": USE_CASE_ID, "recipient_phone_number": "+12025550142", "audio": _SOUND},
        RecordingUpload: {"audio": _SOUND, "name": "Flu shot reminder"},
        RecordingSerializer: _RECORDING_KEPT,
        RecordingDetailSerializer: RECORDING_DETAIL.value,
        NewRecordingStatement: _STATED,
        SoundChanges: {"name": "Flu shot reminder, autumn"},
        ClipUpload: {"audio": _SOUND, "name": "Ana"},
        ClipSerializer: _CLIP,
        ClipDetailSerializer: {
            **_CLIP,
            "audio_url": "https://rvm.example.com/recordings/player.01920f3a6f0070008000000000000000f1.1772464500~aGVsbG8.mp3",
        },
        NewClipStatement: _STATEMENT,
    }
)
