"""Campaigns over HTTP: created, listed, changed and moved, by whom and when not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.api.serializers.campaigns import CampaignRetrySerializer, CampaignSerializer
from campaigns.lifecycle import scheduler
from campaigns.lifecycle import service as services
from campaigns.models import Campaign, Canary
from campaigns.states import CampaignState
from delivery.models import CanaryMember, Lane, Recording, Voicemail
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.scopes import Scope
from tests.campaigns.api.calling import make_campaign, refusal, wrong
from tests.factories import Api, add_recipients, make_api, make_recording, make_setup, make_use_case, make_voicemail
from usecases.models import UseCase

SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


def body(use_case: UseCase, **fields: Any) -> dict[str, Any]:
    return {"name": "Flu shots", "use_case_id": str(use_case.pk), **fields}


# create


def test_a_campaign_is_created_as_a_held_draft(api: Api, use_case: UseCase, recording: Recording) -> None:
    response = api.post("campaigns", body(use_case, recording_id=str(recording.pk), pace_per_second=2.5, days=[1, 5]))
    told = response.json()
    assert response.status_code == 201
    assert list(told) == list(CampaignSerializer().fields)
    assert response["Location"] == api.url(f"campaigns/{told['campaign_id']}")
    campaign = Campaign.objects.get(pk=told["campaign_id"])
    assert (campaign.lane_id, campaign.recording_id, campaign.live) == (campaign.pk, recording.pk, True)
    assert campaign.lane.held
    assert (told["state"], told["live"], told["setup_id"]) == ("draft", True, str(use_case.setup_id))
    assert (told["pace_per_second"], told["days"], told["window_start"], told["voicemails"]) == (2.5, [1, 5], None, {})
    event = AuditEvent.objects.get(action="campaign.created")
    assert (event.subject_id, event.actor) == (campaign.pk, api.key.user)


def test_who_is_tried_first_is_said_with_the_campaign_and_how_it_stands_is_told(api: Api, use_case: UseCase) -> None:
    plain = api.post("campaigns", body(use_case)).json()
    names = ("canary_size", "canary_max_failed_percent", "canary_wait_minutes", "canary")
    assert [plain[name] for name in names] == [None, 10, 60, None]
    said = {"canary_size": 10, "canary_max_failed_percent": 0, "canary_wait_minutes": 5}
    told = api.post("campaigns", body(use_case, **said)).json()
    assert {name: told[name] for name in said} == said
    campaign = Campaign.objects.get(pk=told["id"])
    Canary.objects.create(campaign=campaign, people=10, began_at=timezone.now())
    for reason in ("", "", "refused"):
        status = "failed" if reason else "delivered"
        row = make_voicemail(lane=campaign.lane, status=status, reason=reason)
        CanaryMember.objects.create(voicemail=row, lane=campaign.lane)
    under_way = api.get(f"campaigns/{campaign.pk}").json()["canary"]
    assert {name: under_way[name] for name in ("state", "people", "tried", "enough", "reported", "delivered")} == {
        "state": "under_way",
        "people": 10,
        "tried": 3,
        "enough": 9,
        "reported": 3,
        "delivered": 2,
    }
    assert (under_way["failed"], under_way["failed_of_sending"], under_way["message"]) == ({"refused": 1}, 1, None)
    assert [each["canary"] is None for each in api.get("campaigns").json()["items"]] == [False, True]


def test_times_without_an_offset_are_of_the_campaigns_zone(api: Api, use_case: UseCase) -> None:
    first, last = (SOON + timedelta(days=1)).date(), (SOON + timedelta(days=2)).date()
    times = {"starts_at": f"{first}T09:00:00", "ends_at": f"{last}T17:00:00+02:00"}
    # Clocks never change in Phoenix.
    told = api.post("campaigns", body(use_case, time_zone="America/Phoenix", **times)).json()
    assert (told["starts_at"], told["ends_at"]) == (f"{first}T16:00:00Z", f"{last}T15:00:00Z")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": None}, ("/name", "null")),
        ({"name": "x" * 101}, ("/name", "max_length")),
        ({"time_zone": "Mars/Olympus"}, ("/time_zone", "time_zone_unknown")),
        ({"starts_at": "2001-01-01T00:00:00Z"}, ("/starts_at", "too_early")),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, ("/starts_at", "overflow")),
        ({"ends_at": "9999-12-31T23:59:59", "time_zone": "America/Chicago"}, ("/ends_at", "overflow")),
        ({"pace_per_second": 0}, ("/pace_per_second", "min_value")),
        ({"pace_per_second": "1"}, ("/pace_per_second", "invalid")),
        ({"days": [8]}, ("/days/0", "max_value")),
        ({"max_attempts": 11}, ("/max_attempts", "max_value")),
        ({"canary_size": 5_001}, ("/canary_size", "max_value")),
        ({"canary_max_failed_percent": None}, ("/canary_max_failed_percent", "null")),
        ({"canary_wait_minutes": 4}, ("/canary_wait_minutes", "min_value")),
        ({"priority": True}, ("/priority", "invalid")),
        ({"window_start": "05:00"}, ("/window_start", "outside_policy")),
        ({"script": {}}, ("/script", "not_a_list")),
        ({"script": [{"clip": str(UUID(int=1))}]}, ("/script", "clip_unknown")),
        ({"starts_at_": "2030-01-01T00:00:00Z"}, ("/starts_at_", "unknown_field")),
    ],
)
def test_what_is_wrong_is_named(api: Api, use_case: UseCase, fields: dict[str, Any], expected: Any) -> None:
    assert wrong(api.post("campaigns", body(use_case, **fields))) == [expected]
    assert not Campaign.objects.exists()
    assert not Lane.objects.filter(for_api=False).exists()


def test_the_rows_of_another_workspace_cannot_be_named(api: Api, use_case: UseCase) -> None:
    theirs = make_use_case()
    assert refusal(api.post("campaigns", body(theirs)), 404) == "use_case_not_found"
    recording_id = str(make_recording(theirs.workspace).pk)
    assert refusal(api.post("campaigns", body(use_case, recording_id=recording_id)), 404) == "not_found"
    assert not Campaign.objects.exists()


def test_the_same_creation_under_one_key_makes_one_campaign(api: Api, use_case: UseCase) -> None:
    first, second = (api.post("campaigns", body(use_case), Idempotency_Key="create-1") for _ in range(2))
    assert second["Idempotent-Replayed"] == "true"
    assert first.json() == second.json()
    assert Campaign.objects.count() == 1


# list


def test_the_list_is_newest_first_in_pages_and_filtered(api: Api, use_case: UseCase, workspace: Workspace) -> None:
    other = make_use_case(workspace)
    old, paused, new = (make_campaign(case) for case in (use_case, use_case, other))
    Campaign.objects.filter(pk=paused.pk).update(state=CampaignState.PAUSED)
    Campaign.objects.filter(pk=old.pk).update(created_at=SOON - timedelta(days=9))
    make_campaign(make_use_case())

    def ids(**query: Any) -> list[str]:
        return [item["campaign_id"] for item in api.get("campaigns", **query).json()["items"]]

    assert ids() == [str(campaign.pk) for campaign in (new, paused, old)]
    assert ids(state="paused") == [str(paused.pk)]
    assert ids(use_case_id=str(other.pk)) == ids(setup_id=str(other.setup_id)) == [str(new.pk)]
    middle = (SOON - timedelta(days=5)).isoformat()
    assert ids(created_before=middle) == [str(old.pk)]
    assert ids(created_after=middle) == [str(new.pk), str(paused.pk)]
    first = api.get("campaigns", limit=2).json()
    rest = api.get("campaigns", limit=2, continuation_token=first["continuation_token"]).json()
    assert [item["campaign_id"] for item in rest["items"]] == [str(old.pk)]
    assert refusal(api.get("campaigns", state="asleep"), 422) == "invalid_request"
    token = {"continuation_token": first["continuation_token"]}
    assert wrong(api.get("campaigns", state="draft", **token)) == [
        ("/continuation_token", "continuation_token_invalid")
    ]


def test_the_list_shows_counts_and_takes_the_same_statements_however_long(api: Api, use_case: UseCase) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            api.get("campaigns")
        return len(queries)

    first = make_campaign(use_case, make_recording(use_case.workspace))
    add_recipients(first, 2)
    add_recipients(first, 1, status="delivered")
    statements()  # the first request also notes when the key was used
    few = statements()
    for _ in range(5):
        add_recipients(make_campaign(use_case, first.recording), 1)
    assert statements() == few
    assert api.get("campaigns").json()["items"][-1]["voicemails"] == {"delivered": 1, "queued": 2}


def test_its_voicemails_are_listed_by_campaign(api: Api, use_case: UseCase) -> None:
    campaign = make_campaign(use_case, make_recording(use_case.workspace), ends_at=SOON)
    Lane.objects.filter(pk=campaign.pk).update(expires_at=SOON)
    [voicemail] = add_recipients(campaign, 1, sender="")
    add_recipients(make_campaign(use_case, campaign.recording), 1)
    [item] = api.get("voicemail", campaign_id=str(campaign.pk)).json()["items"]
    assert (item["voicemail_id"], item["campaign_id"]) == (str(voicemail.pk), str(campaign.pk))
    # Chosen when it is sent; ends with its campaign.
    assert item["sender_phone_number"] is None
    assert item["expires_at"] == SOON.isoformat().replace("+00:00", "Z")
    assert api.get(f"voicemail/{voicemail.pk}").json()["expires_at"] == item["expires_at"]


# change


def test_only_what_is_named_changes(api: Api, use_case: UseCase) -> None:
    campaign = make_campaign(use_case, pace_per_second=3.0, ends_at=SOON)
    told = api.patch(f"campaigns/{campaign.pk}", {"name": "Colder", "pace_per_second": None}).json()
    assert (told["name"], told["pace_per_second"]) == ("Colder", None)
    assert told["ends_at"] == SOON.isoformat().replace("+00:00", "Z")
    assert api.get(f"campaigns/{campaign.pk}").json() == told


def test_a_running_campaign_keeps_who_is_reached_and_what_they_hear(
    api: Api, new_campaign: Callable[..., Campaign]
) -> None:
    campaign = new_campaign()
    add_recipients(campaign, 1)
    assert api.post(f"campaigns/{campaign.pk}/launch").json()["state"] == "running"
    told = api.patch(f"campaigns/{campaign.pk}", {"ends_at": SOON.isoformat()})
    assert refusal(told, 409) == "campaign_begun"
    assert "It was launched" in told.json()["detail"]
    assert told.json()["campaign_state"] == "running"
    assert api.patch(f"campaigns/{campaign.pk}", {"name": "B", "pace_per_second": 1, "priority": 5}).status_code == 200


def test_the_use_case_stays_once_there_are_recipients(
    api: Api, new_campaign: Callable[..., Campaign], workspace: Workspace
) -> None:
    campaign, other = new_campaign(), make_use_case(workspace)
    change = {"use_case_id": str(other.pk)}
    assert api.patch(f"campaigns/{campaign.pk}", change).json()["use_case_id"] == str(other.pk)
    add_recipients(Campaign.objects.get(pk=campaign.pk), 1)
    back = {"use_case_id": str(make_use_case(workspace).pk)}
    assert refusal(api.patch(f"campaigns/{campaign.pk}", back), 409) == "campaign_has_recipients"


# move


def test_the_life_of_a_campaign(api: Api, new_campaign: Callable[..., Campaign]) -> None:
    campaign = new_campaign()
    add_recipients(campaign, 3)
    states = []
    for verb in ("launch", "pause", "resume", "cancel"):
        told = api.post(f"campaigns/{campaign.pk}/{verb}")
        assert told.status_code == 200, told.content
        states.append(told.json()["state"])
    assert states == ["running", "paused", "running", "canceled"]
    assert told.json()["launched_at"] and told.json()["ended_at"]
    actions = AuditEvent.objects.filter(subject_id=campaign.pk, actor=api.key.user).values_list("action", flat=True)
    assert {"campaign.launched", "campaign.paused", "campaign.resumed", "campaign.canceled"} <= set(actions)


def test_a_launch_for_later_is_scheduled_and_can_be_taken_back(api: Api, new_campaign: Callable[..., Campaign]) -> None:
    campaign = new_campaign(starts_at=SOON)
    add_recipients(campaign, 1)
    assert api.post(f"campaigns/{campaign.pk}/launch").json()["state"] == "scheduled"
    assert api.post(f"campaigns/{campaign.pk}/unschedule").json()["state"] == "draft"


@pytest.mark.parametrize("verb", ["unschedule", "pause", "resume"])
def test_a_verb_that_does_not_fit_the_state_is_refused(
    api: Api, new_campaign: Callable[..., Campaign], verb: str
) -> None:
    told = api.post(f"campaigns/{new_campaign().pk}/{verb}")
    assert refusal(told, 409) == "campaign_state"
    assert told.json()["campaign_state"] == "draft"


def test_a_launch_without_recipients_or_recording_is_refused(api: Api, use_case: UseCase, recording: Recording) -> None:
    silent, empty = make_campaign(use_case), make_campaign(use_case, recording)
    assert refusal(api.post(f"campaigns/{silent.pk}/launch"), 409) == "recording_missing"
    assert refusal(api.post(f"campaigns/{empty.pk}/launch"), 409) == "no_recipients"


def test_a_launch_repeated_under_one_key_is_answered_once(api: Api, new_campaign: Callable[..., Campaign]) -> None:
    campaign = new_campaign()
    add_recipients(campaign, 1)
    first, second = (api.post(f"campaigns/{campaign.pk}/launch", Idempotency_Key="launch-1") for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert second["Idempotent-Replayed"] == "true"
    assert refusal(api.post(f"campaigns/{campaign.pk}/launch"), 409) == "campaign_state"
    assert AuditEvent.objects.filter(action="campaign.launched").count() == 1


# retry


@pytest.fixture
def completed(new_campaign: Callable[..., Campaign]) -> Campaign:
    campaign = new_campaign()
    now = datetime.now(UTC)
    add_recipients(campaign, 2, status="failed", reason="busy", ended_at=now)
    add_recipients(campaign, 1, status="failed", reason="unreported", ended_at=now)
    add_recipients(campaign, 1, status="failed", reason="opted_out", ended_at=now)
    Campaign.objects.filter(pk=campaign.pk).update(state=CampaignState.COMPLETED, launched_at=now, ended_at=now)
    Lane.objects.filter(pk=campaign.pk).update(held=False)  # as when it ran
    return campaign


def test_the_failed_that_a_retry_can_help_are_queued_again(api: Api, completed: Campaign) -> None:
    assert api.post(f"campaigns/{completed.pk}/retry-failed", {"reasons": ["no_answer"]}).json()["queued"] == 0
    told = api.post(f"campaigns/{completed.pk}/retry-failed", {})
    assert (told.status_code, told.json()["state"], told.json()["queued"]) == (200, "completed", 2)
    assert api.get(f"campaigns/{completed.pk}").json()["state"] == "running"
    assert set(Voicemail.objects.filter(status="failed").values_list("reason", flat=True)) == {
        "unreported",
        "opted_out",
    }


def test_the_risk_of_a_second_message_needs_its_own_scope(completed: Campaign) -> None:
    scopes = [Scope.CAMPAIGNS_SEND]
    accepting = {"accept_duplicate_risk": True}
    path = f"campaigns/{completed.pk}/retry-failed"
    without = make_api(completed.workspace, scopes=scopes)
    told = without.post(path, accepting)
    assert refusal(told, 403) == "missing_scope"
    assert Scope.VOICEMAIL_RESEND_UNCERTAIN.value in told.json()["detail"]
    with_it = make_api(completed.workspace, scopes=[*scopes, Scope.VOICEMAIL_RESEND_UNCERTAIN])
    assert with_it.post(path, accepting).json()["queued"] == 3


def test_whoever_may_have_been_reached_is_not_retried_by_naming_the_reason(api: Api, completed: Campaign) -> None:
    told = api.post(f"campaigns/{completed.pk}/retry-failed", {"reasons": ["unreported"]})
    assert refusal(told, 409) == "duplicate_risk"
    assert not Voicemail.objects.filter(status="queued").exists()


def test_a_large_retry_is_done_in_the_background_and_its_progress_is_in_the_stats(
    api: Api, completed: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.lifecycle.retries.BATCH", 1)
    path, stats = f"campaigns/{completed.pk}/retry-failed", f"campaigns/{completed.pk}/stats"
    assert api.get(stats).json()["retry"] is None
    first = api.post(path, {"reasons": ["busy"]}, Idempotency_Key="retry-1")
    assert first.status_code == 202
    told = first.json()
    assert list(told) == list(CampaignRetrySerializer().fields)
    assert (told["state"], told["matching"], told["queued"], told["ended_at"]) == ("running", 2, 1, None)
    assert api.get(stats).json()["retry"] == told
    assert refusal(api.post(path, {}), 409) == "retry_under_way"
    again = api.post(path, {"reasons": ["busy"]}, Idempotency_Key="retry-1")
    assert (again.status_code, again["Idempotent-Replayed"]) == (202, "true")
    scheduler.continue_retries(datetime.now(UTC))
    told = api.get(stats).json()["retry"]
    assert (told["state"], told["queued"], told["left_out"]) == ("completed", 2, {})


def test_a_retry_is_stopped_over_the_api(api: Api, completed: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("campaigns.lifecycle.retries.BATCH", 1)
    path = f"campaigns/{completed.pk}/retry-failed"
    assert refusal(api.delete(path), 409) == "retry_not_under_way"
    api.post(path, {})
    told = api.delete(path)
    assert (told.status_code, told.json()["state"], told.json()["queued"]) == (200, "stopped", 1)
    assert told.json()["stopped_because"] == "A person or a program stopped it."
    scheduler.continue_retries(datetime.now(UTC))
    assert Voicemail.objects.filter(lane_id=completed.pk, status="queued").count() == 1


@pytest.mark.parametrize("junk", [{"reasons": ["tired"]}, {"reasons": "busy"}, {"accept_duplicate_risk": "yes"}])
def test_a_retry_that_is_misspelt_queues_nobody(api: Api, completed: Campaign, junk: dict[str, Any]) -> None:
    assert refusal(api.post(f"campaigns/{completed.pk}/retry-failed", junk), 422) == "invalid_request"
    assert not Voicemail.objects.filter(status="queued").exists()


# test keys


def test_a_test_key_makes_test_campaigns(workspace: Workspace, use_case: UseCase) -> None:
    told = make_api(workspace, live=False).post("campaigns", body(use_case)).json()
    assert told["live"] is False
    assert Lane.objects.get(pk=told["campaign_id"]).live is False


def test_a_test_key_needs_a_sandbox_setup_to_go_through(workspace: Workspace) -> None:
    real = make_use_case(workspace, setup=make_setup(workspace, carrier="other"))
    tester = make_api(workspace, live=False)
    assert refusal(tester.post("campaigns", body(real)), 422) == "no_sandbox_setup"
    make_setup(workspace)
    assert tester.post("campaigns", body(real)).status_code == 201


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", ""),
        *(("POST", f"/{verb}") for verb in ("launch", "unschedule", "pause", "resume", "cancel", "retry-failed")),
        ("DELETE", "/retry-failed"),
        ("POST", "/imports"),
    ],
)
def test_a_live_campaign_does_not_exist_for_a_test_key(
    new_campaign: Callable[..., Campaign], workspace: Workspace, method: str, path: str
) -> None:
    campaign = new_campaign()
    add_recipients(campaign, 1)
    tester = make_api(workspace, live=False)
    before = list(Campaign.objects.values()), list(Lane.objects.values()), list(Voicemail.objects.values())
    told = tester.send(method, f"campaigns/{campaign.pk}{path}", {})
    assert refusal(told, 404) == "not_found" and "test key" in told.json()["detail"]
    assert before == (list(Campaign.objects.values()), list(Lane.objects.values()), list(Voicemail.objects.values()))
    assert refusal(tester.get(f"campaigns/{campaign.pk}"), 404) == "not_found"


def test_a_live_key_may_move_a_test_campaign(api: Api, new_campaign: Callable[..., Campaign]) -> None:
    campaign = new_campaign(live=False)
    add_recipients(campaign, 1)
    assert api.post(f"campaigns/{campaign.pk}/launch").json()["state"] == "running"


def test_a_campaign_that_does_not_exist_answers_404(api: Api) -> None:
    assert refusal(api.post(f"campaigns/{uuid4()}/launch"), 404) == "not_found"


def test_a_canceled_campaign_cannot_be_launched(api: Api, new_campaign: Callable[..., Campaign]) -> None:
    campaign = new_campaign()
    services.cancel(campaign, actor=None, now=datetime.now(UTC))
    assert refusal(api.post(f"campaigns/{campaign.pk}/launch"), 409) == "campaign_state"
