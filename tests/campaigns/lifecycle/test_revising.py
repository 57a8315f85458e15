"""A mistake found half-way: what is changed while a campaign is paused holds for those who wait, and for nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from threading import Event
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from campaigns.lifecycle import approvals, scheduler
from campaigns.lifecycle import service as services
from campaigns.lifecycle.approvals import ApprovalNeeded
from campaigns.models import Campaign, LaunchApproval
from campaigns.states import ALWAYS_EDITABLE
from delivery.carriers.sandbox import Sandbox
from delivery.engine import claim as claiming
from delivery.engine.claim import Claim, claim
from delivery.engine.lane_routes import active_routes
from delivery.lifecycle import transitions
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import VoicemailStatus
from delivery.lifecycle.transitions import Transition
from delivery.models import Lane, Recording, Voicemail
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent, Workspace
from tests.factories import Api, make_api, make_campaign, make_recording, make_user
from tests.sessions import Session
from tests.sounds import playable

pytestmark = pytest.mark.django_db

# A Monday at 15 UTC: 10 in the morning in New York.
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
QUEUED = VoicemailStatus.QUEUED


def launched(count: int = 6, **fields: Any) -> Campaign:
    campaign = make_campaign(count=count, zones=[["America/New_York"]], playable=True, **fields)
    return services.launch(campaign, actor=None, now=NOW)


def paused(count: int = 6, **fields: Any) -> Campaign:
    return services.pause(launched(count, **fields), actor=None, now=NOW)


def revise(campaign: Campaign, **changes: Any) -> Campaign:
    return services.edit(campaign, changes, actor=None, now=NOW)


def resume(campaign: Campaign, actor: Any = None) -> Campaign:
    return services.resume(campaign, actor=actor, now=NOW)


def send(count: int, now: datetime = NOW) -> list[Claim]:
    found: list[Claim] = []
    for route in active_routes(now, 500):
        found += claim(route, count - len(found), now, timedelta(seconds=60)).claims
    return found


def heard(voicemails: Sequence[Any]) -> set[Any]:
    ids = [getattr(each, "voicemail_id", each) for each in voicemails]
    return set(Voicemail.objects.filter(pk__in=ids).values_list("recording_id", flat=True))


def goes_on(campaign: Campaign) -> None:
    resume(campaign)
    scheduler.set_recordings(NOW)
    assert not Lane.objects.get(pk=campaign.pk).held


# what may be changed


@pytest.mark.parametrize("name", ["starts_at", "script", "time_zone", "use_case"])
def test_who_is_reached_and_when_it_began_stay_while_it_is_paused(name: str) -> None:
    with pytest.raises(ServiceError) as caught:
        revise(paused(), **{name: None})
    assert caught.value.code == "campaign_begun"
    assert "while it is paused also recording, hours, days, end and attempts" in caught.value.message


def test_what_runs_is_paused_first() -> None:
    campaign = launched()
    with pytest.raises(ServiceError) as caught:
        revise(campaign, window_end=time(12))
    assert caught.value.code == "campaign_begun" and "while it is paused" in caught.value.message


def test_a_change_is_audited_and_said_until_it_goes_on() -> None:
    campaign = revise(paused(), window_end=time(12), days=[1, 2], max_attempts=2, retry_minutes=30)
    lane = Lane.objects.get(pk=campaign.pk)
    assert (lane.window_end, lane.days, lane.max_attempts, lane.retry_minutes) == (time(12), [1, 2], 2, 30)
    assert campaign.revised
    assert set(AuditEvent.objects.get(action="campaign.updated").details["changes"]) == {
        "window_end",
        "days",
        "max_attempts",
        "retry_minutes",
    }
    assert not resume(campaign).revised


def test_a_change_of_name_or_pace_is_no_revision() -> None:
    assert not revise(paused(), name="Flu", pace_per_second=1.0, priority=2).revised
    assert {"name", "pace_per_second", "priority"} == ALWAYS_EDITABLE


# the recording


def test_those_who_wait_hear_the_new_recording_and_what_was_sent_stays_as_it_was() -> None:
    campaign = launched()
    old, new = campaign.recording, playable(make_recording(campaign.workspace))
    sent = send(2)
    services.pause(campaign, actor=None, now=NOW)
    revise(campaign, recording=new)
    assert send(6) == []
    goes_on(campaign)
    later = send(6)
    assert (len(later), {each.recording_id for each in later}) == (4, {new.pk})
    assert old is not None
    assert (heard(sent), heard(later)) == ({old.pk}, {new.pk})


@pytest.mark.parametrize("becomes", ["queued again", "retried"])
def test_who_is_with_the_carrier_and_is_sent_to_again_hears_the_new_one(becomes: str) -> None:
    campaign = launched()
    new = playable(make_recording(campaign.workspace))
    [first] = send(1)
    services.pause(campaign, actor=None, now=NOW)
    revise(campaign, recording=new)
    goes_on(campaign)
    assert len(send(5)) == 5
    assert new.pk not in heard([first])
    sending, failed = VoicemailStatus.SENDING, VoicemailStatus.FAILED
    if becomes == "queued again":
        transitions.apply(
            [Transition(first.voicemail_id, sending, QUEUED, reason=Reason.NOT_SENT, not_before=NOW)], NOW
        )
    else:
        transitions.apply([Transition(first.voicemail_id, sending, failed, reason=Reason.BUSY)], NOW)
        services.retry_failed(campaign, accept_duplicate_risk=False, reasons=[], actor=None, now=NOW)
    [again] = send(1)
    assert (again.voicemail_id, again.recording_id) == (first.voicemail_id, new.pk)
    assert heard([again]) == {new.pk}


def test_a_recording_without_a_file_or_none_at_all_is_refused() -> None:
    campaign = paused()
    with pytest.raises(ServiceError) as caught:
        revise(campaign, recording=make_recording(campaign.workspace))
    assert caught.value.code == "recording_missing"
    with pytest.raises(ServiceError) as caught:
        revise(campaign, recording=None)
    assert (caught.value.code, caught.value.field) == ("recording_missing", "recording_id")
    campaign.refresh_from_db()
    assert not campaign.revised and campaign.recordings_set


@pytest.fixture
def _carrier_that_reaches_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)


# hours, days, end


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_who_waits_for_old_hours_is_due_by_the_new_ones() -> None:
    campaign = launched(window_start=time(14))
    assert send(6) == []
    assert Voicemail.objects.filter(not_before__gt=NOW).count() == 6
    services.pause(campaign, actor=None, now=NOW)
    revise(campaign, window_start=time(9))
    goes_on(campaign)
    assert len(send(6)) == 6


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_narrower_hours_bind_who_waits() -> None:
    campaign = paused()
    revise(campaign, window_start=time(14))
    goes_on(campaign)
    assert send(6) == []
    assert set(Voicemail.objects.values_list("not_before", flat=True)) == {NOW + 4 * HOUR}


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_who_waits_for_another_attempt_goes_on_waiting() -> None:
    campaign = paused(1)
    Voicemail.objects.update(attempts=1, not_before=NOW + HOUR)
    revise(campaign, window_start=time(9))
    goes_on(campaign)
    assert send(1) == []


def test_another_end_is_the_end_of_those_who_wait() -> None:
    campaign = paused()
    later = NOW + 500 * HOUR
    assert revise(campaign, ends_at=later).ends_at == later
    assert Lane.objects.get(pk=campaign.pk).expires_at == later
    cleared = revise(campaign, ends_at=None)
    assert cleared.ends_at == NOW + timedelta(hours=campaign.use_case.expires_after_hours)
    assert Lane.objects.get(pk=campaign.pk).expires_at == cleared.ends_at


def test_an_end_that_is_past_is_refused() -> None:
    campaign = paused()
    for moment, changes in ((NOW, {"ends_at": NOW - HOUR}), (NOW + 999 * HOUR, {"ends_at": None})):
        with pytest.raises(ServiceError) as caught:
            services.edit(campaign, changes, actor=None, now=moment)
        assert (caught.value.code, caught.value.field) == ("too_early", "ends_at")


# going on


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_a_change_by_which_nobody_can_be_reached_does_not_go_on() -> None:
    campaign = paused()
    revise(campaign, window_start=time(14), ends_at=NOW + HOUR)
    with pytest.raises(ServiceError) as caught:
        resume(campaign)
    assert caught.value.code == "nothing_to_send"
    revise(campaign, window_start=None)
    assert resume(campaign).state == "running"


def test_where_nobody_waits_any_more_a_change_needs_nothing() -> None:
    campaign = launched(1)
    send(1)
    services.pause(campaign, actor=None, now=NOW)
    revise(campaign, max_attempts=2)
    assert resume(campaign).state == "running"


def test_a_change_for_many_needs_a_second_person_and_an_unchanged_campaign_does_not() -> None:
    ann, ben = make_user(username="ann"), make_user(username="ben")
    campaign = paused()
    Workspace.objects.filter(pk=campaign.workspace_id).update(launch_approval_above=5)
    campaign = services.pause(resume(campaign), actor=None, now=NOW)
    revise(campaign, max_attempts=2)
    with pytest.raises(ApprovalNeeded) as caught:
        resume(campaign, ann)
    approval = caught.value.approval
    assert (approval.kind, approval.people) == ("resume", 6)
    assert "This resume reaches 6 people" in caught.value.message
    revise(campaign, max_attempts=3)
    assert LaunchApproval.objects.get().state == "fallen"
    with pytest.raises(ApprovalNeeded) as caught:
        resume(campaign, ann)
    assert services.approve(caught.value.approval, actor=ben, now=NOW).state == "running"
    assert approvals.waiting(campaign) is None
    services.pause(campaign, actor=None, now=NOW)
    assert resume(campaign, ann).state == "running"


# a claim at the same time


@pytest.mark.django_db(transaction=True)
def test_a_pause_waits_for_the_claims_under_way_so_nobody_gets_the_old_recording_after_the_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    campaign = launched()
    old, new = campaign.recording, playable(make_recording(campaign.workspace))
    reads, goes = Event(), Event()
    keep = claiming.keep

    def wait(*arguments: Any) -> None:
        reads.set()
        assert goes.wait(30)
        keep(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(claiming, "keep", wait)
        under_way = Session(lambda: send(2))
        assert reads.wait(30)  # it has read the route and the recordings, and has not committed
        pausing = Session(lambda: services.pause(campaign, actor=None, now=NOW))
        pausing.wait_until_blocked()
        goes.set()
        first = under_way.result()
        pausing.result()
    committed = Voicemail.objects.filter(status="sending").count()
    assert (len(first), committed) == (2, 2)
    revise(campaign, recording=new)
    assert send(6) == []
    goes_on(campaign)
    later = send(6)
    assert old is not None
    assert (heard(first), heard(later), len(later)) == ({old.pk}, {new.pk}, 4)


@pytest.mark.django_db(transaction=True)
def test_claims_do_not_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    launched()
    reads, goes = Event(), Event()
    keep = claiming.keep

    def wait(*arguments: Any) -> None:
        reads.set()
        assert goes.wait(30)
        keep(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(claiming, "keep", wait)
        other = Session(lambda: send(2))
        assert reads.wait(30)
        patch.setattr(claiming, "keep", keep)
        assert len(send(2)) == 2
        goes.set()
        assert len(other.result()) == 2
    connection.close()


# over the API and in the admin


@pytest.fixture
def half_way(workspace: Workspace) -> Campaign:
    campaign = make_campaign(count=3, playable=True, ends_at=timezone.now() + 5 * HOUR)
    Workspace.objects.filter(pk=campaign.workspace_id)
    services.launch(campaign, actor=None, now=timezone.now())
    return services.pause(campaign, actor=None, now=timezone.now())


def test_over_the_api_a_paused_campaign_takes_another_recording(half_way: Campaign) -> None:
    api: Api = make_api(half_way.workspace)
    new: Recording = playable(make_recording(half_way.workspace))
    told = api.patch(f"campaigns/{half_way.pk}", {"recording_id": str(new.pk), "window_end": "12:00"})
    assert (told.status_code, told.json()["recording_id"]) == (200, str(new.pk))
    refused = api.patch(f"campaigns/{half_way.pk}", {"starts_at": timezone.now().isoformat()})
    assert (refused.status_code, refused.json()["code"]) == (409, "campaign_begun")
    assert api.post(f"campaigns/{half_way.pk}/resume").json()["state"] == "running"


def test_in_the_admin_the_form_of_a_paused_campaign_offers_what_may_be_changed(
    client: Client, half_way: Campaign
) -> None:
    client.force_login(make_user(workspace=half_way.workspace, is_staff=True, password=None))
    address = reverse("admin:campaigns_campaign_edit", args=[half_way.pk])
    form = client.get(address).context["adminform"].form
    enabled = {name for name, field in form.fields.items() if not field.disabled}
    assert enabled == {
        *("name", "heard", "recording", "ends_at", "days", "window_start", "window_end"),
        *("pace_per_second", "priority", "max_attempts", "retry_minutes"),
        *("canary_size", "canary_max_failed_percent", "canary_wait_minutes"),
    }
    new = playable(make_recording(half_way.workspace, name="The right one"))
    sent = {
        name: "" if value is None else value for name, value in ((name, form[name].value()) for name in enabled)
    } | {"recording": str(new.pk), "max_attempts": "2"}
    page = client.post(address, sent, follow=True).content.decode()
    assert "is saved" in page and "Paused and changed" in page and 'id="preview"' in page
    half_way.refresh_from_db()
    assert (half_way.recording, half_way.revised) == (new, True)
