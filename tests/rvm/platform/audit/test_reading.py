"""An event is told as a sentence with names, and names that say who a patient is are not told."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.models import Campaign
from rvm.platform.audit.reading import tell
from rvm.platform.audit.selectors import in_words
from rvm.platform.models import AuditEvent, User, Workspace
from tests.campaigns.admin.conftest import make_campaign
from tests.factories import make_api, make_recording, make_use_case, make_workspace
from tests.rvm.platform.audit.conftest import record

pytestmark = pytest.mark.django_db


def sentences() -> list[str]:
    """All, but for the creation of the test's own campaigns."""
    events = in_words(AuditEvent.objects.exclude(action="campaign.created"))
    return [each.message for each in reversed(tell(list(events)))]


def test_a_launch_is_told_with_the_names_of_the_person_and_the_campaign(workspace: Workspace, maria: User) -> None:
    campaign = make_campaign(workspace, name="Flu shots")
    record("campaign.launched", campaign, maria, workspace)
    record("campaign.completed", campaign, None, workspace)
    Campaign.objects.filter(pk=campaign.pk).update(name="Flu shots 2026")
    assert sentences() == [
        "Maria Lopez launched the campaign Flu shots 2026",
        "The platform completed the campaign Flu shots 2026",
    ]


def test_what_is_deleted_keeps_the_name_that_its_event_says(workspace: Workspace, maria: User) -> None:
    setup = make_use_case(make_workspace()).setup
    name = setup.name
    record("setup.deleted", setup, maria, workspace, name=name)
    (told,) = tell(list(in_words(AuditEvent.objects.all())), lambda model: None)
    assert told.message == f"Maria Lopez deleted the telephony setup {name}"
    assert not told.found


def test_a_key_is_called_by_its_name(workspace: Workspace) -> None:
    api = make_api(workspace)
    made = make_use_case(workspace)
    assert api.patch(f"use-cases/{made.pk}", {"description": "Before each visit"}).status_code == 200
    assert f"API key {api.key.name} changed the use case {made.name}" in sentences()
    # a job that goes on with what a key has asked for has no request
    record("campaign.retried", make_campaign(workspace, name="Flu shots"), api.key.user, workspace)
    assert sentences()[-1] == f"API key {api.key.name} retried people of the campaign Flu shots"


def test_a_patients_row_and_a_recording_joined_for_a_person_have_no_name(workspace: Workspace, maria: User) -> None:
    joined, read = (
        make_recording(workspace, name="Hello + Ana", assembled=True),
        make_recording(workspace, name="Reminder"),
    )
    record("recording.played", joined, maria, workspace)
    record("recording.played", read, maria, workspace)
    assert sentences() == [
        f"Maria Lopez played the recording …{joined.pk.hex[-8:]}",
        "Maria Lopez played the recording Reminder",
    ]


def test_an_action_that_no_code_knows_any_more_is_told_by_its_name(workspace: Workspace, maria: User) -> None:
    record("fax.sent", workspace, maria, workspace)
    assert sentences() == [f"Maria Lopez: fax.sent {workspace.name}"]


def test_the_names_of_a_page_are_read_with_a_query_for_each_table(
    workspace: Workspace, maria: User, django_assert_num_queries: Any
) -> None:
    for number in range(5):
        record("use_case.created", make_use_case(workspace, name=f"Day {number}"), maria, workspace)
        record("membership.created", maria.memberships.get(), maria, workspace)
    events = list(in_words(AuditEvent.objects.all()))
    with django_assert_num_queries(2):
        assert len(tell(events)) == 10
