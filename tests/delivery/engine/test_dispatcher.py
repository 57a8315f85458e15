"""The engine's loop over real tables and a real limiter, with a carrier in memory."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from django_rq import get_connection

from delivery.engine.dispatcher import Dispatcher
from delivery.engine.rate_limit import RateLimiter
from delivery.lifecycle.outcomes import lookup_wait
from delivery.models import Drop, LaneDelta, Voicemail
from delivery.transport.interface import CarrierResponse
from delivery.worker.maintenance import expire_leases, fail_unconfirmed, fail_unreported, roll_up_counts
from tests import factories
from tests.delivery.fake_carrier import FakeTransport, Inline, accepted, refused_connection, timed_out

pytestmark = pytest.mark.django_db


def dispatch(
    transport: FakeTransport, *, executor: Executor | None = None, seconds: float = 5, **options: Any
) -> Dispatcher:
    limiter = RateLimiter(get_connection("dispatch"), "worker-1")
    dispatcher = Dispatcher(transport, limiter, executor or Inline(), http_timeout=15, **options)
    dispatcher.run(seconds)
    return dispatcher


def state(voicemail: Voicemail) -> tuple[str, str]:
    voicemail.refresh_from_db()
    return voicemail.status, voicemail.reason


def test_a_due_voicemail_is_submitted_once_and_accepted() -> None:
    voicemail = factories.make_voicemail()
    transport = FakeTransport()
    dispatch(transport)
    dispatch(transport)
    assert state(voicemail) == ("accepted", "")
    drop = Drop.objects.get(voicemail=voicemail)
    assert (drop.status, drop.number, drop.carrier_reference) == ("accepted", 1, "carrier-1")
    assert drop.id == voicemail.drop_id
    assert voicemail.sending_at and voicemail.accepted_at and voicemail.ended_at is None
    assert len(transport.sent) == 1


def test_what_is_not_due_or_held_waits() -> None:
    later = factories.make_voicemail(not_before=timezone.now() + timedelta(hours=1))
    held = factories.make_voicemail(lane=factories.make_lane(held=True))
    transport = FakeTransport()
    dispatch(transport)
    assert state(later) == state(held) == ("queued", "")
    assert transport.sent == []


def test_a_proved_failure_to_send_queues_it_again_with_a_wait() -> None:
    voicemail = factories.make_voicemail()
    dispatch(FakeTransport(refused_connection))
    assert state(voicemail) == ("queued", "")
    assert voicemail.not_before > timezone.now() - timedelta(seconds=5)
    assert Drop.objects.get(voicemail=voicemail).status == "not_sent"


def test_what_could_not_be_sent_for_a_year_is_tried_again() -> None:
    """Every five minutes until it expires: more often than a short number counts."""
    voicemail = factories.make_voicemail(attempts=32_767)
    dispatch(FakeTransport(refused_connection))
    Voicemail.objects.update(not_before=timezone.now())
    dispatch(FakeTransport())
    assert state(voicemail) == ("accepted", "")
    assert list(Drop.objects.order_by("number").values_list("number", flat=True)) == [32_768, 32_769]


def test_a_time_out_is_uncertain_and_is_not_sent_again() -> None:
    voicemail = factories.make_voicemail()
    transport = FakeTransport(timed_out)
    dispatch(transport)
    dispatch(transport)
    assert state(voicemail) == ("uncertain", "")
    assert len(transport.sent) == 1


def test_a_refusal_ends_it_with_the_carriers_reason() -> None:
    voicemail = factories.make_voicemail()
    dispatch(FakeTransport(lambda _: CarrierResponse(422, b'{"code":"refused","message":"no"}')))
    assert state(voicemail)[0] == "failed"
    assert voicemail.ended_at is not None


def test_a_suppressed_number_is_skipped_at_the_claim() -> None:
    voicemail = factories.make_voicemail()
    factories.make_suppression(voicemail.workspace)
    transport = FakeTransport()
    dispatch(transport)
    assert state(voicemail) == ("skipped", "suppressed")
    assert transport.sent == []


@pytest.mark.parametrize("switch", ["workspace", "use_case", "setup"])
def test_a_kill_switch_leaves_it_queued(switch: str) -> None:
    voicemail = factories.make_voicemail()
    row: Any = {"workspace": voicemail.workspace, "use_case": voicemail.use_case, "setup": voicemail.use_case.setup}[
        switch
    ]
    setattr(row, "enabled" if switch == "setup" else "sending_enabled", False)
    row.save()
    transport = FakeTransport()
    dispatch(transport)
    assert state(voicemail) == ("queued", "")
    assert transport.sent == []


def test_an_expired_voicemail_is_not_sent() -> None:
    voicemail = factories.make_voicemail(expires_at=timezone.now() - timedelta(seconds=1))
    transport = FakeTransport()
    dispatch(transport)
    assert state(voicemail) == ("expired", "expired")
    assert transport.sent == []


def test_a_worker_that_was_stopped_past_its_lease_sends_nothing() -> None:
    voicemail = factories.make_voicemail()
    transport = FakeTransport()
    moment = 0.0

    class StoppedAfterTheClaim(Inline):
        def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
            nonlocal moment
            future = super().submit(*args, **kwargs)
            moment += 1000.0
            return future

    dispatch(transport, executor=StoppedAfterTheClaim(), clock=lambda: moment, seconds=2500)
    assert transport.sent == []
    assert Drop.objects.get(voicemail=voicemail).status == "not_sent"


def test_an_ended_lease_makes_the_voicemail_uncertain_and_never_queued() -> None:
    now = timezone.now()
    voicemail = claimed_voicemail(now - timedelta(minutes=2))
    assert expire_leases(now) == 1
    assert state(voicemail) == ("uncertain", "")
    assert Drop.objects.get().due_at == now + lookup_wait(0)


def claimed_voicemail(lease_until: datetime) -> Voicemail:
    """A voicemail whose worker has died after the claim."""
    voicemail = factories.make_voicemail()

    class Dying(FakeTransport):
        def submit(self, request: Any, context: Any) -> None:
            raise SystemExit

    with pytest.raises(SystemExit):
        dispatch(Dying())
    Drop.objects.update(due_at=lease_until)
    assert state(voicemail) == ("sending", "")
    return voicemail


def test_silence_past_the_horizons_fails_as_unreported_and_unconfirmed() -> None:
    now = datetime.now(UTC)
    accepted_one, uncertain_one = factories.make_voicemail(), factories.make_voicemail()
    dispatch(FakeTransport(accepted))
    Voicemail.objects.filter(id=uncertain_one.id).update(status="uncertain")
    Drop.objects.filter(voicemail=uncertain_one).update(status="uncertain")
    assert fail_unreported(now) == fail_unconfirmed(now) == 0
    later = now + timedelta(hours=25)
    assert fail_unreported(later) == fail_unconfirmed(later) == 1
    assert state(accepted_one) == ("failed", "unreported")
    assert state(uncertain_one) == ("failed", "unconfirmed")


def test_counts_are_the_rows_before_and_after_a_fold() -> None:
    lane = factories.make_lane()
    for _ in range(5):
        factories.make_voicemail(lane=lane)
    dispatch(FakeTransport())
    assert counts(lane.id) == {("accepted", ""): 5}
    roll_up_counts()
    assert LaneDelta.objects.count() == 0
    assert counts(lane.id) == {("accepted", ""): 5}


def counts(lane_id: Any) -> dict[tuple[str, str], int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT status, reason, sum(n)::int FROM (SELECT status, reason, count AS n FROM delivery_lanecount WHERE lane_id = %s"
            " UNION ALL SELECT status, reason, delta FROM delivery_lanedelta WHERE lane_id = %s) x GROUP BY 1, 2 HAVING sum(n) <> 0",
            [lane_id, lane_id],
        )
        return {(status, reason): total for status, reason, total in cursor.fetchall()}
