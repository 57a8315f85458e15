"""Credentials of each carrier that its adapter takes, at the vendor where it has an address."""

from __future__ import annotations

from tests.factories import SANDBOX_CREDENTIALS

EXAMPLES: dict[str, dict[str, str]] = {
    "sandbox": dict(SANDBOX_CREDENTIALS),
    "drop_cowboy": {"key": "key", "secret": "secret"},
}
