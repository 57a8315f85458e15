"""The form: a draft is made and changed as the service says, what it refuses stands at its field, and the launched is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.states import CampaignState
from delivery.models import Clip
from delivery.recordings.clips import store_clip
from rvm.platform.models import AuditEvent, Membership, Workspace
from rvm.platform.roles import Role
from tests.delivery.audio.mp3_bytes import encoded
from tests.factories import make_recording, make_use_case, make_user, make_workspace
from usecases.models import UseCase

pytestmark = pytest.mark.django_db
ADD = reverse("admin:campaigns_campaign_add")


def in_days(days: int) -> datetime:
    """Nine o'clock, wherever that is."""
    return (timezone.now() + timedelta(days=days)).replace(hour=9, minute=0, second=0, microsecond=0, tzinfo=None)


def edit_page(campaign: Campaign) -> str:
    return reverse("admin:campaigns_campaign_edit", args=[campaign.pk])


@pytest.fixture
def use_case(workspace: Workspace) -> UseCase:
    return make_use_case(workspace)


def form(workspace: Workspace, use_case: UseCase, **said: Any) -> dict[str, Any]:
    return {
        "workspace": workspace.pk,
        "name": "Flu shots",
        "use_case": use_case.pk,
        "heard": "recording",
        "time_zone": "America/New_York",
        **said,
    }


def errors(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200
    return dict(answer.context["adminform"].form.errors)


def test_who_is_tried_first_is_set_in_the_form_and_shown_on_the_page(
    operator: Client, workspace: Workspace, use_case: UseCase
) -> None:
    page = operator.post(ADD, form(workspace, use_case), follow=True).content.decode()
    assert (
        "100 people, if it is more than 1,000; the others wait for the reports about these, for up to 60 minutes"
        in page
    )
    said = {"canary_size": "0", "canary_max_failed_percent": "", "canary_wait_minutes": "30"}
    page = operator.post(ADD, form(workspace, use_case, **said), follow=True).content.decode()
    assert "nobody: everybody is sent to at once" in page
    row = Campaign.objects.latest("id")
    assert (row.canary_size, row.canary_max_failed_percent, row.canary_wait_minutes) == (0, 10, 30)
    answer = operator.post(edit_page(row), form(workspace, use_case, canary_size="5001", canary_max_failed_percent="5"))
    assert "less than or equal to 5000" in str(errors(answer)["canary_size"])


def test_empty_fields_are_as_the_use_case_says(operator: Client, workspace: Workspace, use_case: UseCase) -> None:
    answer = operator.post(ADD, form(workspace, use_case), follow=True)
    assert "“Flu shots” is a draft. Nothing is sent before you launch it." in answer.content.decode()
    campaign = Campaign.objects.get()
    lane = campaign.lane
    assert (lane.window_start, lane.days, lane.pace_per_second, lane.max_attempts, campaign.starts_at) == (None,) * 5
    assert (lane.held, lane.live, campaign.state) == (True, True, "draft")
    assert AuditEvent.objects.filter(action="campaign.created", subject_id=campaign.pk).exists()


def test_everything_said_is_kept_and_a_clock_time_is_meant_in_the_zone(
    operator: Client, workspace: Workspace, use_case: UseCase
) -> None:
    recording = make_recording(workspace)
    start = in_days(3)
    said = {
        "recording": recording.pk, "starts_at": f"{start:%Y-%m-%dT%H:%M}", "days": ["1", "5"], "window_start": "09:00",
        "window_end": "17:30", "pace_per_second": "2.5", "priority": "3", "max_attempts": "2", "retry_minutes": "90", "test": "on",
    }  # fmt: skip
    answer = operator.post(ADD, form(workspace, use_case, **said))
    assert answer.status_code == 302, errors(answer)
    campaign = Campaign.objects.get()
    lane = campaign.lane
    assert campaign.starts_at == start.replace(tzinfo=ZoneInfo("America/New_York")).astimezone(UTC)
    assert (campaign.recording, lane.days, lane.live) == (recording, [1, 5], False)
    assert (lane.window_start, lane.window_end, lane.pace_per_second) == (time(9), time(17, 30), 2.5)
    assert (lane.priority, lane.max_attempts, lane.retry_minutes) == (3, 2, 90)
    shown = operator.get(edit_page(campaign)).content.decode()
    assert f'value="{start:%Y-%m-%dT%H:%M}"' in shown


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "", "required"),
        ("starts_at", "2020-01-01T09:00", "lies in the past"),
        ("starts_at", "soon", "is no day with a time. Write it as month/day/year and time: 11/20/2026 9:00 AM."),
        ("pace_per_second", "0", "pace"),
        ("max_attempts", "99", "attempts"),
        ("window_start", "22:00", ""),
        ("use_case", "", "required"),
    ],
)
def test_a_refusal_stands_at_its_field(
    operator: Client, workspace: Workspace, use_case: UseCase, field: str, value: str, message: str
) -> None:
    found = errors(operator.post(ADD, {**form(workspace, use_case), field: value}))
    where = {"window_start": {"window_start", "window_end"}}.get(field, {field})
    assert where & set(found), found
    assert message.lower() in str(found).lower()
    assert not Campaign.objects.exists()


def test_nothing_of_another_workspace_can_be_named(operator: Client, workspace: Workspace, use_case: UseCase) -> None:
    theirs = make_workspace()
    for said in (
        {"use_case": make_use_case(theirs).pk},
        {"recording": make_recording(theirs).pk},
        {"workspace": theirs.pk},
    ):
        assert set(said) & set(errors(operator.post(ADD, {**form(workspace, use_case), **said})))
    assert not Campaign.objects.exists()


def test_a_recording_that_a_campaign_joined_is_not_offered(operator: Client, workspace: Workspace) -> None:
    make_recording(workspace, name="Joined", assembled=True)
    make_recording(workspace, name="Uploaded")
    page = operator.get(ADD).content.decode()
    assert ">Uploaded<" in page and ">Joined<" not in page


def test_only_what_was_changed_is_changed_and_another_zone_moves_the_start(
    operator: Client, workspace: Workspace, make: Any
) -> None:
    start = in_days(9)
    campaign = make(workspace, time_zone="America/New_York", starts_at=start, pace_per_second=3.0)
    said = form(workspace, campaign.use_case, name=campaign.name, recording=campaign.recording.pk)
    said |= {"starts_at": f"{start:%Y-%m-%dT%H:%M}", "pace_per_second": "3.0", "time_zone": "America/Los_Angeles"}
    answer = operator.post(edit_page(campaign), said)
    assert answer.status_code == 302, errors(answer)
    campaign.refresh_from_db()
    assert campaign.starts_at == start.replace(tzinfo=ZoneInfo("America/Los_Angeles"))
    event = AuditEvent.objects.get(action="campaign.updated", subject_id=campaign.pk)
    assert set(event.details["changes"]) == {"time_zone", "starts_at"}


def test_of_a_launched_campaign_only_name_pace_and_priority_change_and_the_page_says_why(
    operator: Client, workspace: Workspace, make: Any
) -> None:
    campaign = make(workspace, state=CampaignState.RUNNING)
    page = operator.get(edit_page(campaign)).content.decode()
    assert "Its name, pace and priority can be changed at any time; pause it" in page
    said = form(workspace, make_use_case(workspace), name="New name", pace_per_second="4", max_attempts="5")
    assert operator.post(edit_page(campaign), said).status_code == 302
    campaign.refresh_from_db()
    campaign.lane.refresh_from_db()
    assert (campaign.name, campaign.lane.pace_per_second, campaign.lane.max_attempts) == ("New name", 4.0, None)
    assert campaign.recording is not None


def test_the_use_case_stays_once_there_are_recipients(operator: Client, workspace: Workspace, make: Any) -> None:
    campaign = make(workspace, recipients=1)
    said = form(workspace, make_use_case(workspace), name=campaign.name, recording=campaign.recording.pk)
    found = errors(operator.post(edit_page(campaign), said))
    assert "The use case stays once the campaign has recipients" in str(found["use_case"])


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("stranger", 404)])
def test_who_may_not_change_it_gets_no_form(
    request: pytest.FixtureRequest, workspace: Workspace, campaign: Campaign, who: str, status: int
) -> None:
    client: Client = request.getfixturevalue(who)
    assert client.get(edit_page(campaign)).status_code == status
    assert client.post(edit_page(campaign), form(workspace, campaign.use_case, name="Mine")).status_code == status
    campaign.refresh_from_db()
    assert campaign.name == "Flu shots"


def test_a_chosen_use_case_says_what_holds_where_nothing_is_said(operator: Client, use_case: UseCase) -> None:
    about = reverse("admin:campaigns_campaign_use_case")
    page = operator.get(about, {"use_case": use_case.pk}).content.decode()
    assert "Messages are left from 8:00 AM to 9:00 PM, every day, also on federal holidays" in page
    for nothing in ("", "x", make_use_case().pk):
        assert "Why and from whom people are reached." in operator.get(about, {"use_case": nothing}).content.decode()


@pytest.fixture
def clips(workspace: Workspace) -> dict[str, Clip]:
    return {
        name: store_clip(workspace, name, encoded(seconds)) for name, seconds in (("Hello", 6), ("Ana", 2), ("Bye", 5))
    }


def test_a_script_is_built_of_clips_that_are_chosen_by_their_names(
    operator: Client, workspace: Workspace, use_case: UseCase, clips: dict[str, Clip]
) -> None:
    ids = {name: str(clip.pk) for name, clip in clips.items()}
    said = {
        "heard": "clips",
        "opening": ids["Hello"],
        "column": "first_name",
        "chosen": [ids["Ana"]],
        "closing": ids["Bye"],
    }
    answer = operator.post(ADD, form(workspace, use_case, **said))
    assert answer.status_code == 302, errors(answer)
    campaign = Campaign.objects.get()
    assert campaign.script == [
        {"clip": ids["Hello"]},
        {"field": "first_name", "clips": {"Ana": ids["Ana"]}, "otherwise": None},
        {"clip": ids["Bye"]},
    ]
    shown = operator.get(edit_page(campaign)).context["adminform"].form.initial
    assert {name: shown[name] for name in said} == said


def test_a_script_that_cannot_be_is_refused_at_its_clips(
    operator: Client, workspace: Workspace, use_case: UseCase, clips: dict[str, Clip]
) -> None:
    said = form(workspace, use_case, heard="clips", opening=clips["Ana"].pk)
    assert "opening" in errors(operator.post(ADD, said))


def test_a_script_that_the_form_cannot_say_is_kept_while_nothing_of_it_is_touched(
    operator: Client, workspace: Workspace, use_case: UseCase, clips: dict[str, Clip], make: Any
) -> None:
    ids = {name: str(clip.pk) for name, clip in clips.items()}
    script = [{"clip": ids["Hello"]}, {"clip": ids["Ana"]}, {"clip": ids["Bye"]}]
    campaign = make(workspace, use_case=use_case, recording=None, script=script)
    assert "says more than this form can" in operator.get(edit_page(campaign)).content.decode()
    answer = operator.post(edit_page(campaign), form(workspace, use_case, name="New name", heard="clips"))
    assert answer.status_code == 302, errors(answer)
    campaign.refresh_from_db()
    assert (campaign.name, campaign.script) == ("New name", script)


def test_use_cases_of_one_name_are_told_apart_by_their_workspace(workspace: Workspace) -> None:
    other = make_workspace(name="Uptown Pediatrics")
    user = make_user(workspace=workspace, is_staff=True, password=None)
    Membership.objects.create(workspace=other, user=user, role=Role.ADMIN)
    for place in (workspace, other):
        make_use_case(place, name="Reminders")
    client = Client()
    client.force_login(user)
    for page in ("add", "changelist"):
        html = client.get(reverse(f"admin:campaigns_campaign_{page}")).content.decode()
        assert [f"Reminders ({place.name})" in html for place in (workspace, other)] == [True, True], page


def test_what_a_form_offers_to_one_person_is_not_changed_by_another(workspace: Workspace) -> None:
    ours, theirs = (store_clip(of, "Ana", encoded(0.5)) for of in (workspace, make_workspace()))
    first, second = (form_for(clip.workspace) for clip in (ours, theirs))
    assert [list(each.base_fields["opening"].queryset) for each in (first, second)] == [[ours], [theirs]]


def form_for(workspace: Workspace) -> Any:
    request = RequestFactory().get(ADD)
    request.user = make_user(workspace=workspace, is_staff=True)
    return admin.site._registry[Campaign].get_form(request, None)
