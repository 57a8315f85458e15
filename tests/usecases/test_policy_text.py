"""What a use case's policy says in plain words."""

from __future__ import annotations

from collections.abc import Collection
from datetime import time
from types import SimpleNamespace
from typing import Any

import pytest

from usecases.policy_text import clock, policy_text, weekdays

DEFAULT: dict[str, Any] = {
    "purpose": "appointment",
    "basis": "express_consent",
    "consent_required": "attested",
    "consent_valid_days": None,
    "to_confidential": False,
    "window_start": time(9),
    "window_end": time(20),
    "days": [1, 2, 3, 4, 5, 6],
    "sends_on_holidays": False,
    "state_overlay": True,
    "state_overlay_reason": "",
    "expires_after_hours": 72,
    "max_attempts": 1,
    "retry_minutes": 60,
    "max_per_day": 1,
    "max_per_24h": None,
    "max_per_week": 3,
    "allows_ringing": False,
    "live": True,
}


@pytest.fixture(autouse=True)
def _rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usecases.policy_text.current_version", lambda: "2026-11-29")


def text(**changes: Any) -> str:
    return policy_text(SimpleNamespace(**{**DEFAULT, **changes}))


def test_the_usual_policy_is_said_in_plain_words() -> None:
    assert text() == (
        "Messages are left from 9:00 AM to 8:00 PM, Monday to Saturday, not on federal holidays, in every time zone where the "
        "person may be. Stricter hours of federal and state law apply as well (rules of November 29, 2026). Each person is tried "
        "once. A number gets at most 1 message a day and 3 in seven days, all use cases of the organisation counted together. What "
        "cannot be left within 72 hours expires. Purpose: appointment reminder. Basis: each person's prior express consent, as the "
        "organisation states."
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"window_start": time(12, 30), "window_end": time.max}, "from 12:30 PM to midnight,"),
        ({"days": [1, 2, 3, 4, 5, 6, 7], "sends_on_holidays": True}, "every day, also on federal holidays,"),
        ({"days": [2, 4]}, "Tuesday and Thursday, not"),
        (
            {"state_overlay": False, "state_overlay_reason": "Consented care messages only, says counsel. "},
            "Hours of federal and state law are switched off: Consented care messages only, says counsel.",
        ),
        ({"max_attempts": 3}, "Each person is tried up to 3 times, the second time after 60 minutes."),
        (
            {"basis": "healthcare_exemption"},
            "Basis: the healthcare exemption of 47 CFR 64.1200(a)(9)(iv), without cost to",
        ),
        (
            {"purpose": "marketing", "basis": "written_consent"},
            "Purpose: marketing. Basis: each person's prior express written consent, as the organisation states.",
        ),
        (
            {"max_per_day": 2, "max_per_24h": 2, "max_per_week": 4},
            "at most 2 messages a day, 2 in 24 hours and 4 in seven days,",
        ),
        (
            {"consent_required": "recorded"},
            "Basis: each person's prior express consent, with a consent on record for each number.",
        ),
        (
            {"consent_required": "recorded", "consent_valid_days": 365},
            "with a consent on record for each number, given within the last 365 days.",
        ),
        (
            {"to_confidential": True},
            "Numbers at which the person asked for confidential communication are reached too.",
        ),
        ({"expires_after_hours": 1}, "within 1 hour expires."),
        (
            {"live": False},
            "Its setup is simulated and reaches nobody, so no hours, days, holidays, laws, limits per number or age of consent bind.",
        ),
    ],
)
def test_what_a_policy_says_otherwise_is_in_its_text(changes: dict[str, Any], said: str) -> None:
    assert said in text(**changes)


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ([1, 2, 3, 4, 5], "Monday to Friday"),
        ([6, 7], "Saturday and Sunday"),
        ([1, 3, 5], "Monday, Wednesday and Friday"),
        ([1, 2, 3, 6], "Monday to Wednesday and Saturday"),
        ([1, 2, 4, 5], "Monday, Tuesday, Thursday and Friday"),
        ([5], "Friday"),
        ({7, 1}, "Monday and Sunday"),
        ([], "on no day"),
    ],
)
def test_weekdays_in_a_row_are_a_span(days: Collection[int], said: str) -> None:
    assert weekdays(days) == said


@pytest.mark.parametrize(("at", "said"), [(time(0), "12:00 AM"), (time(12), "12:00 PM"), (time(23, 5), "11:05 PM")])
def test_a_time_of_day_is_said_as_in_the_united_states(at: time, said: str) -> None:
    assert clock(at) == said
