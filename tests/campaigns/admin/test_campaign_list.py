"""The list of campaigns: how far each is, and as cheap with many rows as with few."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns.states import CampaignState
from delivery.lifecycle.status import VoicemailStatus
from rvm.platform.models import Workspace
from tests.factories import make_voicemail, make_workspace

pytestmark = pytest.mark.django_db
LIST = reverse("admin:campaigns_campaign_changelist")


def listed(client: Client, **query: Any) -> list[str]:
    answer = client.get(LIST, query)
    assert answer.status_code == 200, answer.get("Location")
    return [row.name for row in answer.context["cl"].result_list]


def test_each_says_its_state_and_how_far_it_is(operator: Client, workspace: Workspace, make: Any) -> None:
    campaign = make(workspace, recipients=2, state=CampaignState.RUNNING)
    make_voicemail(lane=campaign.lane, status=VoicemailStatus.DELIVERED)
    page = operator.get(LIST).content.decode()
    assert "1 of 3" in page
    assert "1 delivered, 2 waiting" in page
    assert campaign.use_case.name in page and "running" in page


def test_many_cost_as_many_statements_as_few_and_none_is_counted(
    operator: Client, workspace: Workspace, make: Any
) -> None:
    def statements() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            operator.get(LIST)
        return [query["sql"] for query in captured]

    for _ in range(2):
        make(workspace, recipients=1)
    few = statements()
    for _ in range(20):
        make(workspace, recipients=1)
    many = statements()
    assert len(many) == len(few)
    assert not [sql for sql in many if "COUNT(*)" in sql.upper()]


def test_it_is_filtered_by_state_use_case_and_workspace(operator: Client, workspace: Workspace, make: Any) -> None:
    draft = make(workspace, name="Draft")
    make(workspace, name="Running", state=CampaignState.RUNNING)
    make(make_workspace(), name="Theirs")
    assert listed(operator) == ["Running", "Draft"]
    assert listed(operator, state__exact="running") == ["Running"]
    assert listed(operator, lane__use_case__id__exact=draft.use_case.pk) == ["Draft"]
    assert listed(operator, workspace__id__exact=workspace.pk) == ["Running", "Draft"]
