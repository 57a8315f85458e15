"""A key that may not see numbers asks by one a few times a day, whatever the address."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rvm.platform import number_questions
from rvm.platform.models import AuditEvent, NumberQuestions, Workspace
from rvm.platform.scopes import Scope
from tests.campaigns.api.calling import refusal
from tests.factories import (
    RECIPIENT,
    Api,
    make_api,
    make_campaign,
    make_consent,
    make_suppression,
    make_use_case,
    make_voicemail,
)

pytestmark = pytest.mark.django_db

OTHERS = [scope for scope in Scope if scope is not Scope.NUMBERS_READ]
BY_NUMBER: dict[str, Callable[[Api, Any], Any]] = {
    "voicemails": lambda api, campaign: api.get("voicemail", recipient_phone_number=RECIPIENT),
    "search": lambda api, campaign: api.post("voicemail/search", {"recipient_phone_number": RECIPIENT}),
    "search by record number": lambda api, campaign: api.post("voicemail/search", {"record_number": "0010482"}),
    "export": lambda api, campaign: api.get("voicemail/export", recipient_phone_number=RECIPIENT),
    "searched export": lambda api, campaign: api.post("voicemail/export", {"record_number": "0010482"}),
    "campaign's export": lambda api, campaign: api.get(
        f"campaigns/{campaign.pk}/export", recipient_phone_number=RECIPIENT
    ),
    "suppressions": lambda api, campaign: api.get("suppressions", recipient_phone_number=RECIPIENT),
    "consents": lambda api, campaign: api.get("consents", recipient_phone_number=RECIPIENT),
    "withdrawal": lambda api, campaign: api.post(f"campaigns/{campaign.pk}/withdrawals", {"items": [RECIPIENT]}),
}
ways = pytest.mark.parametrize("way", BY_NUMBER)


@pytest.fixture
def campaign(workspace: Workspace) -> Any:
    make_voicemail(make_use_case(workspace))
    make_suppression(workspace)
    make_consent(workspace)
    return make_campaign(make_use_case(workspace), 1)


@ways
def test_a_filter_by_number_is_counted_recorded_and_refused_beyond_a_day(
    workspace: Workspace, campaign: Any, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(number_questions, "A_DAY", 2)
    blind = make_api(workspace, scopes=OTHERS)
    for _ in range(2):
        assert BY_NUMBER[way](blind, campaign).status_code in (200, 201)
    answer = BY_NUMBER[way](blind, campaign)
    assert refusal(answer, 429) == "number_questions_used_up"
    assert RECIPIENT not in answer.content.decode() and answer.json()["retry_at"]
    asked = AuditEvent.objects.filter(action="number.asked_about")
    assert (asked.count(), {event.actor for event in asked}) == (2, {blind.key.user})
    assert AuditEvent.objects.filter(action="number.questions_used_up").count() == 1
    assert not [event for event in AuditEvent.objects.all() if RECIPIENT[1:] in str(event.details)]


@ways
def test_a_key_that_may_see_numbers_filters_without_end(
    api: Api, campaign: Any, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(number_questions, "A_DAY", 0)
    assert BY_NUMBER[way](api, campaign).status_code in (200, 201)
    assert not NumberQuestions.objects.exists()


@pytest.mark.parametrize("path", ["voicemail", "suppressions", "consents", "voicemail/export"])
def test_what_names_no_number_is_not_counted(workspace: Workspace, campaign: Any, path: str) -> None:
    assert make_api(workspace, scopes=OTHERS).get(path).status_code == 200
    assert not NumberQuestions.objects.exists()


def test_a_list_of_canceled_appointments_by_number_is_as_many_questions_as_numbers(
    workspace: Workspace, campaign: Any
) -> None:
    blind = make_api(workspace, scopes=OTHERS)
    numbers = [f"+1202555{number:04}" for number in range(number_questions.A_DAY + 1)]
    path = f"campaigns/{campaign.pk}/withdrawals"
    assert refusal(blind.post(path, {"items": numbers}), 429) == "number_questions_used_up"
    assert blind.post(path, {"items": [f"visit-{number}" for number in range(200)]}).status_code == 201
    assert make_api(workspace).post(path, {"items": numbers}).status_code == 201
