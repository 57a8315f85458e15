"""A row that cannot be read, judged or written waits by itself and says why; it stops neither its lane nor another one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, OperationalError, connection, connections
from django.utils import timezone
from django_rq import get_connection

from delivery.carriers.base import DropRequest
from delivery.carriers.sandbox import Sandbox
from delivery.engine import claim as claiming
from delivery.engine import results, scheduler
from delivery.engine.circuit_breaker import MIN_SUBMISSIONS
from delivery.engine.claim import PUT_OFF_MINUTES, claim
from delivery.engine.lane_routes import active_routes
from delivery.engine.rate_limit import RateLimiter
from delivery.models import Drop, Lane, Voicemail
from delivery.models.voicemail import RECIPIENT
from delivery.transport.interface import CarrierRequest, CarrierResponse
from delivery.worker.maintenance import expire, expire_leases
from rvm.platform.encryption.crypto import cipher
from tests import factories
from tests.delivery.engine.test_scheduler import dispatch
from tests.delivery.fake_carrier import FakeTransport, accepted
from tests.delivery.states import both, counter_totals, row_counts, state
from tests.random_text import without_ids
from usecases import rendezvous
from usecases.models import TelephonySetup

pytestmark = pytest.mark.django_db
LEASE = timedelta(seconds=45)


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    get_connection("dispatch").flushdb()


@pytest.fixture(autouse=True)
def _reaches_people(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that zones are asked for."""
    monkeypatch.setattr(Sandbox, "simulated", False)


def written(column: str, value: Any) -> Callable[[Voicemail], None]:
    """As nothing of ours writes it: a restored backup, another version, a hand in the database."""

    def spoil(voicemail: Voicemail) -> None:
        connection.cursor().execute(f"UPDATE delivery_voicemail SET {column} = %s WHERE id = %s", [value, voicemail.pk])

    return spoil


def encrypted(text: bytes) -> Callable[[Voicemail], None]:
    def spoil(voicemail: Voicemail) -> None:
        data = RECIPIENT.associated_data(voicemail.workspace_id, voicemail.pk)
        written("recipient", cipher().encrypt(text, data))(voicemail)

    return spoil


SPOILT: dict[str, Callable[[Voicemail], object]] = {
    "a zone that does not exist": written("zones", ["Mars/Phobos"]),
    "a zone that is a folder": written("zones", ["America"]),
    "a zone that is a path": written("zones", ["../../etc/passwd"]),
    "an empty zone": written("zones", [""]),
    "a number that does not open": written("recipient", b"\x01\x02"),
    "a number that is none": lambda row: (encrypted(b"nobody")(row), written("zones", None)(row)),
    "a number that is no text": encrypted(b"\xff\xfe"),
    "a time that is no time": written("expires_at", "infinity"),
    "a time after the calendar": written("expires_at", "12000-01-01"),
    "tries beyond all counting": written("attempts", 2**31 - 1),
}


def make_lane() -> Lane:
    """Open at all hours, because these tests run at any."""
    use_case = factories.make_use_case(**factories.AROUND_THE_CLOCK)
    return factories.make_lane(use_case)


def make_row(lane: Lane, number: int = 0) -> Voicemail:
    return factories.make_voicemail(lane=lane, recipient=f"+1202555{100 + number:04}", zones=["UTC"])


@pytest.mark.parametrize("place", [0, 2, 4])
@pytest.mark.parametrize("spoil", SPOILT.values(), ids=list(SPOILT))
def test_a_bad_row_waits_and_says_why_while_the_others_of_its_lane_go(
    spoil: Callable[[Voicemail], object], place: int, caplog: pytest.LogCaptureFixture
) -> None:
    lane = make_lane()
    rows = [make_row(lane, number) for number in range(5)]
    bad = rows[place]
    spoil(bad)
    before = timezone.now()
    transport = FakeTransport()
    dispatch(transport)
    values = dict(Voicemail.objects.values_list("pk", "status"))
    assert [values[row.pk] for row in rows] == ["queued" if row is bad else "accepted" for row in rows]
    assert len(transport.sent) == 4
    # What a person sees of it, on its page and in the API, and where its operator finds more.
    [(text, not_before, code)] = Voicemail.objects.filter(pk=bad.pk).values_list(
        "carrier_text", "not_before", "carrier_code"
    )
    assert text.endswith(".") and "operator" in text and f"{PUT_OFF_MINUTES} minutes" in text
    assert code == ""
    assert not_before >= before + timedelta(minutes=PUT_OFF_MINUTES - 1)
    assert str(bad.pk) in caplog.text
    assert "202555" not in without_ids(caplog.text) and "202555" not in text
    assert counter_totals(lane.pk) == row_counts(lane.pk)


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=list(SPOILT))
def test_a_lane_of_bad_rows_only_stops_no_other_lane(spoil: Callable[[Voicemail], object]) -> None:
    bad, good = make_lane(), make_lane()
    spoilt = [make_row(bad, number) for number in range(12)]
    for row in spoilt:
        spoil(row)
    fine = [make_row(good, number) for number in range(3)]
    dispatch(FakeTransport())
    assert {state(row)[0] for row in fine} == {"accepted"}
    assert set(Voicemail.objects.filter(lane=bad).values_list("status", flat=True)) == {"queued"}


def test_a_row_that_is_put_right_is_sent_at_its_next_look() -> None:
    lane = make_lane()
    bad = make_row(lane)
    SPOILT["a zone that does not exist"](bad)
    dispatch(FakeTransport())
    Voicemail.objects.update(zones=["UTC"], not_before=timezone.now())
    dispatch(FakeTransport())
    bad.refresh_from_db()
    assert (bad.status, bad.carrier_text) == ("accepted", "")


@pytest.mark.parametrize("name", ["a zone that does not exist", "a number that is none", "tries beyond all counting"])
def test_a_bad_row_ends_with_its_time_like_any_other(name: str) -> None:
    bad = make_row(make_lane())
    SPOILT[name](bad)
    dispatch(FakeTransport())
    expire(timezone.now() + timedelta(hours=80))
    assert state(bad) == ("expired", "expired")


def test_no_more_start_than_were_granted_where_a_claim_is_taken_apart() -> None:
    lane = make_lane()
    rows = [make_row(lane, number) for number in range(9)]
    SPOILT["tries beyond all counting"](rows[1])
    now = timezone.now()
    [route] = active_routes(now, 100)
    batch = claim(route, 4, now, LEASE)
    assert [claimed.voicemail_id for claimed in batch.claims] == [rows[place].pk for place in (0, 2, 3, 4)]
    assert Drop.objects.count() == 4
    assert Voicemail.objects.filter(status="queued", not_before__lte=now).count() == 4


def test_a_sender_that_cannot_be_chosen_puts_off_its_own_row(monkeypatch: pytest.MonkeyPatch) -> None:
    lane = make_lane()
    rows = [make_row(lane, number) for number in range(3)]
    choose = rendezvous.choose_sender

    def failing(index: bytes, *args: Any, **options: Any) -> str | None:
        if index == bytes(rows[1].recipient_index):
            raise RuntimeError("no such sender")
        return choose(index, *args, **options)

    monkeypatch.setattr(claiming, "choose_sender", failing)
    dispatch(FakeTransport())
    assert [state(row)[0] for row in rows] == ["accepted", "queued", "accepted"]


def test_a_result_that_cannot_be_written_keeps_no_other_from_being_written(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lane = make_lane()
    rows = [make_row(lane, number) for number in range(5)]
    conclude = results.resolve_submission

    def failing(submission: Any, *args: Any, **options: Any) -> Any:
        if submission.carrier_reference == "carrier-bad":
            raise OverflowError("date value out of range")
        return conclude(submission, *args, **options)

    monkeypatch.setattr(results, "resolve_submission", failing)
    bad = rows[2].recipient.encode()

    def answer(request: CarrierRequest) -> Any:
        taken = CarrierResponse(202, b'{"id": "carrier-bad", "status": "accepted"}')
        return taken if bad in request.body else accepted(request)

    dispatch(FakeTransport(answer))
    assert [state(row)[0] for row in rows] == ["accepted", "accepted", "sending", "accepted", "accepted"]
    assert "result_not_written" in caplog.text and str(Drop.objects.get(voicemail=rows[2]).pk) in caplog.text
    expire_leases(timezone.now() + timedelta(minutes=5))
    assert both(Drop.objects.get(voicemail=rows[2])) == ("uncertain", "", "uncertain", "")


def test_requests_that_cannot_be_built_say_nothing_about_the_carrier(monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = make_lane(), make_lane()
    Lane.objects.filter(pk=good.pk).update(use_case=bad.use_case, workspace=bad.workspace)
    numbers = [make_row(bad, number).recipient for number in range(MIN_SUBMISSIONS + 5)]
    build = Sandbox.submit_request

    def submit_request(self: Sandbox, drop: DropRequest) -> CarrierRequest:
        if drop.recipient in numbers:
            raise ValueError("cannot encode")
        return build(self, drop)

    monkeypatch.setattr(Sandbox, "submit_request", submit_request)
    dispatch(FakeTransport(), seconds=0.5)
    assert Drop.objects.filter(status="not_sent").count() >= MIN_SUBMISSIONS
    assert TelephonySetup.objects.get(pk=bad.use_case.setup_id).breaker_until is None
    other = factories.make_voicemail(lane=Lane.objects.get(pk=good.pk), recipient="+12025550199", zones=["UTC"])
    dispatch(FakeTransport(), seconds=0.5)
    assert state(other)[0] == "accepted"


SPOILT_LANES = {
    "days that are none": "UPDATE delivery_lane SET days = '{0,8}' WHERE id = %s",
    "an end that is no time": "UPDATE delivery_lane SET expires_at = 'infinity' WHERE id = %s",
    "an hour that the day has not": "UPDATE delivery_lane SET window_end = '24:00' WHERE id = %s",
    "a pace that is none": "UPDATE delivery_lane SET pace_per_second = 0 WHERE id = %s",
    "a pace that is no number": "UPDATE delivery_lane SET pace_per_second = 'NaN' WHERE id = %s",
}


@pytest.mark.parametrize("spoilt", list(SPOILT_LANES))
def test_a_lane_that_cannot_be_read_waits_by_itself(spoilt: str) -> None:
    lanes = sorted((make_lane() for _ in range(3)), key=lambda lane: lane.pk)
    rows = [make_row(lane) for lane in lanes for _ in range(2)]
    Voicemail.objects.update(expires_at=None)
    connection.cursor().execute(SPOILT_LANES[spoilt], [lanes[1].pk])
    dispatch(FakeTransport(), seconds=0.5)
    values = dict(Voicemail.objects.values_list("pk", "status"))
    others = [values[row.pk] for row in rows if row.lane_id != lanes[1].pk]
    assert others == ["accepted"] * 4
    assert Voicemail.objects.filter(lane=lanes[1], status__in=["queued", "accepted"]).count() == 2


def failing_for(lane: Lane, error: Exception) -> Callable[..., Any]:
    def claim_or_fail(route: Any, *args: Any) -> Any:
        if route.lane_id == lane.pk:
            raise error
        return claim(route, *args)

    return claim_or_fail


@pytest.mark.parametrize("error", [OperationalError("deadlock detected"), DataError("bad"), RuntimeError("a bug")])
def test_a_lane_that_always_fails_stops_no_other_lane(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    lanes = sorted((make_lane() for _ in range(5)), key=lambda lane: lane.pk)
    rows = [make_row(lane) for lane in lanes]
    monkeypatch.setattr(scheduler, "claim", failing_for(lanes[0], error))
    limiter = RateLimiter(get_connection("dispatch"), "worker-1")
    looks = scheduler.ClaimScheduler(limiter, clock=lambda: 100.0, now=timezone.now, lease=LEASE, http_timeout=15)
    turn = looks.turn([], 100, {})
    assert [flight.claim.voicemail_id for flight in turn.claimed] == [row.pk for row in rows[1:]]
    assert looks.turn([], 100, {}).left is isinstance(error, OperationalError)  # it passes, and is waited for


def test_a_database_that_does_not_answer_ends_the_turn_with_what_was_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    lanes = sorted((make_lane() for _ in range(3)), key=lambda lane: lane.pk)
    rows = [make_row(lane) for lane in lanes]
    monkeypatch.setattr(scheduler, "claim", failing_for(lanes[1], OperationalError("the connection is lost")))
    monkeypatch.setattr(connections["default"], "is_usable", lambda: False)
    limiter = RateLimiter(get_connection("dispatch"), "worker-1")
    looks = scheduler.ClaimScheduler(limiter, clock=lambda: 100.0, now=timezone.now, lease=LEASE, http_timeout=15)
    looks._turns = -1  # the first lane first
    turn = looks.turn([], 100, {})
    assert [flight.claim.voicemail_id for flight in turn.claimed] == [rows[0].pk]
    assert (turn.left, turn.wait) == (True, scheduler.REDIS_WAIT)
