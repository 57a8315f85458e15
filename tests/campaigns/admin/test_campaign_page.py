"""A campaign's page: where it stands in one sentence, its figures, what a launch would do, for each role and for nobody else."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify

from campaigns.models import Campaign, Canary, RecipientImport
from campaigns.states import CampaignState, ImportState
from delivery.lifecycle.status import VoicemailStatus
from delivery.models import CanaryMember, Lane
from rvm.platform.models import Heartbeat, Membership, Workspace
from tests.factories import add_recipients, make_import, make_voicemail

pytestmark = pytest.mark.django_db


def at(campaign: Campaign, page: str = "change") -> str:
    return reverse(f"admin:campaigns_campaign_{page}", args=[campaign.pk])


def list_of(campaign: Campaign, state: str = ImportState.CHECKING, **fields: Any) -> RecipientImport:
    return make_import(campaign, file_name="patients.csv", state=state, **fields)


@pytest.mark.parametrize("page", ["change", "progress", "preview", "summary"])
def test_a_viewer_opens_it_and_a_stranger_finds_nothing(
    viewer: Client, stranger: Client, make: Any, workspace: Workspace, page: str
) -> None:
    campaign = make(workspace, recipients=1)
    assert viewer.get(at(campaign, page)).status_code == 200
    assert stranger.get(at(campaign, page)).status_code == 404


def test_a_viewer_sees_no_button_and_gets_no_form(viewer: Client, make: Any, workspace: Workspace) -> None:
    campaign = make(workspace, recipients=1, state=CampaignState.RUNNING)
    page = viewer.get(at(campaign)).content.decode()
    for action in ("pause", "cancel", "edit", "retry", "upload", "launch"):
        assert f"/{action}/" not in page
    assert viewer.get(at(campaign, "edit")).status_code == 403


@pytest.mark.parametrize(
    ("state", "message", "offered"),
    [
        (CampaignState.DRAFT, "Draft with 2 people: look at the preview, then launch.", {"launch", "edit", "cancel"}),
        (CampaignState.SCHEDULED, "Scheduled: 2 people from ", {"unschedule", "edit", "cancel"}),
        (CampaignState.RUNNING, "Running: sent as hours and pace allow.", {"pause", "edit", "cancel"}),
        (CampaignState.PAUSED, "Paused: nothing new is sent", {"resume", "edit", "cancel"}),
        (CampaignState.COMPLETED, "Completed: nobody of 2 people waits any longer.", set()),
        (CampaignState.CANCELED, "Canceled: what had not been sent stays unsent.", set()),
    ],
)
def test_each_state_is_a_sentence_and_the_deeds_that_fit(
    operator: Client, make: Any, workspace: Workspace, state: str, message: str, offered: set[str]
) -> None:
    campaign = make(workspace, recipients=2, state=state, starts_at=timezone.now() + timedelta(days=3))
    Lane.objects.filter(pk=campaign.pk).update(held=state != CampaignState.RUNNING)
    page = operator.get(at(campaign)).content.decode()
    assert message in page
    actions = {"launch", "unschedule", "pause", "resume", "edit", "cancel", "retry"}
    assert {action for action in actions if f"/{campaign.pk}/{action}/" in page or f"../{action}/" in page} == offered


def test_what_failed_for_a_reason_that_a_retry_helps_is_said_and_offered(
    operator: Client, make: Any, workspace: Workspace
) -> None:
    campaign = make(workspace, state=CampaignState.COMPLETED)
    make_voicemail(lane=campaign.lane, status=VoicemailStatus.FAILED, reason="busy")
    page = operator.get(at(campaign)).content.decode()
    assert "One of them failed for a reason that a retry can help." in page
    assert "The line was busy." in page
    assert at(campaign, "retry") in page


def test_many_recipients_cost_as_many_statements_as_few(operator: Client, make: Any, workspace: Workspace) -> None:
    def statements(campaign: Campaign, page: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert operator.get(at(campaign, page)).status_code == 200
        return len(captured)

    few, many = make(workspace, recipients=1), make(workspace, recipients=30)
    for _ in range(5):
        list_of(many, ImportState.COMPLETED)
    for page in ("change", "progress"):
        statements(few, page)  # whatever is looked up once a process
        assert statements(few, page) == statements(many, page)


def test_the_preview_says_how_many_go_when(operator: Client, make: Any, workspace: Workspace) -> None:
    campaign = make(workspace, recipients=3)
    assert f'hx-get="{at(campaign, "preview")}"' in operator.get(at(campaign)).content.decode()
    page = operator.get(at(campaign, "preview")).content.decode()
    assert "3 of 3" in page
    assert "what is not sent by then expires" in page


def test_an_open_page_asks_again_while_something_moves_and_reloads_when_the_state_changes(
    operator: Client, make: Any, workspace: Workspace
) -> None:
    running, done = (make(workspace, recipients=1, state=state) for state in ("running", "completed"))
    fetches = f'hx-get="{at(running, "progress")}?seen=running" hx-trigger="every 4s"'
    assert fetches in operator.get(at(running)).content.decode()
    assert "every 4s" not in operator.get(at(done)).content.decode()
    same = operator.get(at(running, "progress"), {"seen": "running"})
    assert "HX-Refresh" not in same and 'id="progress"' in same.content.decode()
    Campaign.objects.filter(pk=running.pk).update(state="completed")
    assert operator.get(at(running, "progress"), {"seen": "running"})["HX-Refresh"] == "true"


def test_an_open_page_whose_session_has_ended_goes_to_the_login_as_a_whole(
    client: Client, make: Any, workspace: Workspace
) -> None:
    answer = client.get(at(make(workspace), "progress"))
    assert answer["HX-Refresh"] == "true"
    assert not answer.content


@pytest.mark.parametrize(("state", "alarmed"), [("scheduled", True), ("running", True), ("draft", False)])
def test_what_stands_still_is_said_on_a_page_that_waits_for_it(
    operator: Client, make: Any, workspace: Workspace, state: str, alarmed: bool
) -> None:
    campaign = make(workspace, recipients=1, state=state, starts_at=timezone.now() + timedelta(days=3))
    page = operator.get(at(campaign)).content.decode()
    assert ("The tick is not running" in page) is alarmed
    assert ("No worker is running: voicemails wait." in page) is alarmed
    Heartbeat.objects.create(name="tick", at=timezone.now())
    assert "The tick is not running" not in operator.get(at(campaign)).content.decode()


def test_a_list_that_nobody_reads_is_an_alarm(operator: Client, campaign: Campaign) -> None:
    assert "No worker reads lists" not in operator.get(at(campaign)).content.decode()
    list_of(campaign)
    page = operator.get(at(campaign)).content.decode()
    assert "No worker reads lists: what was uploaded waits. Start one with `manage.py worker imports`." in page
    assert "Draft: a list is being read." in page


def test_a_lane_held_by_hand_is_said(operator: Client, make: Any, workspace: Workspace) -> None:
    campaign = make(workspace, recipients=1, state=CampaignState.RUNNING)
    assert campaign.lane.held
    assert "Running, but its lane is held, so nothing is sent." in operator.get(at(campaign)).content.decode()


@pytest.mark.parametrize("sees", [False, True])
def test_downloads_are_masked_unless_numbers_may_be_seen(
    compliance: Client, make: Any, workspace: Workspace, sees: bool
) -> None:
    Membership.objects.filter(workspace=workspace).update(may_see_numbers=sees)
    campaign = make(workspace, recipients=1)
    make_voicemail(lane=campaign.lane, recipient="+12025550177", status=VoicemailStatus.FAILED, reason="busy")
    everybody = b"".join(compliance.get(at(campaign, "export"))).decode()
    failed = b"".join(compliance.get(at(campaign, "export"), {"only": "failed"})).decode()
    assert ("(202) 555-0177" in failed) is sees
    assert "(202) 555-0100" not in failed
    assert len(everybody.splitlines()) == 3
    assert len(failed.splitlines()) == 2
    assert compliance.get(at(campaign, "export"), {"only": "delivered"}).status_code == 404


def test_each_column_of_the_lists_is_one_of_the_download_and_the_files_are_told_apart(
    compliance: Client, make: Any, workspace: Workspace
) -> None:
    Membership.objects.filter(workspace=workspace).update(may_see_numbers=True)
    campaign = make(workspace, name="Flu shots")
    make_import(campaign, state=ImportState.COMPLETED, columns=["phone", "first_name", "", "doctor", "reference"])
    make_import(campaign, state=ImportState.DISCARDED, columns=["phone", "room"])
    fields = {"first_name": "Ana", "doctor": "Dr. Yu"}
    make_voicemail(lane=campaign.lane, merge_fields=fields, status=VoicemailStatus.FAILED, reason="busy")
    answers = [compliance.get(at(campaign, "export"), query) for query in ({}, {"only": "failed"})]
    names = [answer["Content-Disposition"].partition("filename=")[2] for answer in answers]
    assert [re.sub(r"[0-9-]+\.csv", "", name) for name in names] == [
        f'"voicemails-{slugify(workspace.name)}-flu-shots-{which}"' for which in ("all", "failed")
    ]
    for answer in answers:
        text = b"".join(answer).decode("utf-8-sig")
        [row] = csv.DictReader(io.StringIO(text, newline=""))
        assert list(row)[-5:] == ["name", "language", "first_name", "doctor", "other_fields"]
        assert (row["first_name"], row["doctor"], row["other_fields"]) == ("Ana", "Dr. Yu", "")
        assert (row["campaign_name"], row["use_case_name"]) == ("Flu shots", campaign.use_case.name)


def test_its_voicemails_are_found_however_many_campaigns_came_after_it(
    operator: Client, make: Any, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.admin.voicemails.MAX_CAMPAIGNS", 1)
    campaign = make(workspace, recipients=2)
    make(workspace, recipients=1, name="Later")
    shown = operator.get(at(campaign))
    found = operator.get(shown.context["links"]["queued"]).context["cl"].result_list
    assert {voicemail.lane_id for voicemail in found} == {campaign.pk}
    assert len(found) == 2


def test_the_page_reloads_for_its_buttons_when_the_first_has_failed(
    operator: Client, make: Any, workspace: Workspace
) -> None:
    campaign = make(workspace, recipients=1, state=CampaignState.RUNNING)
    assert "HX-Refresh" not in operator.get(at(campaign, "progress"), {"seen": "running"})
    make_voicemail(lane=campaign.lane, status=VoicemailStatus.FAILED, reason="busy")
    assert operator.get(at(campaign, "progress"), {"seen": "running"})["HX-Refresh"] == "true"
    assert "HX-Refresh" not in operator.get(at(campaign, "progress"), {"seen": "running-failed"})


def test_the_page_says_what_the_first_people_are_waited_for_and_why_it_was_paused_after_them(
    operator: Client, make: Any, workspace: Workspace
) -> None:
    campaign = make(workspace, recipients=0, state=CampaignState.RUNNING)
    add_recipients(campaign, 12, status="queued")
    assert "Expected to be done" in operator.get(at(campaign)).content.decode()
    canary = Canary.objects.create(campaign=campaign, people=10, began_at=timezone.now())
    Lane.objects.filter(pk=campaign.pk).update(canary_left=0, held=False)
    for row in add_recipients(campaign, 8, first=20, status="delivered"):
        CanaryMember.objects.create(voicemail=row, lane=campaign.lane)
    page = operator.get(at(campaign)).content.decode()
    assert "Running: the first people are tried, and the others wait for the reports about them." in page
    assert "and the others wait: 8 of 10 have a final report, and 9 are needed. 8 of them have been tried." in page
    assert "Expected to be done" not in page  # which depends on their reports
    assert "HX-Refresh" not in operator.get(at(campaign, "progress"), {"seen": "running-under_way"})

    Campaign.objects.filter(pk=campaign.pk).update(state=CampaignState.PAUSED)
    Canary.objects.filter(pk=canary.pk).update(
        state="stopped", delivered=6, tried=10, message="Of the first 10 people…"
    )
    assert "HX-Refresh" in operator.get(at(campaign, "progress"), {"seen": "running-under_way"})
    page = operator.get(at(campaign)).content.decode()
    assert "Paused after its first people: see below why." in page
    assert "Of the first 10 people… Since then 2 people more got a report; 8 are delivered by now." in page
