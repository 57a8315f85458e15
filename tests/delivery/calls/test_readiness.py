"""The warning where calls would be made and nothing would tell them their next step."""

from __future__ import annotations

from typing import Any

import pytest

from delivery.calls import readiness
from delivery.calls.readiness import warning
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("fields", "workers", "warns"),
    [
        ({"carrier": "telnyx"}, 0, True),
        ({"carrier": "telnyx"}, 1, False),
        ({"carrier": "telnyx", "enabled": False}, 0, False),
        ({"carrier": "twilio"}, 0, False),
        ({}, 0, False),
    ],
)
def test_a_setup_whose_vendor_takes_commands_needs_their_worker(
    fields: dict[str, Any], workers: int, warns: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.make_setup(**fields)
    monkeypatch.setattr(readiness, "live_workers", lambda queue: workers)
    assert bool(warning()) is warns
