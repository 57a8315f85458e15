"""No number gets more than its cap: by whatever way, from whatever workspace of the organisation, and from two at one time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from delivery.admin.guard_labels import waits_text
from delivery.carriers.sandbox import Sandbox
from delivery.engine import recent_drops
from delivery.engine.claim import claim
from delivery.engine.lane_routes import active_routes
from delivery.engine.recent_drops import KEPT, RecentDrops, purge, reached
from delivery.kept_decisions import kept_decision
from delivery.lifecycle import transitions
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import DropStatus, VoicemailStatus
from delivery.lifecycle.transitions import DropChange
from delivery.models import Drop, Lane, Voicemail
from delivery.models import RecentDrops as Row
from delivery.services.eligibility import waiting_for
from rvm.platform.database.ids import uuid7
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.encryption.keys import KeyRing
from tests import factories
from tests.delivery.states import make_drop
from tests.sessions import Session
from usecases.eligibility import Defer, DeferReason, decide
from usecases.models import TelephonySetup, UseCase

NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)  # a Monday, in New York
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LEASE = timedelta(seconds=45)
ANA, BEN = "+12125550141", "+12125550142"
MORNING = datetime(2026, 3, 3, 13, tzinfo=UTC)  # 08:00 in New York


@pytest.fixture(autouse=True)
def _carrier_that_reaches_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)


def make_use_case(**fields: Any) -> UseCase:
    return factories.make_use_case(**{"max_per_day": 1, "max_per_week": 3, **fields})


def wait(use_case: UseCase, number: str = ANA, **fields: Any) -> Voicemail:
    """A voicemail that waits and is due."""
    defaults = {"not_before": NOON - HOUR, "expires_at": NOON + 30 * DAY, "recipient": number}
    return factories.make_voicemail(use_case, **{**defaults, **fields})


def claim_all(now: datetime = NOON, limit: int = 100) -> set[Any]:
    """The ids of all voicemails that a worker's claims take at `now`."""
    return {
        claimed.voicemail_id
        for route in active_routes(now, limit)
        for claimed in claim(route, limit, now, LEASE).claims
    }


def settle(voicemail: Voicemail, status: DropStatus, reason: Reason | None = None) -> None:
    """End the latest drop of the voicemail."""
    drop = Drop.objects.get(pk=Voicemail.objects.get(pk=voicemail.pk).drop_id)
    transitions.change_drops([DropChange(drop.pk, DropStatus(drop.status), status, drop.reason, reason)], NOON)


def waits_until(voicemail: Voicemail) -> datetime:
    row = Voicemail.objects.get(pk=voicemail.pk)
    assert row.status == VoicemailStatus.QUEUED
    return row.not_before


# what counts


@pytest.mark.django_db
def test_the_second_of_a_day_waits_for_the_next_morning_and_then_goes() -> None:
    use_case = make_use_case()
    first, second = wait(use_case), wait(use_case)
    assert claim_all() == {first.pk}
    assert waits_until(second) == MORNING
    assert claim_all(MORNING) == {second.pk}


@pytest.mark.django_db
def test_two_for_one_number_in_one_look_are_not_both_sent() -> None:
    use_case = make_use_case(max_per_day=2)
    rows = [wait(use_case) for _ in range(5)]
    other = wait(use_case, BEN)
    assert claim_all() == {rows[0].pk, rows[1].pk, other.pk}


@pytest.mark.django_db
def test_of_a_week_only_so_many_are_sent() -> None:
    use_case = make_use_case(max_per_week=3)
    rows = [wait(use_case) for _ in range(5)]
    sent = [claim_all(NOON + day * DAY) for day in range(9)]
    assert [len(each) for each in sent] == [1, 1, 1, 0, 0, 0, 0, 1, 1]
    assert set().union(*sent) == {row.pk for row in rows}


@pytest.mark.django_db
@pytest.mark.parametrize("same_workspace", [True, False])
def test_another_use_case_of_the_organisation_counts_too(same_workspace: bool) -> None:
    use_case = make_use_case()
    workspace = use_case.workspace
    if not same_workspace:
        workspace = factories.make_workspace(organisation=use_case.workspace.organisation)
    other = make_use_case(workspace=workspace)
    first = wait(use_case)
    assert claim_all() == {first.pk}
    second = wait(other)
    assert claim_all() == set()
    assert waits_until(second) == MORNING


@pytest.mark.django_db
def test_another_organisation_counts_by_itself() -> None:
    rows = [wait(make_use_case()), wait(make_use_case())]
    assert claim_all() == {row.pk for row in rows}


ENDS = [
    ("sending", None, None, True),
    ("uncertain", DropStatus.UNCERTAIN, None, True),
    ("accepted", DropStatus.ACCEPTED, None, True),
    ("delivered", DropStatus.DELIVERED, None, True),
    ("unreported", DropStatus.FAILED, Reason.UNREPORTED, True),
    ("unconfirmed", DropStatus.FAILED, Reason.UNCONFIRMED, True),
    ("not sent", DropStatus.NOT_SENT, Reason.NOT_SENT, False),
    ("busy", DropStatus.FAILED, Reason.BUSY, False),
    ("refused", DropStatus.FAILED, Reason.REFUSED, False),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("status", "reason", "counts"), [row[1:] for row in ENDS], ids=[row[0] for row in ENDS])
def test_what_may_have_been_left_counts_and_what_provably_was_not_does_not(
    status: DropStatus | None, reason: Reason | None, counts: bool
) -> None:
    use_case = make_use_case()
    first = wait(use_case)
    claim_all()
    if status is not None:
        settle(first, status, reason)
    second = wait(use_case)
    assert claim_all(NOON + HOUR) == (set() if counts else {second.pk})
    assert len(reached(use_case.workspace.organisation_id, ANA, NOON + HOUR)) == 1


@pytest.mark.django_db
def test_a_failure_without_a_signature_counts_until_it_is_proved() -> None:
    use_case = make_use_case()
    first = wait(use_case)
    claim_all()
    settle(first, DropStatus.FAILED, Reason.BUSY)
    Drop.objects.update(provisional=True)
    wait(use_case)
    assert claim_all(NOON + HOUR) == set()


@pytest.mark.django_db
def test_a_late_report_of_delivery_counts() -> None:
    use_case = make_use_case()
    first = wait(use_case)
    claim_all()
    settle(first, DropStatus.FAILED, Reason.UNREPORTED)
    settle(first, DropStatus.DELIVERED)
    wait(use_case)
    assert claim_all(NOON + HOUR) == set()


@pytest.mark.django_db
def test_each_attempt_for_one_voicemail_counts() -> None:
    use_case = make_use_case(max_per_day=2)
    voicemail = wait(use_case)
    for hour in range(3):
        claimed = claim_all(NOON + hour * HOUR)
        assert claimed == ({voicemail.pk} if hour < 2 else set())
        settle(voicemail, DropStatus.FAILED, Reason.UNCONFIRMED)
        due = NOON + (hour + 1) * HOUR
        Voicemail.objects.filter(status="sending").update(status="queued", not_before=due)
    assert len(reached(use_case.workspace.organisation_id, ANA, NOON + 3 * HOUR)) == 2


@pytest.mark.django_db
def test_a_drop_that_was_never_begun_does_not_count() -> None:
    use_case = make_use_case()
    organisation_id = use_case.workspace.organisation_id
    recent = RecentDrops(organisation_id, NOON).look([ANA])
    recent.add(ANA, uuid7())
    assert len(recent.write()) == 1
    assert reached(organisation_id, ANA, NOON) == ()
    row = wait(use_case)
    assert claim_all() == {row.pk}


@pytest.mark.django_db
def test_who_expires_before_the_caps_allow_it_expires() -> None:
    use_case = make_use_case()
    wait(use_case)
    late = wait(use_case, expires_at=NOON + HOUR)
    claim_all()
    assert waits_until(late) == NOON + HOUR
    assert claim_all(NOON + HOUR) == set()
    assert Voicemail.objects.get(pk=late.pk).status == "expired"


@pytest.mark.django_db
def test_a_states_cap_binds_a_use_case_that_allows_more() -> None:
    use_case = make_use_case(max_per_day=10, max_per_week=10)
    rows = [wait(use_case, "+13055550141") for _ in range(5)]
    assert claim_all() == {row.pk for row in rows[:3]}  # Florida: three in 24 hours
    free = make_use_case(workspace=use_case.workspace, max_per_day=10, max_per_week=10, state_overlay=False)
    assert wait(free, "+13055550141").pk in claim_all()


@pytest.mark.django_db
@pytest.mark.parametrize("why", ["simulated", "test"])
def test_what_reaches_nobody_neither_counts_nor_is_bound(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_case = make_use_case()
    if why == "simulated":
        monkeypatch.setattr(Sandbox, "simulated", True)
    else:  # a test lane goes through a simulated setup
        TelephonySetup.objects.update(simulated=True)
    rows = [wait(use_case, live=why != "test") for _ in range(3)]
    assert claim_all() == {row.pk for row in rows}
    assert not Row.objects.exists()
    monkeypatch.setattr(Sandbox, "simulated", False)
    last = wait(use_case)
    assert claim_all() == {last.pk}


@pytest.mark.django_db
def test_places_of_the_list_say_when_the_day_ends() -> None:
    use_case = make_use_case()
    wait(use_case)
    claim_all()
    far = wait(use_case, zones=["America/New_York", "Pacific/Honolulu", "state:NY"])
    assert claim_all() == set()
    # Ten in the evening in Honolulu is four in the morning in New York; both are open at 13:00 in New York.
    assert waits_until(far) == datetime(2026, 3, 3, 18, tzinfo=UTC)


@pytest.mark.django_db
def test_a_raised_cap_binds_the_next_claim() -> None:
    use_case = make_use_case()
    rows = [wait(use_case), wait(use_case)]
    claim_all()
    UseCase.objects.update(max_per_day=2)
    Voicemail.objects.filter(status="queued").update(not_before=NOON)
    assert claim_all() == {rows[1].pk}


@pytest.mark.django_db
def test_later_looks_of_a_claim_see_what_the_earlier_ones_took() -> None:
    use_case = make_use_case()
    for _ in range(3):
        wait(use_case, not_before=NOON - 3 * HOUR)
    other = wait(use_case, BEN)
    wait(use_case)
    [route] = active_routes(NOON, 10)
    taken = claim(route, 2, NOON, LEASE)
    assert [claimed.recipient for claimed in taken.claims] == [ANA, BEN]
    assert taken.looked_at == 5
    assert taken.claims[1].voicemail_id == other.pk


@pytest.mark.django_db
def test_who_waits_for_the_caps_says_so_and_the_kept_facts_decide_the_same() -> None:
    use_case = make_use_case()
    wait(use_case)
    second = wait(use_case)
    claim_all()
    second.refresh_from_db()
    assert waiting_for([second]) == {second.pk: DeferReason.CAP_REACHED}
    assert "as many messages" in waits_text(DeferReason.CAP_REACHED)
    kept = kept_decision(second)
    assert kept is not None
    assert kept.all_facts.reached == (NOON,)
    assert decide(kept.all_facts, kept.decided_at) == Defer(MORNING, DeferReason.CAP_REACHED)


# two at one time

PEOPLE = [f"+1212555{serial:04}" for serial in range(100, 112)]


def claim_in_session(use_case_id: Any, now: datetime = NOON) -> int:
    count = 0
    for route in active_routes(now, 100):
        lane = Lane.objects.get(pk=route.lane_id)
        if lane.use_case_id == use_case_id:
            count += len(claim(route, 100, now, LEASE).claims)
    return count


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("environment", ["usual", "unfriendly"])
def test_two_use_cases_that_claim_at_one_time_do_not_exceed_the_cap_together(
    environment: str, request: pytest.FixtureRequest
) -> None:
    """The first has decided and counted, and has yet to commit; the second has decided as well, and waits for the first."""
    if environment == "unfriendly":
        request.getfixturevalue("unfriendly_database")
    one, other = make_use_case(), make_use_case()
    other.workspace.organisation = one.workspace.organisation
    other.workspace.save()
    first, second = wait(one), wait(other)
    with transaction.atomic():
        assert claim_in_session(one.pk) == 1
        session = Session(partial(claim_in_session, other.pk))
        session.wait_until_blocked()
    assert session.result() == 0
    assert Voicemail.objects.get(pk=first.pk).status == "sending"
    assert waits_until(second) == NOON - HOUR  # nothing is decided about it
    assert claim_in_session(other.pk) == 0
    assert waits_until(second) == MORNING


@pytest.mark.django_db(transaction=True)
def test_the_second_goes_if_the_first_comes_to_nothing() -> None:
    one, other = make_use_case(), make_use_case()
    other.workspace.organisation = one.workspace.organisation
    other.workspace.save()
    wait(one)
    wait(other)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert claim_in_session(one.pk) == 1
        session = Session(partial(claim_in_session, other.pk))
        session.wait_until_blocked()
        raise ZeroDivisionError
    assert session.result() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("cap", [1, 2])
def test_many_workers_never_exceed_a_cap(cap: int) -> None:
    """Four workers on connections of their own empty two use cases of two workspaces, with four voicemails for each person."""
    one = make_use_case(max_per_day=cap)
    two = make_use_case(workspace=factories.make_workspace(organisation=one.workspace.organisation), max_per_day=cap)
    for use_case in (one, two):
        for number in PEOPLE + PEOPLE[::-1]:
            wait(use_case, number)
    started = threading.Barrier(4)

    def work(limit: int) -> None:
        started.wait(20)
        for _ in range(40):
            for route in active_routes(NOON, 100):
                claim(route, limit, NOON, LEASE)

    sessions = [Session(partial(work, limit)) for limit in (1, 2, 5, 50)]
    for session in sessions:
        session.result()
    sent = list(Voicemail.objects.filter(status="sending"))
    counts = {number: sum(row.recipient == number for row in sent) for number in PEOPLE}
    assert counts == dict.fromkeys(PEOPLE, cap)
    assert Voicemail.objects.filter(status="queued", not_before__lte=NOON).count() == 0


# index keys


@pytest.fixture
def _keys() -> Iterator[Callable[..., None]]:
    before = settings.RVM_INDEX_KEYS
    keys = {1: before.keys[1], 2: bytes(range(100, 132))}

    def take(*ids: int) -> None:
        settings.RVM_INDEX_KEYS = KeyRing({key: keys[key] for key in ids}, ids[-1])
        blind_index.cache_clear()

    yield take
    settings.RVM_INDEX_KEYS = before
    blind_index.cache_clear()


@pytest.mark.django_db
def test_what_was_counted_under_an_old_key_binds_under_the_new_one(_keys: Callable[..., None]) -> None:
    use_case = make_use_case(max_per_day=2)
    rows = [wait(use_case) for _ in range(4)]
    [route] = active_routes(NOON, 1)
    assert len(claim(route, 1, NOON, LEASE).claims) == 1
    _keys(2, 1)  # still written with the old one
    assert len(claim(route, 1, NOON, LEASE).claims) == 1
    Voicemail.objects.filter(pk=rows[0].pk).update(status="queued", not_before=NOON)
    _keys(1, 2)
    assert claim_all(NOON + HOUR) == set()
    morning = claim_all(MORNING)
    assert len(morning) == 1  # the third of the week, now under the new key
    assert Row.objects.count() == 2
    assert claim_all(MORNING + DAY) == set()


@pytest.mark.django_db(transaction=True)
def test_two_processes_with_different_current_keys_see_each_other(_keys: Callable[..., None]) -> None:
    one, other = make_use_case(), make_use_case()
    other.workspace.organisation = one.workspace.organisation
    other.workspace.save()
    wait(one)
    wait(other)
    _keys(2, 1)
    with transaction.atomic():
        assert claim_in_session(one.pk) == 1
        _keys(1, 2)
        session = Session(partial(claim_in_session, other.pk))
        session.wait_until_blocked()
    assert session.result() == 0


# the rows


@pytest.mark.django_db
def test_a_row_holds_what_may_still_count_and_no_more() -> None:
    use_case = make_use_case(max_per_day=100, max_per_week=100)
    voicemail = wait(use_case)
    moments = [NOON - 9 * DAY, NOON - 6 * DAY, NOON - 2 * HOUR, NOON]
    for moment in moments:
        Voicemail.objects.update(status="queued", not_before=moment, expires_at=NOON + DAY)
        assert claim_all(moment) == {voicemail.pk}
        if moment == moments[2]:
            settle(voicemail, DropStatus.NOT_SENT)
    # The last one that was read is compared, so it goes with the next.
    assert Row.objects.get().at == [moments[1], moments[2], moments[3]]
    Voicemail.objects.update(status="queued", not_before=NOON)
    claim_all(NOON + HOUR)
    assert Row.objects.get().at == [moments[1], moments[3], NOON + HOUR]


@pytest.mark.django_db
def test_rows_that_no_cap_asks_for_are_purged_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_drops, "PURGED_PAGES", 1)
    monkeypatch.setattr(recent_drops._walk, "page", 0)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE delivery_recentdrops")
    old, new = NOON - KEPT - HOUR, NOON - KEPT + HOUR
    Row.objects.bulk_create(
        Row(number_index=uuid7(), drops=[uuid7()], at=[old if serial % 2 else new]) for serial in range(300)
    )
    purge(NOON)
    left = Row.objects.filter(at__contains=[old]).count()
    assert 0 < left < 150
    for _ in range(10):
        purge(NOON)
    assert not Row.objects.filter(at__contains=[old]).exists()
    assert Row.objects.count() == 150


@pytest.mark.django_db
def test_a_purge_between_reading_and_writing_changes_nothing() -> None:
    use_case = make_use_case()
    organisation_id = use_case.workspace.organisation_id
    index = RecentDrops(organisation_id, NOON)._indexes_of(ANA)[0]
    Row.objects.create(number_index=index, drops=[uuid7()], at=[NOON - KEPT - DAY])
    first, second = (RecentDrops(organisation_id, NOON).look([ANA]) for _ in range(2))
    purge(NOON)
    assert not Row.objects.exists()
    third = RecentDrops(organisation_id, NOON).look([ANA])
    drops = [make_drop(wait(use_case)) for _ in range(3)]
    for recent, drop in zip((third, first, second), drops, strict=True):
        recent.add(ANA, drop.pk)
    assert third.write() == {drops[0].pk}
    assert first.write() == set()
    assert second.write() == set()


@pytest.mark.django_db
def test_rows_are_found_by_their_index_and_drops_one_by_one() -> None:
    with connection.cursor() as cursor:
        # What autovacuum has counted of other tests' drops, a handful, would be read as a whole.
        cursor.execute("TRUNCATE delivery_drop CASCADE")
        cursor.execute(
            "INSERT INTO delivery_recentdrops SELECT gen_random_uuid(), ARRAY[gen_random_uuid()], ARRAY[now()]"
            " FROM generate_series(1, 20000)"
        )
        cursor.execute("ANALYZE delivery_recentdrops")
        cursor.execute(f"EXPLAIN {recent_drops._READ}", [[uuid7() for _ in range(500)]])
        ways = [row[0].strip() for row in cursor.fetchall()]
    assert not [way for way in ways if "Seq Scan" in way], ways
