"""Whatever a person switches, unassigns, deletes or changes binds every claim that begins after its commit, also of a worker that
looked for open lanes before it and is still busy with others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time, timedelta
from itertools import product
from threading import Event, Thread
from typing import Any
from uuid import UUID

import pytest
from django.db import connections, transaction
from django.db.models import F
from django.utils import timezone
from django_rq import get_connection

from delivery.carriers.sandbox import Sandbox
from delivery.engine import claim as claiming
from delivery.engine.claim import ClaimedBatch, claim
from delivery.engine.lane_routes import ActiveRoute, active_routes
from delivery.engine.rate_limit import RateLimiter
from delivery.engine.scheduler import ClaimScheduler
from delivery.lifecycle import transitions
from delivery.models import Drop, Lane, Voicemail
from delivery.services.eligibility import explanation
from delivery.setups.services import update_setup
from rvm.platform.errors import ServiceError
from rvm.platform.models import DatabaseIdentity, Workspace
from rvm.platform.sending_hold.service import hold, look, notice
from tests import factories
from tests.delivery.states import state
from usecases.eligibility import Defer, DeferReason
from usecases.models import NumberAssignment, TelephonySetup, UseCase
from usecases.selectors import require_usable
from usecases.services import (
    assign_number,
    delete_use_case,
    unassign_number,
    update_use_case,
)

LEASE = timedelta(seconds=45)


def _all_rows(model: Any, **fields: Any) -> Callable[[Voicemail], object]:
    return lambda voicemail: model.objects.update(**fields)


def _unassign(voicemail: Voicemail) -> None:
    use_case = voicemail.use_case
    for assignment in use_case.assignments.all():
        unassign_number(use_case=use_case, phone_number=assignment.phone_number)


def _unassign_and_delete(voicemail: Voicemail) -> None:
    _unassign(voicemail)
    delete_use_case(use_case=voicemail.use_case)


def _move_to_another_setup(voicemail: Voicemail) -> None:
    other = factories.make_setup(voicemail.workspace)
    number = factories.make_phone_number(other)
    _unassign(voicemail)
    update_use_case(use_case=voicemail.use_case, setup=other)
    assign_number(use_case=voicemail.use_case, phone_number=number)


def _open_breaker(voicemail: Voicemail) -> None:
    TelephonySetup.objects.update(breaker_until=timezone.now() + timedelta(minutes=1))


def _switch_marketing_off(voicemail: Voicemail) -> None:
    """Off is the default of a workspace."""
    UseCase.objects.update(purpose="marketing", basis="written_consent")


def _another_timeline(voicemail: Voicemail) -> None:
    """Which nothing has noticed yet."""
    notice(timezone.now())
    DatabaseIdentity.objects.update(timeline=F("timeline") + 1)
    assert look().held_at is None


NEVER = {"window_start": time(12), "window_end": time(12)}
# What happens, and the status and reason in which the voicemail is afterwards.
SWITCHED: dict[str, tuple[Callable[[Voicemail], object], tuple[str, str]]] = {
    "the workspace": (_all_rows(Workspace, sending_enabled=False), ("queued", "")),
    "marketing": (_switch_marketing_off, ("queued", "")),
    "the use case": (
        lambda voicemail: update_use_case(use_case=voicemail.use_case, sending_enabled=False),
        ("queued", ""),
    ),
    "the setup": (lambda voicemail: update_setup(setup=voicemail.use_case.setup, enabled=False), ("queued", "")),
    "the setup drains": (lambda voicemail: update_setup(setup=voicemail.use_case.setup, draining=True), ("queued", "")),
    "the setup is deleted": (_all_rows(TelephonySetup, deleted_at=timezone.now()), ("queued", "")),
    "all sending is held": (lambda voicemail: hold(None, "A snapshot is restored."), ("queued", "")),
    "a standby took over": (_another_timeline, ("queued", "")),
    "the lane is held": (_all_rows(Lane, held=True), ("queued", "")),
    "the breaker opens": (_open_breaker, ("queued", "")),
    "another setup": (_move_to_another_setup, ("queued", "")),
    "a recorded consent is needed": (_all_rows(UseCase, consent_required="recorded"), ("skipped", "no_consent")),
    "no sender is left": (_unassign, ("skipped", "no_sender")),
    "the use case is deleted": (_unassign_and_delete, ("skipped", "use_case_deleted")),
    "other hours": (_all_rows(UseCase, **NEVER), ("queued", "")),
    "the lane's hours": (_all_rows(Lane, **NEVER), ("queued", "")),
    "the lane ends": (_all_rows(Lane, expires_at=timezone.now() - timedelta(days=1)), ("expired", "expired")),
}


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    get_connection("dispatch").flushdb()


@pytest.fixture(autouse=True)
def _reaches_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that hours are kept."""
    monkeypatch.setattr(Sandbox, "simulated", False)


def make_voicemail() -> Voicemail:
    use_case = factories.make_use_case(**factories.AROUND_THE_CLOCK)
    lane = factories.make_lane(use_case)
    return factories.make_voicemail(lane=lane, zones=["UTC"], expires_at=None)


def elsewhere(work: Callable[[], object]) -> None:
    """Done and committed by a connection of its own."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    thread = Thread(target=run)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    assert errors == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", list(SWITCHED))
def test_it_binds_a_claim_of_a_turn_that_began_before_it(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn that serves many lanes: the switch is thrown on another connection once the lanes were looked up."""
    voicemail = make_voicemail()
    happens, end = SWITCHED[what]

    def switched(route: ActiveRoute, *args: Any) -> ClaimedBatch:
        elsewhere(lambda: happens(voicemail))
        return claim(route, *args)

    monkeypatch.setattr("delivery.engine.scheduler.claim", switched)
    limiter = RateLimiter(get_connection("dispatch"), "worker-1")
    turn = ClaimScheduler(limiter, clock=lambda: 0.0, now=timezone.now, lease=LEASE, http_timeout=15).turn([], 10, {})
    assert turn.claimed == []
    assert state(voicemail) == end
    assert not Drop.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("what", [what for what, (_, end) in SWITCHED.items() if end == ("queued", "")])
def test_a_voicemail_behind_a_switch_stays_as_it_is(what: str) -> None:
    voicemail = make_voicemail()
    now = timezone.now()
    [route] = active_routes(now, 10)
    before = Voicemail.objects.get()
    SWITCHED[what][0](voicemail)
    batch = claim(route, 10, now, LEASE)
    assert batch.claims == []
    after = Voicemail.objects.get()
    assert (after.status, after.attempts) == ("queued", 0)
    assert after.not_before == before.not_before or "hours" in what


@pytest.mark.django_db
def test_a_sender_that_was_assigned_meanwhile_is_used_and_one_taken_away_is_not() -> None:
    voicemail = make_voicemail()
    now = timezone.now()
    [route] = active_routes(now, 10)
    _unassign(voicemail)
    number = factories.make_phone_number(voicemail.use_case.setup)
    NumberAssignment.objects.create(use_case=voicemail.use_case, phone_number=number)
    [claimed] = claim(route, 10, now, LEASE).claims
    assert claimed.sender == Drop.objects.get().sender == number.e164


@pytest.mark.django_db
def test_credentials_that_were_changed_meanwhile_are_used_and_their_version_is_kept() -> None:
    voicemail = make_voicemail()
    now = timezone.now()
    [route] = active_routes(now, 10)
    update_setup(setup=voicemail.use_case.setup, credentials={"key": "another"})
    [claimed] = claim(route, 10, now, LEASE).claims
    assert claimed.route.adapter.credentials["key"] == "another"
    assert Drop.objects.get().credentials_version == 2


@pytest.mark.django_db(transaction=True)
def test_a_drop_keeps_the_version_of_the_credentials_that_its_request_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are changed, and that is committed, between the claim's look at them and its writing of the drop."""
    voicemail = make_voicemail()
    setup = voicemail.use_case.setup
    begin = transitions.begin

    def begin_late(*args: Any, **options: Any) -> set[UUID]:
        elsewhere(lambda: update_setup(setup=setup, credentials={"key": "another"}))
        return begin(*args, **options)

    monkeypatch.setattr(claiming.transitions, "begin", begin_late)
    now = timezone.now()
    [route] = active_routes(now, 10)
    [claimed] = claim(route, 10, now, LEASE).claims
    setup.refresh_from_db()
    assert (claimed.route.adapter.credentials["key"], Drop.objects.get().credentials_version) == ("test-key", 1)
    assert setup.credentials_version == 2


@pytest.mark.django_db(transaction=True)
def test_a_claim_waits_for_nobody_who_changes_a_setup() -> None:
    """And who has not committed yet does not bind it."""
    voicemail = make_voicemail()
    begun, done = Event(), Event()

    def change_slowly() -> None:
        with transaction.atomic():
            update_setup(setup=voicemail.use_case.setup, enabled=False)
            Workspace.objects.update(sending_enabled=False)
            begun.set()
            done.wait(30)

    thread = Thread(target=lambda: (change_slowly(), connections.close_all()))
    thread.start()
    assert begun.wait(30)
    now = timezone.now()
    [route] = active_routes(now, 10)
    claims = claim(route, 10, now, LEASE).claims
    done.set()
    thread.join(30)
    assert len(claims) == 1
    assert active_routes(timezone.now(), 10) == []


@pytest.mark.django_db
def test_starts_that_one_setup_granted_are_not_used_at_another() -> None:
    voicemail = make_voicemail()
    now = timezone.now()
    [route] = active_routes(now, 10)
    _move_to_another_setup(voicemail)
    assert claim(route, 10, now, LEASE) == ClaimedBatch([], 0)
    [route] = active_routes(now, 10)
    assert len(claim(route, 10, now, LEASE).claims) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("purpose", "basis", "sent"), [("other", "express_consent", 2), ("marketing", "written_consent", 1)]
)
def test_rows_and_statements_know_the_same_switches(purpose: str, basis: str, sent: int) -> None:
    """However they stand: the look for work, the question whether somebody can be reached, and the refusal of new voicemails, which
    only a setup brings about. Of 64 ways to set them, `sent` let voicemails out: with or without marketing, if it is none."""
    voicemail = make_voicemail()
    notice(timezone.now())
    UseCase.objects.update(purpose=purpose, basis=basis)
    found = 0
    for held, workspace, marketing, use_case, enabled, deleted in product((False, True), repeat=6):
        DatabaseIdentity.objects.update(held_at=timezone.now() if held else None)
        Workspace.objects.update(sending_enabled=workspace, marketing_enabled=marketing)
        UseCase.objects.update(sending_enabled=use_case)
        TelephonySetup.objects.update(enabled=enabled, deleted_at=timezone.now() if deleted else None)
        row, now = UseCase.objects.get(), timezone.now()
        said = explanation(use_case=row, number=factories.RECIPIENT, live=voicemail.live, at=None, now=now).decision
        stopped = isinstance(said, Defer) and said.reason is DeferReason.STOPPED
        routes = active_routes(now, 10)
        assert stopped is (routes == []), (held, workspace, marketing, use_case, enabled, deleted)
        assert _is_refused(row) is (deleted or not enabled)
        found += len(routes)
    assert found == sent


def _is_refused(use_case: UseCase) -> bool:
    try:
        require_usable(use_case, live=True)
    except ServiceError:
        return True
    return False
