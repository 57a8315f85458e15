"""A person who may not see numbers searches by one a few times a day, on whichever page of the admin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from rvm.platform import number_questions
from rvm.platform.models import AuditEvent, Membership, NumberQuestions, User, Workspace
from rvm.platform.roles import Role
from tests.factories import RECIPIENT, make_campaign, make_suppression, make_use_case, make_user, make_voicemail

pytestmark = pytest.mark.django_db

REFUSED = "Who may not see phone numbers may ask about 1 in a day"
Way = Callable[[Client, Workspace], Any]


def find(table: str) -> Way:
    address = reverse(f"admin:{table}_find")
    return lambda client, workspace: client.post(address, {"sought": RECIPIENT}, follow=True)


def eligibility(client: Client, workspace: Workspace) -> Any:
    use_case = make_use_case(workspace)
    address = reverse("admin:usecases_usecase_eligibility", args=[use_case.pk])
    return client.post(address, {"phone_number": RECIPIENT, "at": ""})


def withdrawal(client: Client, workspace: Workspace) -> Any:
    campaign = make_campaign(make_use_case(workspace), 1)
    return client.post(
        reverse("admin:campaigns_campaign_withdraw", args=[campaign.pk]), {"lines": RECIPIENT}, follow=True
    )


def trial(client: Client, workspace: Workspace) -> Any:
    campaign = make_campaign(make_use_case(workspace), 1)
    address = reverse("admin:campaigns_campaign_trial", args=[campaign.pk])
    return client.post(address, {"phone_number": RECIPIENT, "own": "on"}, follow=True)


WAYS: dict[str, Way] = {
    "voicemails": find("delivery_voicemail"),
    "suppressions": find("usecases_suppression"),
    "consents": find("usecases_consent"),
    "people": lambda client, workspace: client.post(
        reverse("people"), {"by": "identifier", "sought": RECIPIENT}, follow=True
    ),
    "eligibility": eligibility,
    "trial": trial,
    "withdrawal": withdrawal,
}
ways = pytest.mark.parametrize("way", WAYS)


@pytest.fixture
def blind(client: Client, workspace: Workspace) -> Client:
    make_voicemail(make_use_case(workspace))
    make_suppression(workspace)
    client.force_login(
        make_user(workspace=workspace, role=Role.LAUNCHER, is_staff=True, username="olive", password=None)
    )
    return client


@ways
def test_a_search_by_number_is_counted_recorded_and_refused_beyond_a_day(
    blind: Client, workspace: Workspace, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(number_questions, "A_DAY", 1)
    assert REFUSED not in WAYS[way](blind, workspace).content.decode()
    answer = WAYS[way](blind, workspace).content.decode()
    assert REFUSED in answer and "go on from" in answer
    asked = AuditEvent.objects.get(action="number.asked_about")
    assert (str(asked.actor), asked.workspace) == ("olive", workspace)
    assert RECIPIENT[1:] not in str(asked.details)
    assert AuditEvent.objects.filter(action="number.questions_used_up").count() == 1


@ways
def test_who_may_see_numbers_searches_without_this_end(
    blind: Client, workspace: Workspace, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(number_questions, "A_DAY", 0)
    Membership.objects.update(may_see_numbers=True)
    assert "Who may not see phone numbers" not in WAYS[way](blind, workspace).content.decode()
    assert not NumberQuestions.objects.exists()


def test_the_right_in_one_workspace_is_none_in_another(blind: Client, workspace: Workspace) -> None:
    Membership.objects.update(may_see_numbers=True)
    other = make_voicemail().workspace
    Membership.objects.create(workspace=other, user=User.objects.get(username="olive"), role=Role.VIEWER)
    WAYS["voicemails"](blind, workspace)
    assert AuditEvent.objects.get(action="number.asked_about").workspace == other


def test_an_id_is_no_number(blind: Client, workspace: Workspace) -> None:
    row = make_voicemail(make_use_case(workspace))
    blind.post(reverse("admin:delivery_voicemail_find"), {"sought": str(row.pk)})
    assert not NumberQuestions.objects.exists()


def test_an_opt_out_is_taken_also_when_the_days_questions_are_used_up(
    blind: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(number_questions, "A_DAY", 0)
    said = {"workspace": workspace.pk, "phone_number": "+12025550177", "kind": "opt_out", "scope": "organisation"}
    assert blind.post(reverse("admin:usecases_suppression_add"), said).status_code == 302
