"""Taking people out of a campaign in the admin: nothing is done before it was shown and confirmed, and no address names a patient."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from campaigns.models import Campaign, Withdrawal
from delivery.models import Voicemail
from rvm.platform.models import Workspace
from tests.factories import make_voicemail

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(make: Any, workspace: Workspace) -> Campaign:
    campaign: Campaign = make(workspace, recipients=2, state="scheduled")
    make_voicemail(lane=campaign.lane, recipient="+12025550177", record_number="0010482")
    return campaign


def form_of(campaign: Campaign) -> str:
    return reverse("admin:campaigns_campaign_withdraw", args=[campaign.pk])


def looked_up(client: Client, campaign: Campaign, **fields: Any) -> str:
    answer = client.post(form_of(campaign), fields)
    assert answer.status_code == 302, answer.content
    assert str(Withdrawal.objects.get().pk) in answer["Location"] and "0010482" not in answer["Location"]
    return str(answer["Location"])


def canceled() -> list[str]:
    return sorted(Voicemail.objects.filter(status="canceled", reason="withdrawn").values_list("last4", flat=True))


def test_the_campaigns_page_leads_to_it_while_somebody_may_wait(operator: Client, campaign: Campaign) -> None:
    page = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
    assert form_of(campaign) in operator.get(page).content.decode()
    Campaign.objects.update(state="completed")
    assert form_of(campaign) not in operator.get(page).content.decode()


@pytest.mark.parametrize("as_file", [False, True])
def test_people_are_shown_confirmed_and_counted(operator: Client, campaign: Campaign, as_file: bool) -> None:
    names = ["0010482", "202-555-0101", "nobody"]
    if as_file:
        content = b"MRN,Phone\n0010482,\n,202-555-0101\nnobody,\n"
        question = looked_up(operator, campaign, lines="", file=SimpleUploadedFile("canceled.csv", content))
    else:
        question = looked_up(operator, campaign, lines="\r\n".join(names))
    shown = operator.get(question).content.decode()
    assert "Take out 2 people" in shown and "Line " in shown and canceled() == []
    told = operator.post(question, follow=True).content.decode()
    assert "Taken out: 2 people." in told
    assert canceled() == ["0101", "0177"]
    again = operator.get(question).content.decode()
    assert "2 of these were taken out" in again and "Take out 2" not in again


def test_a_list_that_nobody_can_read_says_so_beside_what_was_typed(operator: Client, campaign: Campaign) -> None:
    answer = operator.post(form_of(campaign), {"lines": "  \r\n "})
    assert answer.status_code == 200 and "names nobody" in answer.content.decode()
    file = SimpleUploadedFile("people.csv", b"Name,City\nAna,Austin\nBen,Boston\n")
    answer = operator.post(form_of(campaign), {"lines": "", "file": file})
    assert "looks like record numbers" in answer.content.decode()
    assert not Withdrawal.objects.exists()


def test_who_only_looks_may_not_and_a_stranger_finds_nothing(
    operator: Client, viewer: Client, stranger: Client, campaign: Campaign
) -> None:
    question = looked_up(operator, campaign, lines="0010482")
    for address in (form_of(campaign), question):
        assert viewer.get(address).status_code == viewer.post(address, {"lines": "0010482"}).status_code == 403
        assert stranger.get(address).status_code == stranger.post(address, {"lines": "0010482"}).status_code == 404
    assert canceled() == []


def test_a_withdrawal_of_another_campaign_is_not_found(
    operator: Client, campaign: Campaign, make: Any, workspace: Workspace
) -> None:
    looked_up(operator, campaign, lines="0010482")
    other = make(workspace, recipients=1, state="running")
    address = reverse("admin:campaigns_campaign_withdrawal", args=[other.pk, Withdrawal.objects.get().pk])
    assert operator.post(address).status_code == 404
    assert canceled() == []
