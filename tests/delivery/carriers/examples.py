"""Credentials of each carrier that its adapter takes, at the vendor where it has an address."""

from __future__ import annotations

from tests.factories import SANDBOX_CREDENTIALS

EXAMPLES: dict[str, dict[str, str]] = {
    "sandbox": dict(SANDBOX_CREDENTIALS),
    "drop_cowboy": {"key": "key", "secret": "secret"},
    "twilio": {"account_sid": "AC" + "0" * 32, "auth_token": "0123456789abcdef" * 2},
    "signalwire": {
        "space": "example",
        "project_id": "00000000-0000-4000-8000-000000000001",
        "api_token": "PT-token",
        "signing_key": "PSK-key",
    },
    "slybroadcast": {"c_uid": "drops@clinic.example", "c_password": "password"},
    "voicedrop": {"auth_key": "key"},
    "telnyx": {"api_key": "key", "connection_id": "1234567890", "public_key": f"{'A' * 43}="},
}
