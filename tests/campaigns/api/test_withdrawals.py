"""People are taken out of a campaign over the API: checked first, then confirmed, and named in bodies only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from campaigns.models import Campaign, Withdrawal
from campaigns.withdrawals.lists import MAX_LINES
from delivery.models import Voicemail
from rvm.platform.models import Workspace
from rvm.platform.scopes import Scope
from tests.campaigns.api.calling import refusal, wrong
from tests.factories import Api, make_api, make_voicemail

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(new_campaign: Callable[..., Campaign]) -> Campaign:
    campaign = new_campaign()
    for serial in range(3):
        make_voicemail(lane=campaign.lane, recipient=f"+1202555010{serial}", record_number=f"00{serial}")
    Campaign.objects.update(state="running")
    campaign.refresh_from_db()
    return campaign


def route(campaign: Campaign, *rest: str) -> str:
    return "/".join([f"campaigns/{campaign.pk}/withdrawals", *rest])


def test_the_check_answers_what_the_confirmation_does(api: Api, campaign: Campaign) -> None:
    checked = api.post(route(campaign), {"items": ["000", "+12025550101", "nobody"]})
    assert checked.status_code == 201
    told = checked.json()
    assert (told["state"], told["counts"]["waiting"], told["lines"]) == ("checked", 2, {"not_found": [3]})
    assert not Voicemail.objects.filter(status="canceled").exists()
    one = route(campaign, told["withdrawal_id"])
    assert checked["Location"].endswith(one)
    done = api.post(f"{one}/confirm", {})
    assert (done.status_code, done.json()["state"], done.json()["withdrawn"]) == (200, "confirmed", 2)
    assert Voicemail.objects.filter(status="canceled", reason="withdrawn").count() == 2
    assert api.get(one).json() == done.json()
    assert refusal(api.post(f"{one}/confirm", {}), 409) == "withdrawal_confirmed"
    listed = api.get("voicemail", reason="withdrawn").json()["items"]
    assert {entry["reason_detail"] for entry in listed} == {"Taken out of the campaign before it was sent."}


def test_a_file_is_read_as_lists_are(api: Api, campaign: Campaign) -> None:
    file = SimpleUploadedFile("canceled.csv", b"MRN;Name\r\n001;Ana\r\n009;Ben\r\n", "text/csv")
    told = api.client.post(api.url(route(campaign)), {"file": file}).json()
    assert (told["counts"]["waiting"], told["lines"]) == (1, {"not_found": [3]})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("/items", "required")]),
        ({"items": []}, [("/items", "empty")]),
        ({"items": ["", " "]}, [("/items", "withdrawal_empty")]),
        ({"items": "001"}, [("/items", "not_a_list")]),
        ({"items": [None]}, [("/items", "withdrawal_empty")]),
        ({"items": ["x" * 201]}, [("/items/0", "max_length")]),
        ({"items": ["1"] * (MAX_LINES + 1)}, [("/items", "max_length")]),
    ],
    ids=["nothing", "none", "blank", "a text", "null", "long", "many"],
)
def test_a_body_that_names_nobody_is_refused(api: Api, campaign: Campaign, body: Any, expected: Any) -> None:
    assert [pointer for pointer, _ in wrong(api.post(route(campaign), body))] == [pointer for pointer, _ in expected]
    assert not Withdrawal.objects.exists()


def test_whose_campaign_has_ended_is_told(api: Api, campaign: Campaign) -> None:
    Campaign.objects.update(state="completed")
    answer = api.post(route(campaign), {"items": ["000"]})
    assert refusal(answer, 409) == "campaign_state" and answer.json()["campaign_state"] == "completed"


def test_it_takes_the_scope_that_sends(campaign: Campaign, workspace: Workspace) -> None:
    for scope, status in ((Scope.CAMPAIGNS_WRITE, 403), (Scope.CAMPAIGNS_SEND, 201)):
        assert make_api(workspace, scopes=[scope]).post(route(campaign), {"items": ["000"]}).status_code == status


def test_another_campaigns_withdrawal_is_not_found(
    api: Api, campaign: Campaign, new_campaign: Callable[..., Campaign]
) -> None:
    told = api.post(route(campaign), {"items": ["000"]}).json()
    other = route(new_campaign(), told["withdrawal_id"])
    assert refusal(api.get(other), 404) == refusal(api.post(f"{other}/confirm", {}), 404) == "not_found"


def test_withdrawals_are_listed_newest_first_and_of_their_campaign(
    api: Api, campaign: Campaign, new_campaign: Callable[..., Campaign]
) -> None:
    made = [api.post(route(campaign), {"items": [item]}).json() for item in ("000", "001", "002")]
    assert api.get(route(campaign)).json()["items"] == made[::-1]
    assert api.get(route(new_campaign())).json()["items"] == []
    first = api.get(route(campaign), limit=2).json()
    rest = api.get(route(campaign), limit=2, continuation_token=first["continuation_token"]).json()
    assert [*first["items"], *rest["items"]] == made[::-1]
    assert refusal(make_api().get(route(campaign)), 404)
