"""The form of which somebody changed the row meanwhile: what it refuses, what it says, and what it leaves alone."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django import forms
from django.db import transaction
from django.test import Client
from django.urls import reverse

from campaigns.models import Campaign
from campaigns.states import CampaignState
from delivery.models import Lane
from delivery.setups.services import update_setup
from rvm.platform.admin.versions.forms import versioned
from rvm.platform.admin.versions.meanwhile import Meanwhile
from rvm.platform.models import User, Workspace
from tests.factories import make_campaign, make_phone_number, make_setup, make_use_case, make_user
from tests.posted_forms import posted
from tests.sessions import Session
from usecases.models import UseCase
from usecases.services import assign_number, update_use_case

pytestmark = pytest.mark.django_db


def page_of(row: Any) -> str:
    page = "edit" if isinstance(row, Campaign) else "change"
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])


def form_of(response: Any, row: Any) -> dict[str, Any]:
    return posted(response, f"{row._meta.model_name}_form")


def errors(response: Any) -> str:
    assert response.status_code == 200, "It is saved."
    return " ".join(response.context["adminform"].form.non_field_errors())


@pytest.fixture
def demo(workspace: Workspace) -> User:
    return make_user(workspace=workspace, is_staff=True, username="demo", password=None)


@pytest.fixture
def editor(workspace: Workspace) -> Client:
    client = Client()
    client.force_login(make_user(workspace=workspace, is_staff=True, username="ben", password=None))
    return client


@pytest.fixture
def use_case(workspace: Workspace) -> UseCase:
    return make_use_case(workspace, name="Reminders", consent_statement="Patients agreed.")


def test_what_both_changed_is_told_at_the_field_and_saving_again_puts_the_second_in_its_place(
    editor: Client, demo: User, use_case: UseCase
) -> None:
    had = form_of(editor.get(page_of(use_case)), use_case)
    update_use_case(use_case=use_case, actor=demo, name="Reminders of Mondays")
    told = editor.post(page_of(use_case), {**had, "name": "Reminders of Fridays"})
    assert "Name: from Reminders to Reminders of Mondays, by demo." in errors(told)
    form = told.context["adminform"].form
    assert form.errors["name"] == ["Meanwhile it became Reminders of Mondays. Saving again puts yours in its place."]
    again = form_of(told, use_case)
    assert again["name"] == ["Reminders of Fridays"]
    assert editor.post(page_of(use_case), again).status_code == 302
    use_case.refresh_from_db()
    assert use_case.name == "Reminders of Fridays"


def test_the_same_form_sent_twice_is_saved_once_and_tells_nothing(editor: Client, use_case: UseCase) -> None:
    said = {**form_of(editor.get(page_of(use_case)), use_case), "name": "Recalls"}
    for _ in range(2):
        saved = editor.post(page_of(use_case), said)
        assert saved.status_code == 302, errors(saved)


def test_a_change_that_was_taken_back_meanwhile_tells_nothing(editor: Client, demo: User, use_case: UseCase) -> None:
    said = {**form_of(editor.get(page_of(use_case)), use_case), "entity_name": "Lakeside Dental"}
    for name in ("Recalls", "Reminders"):
        update_use_case(use_case=use_case, actor=demo, name=name)
    saved = editor.post(page_of(use_case), said)
    assert saved.status_code == 302, errors(saved)


def test_of_a_change_that_no_event_tells_nobody_is_named(editor: Client, use_case: UseCase) -> None:
    had = form_of(editor.get(page_of(use_case)), use_case)
    UseCase.objects.filter(pk=use_case.pk).update(max_per_day=2)
    assert "Max per day: from 100 to 2." in errors(editor.post(page_of(use_case), {**had, "name": "Recalls"}))


def test_numbers_that_were_assigned_meanwhile_are_not_taken_away(editor: Client, demo: User, use_case: UseCase) -> None:
    had = form_of(editor.get(page_of(use_case)), use_case)
    number = make_phone_number(use_case.setup)
    assign_number(use_case=use_case, phone_number=number, actor=demo)
    told = editor.post(page_of(use_case), {**had, "name": "Recalls"})
    assert "Sender numbers: from " in errors(told) and ", by demo." in errors(told)
    assert editor.post(page_of(use_case), form_of(told, use_case)).status_code == 302
    assert use_case.phone_numbers.filter(pk=number.pk).exists()


def test_credentials_are_told_without_being_shown_and_only_to_somebody_who_writes_some(
    editor: Client, demo: User, workspace: Workspace
) -> None:
    setup = make_setup(workspace, carrier="drop_cowboy", credentials={"key": "key", "secret": "first"})
    page = page_of(setup)
    renames, writes = [form_of(editor.get(page), setup) for _ in range(2)]
    update_setup(setup=setup, credentials={"secret": "of-demo"}, actor=demo)
    assert editor.post(page, {**renames, "name": "Main line"}).status_code == 302
    told = editor.post(page, {**writes, "name": "Main line", "credential_drop_cowboy$secret": "third"})
    assert "Credentials: changed, from and to what is not shown, by demo." in errors(told)
    assert b"of-demo" not in told.content


def test_progress_of_a_campaign_refuses_no_name(editor: Client, workspace: Workspace, use_case: UseCase) -> None:
    campaign = make_campaign(use_case, 2)
    Campaign.objects.filter(pk=campaign.pk).update(state=CampaignState.RUNNING)
    said = {**form_of(editor.get(page_of(campaign)), campaign), "name": "Recalls"}
    Campaign.objects.filter(pk=campaign.pk).update(
        state=CampaignState.PAUSED, measured_sent=9, rate_per_second=1.5, updated_at=datetime.now(UTC)
    )
    Lane.objects.filter(pk=campaign.pk).update(held=True, idle=True)
    assert editor.post(page_of(campaign), said).status_code == 302


def test_who_moves_the_start_of_a_campaign_that_was_launched_meanwhile_is_told_that_it_stays(
    editor: Client, workspace: Workspace, use_case: UseCase
) -> None:
    campaign = make_campaign(use_case, 2)
    had = form_of(editor.get(page_of(campaign)), campaign)
    Campaign.objects.filter(pk=campaign.pk).update(state=CampaignState.RUNNING)
    start = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%dT%H:%M}"
    told = editor.post(page_of(campaign), {**had, "name": "Recalls", "starts_at": start})
    assert "Start can no longer be changed, so what you chose there is not kept." in errors(told)
    again = form_of(told, campaign)
    assert again["name"] == ["Recalls"]
    assert editor.post(page_of(campaign), again).status_code == 302


@pytest.mark.parametrize(
    "version",
    [
        "",
        "{",
        "[]",
        '{"at": "2026-11-30T12:00:00", "shown": {}, "unseen": {}}',
        '{"at": "x", "shown": {}, "unseen": {}}',
        '{"shown": 1}',
        "null",
    ],
)
def test_a_version_that_cannot_be_read_saves_nothing(editor: Client, use_case: UseCase, version: str) -> None:
    said = {**form_of(editor.get(page_of(use_case)), use_case), "name": "Recalls", "version": version}
    assert "open the page again" in errors(editor.post(page_of(use_case), said))
    use_case.refresh_from_db()
    assert use_case.name == "Reminders"


def test_a_field_that_the_page_did_not_offer_keeps_its_value() -> None:
    class Names(forms.Form):
        first = forms.CharField()
        second = forms.CharField(required=False)

    had = {"at": "2026-11-30T12:00:00+00:00", "shown": {"first": "Ana"}, "unseen": {}}
    form = versioned(Names, Meanwhile("page", uuid4()))(
        {"first": "Ann", "version": json.dumps(had)}, initial={"first": "Ana", "second": "Alder"}
    )
    assert form.is_valid()
    assert (form.changed_data, form.cleaned_data) == (["first"], {"first": "Ann", "second": "Alder"})


def test_a_refusal_of_the_service_leaves_the_version_as_it_was(
    editor: Client, workspace: Workspace, use_case: UseCase
) -> None:
    make_use_case(workspace, name="Recalls")
    told = editor.post(page_of(use_case), {**form_of(editor.get(page_of(use_case)), use_case), "name": "Recalls"})
    assert "changed while you had it open" not in errors(told)
    again = form_of(told, use_case)
    assert json.loads(again["version"][0])["shown"]["name"] == "Reminders"
    assert editor.post(page_of(use_case), {**again, "name": "Recalls of adults"}).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_two_saves_at_the_same_instant_the_second_is_told(editor: Client, demo: User, use_case: UseCase) -> None:
    had = form_of(editor.get(page_of(use_case)), use_case)
    with transaction.atomic():
        update_use_case(use_case=use_case, actor=demo, max_per_day=3)
        second = Session(lambda: editor.post(page_of(use_case), {**had, "name": "Recalls"}))
        second.wait_until_blocked()
    assert "Max per day: from 100 to 3, by demo." in errors(second.result())
    use_case.refresh_from_db()
    assert (use_case.name, use_case.max_per_day) == ("Reminders", 3)
