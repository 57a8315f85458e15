"""A workspace moves to another organisation: what it has sent counts there, and nothing is sent before it does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from delivery.carriers.sandbox import Sandbox
from delivery.engine import moved_drops
from delivery.engine.claim import claim
from delivery.engine.lane_routes import active_routes
from delivery.engine.moved_drops import SETTLED, count_rest
from delivery.engine.recent_drops import KEPT, RecentDrops, purge, reached
from delivery.models import DropRecount, Voicemail
from delivery.models import RecentDrops as Row
from delivery.services.policies import is_joining
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import first_id_at
from rvm.platform.models import Organisation, Workspace
from tests import factories
from tests.delivery.states import make_drop
from tests.sessions import Session
from usecases.models import UseCase

NOW = datetime(2026, 3, 4, 17, tzinfo=UTC)  # a Wednesday, at noon in New York
DAY = timedelta(days=1)
LEASE = timedelta(seconds=45)
ANA, BEN = "+12125550141", "+12125550142"


@pytest.fixture(autouse=True)
def _carrier_that_reaches_people(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)
    monkeypatch.setattr(moved_drops, "database_now", lambda: NOW)


@pytest.fixture
def use_case() -> UseCase:
    return factories.make_use_case(max_per_day=1, max_per_week=2)


@pytest.fixture
def joining(use_case: UseCase) -> UseCase:
    """The use case of a workspace that is going to join the organisation of the first."""
    return factories.make_use_case(max_per_day=1, max_per_week=2)


def sent(use_case: UseCase, number: str, at: datetime) -> Any:
    voicemail = factories.make_voicemail(use_case, recipient=number)
    drop = make_drop(voicemail, id=first_id_at(at), created_at=at, status="delivered")
    Voicemail.objects.filter(pk=voicemail.pk).update(status="delivered", drop_id=drop.pk)
    return drop


def move(use_case: UseCase, organisation: Organisation) -> None:
    workspace = Workspace.objects.get(pk=use_case.workspace_id)
    workspace.organisation = organisation
    workspace.save()


def wait(use_case: UseCase, number: str = ANA) -> Voicemail:
    defaults: dict[str, Any] = {"not_before": NOW - DAY, "expires_at": NOW + 30 * DAY, "recipient": number}
    return factories.make_voicemail(use_case, **defaults)


def claim_all(now: datetime = NOW) -> set[Any]:
    return {
        claimed.voicemail_id for route in active_routes(now, 100) for claimed in claim(route, 100, now, LEASE).claims
    }


@pytest.mark.django_db
def test_what_it_has_sent_counts_in_the_organisation_that_it_joins(use_case: UseCase, joining: UseCase) -> None:
    organisation = use_case.workspace.organisation
    times = [NOW - 2 * DAY, NOW - DAY]
    for at in times:
        sent(joining, ANA, at)
    sent(joining, BEN, NOW - KEPT - DAY)
    assert reached(organisation.pk, ANA, NOW) == ()
    move(joining, organisation)
    count_rest(NOW + SETTLED)
    assert reached(organisation.pk, ANA, NOW) == tuple(times)
    assert reached(organisation.pk, BEN, NOW) == ()
    to_ana, to_ben = wait(use_case), wait(use_case, BEN)
    assert claim_all() == {to_ben.pk}  # two a week
    assert Voicemail.objects.get(pk=to_ana.pk).status == "queued"


@pytest.mark.django_db
def test_nothing_of_the_organisation_is_sent_until_it_is_counted(
    use_case: UseCase, joining: UseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moved_drops, "BATCH", 2)
    monkeypatch.setattr(moved_drops, "MAX_BATCHES", 1)
    for day in range(1, 4):
        sent(joining, ANA, NOW - day * DAY)
    stranger = factories.make_use_case()
    move(joining, use_case.workspace.organisation)
    voicemails = [wait(each, BEN) for each in (use_case, joining, stranger)]
    count_rest(NOW)  # claims that began before the move may still commit
    steps = 0
    while DropRecount.objects.exists():
        assert is_joining(use_case.workspace) and not is_joining(stranger.workspace)
        assert claim_all() <= {voicemails[2].pk}
        count_rest(NOW + SETTLED)
        steps += 1
    assert steps >= 2
    assert len(reached(use_case.workspace.organisation_id, ANA, NOW)) == 3
    assert claim_all()


@pytest.mark.django_db
def test_what_was_counted_there_before_stays_and_a_row_lives_as_long_as_its_latest_drop(
    use_case: UseCase, joining: UseCase
) -> None:
    organisation = use_case.workspace.organisation
    early, late = sent(use_case, ANA, NOW - 5 * DAY), sent(joining, ANA, NOW - DAY)
    recent = RecentDrops(organisation.pk, NOW - 5 * DAY).look([ANA])
    recent.add(ANA, early.pk)
    recent.write()
    move(joining, organisation)
    count_rest(NOW + SETTLED)
    assert {early.pk, late.pk} <= {*Row.objects.get().drops}
    assert len(reached(organisation.pk, ANA, NOW)) == 2
    purge(NOW - 5 * DAY + KEPT + DAY)
    assert Row.objects.exists()


@pytest.mark.django_db
def test_a_claim_that_has_read_before_the_count_looks_again(use_case: UseCase, joining: UseCase) -> None:
    organisation = use_case.workspace.organisation
    early, late = sent(use_case, ANA, NOW - 5 * DAY), sent(joining, ANA, NOW - DAY)
    before = RecentDrops(organisation.pk, NOW - 5 * DAY).look([ANA])
    before.add(ANA, early.pk)
    before.write()
    reading = RecentDrops(organisation.pk, NOW).look([ANA])
    move(joining, organisation)
    count_rest(NOW + SETTLED)
    reading.add(ANA, sent(use_case, ANA, NOW).pk)
    assert reading.write() == set()
    assert late.pk in Row.objects.get().drops


@pytest.mark.django_db
def test_counting_twice_counts_once(use_case: UseCase, joining: UseCase) -> None:
    home = joining.workspace.organisation
    sent(joining, ANA, NOW - DAY)
    for organisation in (use_case.workspace.organisation, home, use_case.workspace.organisation):
        move(joining, organisation)
        count_rest(NOW + SETTLED)
    assert len(reached(use_case.workspace.organisation_id, ANA, NOW)) == 1


@pytest.mark.django_db
def test_a_workspace_that_has_never_sent_keeps_nobody_waiting(use_case: UseCase) -> None:
    new = factories.make_workspace()
    new.organisation = use_case.workspace.organisation
    new.save()
    assert not DropRecount.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_ticks_count_a_workspace_once(use_case: UseCase, joining: UseCase) -> None:
    sent(joining, ANA, NOW - DAY)
    move(joining, use_case.workspace.organisation)
    with transaction.atomic():
        count_rest(NOW + SETTLED)
        Session(lambda: count_rest(NOW + SETTLED)).result()
    assert len(Row.objects.get().drops) == 1
    assert database_now()
