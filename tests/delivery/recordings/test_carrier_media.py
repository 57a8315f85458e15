"""Uploads to carriers that need them: once per recording and setup, by demand, whatever fails or dies in between."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django_rq import get_connection

from delivery.engine.circuit_breaker import open_for_account
from delivery.engine.claim import claim
from delivery.engine.lane_routes import active_routes
from delivery.engine.rate_limit import RateLimiter
from delivery.engine.scheduler import ClaimScheduler
from delivery.models import CarrierMedia, Drop, Recording, Voicemail
from delivery.recordings import carrier_media
from delivery.recordings.carrier_media import FIRST_WAIT, LEASE, RECHECK, upload_one
from delivery.recordings.recordings import store_recording
from delivery.recordings.uploads import upload_again
from delivery.setups.services import update_setup
from delivery.transport.interface import CarrierRequest, CarrierResponse, Proof, TransportFailure
from delivery.worker.maintenance import is_work_due
from rvm.platform.errors import ServiceError
from rvm.platform.models import AuditEvent
from rvm.simulators.framework.service import running
from rvm.simulators.vendors.drop_cowboy import COMPLETE, CREATE, STORE, Simulator
from tests import factories
from tests.delivery.audio.mp3_bytes import encoded
from tests.delivery.fake_carrier import FakeTransport
from tests.delivery.states import counter_totals, row_counts
from tests.rvm.simulators.sandbox.harness import send
from usecases.models import TelephonySetup, UseCase

pytestmark = pytest.mark.django_db
LEASED = timedelta(seconds=60)
State = CarrierMedia.State


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    get_connection("dispatch").flushdb()


@pytest.fixture
def vendor() -> Iterator[Simulator]:
    with running(Simulator) as simulator:
        yield simulator


class Clock:
    """Both clocks of a worker, moved by hand."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def pass_(self, time: timedelta) -> None:
        self.now += time


@pytest.fixture
def clock() -> Clock:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return Clock(cursor.fetchone()[0])


def over_http(request: CarrierRequest) -> CarrierResponse:
    return send(request)


def upload(clock: Clock, answer=over_http) -> bool:
    return upload_one(FakeTransport(answer), clock, clock.seconds, open_for_account)


@pytest.fixture
def setup(vendor: Simulator) -> TelephonySetup:
    return factories.make_setup(carrier="drop_cowboy", credentials=vendor.credentials, simulated=True)


@pytest.fixture
def use_case(setup: TelephonySetup) -> UseCase:
    return factories.make_use_case(setup=setup, **factories.AROUND_THE_CLOCK)


@pytest.fixture
def recording(use_case: UseCase, settings, tmp_path) -> Recording:
    settings.MEDIA_ROOT = str(tmp_path)
    return factories.attested(store_recording(use_case.workspace, "Anna's reminder", encoded(12)))


def queue(use_case: UseCase, recording: Recording, **fields) -> Voicemail:
    return factories.make_voicemail(use_case, recording=recording, recipient="+15550010001", **fields)


def batch(clock: Clock):
    (route,) = active_routes(clock(), 100)
    return claim(route, 100, clock(), LEASED)


def row() -> CarrierMedia:
    return CarrierMedia.objects.get()


def test_voicemails_wait_for_their_recording_which_is_asked_for_once(use_case, recording, clock) -> None:
    voicemails = [queue(use_case, recording) for _ in range(3)]
    found = batch(clock)
    assert (found.claims, found.looked_at, found.waits) == ([], 3, True)
    assert (row().state, row().recording_id, row().setup_id) == (State.WANTED, recording.id, use_case.setup_id)
    assert Drop.objects.count() == 0
    assert is_work_due(clock())["reports"]
    for voicemail in voicemails:
        voicemail.refresh_from_db()
        assert (voicemail.status, voicemail.not_before) == ("queued", clock() + RECHECK)


def test_once_uploaded_they_are_claimed_with_the_carriers_id_for_it(vendor, use_case, recording, clock) -> None:
    queue(use_case, recording)
    batch(clock)
    assert upload(clock)
    assert not upload(clock)
    assert vendor.ledger.requests == {CREATE: 1, STORE: 1, COMPLETE: 1}
    clock.pass_(RECHECK)
    found = batch(clock)
    assert ([claim.media_id for claim in found.claims], found.waits) == ([row().media_id], False)
    assert vendor.ready == {row().media_id}
    assert carrier_media.media_id_of(use_case.setup_id, recording.id) == row().media_id
    assert vendor.ledger.violations == []


def test_what_is_not_ready_keeps_nobody_else_waiting(use_case, recording, clock) -> None:
    other = factories.make_recording(use_case.workspace)
    CarrierMedia.objects.create(
        setup=use_case.setup, recording=other, state=State.READY, media_id="m", ready_at=clock()
    )
    queue(use_case, recording)
    ready = queue(use_case, other)
    found = batch(clock)
    assert ([claim.voicemail_id for claim in found.claims], found.waits) == ([ready.id], False)


def test_the_name_that_a_person_gave_stays_here(vendor, use_case, recording, clock) -> None:
    sent: list[CarrierRequest] = []

    def keep(request: CarrierRequest) -> CarrierResponse:
        sent.append(request)
        return send(request)

    queue(use_case, recording)
    batch(clock)
    upload(clock, keep)
    assert str(recording.id).encode() in sent[0].body
    assert not any(b"Anna" in request.body for request in sent)


def test_a_refused_recording_fails_its_voicemails_with_the_carriers_words(vendor, use_case, recording, clock) -> None:
    voicemail = queue(use_case, recording)
    vendor.answers[CREATE] = [422]
    batch(clock)
    upload(clock)
    assert row().state == State.REFUSED
    clock.pass_(RECHECK)
    assert batch(clock).claims == []
    voicemail.refresh_from_db()
    assert (voicemail.status, voicemail.reason, voicemail.drop_id) == ("failed", "recording_refused", None)
    assert voicemail.carrier_text == "The carrier answered 422 to the upload. Status 422: As documented."
    assert voicemail.ended_at is not None
    assert counter_totals(voicemail.lane_id) == row_counts(voicemail.lane_id)


def test_a_lane_whose_recording_was_refused_is_failed_at_once_and_takes_no_pace(use_case, recording, clock) -> None:
    """Fifty voicemails at one drop in a hundred seconds; the only start is left to somebody whose recording is there."""
    TelephonySetup.objects.update(pace_per_second=0.01)
    ready = factories.make_recording(use_case.workspace)
    for one, state in ((recording, State.REFUSED), (ready, State.READY)):
        CarrierMedia.objects.create(setup=use_case.setup, recording=one, state=state, media_id="m", ready_at=clock())
    refused = factories.make_lane(use_case, priority=5)
    for _ in range(50):
        factories.make_voicemail(lane=refused, recording=recording, recipient="+15550010001")
    sent = queue(use_case, ready)
    limiter = RateLimiter(get_connection("dispatch"), "worker-1")
    scheduler = ClaimScheduler(limiter, clock=clock.seconds, now=clock, lease=LEASED, http_timeout=15)
    claimed = [each for _ in range(3) for each in scheduler.turn([], 200, {}).claimed]
    assert [each.claim.voicemail_id for each in claimed] == [sent.id]
    assert set(Voicemail.objects.filter(lane=refused).values_list("status", "reason")) == {
        ("failed", "recording_refused")
    }
    assert counter_totals(refused.id) == row_counts(refused.id)


def test_a_recording_that_was_refused_is_uploaded_again_when_a_person_asks_for_it(
    vendor, use_case, recording, clock
) -> None:
    first = queue(use_case, recording)
    vendor.answers[CREATE] = [422]
    batch(clock)
    upload(clock)
    assert row().state == State.REFUSED
    boss = factories.make_user(workspace=use_case.workspace)
    upload_again(media=row(), actor=boss)
    assert (row().state, row().error) == (State.WANTED, "")
    event = AuditEvent.objects.get(action="carrier_media.upload_asked")
    assert (event.actor, event.subject_id, event.details["was"]) == (boss, row().pk, "refused")
    later = queue(use_case, recording)
    clock.pass_(timedelta(minutes=1))
    assert is_work_due(clock())["reports"]
    assert upload(clock)
    assert row().state == State.READY
    with pytest.raises(ServiceError, match="at the carrier"):
        upload_again(media=row(), actor=boss)
    clock.pass_(RECHECK)
    assert {claimed.voicemail_id for claimed in batch(clock).claims} == {first.id, later.id}


@pytest.mark.parametrize("fault", ["api", "storage", "network"])
def test_a_failed_upload_is_tried_again_later_and_only_while_somebody_waits(
    vendor, use_case, recording, clock, fault: str
) -> None:
    queue(use_case, recording)
    batch(clock)
    vendor.answers[CREATE], vendor.answers[STORE] = (
        ([500] if fault == "api" else []),
        [403] if fault == "storage" else [],
    )
    lost = TransportFailure(Proof.UNKNOWN, "No whole response in time.")
    upload(clock, (lambda _: lost) if fault == "network" else over_http)
    assert (row().state, row().due_at) == (State.FAILED, clock() + FIRST_WAIT)
    assert row().error.endswith(".")
    clock.pass_(RECHECK)
    assert batch(clock).waits
    assert not upload(clock)  # too soon
    clock.pass_(FIRST_WAIT)
    assert not upload(clock)  # nobody has asked since
    assert batch(clock).waits
    assert upload(clock)
    assert (row().state, row().attempts) == (State.READY, 2)


@pytest.mark.parametrize(
    ("asked", "wait"), [("40", timedelta(seconds=40)), ("9999", timedelta(hours=1)), ("1", FIRST_WAIT)]
)
def test_an_upload_that_came_too_soon_waits_as_long_as_the_carrier_asks(
    use_case, recording, clock, asked: str, wait: timedelta
) -> None:
    queue(use_case, recording)
    batch(clock)
    upload(clock, lambda _: CarrierResponse(429, b"", {"retry-after": asked}))
    assert (row().state, row().due_at) == (State.FAILED, clock() + wait)


@pytest.mark.parametrize(
    ("operation", "status", "opens"),
    [(CREATE, 401, True), (CREATE, 402, True), (CREATE, 403, True), (COMPLETE, 403, True), (STORE, 403, False)],
)
def test_an_upload_that_refuses_the_account_opens_the_breaker_and_one_that_the_storage_refuses_does_not(
    vendor, use_case, recording, clock, operation: str, status: int, opens: bool
) -> None:
    queue(use_case, recording)
    batch(clock)
    vendor.answers[operation] = [status]
    upload(clock)
    setup = TelephonySetup.objects.get()
    assert (setup.breaker_until is not None) is opens
    assert (f"It said: The carrier answered {status} to the upload." in setup.breaker_reason) is opens
    assert row().state == State.FAILED


def test_two_workers_never_upload_the_same_recording_at_once(use_case, recording, clock) -> None:
    queue(use_case, recording)
    batch(clock)
    others: list[bool] = []

    def meanwhile(request: CarrierRequest) -> CarrierResponse:
        others.append(upload(clock))
        return send(request)

    assert upload(clock, meanwhile)
    assert others == [False, False, False]


def test_after_a_worker_died_another_uploads_once_the_lease_is_over(vendor, use_case, recording, clock) -> None:
    queue(use_case, recording)
    batch(clock)

    def die(request: CarrierRequest) -> CarrierResponse:
        if request.method == "PUT":
            raise SystemExit
        return send(request)

    with pytest.raises(SystemExit):
        upload(clock, die)
    assert not upload(clock)
    clock.pass_(LEASE)
    assert is_work_due(clock())["reports"]
    assert upload(clock)
    assert row().state == State.READY
    assert vendor.ready == {row().media_id}


def test_a_worker_that_was_stopped_past_its_lease_asks_nothing_more_and_is_not_heard(
    vendor, use_case, recording, clock
) -> None:
    queue(use_case, recording)
    batch(clock)

    def stopped(request: CarrierRequest) -> CarrierResponse:
        answer = send(request)
        clock.pass_(LEASE)
        assert upload(clock)
        return answer

    upload(clock, stopped)
    assert (row().state, row().attempts, row().error) == (State.READY, 2, "")
    assert vendor.ledger.requests == {CREATE: 2, STORE: 1, COMPLETE: 1}


def test_a_recording_whose_file_is_gone_says_so(use_case, clock) -> None:
    queue(use_case, factories.make_recording(use_case.workspace))
    batch(clock)
    assert upload(clock)
    assert (row().state, row().error) == (State.FAILED, "The upload could not begin (FileNotFoundError).")


def test_expired_and_suppressed_voicemails_do_not_wait_for_an_upload(use_case, recording, clock) -> None:
    expired = queue(use_case, recording, expires_at=clock() - timedelta(seconds=1))
    batch(clock)
    expired.refresh_from_db()
    assert expired.status == "expired"
    assert not CarrierMedia.objects.exists()


def test_another_credential_may_be_another_account_and_uploads_anew(vendor, use_case, recording, clock) -> None:
    queue(use_case, recording)
    batch(clock)
    upload(clock)
    update_setup(setup=use_case.setup, credentials={"phone_line_id": "line-2"})
    clock.pass_(RECHECK)
    assert batch(clock).waits
    assert upload(clock)
    assert vendor.ledger.requests[CREATE] == 2
    assert carrier_media.media_id_of(use_case.setup_id, recording.id) == row().media_id
