"""What time does with campaigns: each step does what is due once, whoever else does it too."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import selectors
from campaigns.lifecycle import scheduler
from campaigns.lifecycle import service as services
from campaigns.models import Campaign, RecipientImport
from delivery.lane_totals import counts_of
from delivery.models import Lane, LaneCount, LaneDelta, Recording, Voicemail
from delivery.services.retries import retry
from delivery.worker import tick
from delivery.worker.maintenance import roll_up_counts
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent
from tests.delivery.states import counter_totals, make_drop, row_counts
from tests.factories import add_recipients, make_campaign, make_import, make_recording, make_use_case, make_workspace

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)


def fresh(campaign: Campaign) -> Campaign:
    return Campaign.objects.select_related("lane").get(pk=campaign.pk)


def import_into(campaign: Campaign, state: str) -> RecipientImport:
    return make_import(campaign, state=state)


def end(campaign: Campaign, status: str = "delivered", reason: str = "") -> None:
    """All that is queued ends, as reports or a claim would have it."""
    rows = Voicemail.objects.filter(lane_id=campaign.pk, status="queued")
    count = rows.update(status=status, reason=reason)
    for change, delta in (("queued", -count), (status, count)):
        LaneDelta.objects.create(lane_id=campaign.pk, status=change, reason=reason if delta > 0 else "", delta=delta)


@pytest.mark.django_db
def test_a_scheduled_campaign_starts_when_its_time_has_come_and_not_before() -> None:
    campaign = make_campaign(count=1, state="scheduled", starts_at=NOW)
    scheduler.start_due(NOW - timedelta(seconds=1))
    assert fresh(campaign).state == "scheduled"
    scheduler.start_due(NOW + timedelta(seconds=1))
    row = fresh(campaign)
    assert (row.state, row.launched_at) == ("running", NOW + timedelta(seconds=1))
    assert (row.lane.held, row.lane.expires_at) == (False, row.launched_at + 72 * HOUR)
    scheduler.start_due(NOW + HOUR)
    assert AuditEvent.objects.filter(action="campaign.launched").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["checking", "importing"])
def test_a_scheduled_campaign_waits_for_its_import(state: str) -> None:
    campaign = make_campaign(count=1, state="scheduled", starts_at=NOW)
    other = make_campaign(count=1, state="scheduled", starts_at=NOW)
    under_way = import_into(campaign, state)
    scheduler.start_due(NOW)
    assert (fresh(campaign).state, fresh(other).state) == ("scheduled", "running")
    RecipientImport.objects.filter(pk=under_way.pk).update(state="completed")
    scheduler.start_due(NOW)
    assert fresh(campaign).state == "running"


@pytest.mark.django_db
def test_what_fails_for_one_campaign_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = make_campaign(count=1, state="scheduled", starts_at=NOW - HOUR)
    good = make_campaign(count=1, state="scheduled", starts_at=NOW)
    begin = scheduler.begin

    def begin_unless_broken(row: Campaign, *arguments: Any) -> Campaign:
        if row.pk == broken.pk:
            row.state = "completed"
            row.save()
            raise KeyError("broken")
        return begin(row, *arguments)

    monkeypatch.setattr(scheduler, "begin", begin_unless_broken)
    scheduler.start_due(NOW)
    assert (fresh(broken).state, fresh(good).state) == ("scheduled", "running")


@pytest.mark.django_db
def test_after_a_change_of_recording_the_lane_opens_once_every_voicemail_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scheduler, "MAX_VOICEMAILS", 4)
    campaign = make_campaign(count=10, playable=True)
    [gone] = add_recipients(campaign, 1, first=10, status="canceled", reason="canceled")
    other = make_campaign(campaign.use_case, 3)
    new = make_recording(campaign.workspace)
    services.edit(campaign, {"recording": new}, actor=None, now=NOW)
    Campaign.objects.filter(pk=campaign.pk).update(state="running")
    for named in (4, 8):
        scheduler.set_recordings(NOW)
        assert Voicemail.objects.filter(recording_id=new.pk).count() == named
        assert fresh(campaign).lane.held
    scheduler.set_recordings(NOW)
    row = fresh(campaign)
    assert (row.recordings_set, row.recordings_set_to, row.lane.held) == (True, None, False)
    assert set(
        Voicemail.objects.filter(lane_id=campaign.pk, status="queued").values_list("recording_id", flat=True)
    ) == {new.pk}
    gone.refresh_from_db()
    assert gone.recording_id == campaign.recording_id
    assert not Voicemail.objects.filter(lane_id=other.pk, recording_id=new.pk).exists()


@pytest.mark.django_db
def test_a_change_of_mind_half_way_begins_anew() -> None:
    campaign = make_campaign(count=2, recordings_set=False)
    Campaign.objects.filter(pk=campaign.pk).update(recordings_set_to=Voicemail.objects.latest("id").pk)
    services.edit(campaign, {"recording": make_recording(campaign.workspace)}, actor=None, now=NOW)
    assert fresh(campaign).recordings_set_to is None


@pytest.mark.django_db
def test_a_campaign_that_is_paused_or_importing_keeps_its_recordings_for_later() -> None:
    paused = make_campaign(count=1, state="paused", recordings_set=False)
    importing = make_campaign(count=1, state="running", recordings_set=False, held=True)
    import_into(importing, "importing")
    scheduler.set_recordings(NOW)
    for campaign in (paused, importing):
        row = fresh(campaign)
        assert (row.recordings_set, row.lane.held) == (False, True)


@pytest.mark.django_db
def test_by_a_script_each_hears_what_the_list_says_and_who_cannot_is_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "MAX_ASSEMBLED", 2)
    campaign = make_campaign(state="running", held=True, recordings_set=False)
    script = {"parts": []}
    Campaign.objects.filter(pk=campaign.pk).update(recording=None, script=script)
    recordings = {name: make_recording(campaign.workspace) for name in ("Rosa", "Tom")}
    for serial, name in enumerate(["Rosa", "Tom", "Rosa", "Zoë", "Tom"]):
        add_recipients(campaign, 1, first=serial, merge_fields={"name": name})

    class RecordingResolver:
        def __init__(self, row: Campaign) -> None:
            assert row.script == script

        def recording_for(self, merge_fields: dict[str, str]) -> Recording:
            if merge_fields["name"] not in recordings:
                raise ServiceError("clip_missing", "There is no clip for Zoë.")
            return recordings[merge_fields["name"]]

    monkeypatch.setattr(scheduler, "RecordingResolver", RecordingResolver)
    for _ in range(3):
        scheduler.set_recordings(NOW)
    rows = Voicemail.objects.filter(lane_id=campaign.pk).order_by("id")
    assert [row.recording_id for row in rows if row.status == "queued"] == [
        recordings[name].pk for name in ("Rosa", "Tom", "Rosa", "Tom")
    ]
    [failed] = [row for row in rows if row.status != "queued"]
    assert (failed.status, failed.reason) == ("failed", "recording_refused")
    assert "Zoë" not in failed.carrier_text
    assert not fresh(campaign).lane.held
    assert counter_totals(campaign.pk) == row_counts(campaign.pk)


@pytest.mark.django_db
def test_joining_clips_takes_turns_and_waits_where_the_storage_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "ASSEMBLE_SECONDS", 0.0)
    campaign = make_campaign(count=3, state="running", held=True, recordings_set=False)
    Campaign.objects.filter(pk=campaign.pk).update(recording=None, script={"parts": []})
    new = make_recording(campaign.workspace)
    storage = {"away": True}

    class RecordingResolver:
        def __init__(self, row: Campaign) -> None: ...

        def recording_for(self, merge_fields: object) -> Recording:
            if storage["away"]:
                raise ServiceError("storage_unavailable", "The media storage does not answer.")
            return new

    monkeypatch.setattr(scheduler, "RecordingResolver", RecordingResolver)
    scheduler.set_recordings(NOW)
    assert row_counts(campaign.pk) == {("queued", ""): 3}
    storage["away"] = False
    for named in (1, 2, 3):
        scheduler.set_recordings(NOW)
        assert Voicemail.objects.filter(recording_id=new.pk).count() == named
    scheduler.set_recordings(NOW)
    assert not fresh(campaign).lane.held


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["running", "paused"])
def test_a_campaign_is_completed_when_its_last_voicemail_has_ended(state: str) -> None:
    campaign = make_campaign(count=2, state=state, expires_at=NOW + HOUR, ends_at=NOW + HOUR)
    scheduler.complete(NOW)
    assert fresh(campaign).state == state
    end(campaign)
    roll_up_counts()
    scheduler.complete(NOW)
    row = fresh(campaign)
    assert (row.state, row.ended_at, row.ends_at, row.lane.expires_at) == ("completed", NOW, NOW + HOUR, NOW + HOUR)
    assert row.lane.idle


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["queued", "sending", "uncertain", "accepted"])
def test_the_rows_decide_about_the_end_whatever_the_counters_say(status: str) -> None:
    campaign = make_campaign(count=2, state="running")
    end(campaign)
    add_recipients(campaign, 1, first=2, status=status)
    LaneDelta.objects.filter(lane_id=campaign.pk, status=status, delta=1).delete()
    scheduler.complete(NOW)
    assert fresh(campaign).state == "running"


@pytest.mark.django_db
def test_a_campaign_is_not_completed_while_a_list_is_imported_nor_with_nobody_in_it() -> None:
    importing, empty = make_campaign(count=1, state="running"), make_campaign(state="running")
    end(importing)
    import_into(importing, "importing")
    scheduler.complete(NOW)
    assert (fresh(importing).state, fresh(empty).state) == ("running", "running")


@pytest.mark.django_db
@pytest.mark.parametrize("folded", [True, False])
def test_a_completed_campaign_runs_again_where_one_of_its_voicemails_is_retried(folded: bool) -> None:
    campaign, other = (make_campaign(state="completed") for _ in range(2))
    for row in (campaign, other):
        [failed] = add_recipients(row, 1, status="failed", reason="no_answer", sender="+12125550100")
        make_drop(failed, "failed", "no_answer")
        if row is campaign:
            retry(failed, actor=None, now=NOW)
    if folded:
        roll_up_counts()
    scheduler.reopen_retried(NOW)
    row = fresh(campaign)
    assert (row.state, row.ended_at, row.lane.held) == ("running", None, False)
    assert fresh(other).state == "completed"
    end(campaign)
    scheduler.complete(NOW)
    scheduler.reopen_retried(NOW)
    assert fresh(campaign).state == "completed"


@pytest.mark.django_db
def test_what_waits_in_a_canceled_campaign_is_canceled_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "MAX_VOICEMAILS", 4)
    running = make_campaign(count=2, state="running")
    campaign = make_campaign(count=9, state="running")
    add_recipients(campaign, 1, first=9, status="accepted")
    services.cancel(campaign, actor=None, now=NOW)
    assert fresh(campaign).lane.held
    for left in (5, 1, 0, 0):
        scheduler.cancel_remaining(NOW)
        assert counts_of([campaign.pk])[campaign.pk]["queued"] == left
    assert row_counts(campaign.pk) == counter_totals(campaign.pk) == {("canceled", "canceled"): 9, ("accepted", ""): 1}
    assert row_counts(running.pk) == {("queued", ""): 2}


@pytest.mark.django_db
def test_the_rate_follows_what_leaves() -> None:
    campaign = make_campaign(count=1000, state="running")
    scheduler.measure(NOW)
    assert fresh(campaign).rate_per_second is None
    rates = []
    for number in range(1, 13):
        LaneDelta.objects.create(lane_id=campaign.pk, status="queued", reason="", delta=-50)
        LaneDelta.objects.create(lane_id=campaign.pk, status="accepted", reason="", delta=50)
        at = NOW + number * timedelta(seconds=5)
        scheduler.measure(at)
        scheduler.measure(at + timedelta(seconds=1))  # too soon to say anything
        rates.append(fresh(campaign).rate_per_second)
    assert rates == [pytest.approx(10)] * 12
    for number in range(13, 25):
        scheduler.measure(NOW + number * timedelta(seconds=5))
    rate = fresh(campaign).rate_per_second
    assert rate is not None
    assert 0 < rate < 0.3


@pytest.mark.django_db
def test_the_tick_takes_these_steps() -> None:
    assert [step for step in tick.STEPS if step in scheduler.STEPS] == list(scheduler.STEPS)


@pytest.mark.django_db
def test_a_list_of_campaigns_takes_as_many_statements_for_a_million_rows_as_for_none() -> None:
    workspace = make_workspace()
    use_case = make_use_case(workspace)

    def statements() -> list[str]:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            found = list(selectors.campaigns(workspace, live=None, state="running")[:50])
            counts = counts_of([campaign.pk for campaign in found])
            for campaign in found:
                shown = (campaign.name, campaign.use_case.name, campaign.live, counts[campaign.pk]["delivered"])
                assert shown[1] == use_case.name
        return [query["sql"] for query in captured]

    make_campaign(use_case, state="running")
    one = statements()
    for _ in range(5):
        campaign = make_campaign(use_case, 2, state="running")
        LaneCount.objects.create(lane_id=campaign.pk, status="delivered", reason="", count=1_000_000)
    six = statements()
    assert len(six) == len(one) == 2
    assert not any("delivery_voicemail" in statement or "COUNT(" in statement.upper() for statement in six)


def at_once(*verbs: Callable[[], object]) -> list[str]:
    """Begin all at one moment, each in a connection of its own; what each ended with."""
    barrier = threading.Barrier(len(verbs))

    def run(verb: Callable[[], object]) -> str:
        try:
            barrier.wait(20)
            verb()
        except ServiceError as refusal:
            return refusal.code
        finally:
            connection.close()
        return ""

    with ThreadPoolExecutor(len(verbs)) as pool:
        return list(pool.map(run, verbs))


@pytest.mark.django_db(transaction=True)
def test_of_two_launches_at_once_one_wins() -> None:
    campaign = make_campaign(count=3, playable=True)

    def launch() -> object:
        return services.launch(campaign, actor=None, now=NOW)

    assert sorted(at_once(launch, launch)) == ["", "campaign_state"]
    assert AuditEvent.objects.filter(action="campaign.launched").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_once_launch_each_campaign_once() -> None:
    campaigns = [make_campaign(count=1, state="scheduled", starts_at=NOW) for _ in range(8)]

    def twice() -> None:
        for _ in range(2):  # what the other held at this moment
            for step in scheduler.STEPS:
                step(NOW)

    assert at_once(twice, twice) == ["", ""]
    assert {fresh(campaign).state for campaign in campaigns} == {"running"}
    assert AuditEvent.objects.filter(action="campaign.launched").count() == 8


@pytest.mark.django_db(transaction=True)
def test_a_tick_and_a_person_who_takes_the_launch_back_do_not_both_win() -> None:
    for _ in range(5):
        campaign = make_campaign(count=1, state="scheduled", starts_at=NOW)
        [_, taken_back] = at_once(
            lambda: scheduler.start_due(NOW),
            lambda: services.unschedule(campaign, actor=None, now=NOW),  # noqa: B023
        )
        row = fresh(campaign)
        assert (row.state, row.lane.held) == (("draft", True) if taken_back == "" else ("running", False))
        Lane.objects.filter(pk=campaign.pk).update(held=True)
        Campaign.objects.filter(pk=campaign.pk).update(state="canceled")


@pytest.mark.django_db
def test_a_list_confirmed_just_before_its_campaign_starts_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tick had seen the second campaign without an import, and was still busy with the first."""
    first = make_campaign(count=1, state="scheduled", starts_at=NOW - HOUR)
    second = make_campaign(count=1, state="scheduled", starts_at=NOW)
    begin = scheduler.begin

    def meanwhile(row: Campaign, *arguments: Any) -> Campaign:
        import_into(second, "importing")
        return begin(row, *arguments)

    monkeypatch.setattr(scheduler, "begin", meanwhile)
    scheduler.start_due(NOW)
    assert (fresh(first).state, fresh(second).state) == ("running", "scheduled")
