"""What a preview says is what happens: its figures against the fate of every row, claim by claim through the days."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from campaigns.lifecycle.service import edit, launch
from campaigns.models import Campaign
from campaigns.planning import audience
from campaigns.planning.plan import plan_of
from campaigns.planning.preview import Preview
from campaigns.planning.preview import preview as preview_of
from delivery.carriers.sandbox import Sandbox
from delivery.engine.claim import claim
from delivery.engine.lane_routes import active_routes
from delivery.engine.recent_drops import RecentDrops
from delivery.models import Drop, Voicemail
from delivery.worker.maintenance import expire
from rvm.phone_numbers.places import Places
from rvm.platform.database import sql
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.encryption.keys import KeyRing
from rvm.platform.errors import ServiceError
from tests.delivery.states import make_drop
from tests.factories import (
    add_recipients,
    attested,
    make_campaign,
    make_consent,
    make_phone_number,
    make_recording,
    make_setup,
    make_suppression,
    make_use_case,
    make_voicemail,
    make_workspace,
    patient_number,
)
from usecases.consents.bases import NeededConsent
from usecases.consents.standing import consented_parameters
from usecases.eligibility import Skip, SkipReason, decide
from usecases.facts_json import from_json
from usecases.models import StateFreeze, TelephonySetup

pytestmark = pytest.mark.django_db

NEW_YORK, CHICAGO, DENVER, PHOENIX = "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix"
LOS_ANGELES, HONOLULU = "America/Los_Angeles", "Pacific/Honolulu"
# The last of them has nothing but its number, of area code 201 in New York's zone.
ZONES = [[NEW_YORK], [CHICAGO], [NEW_YORK, CHICAGO], [DENVER], [PHOENIX], [LOS_ANGELES, PHOENIX], [HONOLULU], None]
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
FAST = 50_000.0


@pytest.fixture
def _carrier_that_reaches_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)


def preview(campaign: Campaign, now: datetime) -> Preview:
    return preview_of(plan_of(campaign, now), now)


def lively(count: int = 24, zones: Sequence[Sequence[str] | None] = ZONES, **fields: Any) -> Campaign:
    campaign = make_campaign(count=count, zones=zones, playable=True, pace_per_second=FAST, **fields)
    campaign.use_case.setup.pace_per_second = FAST
    campaign.use_case.setup.save()
    return campaign


def said(found: Preview) -> dict[Any, int]:
    """What becomes of how many: sent at which opening, skipped for which reason, or expired."""
    fates = Counter({found.starts_at: found.now, "expired": found.expiring, **dict(found.later)})
    fates.update({("skipped", reason): count for reason, count in found.skipped.items()})
    assert found.total == fates.total()
    return dict(+fates)


def lived(campaign: Campaign, start: datetime) -> dict[Any, int]:
    """What became of how many, when everything due was claimed whenever something became due, until the end."""
    moment: datetime | None = start
    while moment is not None:
        expire(moment)
        for route in active_routes(moment, 500):
            claim(route, 500, moment, timedelta(seconds=60))
        waiting = Voicemail.objects.filter(lane_id=campaign.pk, status="queued").select_related("lane")
        times = [min(row.not_before, row.expiry or row.not_before) for row in waiting]
        assert all(time > moment for time in times)
        moment = min(times, default=None)
    fates: Counter[Any] = Counter()
    for row in Voicemail.objects.filter(lane_id=campaign.pk).exclude(status="canceled"):
        kind = {"sending": row.sending_at, "skipped": ("skipped", row.reason)}
        fates[kind.get(row.status, row.status)] += 1
    return dict(fates)


WORKDAYS = [1, 2, 3, 4, 5]


@pytest.mark.usefixtures("_carrier_that_reaches_people")
@pytest.mark.parametrize(
    ("start", "fields"),
    [
        (NOW, {}),
        (NOW, {"window_start": time(11), "window_end": time(12)}),
        (NOW, {"window_start": time(11), "window_end": time(12), "ends_at": NOW + 2 * HOUR}),
        (NOW, {"days": [3, 4]}),
        (NOW, {"days": [7], "ends_at": NOW + timedelta(days=10)}),
        # Clocks are put forward, and back, in the middle of the night of the campaign; in Arizona and Hawaii they are not.
        (datetime(2026, 3, 8, 6, 30, tzinfo=UTC), {}),
        (datetime(2026, 11, 1, 4, 30, tzinfo=UTC), {"window_end": time(9)}),
        (datetime(2026, 3, 7, 2, 30, tzinfo=UTC), {"days": WORKDAYS}),
        # The last minutes of the window in the east, the first in the west.
        (datetime(2026, 7, 16, 0, 59, 59, tzinfo=UTC), {"ends_at": datetime(2026, 7, 16, 12, tzinfo=UTC)}),
        (NOW, {"window_start": time(20, 59), "days": [6], "ends_at": NOW + timedelta(days=30)}),
    ],
)
def test_what_the_preview_says_is_what_becomes_of_every_row(start: datetime, fields: dict[str, Any]) -> None:
    campaign = lively(**fields)
    for serial in (0, 5, 7):
        make_suppression(campaign.workspace, patient_number(serial))
    # Somebody else's list concerns nobody here.
    make_suppression(number=patient_number(1))
    add_recipients(campaign, 3, first=24, zones=[[NEW_YORK], [HONOLULU]], expires_at=start + 90 * HOUR)
    add_recipients(campaign, 2, first=30, status="canceled")
    expected = preview(campaign, start)
    launch(campaign, actor=None, now=start)
    assert said(expected) == lived(campaign, start)
    assert expected.total == 27
    assert expected.skipped == {"suppressed": 3}


# The last of them is known by its number alone, of New Jersey.
IN_STATES = [
    [NEW_YORK, "state:NY"], [CHICAGO, "state:LA"], [NEW_YORK, CHICAGO, "state:KY"], [NEW_YORK, "state:RI"],
    [CHICAGO, DENVER, "state:NE"], [LOS_ANGELES, "state:CA"], [HONOLULU, "state:HI"], [CHICAGO, "state:MS", "state:TX"],
    [NEW_YORK], None,
]  # fmt: skip
USUAL = {"window_start": time(9), "window_end": time(20), "days": [1, 2, 3, 4, 5, 6], "sends_on_holidays": False}


@pytest.mark.usefixtures("_carrier_that_reaches_people")
@pytest.mark.parametrize(
    "start",
    [
        datetime(2026, 11, 25, 23, 30, tzinfo=UTC),  # the evening before Thanksgiving
        datetime(2026, 2, 14, 17, tzinfo=UTC),  # the Saturday before Washington's Birthday and Mardi Gras
        datetime(2026, 3, 7, 21, 45, tzinfo=UTC),  # the Saturday on which clocks are put forward at night
        datetime(2026, 11, 1, 15, tzinfo=UTC),
        datetime(2026, 8, 27, 16, tzinfo=UTC),  # Louisiana is frozen
    ],
)
def test_the_preview_and_the_claim_agree_on_states_holidays_freezes_and_the_carriers_delay(
    start: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sandbox, "max_delivery_delay", timedelta(minutes=15))
    StateFreeze.objects.create(state="LA", starts_on=date(2026, 8, 26), ends_on=date(2026, 8, 28), reason="Flood.")
    StateFreeze.objects.create(state="HI", starts_on=date(2026, 8, 26), reason="Fire.")
    use_case = make_use_case(**USUAL)
    campaign = lively(30, IN_STATES, use_case=use_case, ends_at=start + timedelta(days=6))
    make_suppression(campaign.workspace, patient_number(3))
    expected = preview(campaign, start)
    launch(campaign, actor=None, now=start)
    assert said(expected) == lived(campaign, start)
    assert expected.total == 30
    assert not expected.simulated
    assert expected.later


def reach(campaign: Campaign, place: int, *hours_ago: int, status: str = "delivered") -> None:
    """Drops to a patient some hours before NOW, from another workspace of the organisation."""
    workspace = make_workspace(organisation=campaign.workspace.organisation)
    use_case, number = make_use_case(workspace), patient_number(place)
    for at in (NOW - each * HOUR for each in sorted(hours_ago, reverse=True)):
        drop = make_drop(make_voicemail(use_case, recipient=number, status=status), created_at=at)
        recent = RecentDrops(campaign.workspace.organisation_id, at).look([number])
        recent.add(number, drop.pk)
        assert recent.write() == {drop.pk}


@pytest.mark.usefixtures("_carrier_that_reaches_people")
@pytest.mark.parametrize("zones", [ZONES, [None]], ids=["zones from a list", "numbers alone"])
@pytest.mark.parametrize("caps", [{}, {"max_per_24h": 1}, {"max_per_day": 2}], ids=str)
def test_the_preview_and_the_claim_agree_on_who_has_had_enough(
    zones: Sequence[Sequence[str] | None], caps: dict[str, int]
) -> None:
    use_case = make_use_case(**{"max_per_day": 1, "max_per_week": 3, **caps})
    campaign = lively(16, zones, use_case=use_case, ends_at=NOW + 3 * 24 * HOUR)
    for place, hours in enumerate([(1,), (4,), (9,), (14,), (23,), (30,), (2, 30, 60), (100, 110, 120), (1, 2)]):
        reach(campaign, place, *hours)
    reach(campaign, 9, 1, status="failed")
    Drop.objects.filter(voicemail__status="failed").update(status="failed", reason="busy")
    make_suppression(campaign.workspace, patient_number(0))
    expected = preview(campaign, NOW)
    launch(campaign, actor=None, now=NOW)
    assert said(expected) == lived(campaign, NOW)
    assert expected.total == 16
    assert 2 <= expected.capped < 9
    assert expected.skipped == {"suppressed": 1}
    assert not expected.capped_is_estimated


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_of_a_long_list_a_sample_says_how_many_have_had_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "MAX_SAMPLE", 50)
    use_case = make_use_case(max_per_day=1, max_per_week=3)
    campaign = lively(200, [[NEW_YORK, "state:NY"]], use_case=use_case)
    for place in range(200):
        reach(campaign, place, 1)
    found = preview(campaign, NOW)
    assert found.capped_is_estimated
    assert (found.total, found.capped, found.now) == (200, 200, 0)
    assert [opening.people for opening in found.later] == [200]


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_a_launch_that_everybody_has_had_enough_for_is_refused_with_that_reason() -> None:
    use_case = make_use_case(max_per_day=1, max_per_week=3)
    campaign = lively(2, [[NEW_YORK, "state:NY"]], use_case=use_case, ends_at=NOW + 3 * HOUR)
    for place in range(2):
        reach(campaign, place, 1)
    with pytest.raises(ServiceError, match=r"2 out of time before .* or their number may get another message"):
        launch(campaign, actor=None, now=NOW)


def test_a_part_of_a_group_is_rounded_so_that_all_of_it_is_there() -> None:
    group = audience.AudienceGroup(Places((NEW_YORK,), ()), False, None)
    some, others = (group._replace(reached=(NOW - hours * HOUR,)) for hours in (1, 2))
    divided = audience._divided(1000, Counter({group: 5, some: 1, others: 1}))
    assert divided == {group: 714, some: 143, others: 143}


@pytest.mark.usefixtures("_carrier_that_reaches_people")
@pytest.mark.parametrize("zones", [ZONES, [None]], ids=["zones from a list", "numbers alone"])
def test_the_preview_and_the_claim_agree_on_who_has_consented(zones: Sequence[Sequence[str] | None]) -> None:
    use_case = make_use_case(purpose="appointment", consent_required="recorded", consent_valid_days=30)
    campaign = lively(16, zones, use_case=use_case, ends_at=NOW + 3 * 24 * HOUR)
    for place in range(8):
        make_consent(campaign.workspace, patient_number(place), at=NOW - timedelta(days=1))
    make_consent(campaign.workspace, patient_number(8), at=NOW - timedelta(days=31))
    make_consent(campaign.workspace, patient_number(9), at=NOW - timedelta(days=1), purposes=["wellness"])
    make_suppression(campaign.workspace, patient_number(0))
    expected = preview(campaign, NOW)
    launch(campaign, actor=None, now=NOW)
    assert said(expected) == lived(campaign, NOW)
    assert expected.skipped == {"no_consent": 8, "suppressed": 1}


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_those_who_never_come_into_a_window_and_those_without_a_sender_are_said_so() -> None:
    campaign = lively(4, zones=[["Pacific/Guam", NEW_YORK], [NEW_YORK]], window_end=time(9))
    assert said(preview(campaign, NOW)) == {datetime(2026, 3, 3, 13, tzinfo=UTC): 2, "expired": 2}
    campaign.use_case.assignments.all().delete()
    assert said(preview(campaign, NOW)) == {("skipped", "no_sender"): 4}


def test_where_nobody_can_be_reached_by_the_carrier_all_go_at_once() -> None:
    campaign = lively(zones=[[HONOLULU]])
    found = preview(campaign, NOW)
    assert said(found) == {NOW: 24}
    assert found.simulated


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_a_preview_starts_when_the_campaign_does_and_ends_when_it_does() -> None:
    start, end = NOW + 24 * HOUR, NOW + 30 * HOUR
    found = preview(lively(zones=[[NEW_YORK]], starts_at=start, ends_at=end), NOW)
    assert (found.starts_at, found.ends_at, found.now) == (start, end, 24)


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_the_slower_of_the_lanes_pace_and_the_setups_tells_how_long_it_takes() -> None:
    campaign = make_campaign(count=30, zones=[[NEW_YORK]], pace_per_second=2.0)
    found = preview(campaign, NOW)
    assert (found.pace_per_second, found.finishes_at) == (2.0, NOW + timedelta(seconds=15))
    campaign.use_case.setup.pace_per_second = 0.5
    found = preview(campaign, NOW)
    assert (found.pace_per_second, found.finishes_at) == (0.5, NOW + timedelta(seconds=60))


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_what_the_pace_leaves_no_time_for_expires_by_the_preview() -> None:
    found = preview(
        make_campaign(count=30, zones=[[NEW_YORK]], pace_per_second=1.0, ends_at=NOW + timedelta(seconds=20)), NOW
    )
    assert (found.now, found.expiring, found.finishes_at) == (20, 10, NOW + timedelta(seconds=20))


def test_an_empty_campaign_has_an_empty_preview() -> None:
    found = preview(make_campaign(), NOW)
    assert (found.total, found.now, found.later, found.expiring, found.finishes_at) == (0, 0, [], 0, None)


@pytest.mark.parametrize("switch", ["workspace", "use case", "setup"])
def test_a_kill_switch_is_named_and_the_figures_are_those_without_it(switch: str) -> None:
    use_case = make_use_case()
    match switch:
        case "workspace":
            use_case.workspace.sending_enabled = False
        case "use case":
            use_case.sending_enabled = False
        case _:
            use_case.setup.enabled = False
    found = preview(make_campaign(use_case, 2), NOW)
    assert switch in found.stopped
    assert (found.total, found.now) == (2, 2)


@pytest.mark.parametrize(
    ("fields", "told"), [({"baa_signed_on": None}, "no signed agreement"), ({}, "owns the active sender")]
)
def test_a_missing_statement_is_named_and_the_figures_are_those_with_it(fields: dict[str, None], told: str) -> None:
    setup = make_setup(carrier="drop_cowboy", **fields)
    use_case = make_use_case(setup=setup, numbers=[make_phone_number(setup, owned=False)])
    found = preview(make_campaign(use_case, 2, zones=[[NEW_YORK]]), NOW)
    assert told in found.stopped
    assert (found.total, found.skipped, found.expiring) == (2, {}, 0)
    make_setup(setup.workspace)  # the sandbox's
    assert preview(make_campaign(use_case, 2, live=False), NOW).stopped == ""


def test_a_recording_about_which_nothing_is_stated_is_named_and_so_are_those_joined_from_clips() -> None:
    setup = make_setup(carrier="drop_cowboy")
    bare = make_recording(setup.workspace, attested_at=None)
    campaign = make_campaign(make_use_case(setup=setup), 2, zones=[[NEW_YORK]], recording=bare)
    found = preview(campaign, NOW)
    assert found.stopped.startswith("Nobody has stated what this recording says")
    assert (found.total, found.skipped, found.expiring) == (2, {}, 0)
    campaign.recording, campaign.script = None, [{"clip": str(bare.pk)}]
    assert preview(campaign, NOW).stopped.startswith("2 people hear clips about which not everything is stated")
    attested(bare)
    assert preview(campaign, NOW).stopped == ""


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_while_the_index_key_rotates_the_suppression_list_is_found_by_either_key(
    settings: Any, request: pytest.FixtureRequest
) -> None:
    campaign = lively(8)
    keys = {**settings.RVM_INDEX_KEYS.keys, 2: bytes(range(64, 96))}
    settings.RVM_INDEX_KEYS = KeyRing(keys, 2)
    blind_index.cache_clear()
    request.addfinalizer(blind_index.cache_clear)
    make_suppression(campaign.workspace, patient_number(0))
    make_suppression(campaign.workspace, patient_number(7))
    expected = preview(campaign, NOW)
    assert expected.skipped == {"suppressed": 2}
    launch(campaign, actor=None, now=NOW)
    assert said(expected) == lived(campaign, NOW)


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_a_number_whose_key_is_lost_waits_and_expires_by_the_preview() -> None:
    campaign = lively(2, zones=[None])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE delivery_voicemail SET recipient = '\\x00'")
    assert said(preview(campaign, NOW)) == {"expired": 2}


def test_a_preview_takes_as_many_statements_for_many_as_for_one() -> None:
    def statements(campaign: Campaign) -> int:
        row = Campaign.objects.select_related("lane__use_case__setup", "lane__use_case__workspace").get(pk=campaign.pk)
        with CaptureQueriesContext(connection) as captured:
            preview(row, NOW)
        return len(captured)

    assert statements(make_campaign(count=1)) == statements(make_campaign(count=50)) <= 5


SATURDAYS = {"days": [6], "ends_at": NOW + timedelta(days=2)}


@pytest.mark.parametrize("consented", [True, False])
def test_suppressions_and_consents_of_any_number_are_joined_by_hashes(consented: bool) -> None:
    campaign = lively()
    needed = NeededConsent("appointment", False, None)
    held = consented_parameters(campaign.workspace_id, needed, at=NOW, ageless=False) if consented else []
    statement = audience._COUNT_CONSENTED if consented else audience._COUNT_GROUPS
    with audience._hash_joins():
        plan = sql.run(
            f"EXPLAIN {statement}",
            [campaign.workspace_id, "appointment", False, *held, campaign.lane.pk, UUID(int=0), campaign.lane.pk],
        )
    said = "\n".join(line for (line,) in plan)
    assert "SubPlan" not in said and "Nested Loop" not in said
    assert sql.run("SHOW enable_nestloop", []) == [("on",)]


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_people_whose_hours_never_meet_are_explained_and_a_proposal_heals_them() -> None:
    campaign = lively(6, [[NEW_YORK, "state:NY"], [HONOLULU, "state:HI"]], use_case=make_use_case(**USUAL), **SATURDAYS)
    found = preview(campaign, NOW)
    assert (found.expiring, found.closed.people) == (6, 6)
    assert {group.explanation for group in found.closed.groups} == {
        "The campaign's days (Saturday) leave them no allowed time before the campaign's end."
    }
    for each in found.closed.proposals:
        with transaction.atomic():
            edit(campaign, each.changes, actor=None, now=NOW)
            healed = preview(Campaign.objects.get(pk=campaign.pk), NOW)
            assert healed.closed.people == 6 - each.people == 0
            assert healed.now + sum(count for _, count in healed.later) == 6
            transaction.set_rollback(True)


@pytest.mark.usefixtures("_carrier_that_reaches_people")
def test_who_is_skipped_is_shown_with_the_facts_and_they_decide_the_same_again() -> None:
    campaign = lively(8, use_case=make_use_case(**USUAL))
    for serial in (0, 5):
        make_suppression(campaign.workspace, patient_number(serial))
    found = preview(campaign, NOW)
    assert sum(each.people for each in found.held_back) == found.skipped["suppressed"] == 2
    for each in found.held_back:
        assert decide(from_json(json.loads(json.dumps(each.facts))), NOW) == Skip(SkipReason(each.reason))


def test_a_rehearsal_through_a_simulated_carrier_is_the_preview_of_a_live_one(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = lively(30, IN_STATES, use_case=make_use_case(**USUAL), ends_at=NOW + timedelta(days=6))
    night = datetime(2026, 3, 3, 5, tzinfo=UTC)
    as_it_is = preview(campaign, night)
    assert (as_it_is.simulated, as_it_is.rehearsal, as_it_is.now, as_it_is.closed.people) == (True, False, 30, 0)
    rehearsed = preview_of(plan_of(campaign, night, rehearsal=True), night)
    assert (rehearsed.simulated, rehearsed.rehearsal) == (True, True)
    monkeypatch.setattr(Sandbox, "simulated", False)
    monkeypatch.setattr(Sandbox, "max_delivery_delay", timedelta(minutes=15))
    TelephonySetup.objects.update(simulated=False)
    campaign.refresh_from_db()
    live = preview_of(plan_of(campaign, night, rehearsal=True), night)
    assert replace(rehearsed, simulated=False, rehearsal=False) == live
    assert (live.now, live.rehearsal) == (3, False)  # Hawaii, where it is the evening before
