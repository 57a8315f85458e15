"""Example requests and responses about telephony setups in the OpenAPI document."""

from __future__ import annotations

from delivery.setups.serializers import (
    NewCallbackAddressSerializer,
    NewSetup,
    SetupChanges,
    SetupSerializer,
    SetupStatsSerializer,
    SetupTestSerializer,
)
from rvm.platform.api.schema import give_examples

give_examples(
    {
        NewSetup: {
            "carrier": "sandbox",
            "name": "Sandbox",
            "credentials": {"base_url": "http://127.0.0.1:8800", "key": "sandbox", "signing_secret": "sandbox-secret"},
            "pace_per_second": 20,
        },
        SetupChanges: {"baa_signed_on": "2026-02-16", "pace_per_second": 5},
        SetupSerializer: {
            "id": "01920f3a-6f00-7000-8000-0000000000b1",
            "name": "Drop Cowboy",
            "carrier": "drop_cowboy",
            "carrier_installed": True,
            "credentials_set": ["key", "secret", "signing_secret"],
            "pace_per_second": 5.0,
            "in_flight_cap": 64,
            "report_horizon_hours": 72,
            "confirm_horizon_hours": 24,
            "enabled": True,
            "draining": False,
            "free_to_recipient": False,
            "baa_signed_on": "2026-02-16",
            "baa_exception_reason": None,
            "agreement": "signed",
            "tested_at": "2026-03-02T13:56:00Z",
            "test_ok": True,
            "test_detail": "The carrier accepted the credentials.",
            "health": {"state": "closed", "reason": None, "until": None},
            "callback": {"made_at": None, "earlier_until": None},
            "created_at": "2026-03-02T13:55:00Z",
            "updated_at": "2026-03-02T13:55:00Z",
        },
        SetupStatsSerializer: {
            "open": {"total": 42, "sending": 2, "uncertain": 0, "accepted": 40, "unreported": 1},
            "lately": {
                "since": "2026-03-01T14:00:00Z",
                "sampled": 3118,
                "accept_rate": 0.997,
                "report_median_seconds": 41.5,
                "report_p95_seconds": 233.0,
            },
        },
        SetupTestSerializer: {"ok": True, "detail": "The carrier accepted the credentials.", "missing": None},
        NewCallbackAddressSerializer: {
            "callback_address": "https://rvm.example.com/carriers/q1W2e3R4t5Y6u7I8o9P0/",
            "earlier_until": "2026-03-09T15:00:00Z",
        },
    }
)
