"""What people do with a campaign: from which state, what it does to its lane, and what is said where it is not possible."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from campaigns.lifecycle import service as services
from campaigns.models import Campaign, RecipientImport
from campaigns.states import TRANSITIONS, CampaignState
from delivery.models import Lane, Voicemail
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent
from tests.delivery.states import counter_totals, make_drop, row_counts
from tests.factories import (
    add_recipients,
    make_campaign,
    make_import,
    make_phone_number,
    make_recording,
    make_setup,
    make_suppression,
    make_use_case,
    make_user,
    patient_number,
)
from usecases.effective_settings import effective_hours

pytestmark = pytest.mark.django_db

# A Monday at 15 UTC: 10 in the morning in New York.
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
S = CampaignState


def ready(count: int = 3, **fields: Any) -> Campaign:
    """A draft that can be launched; its people are in New York."""
    return make_campaign(count=count, zones=[["America/New_York"]], playable=True, **fields)


def lane_of(campaign: Campaign) -> Lane:
    return Lane.objects.get(pk=campaign.pk)


def code(verb: Callable[..., object], *arguments: Any, **named: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        verb(*arguments, **named)
    return caught.value.code


def change(campaign: Campaign, **changes: Any) -> Campaign:
    return services.edit(campaign, changes, actor=None, now=NOW)


def refused_change(campaign: Campaign, **changes: Any) -> tuple[str, str, str]:
    with pytest.raises(ServiceError) as caught:
        change(campaign, **changes)
    return caught.value.code, caught.value.field, caught.value.message


def importing(campaign: Campaign, state: str = "importing") -> RecipientImport:
    return make_import(campaign, state=state)


def test_a_new_campaign_is_a_draft_in_a_held_lane_of_its_own_id() -> None:
    use_case, user = make_use_case(), make_user()
    campaign = services.create(
        workspace=use_case.workspace,
        use_case=use_case,
        live=False,
        name="  Flu shots ",
        actor=user,
        now=NOW,
        recording=make_recording(use_case.workspace),
        pace_per_second=2.5,
        window_start=time(9),
        days=[5, 1, 1],
        max_attempts=2,
    )
    campaign.refresh_from_db()
    lane = lane_of(campaign)
    assert (campaign.name, campaign.state, campaign.created_by) == ("Flu shots", "draft", user)
    assert (lane.held, lane.live, lane.for_api, lane.use_case, lane.expires_at) == (True, False, False, use_case, None)
    assert (lane.pace_per_second, lane.window_start, lane.window_end, lane.days) == (2.5, time(9), None, [1, 5])
    assert (lane.max_attempts, lane.retry_minutes, lane.priority) == (2, None, 0)
    assert AuditEvent.objects.get().action == "campaign.created"


def test_a_refused_campaign_leaves_no_lane_behind() -> None:
    use_case = make_use_case()
    said = {"workspace": use_case.workspace, "use_case": use_case, "live": True, "actor": None, "now": NOW}
    assert code(services.create, name="", **said) == "name_missing"
    assert code(services.create, name="Flu", days=[8], **said) == "day_unknown"
    assert not Lane.objects.exists()


def test_a_campaign_needs_a_use_case_that_can_send() -> None:
    empty, live = make_use_case(numbers=0), make_use_case(make_setup(carrier="drop_cowboy").workspace)
    said = {"name": "Flu", "actor": None, "now": NOW}
    assert code(services.create, workspace=empty.workspace, use_case=empty, live=True, **said) == "no_number_assigned"
    elsewhere = make_use_case().workspace
    assert code(services.create, workspace=elsewhere, use_case=live, live=True, **said) == "use_case_not_found"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": "x" * 101}, ("too_long", "name")),
        ({"name": "  "}, ("name_missing", "name")),
        ({"time_zone": "Mars/Base"}, ("time_zone_unknown", "time_zone")),
        ({"days": []}, ("days_missing", "days")),
        ({"days": [0]}, ("day_unknown", "days")),
        ({"days": [True]}, ("day_unknown", "days")),
        ({"pace_per_second": 0}, ("not_positive", "pace_per_second")),
        ({"pace_per_second": float("nan")}, ("not_positive", "pace_per_second")),
        ({"pace_per_second": 0.001}, ("out_of_bounds", "pace_per_second")),
        ({"priority": None}, ("out_of_bounds", "priority")),
        ({"priority": 1000}, ("out_of_bounds", "priority")),
        ({"max_attempts": 11}, ("out_of_bounds", "max_attempts")),
        ({"retry_minutes": 0}, ("out_of_bounds", "retry_minutes")),
        ({"window_start": time(7)}, ("outside_policy", "window_start")),
        ({"window_end": time(22)}, ("outside_policy", "window_end")),
        ({"window_start": time(12), "window_end": time(12)}, ("window_empty", "window_end")),
        ({"starts_at": NOW - timedelta(seconds=61)}, ("too_early", "starts_at")),
        ({"starts_at": NOW + timedelta(days=367)}, ("too_late", "starts_at")),
        ({"ends_at": NOW}, ("too_early", "ends_at")),
        ({"starts_at": NOW + HOUR, "ends_at": NOW + HOUR}, ("too_early", "ends_at")),
        ({"ends_at": NOW + timedelta(days=367)}, ("too_late", "ends_at")),
    ],
)
def test_a_value_out_of_bounds_is_refused_with_its_field_and_a_sentence(
    changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    campaign = make_campaign()
    *found, message = refused_change(campaign, **changes)
    assert tuple(found) == expected
    assert message.endswith(".")
    assert not AuditEvent.objects.exists()


def test_hours_within_the_policys_are_taken_and_may_be_its_own() -> None:
    campaign = make_campaign()
    change(campaign, window_start=time(8), window_end=time(21))
    change(campaign, window_start=time(10), window_end=None)
    lane = lane_of(campaign)
    assert (lane.window_start, lane.window_end) == (time(10), None)


def test_days_narrow_those_of_the_use_case_and_must_leave_one() -> None:
    campaign = make_campaign(make_use_case(days=[1, 2, 3]))
    code_, field, message = refused_change(campaign, days=[6, 7])
    assert (code_, field) == ("outside_policy", "days")
    assert "Monday to Wednesday" in message
    change(campaign, days=[3, 4, 5])
    lane = lane_of(campaign)
    assert effective_hours(lane, lane.use_case).days == {3}


def test_of_a_recording_and_a_script_the_campaign_has_one() -> None:
    campaign = make_campaign()
    recording = make_recording(campaign.workspace)
    assert refused_change(campaign, recording=recording, script={"parts": []})[:2] == ("recording_and_script", "script")
    assert refused_change(campaign, recording=make_recording())[:2] == ("recording_not_found", "recording_id")
    assert (
        refused_change(campaign, recording=make_recording(campaign.workspace, assembled=True))[0]
        == "recording_not_found"
    )
    assert change(campaign, recording=recording).recording == recording


@pytest.mark.parametrize(
    ("local", "moment"),
    [
        (datetime(2026, 6, 1, 9), datetime(2026, 6, 1, 13, tzinfo=UTC)),  # noqa: DTZ001
        # Clocks are put back: half past one comes twice, and the first is meant.
        (datetime(2026, 11, 1, 1, 30), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),  # noqa: DTZ001
    ],
)
def test_a_start_without_an_offset_is_read_in_the_campaigns_zone(local: datetime, moment: datetime) -> None:
    campaign = change(make_campaign(), time_zone="America/New_York", starts_at=local)
    campaign.refresh_from_db()
    assert (campaign.time_zone, campaign.starts_at) == ("America/New_York", moment)


def test_a_local_time_that_clocks_skip_is_refused() -> None:
    campaign = make_campaign(time_zone="America/New_York")
    found, field, message = refused_change(campaign, starts_at=datetime(2026, 3, 8, 2, 30))  # noqa: DTZ001
    assert (found, field) == ("time_skipped", "starts_at")
    assert "2:30 AM does not exist on Sun, Mar 8, 2026 in America/New_York" in message


def test_only_what_is_named_changes_and_saying_the_same_again_changes_nothing() -> None:
    campaign = make_campaign(pace_per_second=3.0)
    change(campaign, priority=5)
    change(campaign, priority=5)
    lane = lane_of(campaign)
    assert (lane.priority, lane.pace_per_second) == (5, 3.0)
    assert AuditEvent.objects.get().details["changes"] == {"priority": ["0", "5"]}


def test_the_use_case_changes_only_while_there_is_nobody_to_reach() -> None:
    empty, full = make_campaign(), make_campaign(count=1)
    other = make_use_case(empty.workspace)
    assert change(empty, use_case=other).lane.use_case == other
    assert refused_change(full, use_case=make_use_case(full.workspace))[:2] == (
        "campaign_has_recipients",
        "use_case_id",
    )
    uploading = make_campaign()
    importing(uploading)
    assert refused_change(uploading, use_case=make_use_case(uploading.workspace))[0] == "campaign_has_recipients"


def test_another_recording_must_be_told_to_those_who_are_in_the_lane_already() -> None:
    empty, full = make_campaign(), make_campaign(count=1)
    assert change(empty, recording=make_recording(empty.workspace)).recordings_set
    assert not change(full, recording=make_recording(full.workspace)).recordings_set


@pytest.mark.parametrize("state", ["running", "paused", "completed", "canceled"])
def test_what_has_begun_is_not_edited_but_in_what_reaches_nobody_else(state: str) -> None:
    user = make_user(username="ann")
    campaign = make_campaign(state=state, launched_by=user, launched_at=NOW - HOUR)
    found, _, message = refused_change(campaign, name="Flu", starts_at=NOW + HOUR)
    assert found == "campaign_begun"
    assert "launched by ann on Mon, Mar 2, 2026, 2:00 PM UTC" in message
    assert "name, pace and priority" in message
    change(campaign, name="Flu", pace_per_second=1.5, priority=2)
    campaign.refresh_from_db()
    lane = lane_of(campaign)
    assert (campaign.name, lane.pace_per_second, lane.priority) == ("Flu", 1.5, 2)


def test_a_launch_without_a_start_begins_at_once_and_ends_as_the_use_case_says() -> None:
    user = make_user()
    campaign = services.launch(ready(), actor=user, now=NOW)
    campaign.refresh_from_db()
    lane = lane_of(campaign)
    assert (campaign.state, campaign.launched_at, campaign.launched_by) == ("running", NOW, user)
    assert (lane.held, lane.expires_at, campaign.ends_at) == (False, NOW + 72 * HOUR, NOW + 72 * HOUR)
    assert AuditEvent.objects.get().action == "campaign.launched"


def test_a_start_that_has_passed_is_now_and_an_end_of_its_own_stays() -> None:
    campaign = ready(starts_at=NOW - HOUR, ends_at=NOW + HOUR)
    services.launch(campaign, actor=None, now=NOW)
    campaign.refresh_from_db()
    assert (campaign.state, lane_of(campaign).expires_at) == ("running", NOW + HOUR)


def test_a_launch_for_later_is_scheduled_and_can_be_taken_back() -> None:
    user = make_user()
    campaign = services.launch(ready(starts_at=NOW + HOUR), actor=user, now=NOW)
    assert (campaign.state, campaign.launched_at, campaign.launched_by) == ("scheduled", None, user)
    assert (lane_of(campaign).held, lane_of(campaign).expires_at) == (True, None)
    assert refused_change(campaign, starts_at=None)[0] == "campaign_scheduled"
    change(campaign, starts_at=NOW + 2 * HOUR)
    campaign = services.unschedule(campaign, actor=None, now=NOW)
    assert (campaign.state, campaign.launched_by) == ("draft", None)
    change(campaign, starts_at=None)


def test_what_cannot_be_sent_is_not_launched_and_why_is_said() -> None:
    def refusal(campaign: Campaign) -> str:
        found = code(services.launch, campaign, actor=None, now=NOW)
        campaign.refresh_from_db()
        assert (campaign.state, lane_of(campaign).held) == ("draft", True)
        return found

    silent = ready()
    Campaign.objects.filter(pk=silent.pk).update(recording=None)
    assert refusal(silent) == "recording_missing"
    assert refusal(make_campaign(count=1)) == "recording_missing"  # its file is gone
    assert refusal(ready(0)) == "no_recipients"
    uploading = ready()
    importing(uploading, "checking")
    assert refusal(uploading) == "import_under_way"
    unsigned = make_setup(carrier="drop_cowboy", baa_signed_on=None)
    assert refusal(ready(use_case=make_use_case(setup=unsigned))) == "agreement_missing"
    real = make_setup(carrier="drop_cowboy")
    unowned = make_use_case(setup=real, numbers=[make_phone_number(real, owned=False)])
    assert refusal(ready(use_case=unowned)) == "number_not_owned"
    unheard = make_recording(real.workspace, attested_at=None)
    assert refusal(ready(use_case=make_use_case(setup=real), recording=unheard)) == "recording_not_attested"
    joined = ready(use_case=make_use_case(setup=real), recording=unheard)
    Campaign.objects.filter(pk=joined.pk).update(recording=None, script=[{"clip": str(unheard.pk)}])
    assert refusal(joined) == "recording_not_attested"
    disabled = ready(use_case=make_use_case(setup=make_setup(enabled=False)))
    assert refusal(disabled) == "setup_disabled"
    assert refusal(ready(live=True, use_case=make_use_case(setup=make_setup(carrier="gone")))) == "carrier_unknown"


def test_a_launch_that_would_reach_nobody_says_what_became_of_them() -> None:
    use_case = make_use_case(setup=make_setup(carrier="drop_cowboy"))
    campaign = ready(3, use_case=use_case, ends_at=NOW + HOUR, window_start=time(15))
    make_suppression(campaign.workspace, patient_number(0))
    with pytest.raises(ServiceError) as caught:
        services.launch(campaign, actor=None, now=NOW)
    assert caught.value.code == "nothing_to_send"
    assert "Of 3 recipients" in caught.value.message
    assert "1 skipped (suppressed), 2 out of time" in caught.value.message


def test_a_pause_holds_the_lane_and_a_resumption_lets_it_go() -> None:
    campaign = services.launch(ready(), actor=None, now=NOW)
    services.pause(campaign, actor=None, now=NOW)
    assert lane_of(campaign).held
    services.resume(campaign, actor=None, now=NOW)
    assert not lane_of(campaign).held
    assert list(AuditEvent.objects.order_by("pk").values_list("action", flat=True)) == [
        "campaign.launched",
        "campaign.paused",
        "campaign.resumed",
    ]


def test_a_lane_whose_recordings_are_not_set_stays_held_through_launch_and_resumption() -> None:
    campaign = ready(recordings_set=False)
    services.launch(campaign, actor=None, now=NOW)
    services.pause(campaign, actor=None, now=NOW)
    services.resume(campaign, actor=None, now=NOW)
    assert lane_of(campaign).held


@pytest.mark.parametrize("state", list(CampaignState))
@pytest.mark.parametrize(
    ("verb", "to", "may"),
    [
        (services.launch, S.RUNNING, {S.DRAFT}),
        (services.unschedule, S.DRAFT, {S.SCHEDULED}),
        (services.pause, S.PAUSED, {S.RUNNING}),
        (services.resume, S.RUNNING, {S.PAUSED}),
        (services.cancel, S.CANCELED, {S.DRAFT, S.SCHEDULED, S.RUNNING, S.PAUSED}),
    ],
)
def test_every_verb_goes_where_the_table_leads_and_is_refused_elsewhere(
    verb: Callable[..., Campaign], to: CampaignState, may: set[CampaignState], state: CampaignState
) -> None:
    campaign = ready(1, state=state)
    if state in may:
        assert to in TRANSITIONS[state]
        assert verb(campaign, actor=None, now=NOW).state == to
        return
    with pytest.raises(ServiceError, match=f"This campaign is (a )?{state}") as caught:
        verb(campaign, actor=None, now=NOW)
    assert (caught.value.code, caught.value.facts) == ("campaign_state", {"campaign_state": state})
    campaign.refresh_from_db()
    assert campaign.state == state
    assert not AuditEvent.objects.exists()


def retried(campaign: Campaign, risk: bool = False, reasons: tuple[str, ...] = ()) -> int:
    retry = services.retry_failed(campaign, accept_duplicate_risk=risk, reasons=reasons, actor=None, now=NOW)
    assert retry.state == "completed"
    return retry.queued


def ended(**fields: Any) -> Campaign:
    """A completed campaign of nine: no answer, mailbox full, unreported, unconfirmed, delivered, suppressed since, tried out, ..."""
    campaign = make_campaign(state="completed", ended_at=NOW - HOUR, ends_at=NOW - HOUR, **fields)
    kinds = [
        ("failed", "no_answer"),
        ("failed", "not_sent"),
        ("failed", "mailbox_full"),
        ("failed", "unreported"),
        ("failed", "unconfirmed"),
        ("delivered", ""),
        ("failed", "busy"),  # suppressed since
        ("failed", "busy"),  # tried out
        ("skipped", "suppressed"),
    ]
    for serial, (status, reason) in enumerate(kinds):
        [voicemail] = add_recipients(campaign, 1, first=serial, status=status, reason=reason)
        for _ in range(10 if serial == 7 else 1):
            make_drop(voicemail, "failed" if status == "failed" else "delivered", reason)
    make_suppression(campaign.workspace, patient_number(6))
    return campaign


def queued(campaign: Campaign) -> list[int]:
    """The serial numbers of those that wait."""
    numbers = [patient_number(serial) for serial in range(20)]
    return sorted(
        numbers.index(row.recipient) for row in Voicemail.objects.filter(lane_id=campaign.pk, status="queued")
    )


def test_a_retry_of_the_failed_takes_those_it_can_help_and_the_campaign_runs_again() -> None:
    campaign = ended()
    assert retried(campaign) == 2
    assert queued(campaign) == [0, 1]
    campaign.refresh_from_db()
    lane = lane_of(campaign)
    assert (campaign.state, campaign.ended_at, lane.held, lane.expires_at) == ("running", None, False, NOW - HOUR)
    for row in Voicemail.objects.filter(lane_id=campaign.pk, status="queued"):
        assert (row.expires_at, row.not_before, row.reason, row.ended_at) == (NOW + 72 * HOUR, NOW, "", None)
    assert counter_totals(campaign.pk) == row_counts(campaign.pk)
    event = AuditEvent.objects.get(action="campaign.retried")
    assert (event.details["count"], event.details["duplicate_risk_accepted"]) == (2, False)


def test_what_may_have_reached_somebody_is_retried_only_where_that_risk_is_accepted() -> None:
    campaign = ended()
    [uncertain] = add_recipients(campaign, 1, first=9, status="uncertain")
    drop = make_drop(uncertain, "uncertain")
    assert retried(campaign, risk=True) == 5
    assert queued(campaign) == [0, 1, 3, 4, 9]
    drop.refresh_from_db()
    assert (drop.status, drop.reason) == ("failed", "unconfirmed")
    assert counter_totals(campaign.pk) == row_counts(campaign.pk)


def test_only_the_reasons_that_were_named_are_retried() -> None:
    campaign = ended()
    assert code(retried, campaign, reasons=("mailbox_full",)) == "not_retryable"
    assert code(retried, campaign, reasons=("unreported",)) == "duplicate_risk"
    assert code(retried, campaign, reasons=("bad luck",)) == "reason_unknown"
    assert retried(campaign, reasons=("not_sent",)) == 1
    assert queued(campaign) == [1]
    assert retried(campaign, risk=True, reasons=("unreported",)) == 1


def test_a_retry_that_finds_nobody_leaves_the_campaign_completed() -> None:
    campaign = make_campaign(state="completed")
    add_recipients(campaign, 2, status="delivered")
    assert retried(campaign) == 0
    campaign.refresh_from_db()
    assert campaign.state == "completed"


@pytest.mark.parametrize("state", ["draft", "scheduled", "canceled"])
def test_a_campaign_that_has_sent_nothing_or_was_canceled_is_not_retried(state: str) -> None:
    assert code(retried, make_campaign(state=state)) == "campaign_state"
