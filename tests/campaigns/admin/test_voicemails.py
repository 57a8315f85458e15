"""Voicemails and lanes in the admin with their campaigns, and what waits with its campaign."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from campaigns.admin import voicemails
from campaigns.models import Campaign
from delivery.models import Voicemail
from rvm.platform.models import Workspace
from tests.campaigns.admin.conftest import make_campaign
from tests.factories import make_use_case, make_voicemail, make_workspace

pytestmark = pytest.mark.django_db

LIST, LANES = (reverse(f"admin:delivery_{table}_changelist") for table in ("voicemail", "lane"))


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return " ".join(strip_tags(answer.content.decode()).split())


def listed(client: Client, **query: Any) -> list[Any]:
    return [row.pk for row in client.get(LIST, query).context["cl"].result_list]


def page_of(row: Voicemail) -> str:
    return reverse("admin:delivery_voicemail_change", args=[row.pk])


def test_a_voicemail_names_and_links_its_campaign_in_the_list(operator: Client, workspace: Workspace) -> None:
    campaign = make_campaign(workspace, recipients=1, name="Flu shots")
    make_voicemail(make_use_case(workspace))
    html = operator.get(LIST).content.decode()
    address = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
    assert html.count(f'href="{address}">Flu shots</a>') == 1


def test_voicemails_are_filtered_by_campaign_and_by_having_none(operator: Client, workspace: Workspace) -> None:
    first, second = (make_campaign(workspace, recipients=1, name=name) for name in ("Flu shots", "Recall"))
    alone = make_voicemail(make_use_case(workspace))
    of_first = Voicemail.objects.get(lane_id=first.pk)
    assert listed(operator, campaign=first.pk) == [of_first.pk]
    assert listed(operator, campaign="none") == [alone.pk]
    assert listed(operator, campaign=make_campaign(make_workspace(), recipients=1).pk) == []
    page = text_of(operator.get(LIST))
    assert "By campaign" in page and "By lane" not in page
    day = f"{first.created_at:%b} {first.created_at.day}, {first.created_at.year}"
    assert f"Flu shots ({day}, a draft)" in page and f"Recall ({day}, a draft)" in page
    assert "None, sent by programs" in page
    assert second.name in page


def test_the_filter_offers_the_newest_campaigns_and_the_one_that_is_asked_for(
    operator: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voicemails, "MAX_CAMPAIGNS", 1)
    use_case = make_use_case(workspace)
    old = make_campaign(workspace, use_case=use_case, recipients=1, name="Old")
    make_campaign(workspace, use_case=use_case, recipients=1, name="New")
    page = text_of(operator.get(LIST))
    assert "New (" in page and "Old (" not in page
    assert "Old (" in text_of(operator.get(LIST, {"campaign": str(old.pk)}))
    assert listed(operator, campaign=old.pk) == [Voicemail.objects.get(lane_id=old.pk).pk]


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("draft", "Not launched: its campaign is a draft."),
        ("paused", "Its campaign is paused."),
        ("running", "It is due: it goes as soon as hours, pace and switches allow."),
    ],
)
def test_what_waits_for_its_campaign_says_so_in_place_of_queued(
    operator: Client, workspace: Workspace, state: str, says: str
) -> None:
    campaign = make_campaign(workspace, recipients=1, state=state)
    campaign.lane.held = state != "running"
    campaign.lane.save()
    status = "queued" if state == "running" else state
    answer = operator.get(LIST)
    assert says in text_of(answer)
    [row] = answer.context["cl"].result_list
    assert answer.context["cl"].model_admin.coloured(row) == (status, status)
    page = operator.get(page_of(row))
    assert (page.context["status"], page.context["events"][0].status) == (
        status,
        "draft" if state == "draft" else "queued",
    )
    assert says in text_of(page)


def test_a_page_of_many_campaigns_costs_as_many_statements_as_one_of_few(
    operator: Client, workspace: Workspace
) -> None:
    use_case = make_use_case(workspace)

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert operator.get(LIST).status_code == 200
        return len(captured)

    make_campaign(workspace, use_case=use_case, recipients=2)
    few = statements()
    for _ in range(8):
        make_campaign(workspace, use_case=use_case, recipients=2)
    assert statements() == few


@pytest.mark.parametrize(
    ("state", "shown"), [("draft", None), ("scheduled", None), ("running", "open"), ("paused", "paused")]
)
def test_lanes_name_their_campaigns_and_leave_out_those_that_have_not_begun(
    operator: Client, workspace: Workspace, state: str, shown: str | None
) -> None:
    campaign = make_campaign(workspace, recipients=1, name="Flu shots", state=state)
    campaign.lane.held = state != "running"
    campaign.lane.save()
    api = make_voicemail(campaign.use_case).lane
    answer = operator.get(LANES)
    rows = {row.pk: row for row in answer.context["cl"].result_list}
    assert rows.keys() == ({api.pk} if shown is None else {api.pk, campaign.pk})
    page = operator.get(reverse("admin:delivery_lane_change", args=[campaign.pk])).content.decode()
    assert reverse("admin:campaigns_campaign_change", args=[campaign.pk]) in page
    if shown is not None:
        assert answer.context["cl"].model_admin.state(rows[campaign.pk]) == shown
        assert "Flu shots" in text_of(answer)


def test_a_campaigns_page_leads_to_its_voicemails(operator: Client, workspace: Workspace) -> None:
    campaign = make_campaign(workspace, recipients=2)
    make_campaign(workspace, recipients=1)
    links = operator.get(reverse("admin:campaigns_campaign_change", args=[campaign.pk])).context["links"]
    found = operator.get(links["all"])
    assert {row.lane_id for row in found.context["cl"].result_list} == {campaign.pk}
    assert Campaign.objects.count() == 2
