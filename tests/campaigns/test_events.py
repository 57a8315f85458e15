"""Campaigns and their lists tell what becomes of them."""

from __future__ import annotations

import pytest
from django.utils import timezone

from campaigns.api.event_types import TYPES, CampaignEventSerializer, ImportEventSerializer
from campaigns.imports import runner
from campaigns.lifecycle.audit_words import MESSAGES
from campaigns.lifecycle.service import pause, resume
from campaigns.states import CampaignState, ImportState
from rvm.platform.models import Outbox
from tests import factories

pytestmark = pytest.mark.django_db


def test_every_type_of_an_event_is_an_action_of_the_audit() -> None:
    assert {each.name for each in TYPES} <= set(MESSAGES)


def test_a_campaign_tells_of_each_change_of_its_state() -> None:
    campaign = factories.make_campaign(state=CampaignState.RUNNING)
    pause(campaign, actor=None, now=timezone.now())
    resume(campaign, actor=None, now=timezone.now())
    told = Outbox.objects.order_by("id")
    assert [(event.type, event.data["state"]) for event in told] == [
        ("campaign.paused", "paused"),
        ("campaign.resumed", "running"),
    ]
    assert {(event.subject_id, event.workspace_id, event.live) for event in told} == {
        (campaign.pk, campaign.workspace_id, campaign.live)
    }
    assert set(told[0].data) == set(CampaignEventSerializer().fields)


def test_a_list_tells_that_it_failed_without_a_word_of_it() -> None:
    row = factories.make_import(factories.make_campaign(), state=ImportState.CHECKING)
    runner.fail(row, "Row 2 has the number +12125550100.")
    event = Outbox.objects.get()
    assert event.type == "import.failed"
    assert event.data == {"import_id": str(row.pk), "campaign_id": str(row.campaign_id), "state": "failed"}
    assert set(event.data) == set(ImportEventSerializer().fields)
