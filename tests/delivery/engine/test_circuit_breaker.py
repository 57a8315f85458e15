"""The breaker of a setup: what opens it, what waits behind it, what closes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_rq import get_connection

from delivery.engine import circuit_breaker
from delivery.engine.circuit_breaker import Health, opening_reason
from delivery.engine.dispatcher import Dispatcher
from delivery.engine.rate_limit import RateLimiter
from delivery.lifecycle.events import Outcome, Submission
from delivery.lifecycle.reasons import Reason
from delivery.models import Voicemail
from delivery.transport.interface import CarrierResponse
from tests import factories
from tests.delivery.fake_carrier import FakeTransport, Inline, timed_out
from usecases.models import TelephonySetup

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_redis() -> None:
    get_connection("dispatch").flushdb()


def dispatch(transport: FakeTransport) -> None:
    Dispatcher(transport, RateLimiter(get_connection("dispatch"), "worker-1"), Inline(), http_timeout=15).run(3)


def use_case_with(count: int) -> Any:
    use_case = factories.make_use_case()
    for _ in range(count):
        factories.make_voicemail(use_case)
    return use_case


@pytest.mark.parametrize(
    ("health", "account", "opens"),
    [
        (Health(19, 19), None, False),
        (Health(20, 10), None, True),
        (Health(20, 9), None, False),
        (Health(1, 1), Reason.CARRIER_ACCOUNT, True),
        (Health(1, 0), Reason.NO_FUNDS, True),
    ],
)
def test_a_share_of_bad_ends_or_an_account_error_opens_it(health: Health, account: Reason | None, opens: bool) -> None:
    refused = Submission(Outcome.REFUSED, reason=account) if account else None
    assert (opening_reason(health, refused) is not None) is opens


def test_an_account_error_says_what_the_carrier_said_and_what_to_do_without_a_number() -> None:
    refused = Submission(Outcome.REFUSED, reason=Reason.NO_FUNDS, code="402", text="No credit for +1 202 555 0142.")
    assert opening_reason(Health(1, 0), refused) == (
        "The carrier account has no funds left. It said: 402 No credit for [number]. "
        "Add funds at the carrier; it is tried again by itself."
    )
    assert circuit_breaker.account_message(Reason.CARRIER_ACCOUNT) == (
        "The carrier refused the account's credentials or rights. Put them right and test the setup."
    )
    longest = circuit_breaker.account_message(Reason.CARRIER_ACCOUNT, "c" * 40, "t" * 500)
    assert len(longest) <= TelephonySetup._meta.get_field("breaker_reason").max_length


def test_a_silent_carrier_opens_it_and_the_rest_stays_queued() -> None:
    use_case = use_case_with(20)
    dispatch(FakeTransport(timed_out))
    late = factories.make_voicemail(use_case)
    transport = FakeTransport()
    dispatch(transport)
    late.refresh_from_db()
    setup = use_case.setup
    setup.refresh_from_db()
    assert late.status == "queued"
    assert transport.sent == []
    assert setup.breaker_until > timezone.now() + timedelta(seconds=20)
    assert setup.breaker_reason == "20 of the last 20 drops within a minute had no clear answer or a server error."


def test_a_refused_account_opens_it_at_once() -> None:
    use_case = use_case_with(1)
    dispatch(FakeTransport(lambda _: CarrierResponse(401, b'{"code":"unauthorized","message":"no"}')))
    use_case.setup.refresh_from_db()
    assert use_case.setup.breaker_reason == (
        "The carrier refused the account's credentials or rights. It said: unauthorized no. Put them right and test the setup."
    )


def test_openings_beyond_all_counting_open_it_all_the_same() -> None:
    use_case = use_case_with(1)
    TelephonySetup.objects.update(breaker_openings=32_767)
    dispatch(FakeTransport(lambda _: CarrierResponse(401, b'{"code":"unauthorized","message":"no"}')))
    use_case.setup.refresh_from_db()
    assert use_case.setup.breaker_until > timezone.now()


def test_a_probe_that_nobody_made_is_left_to_the_next_lane() -> None:
    """Its lane has only people who sleep or cannot be read; the other's voicemail shows that the carrier is well again."""
    use_case = use_case_with(1)
    Voicemail.objects.update(attempts=2**31 - 1)
    half_open(use_case)
    dispatch(FakeTransport())
    good = factories.make_voicemail(lane=factories.make_lane(use_case))
    dispatch(FakeTransport())
    good.refresh_from_db()
    use_case.setup.refresh_from_db()
    assert (good.status, use_case.setup.breaker_until) == ("accepted", None)


def half_open(use_case: Any) -> None:
    setup = use_case.setup
    setup.breaker_until, setup.breaker_reason, setup.breaker_openings = timezone.now(), "It failed.", 1
    setup.save()


def test_half_open_one_probe_goes_and_its_success_closes_it() -> None:
    use_case = use_case_with(5)
    half_open(use_case)
    sizes: list[int] = []

    class Watching(FakeTransport):
        def poll(self, seconds: float) -> Any:
            sizes.append(self.in_flight)
            return super().poll(seconds)

    transport = Watching()
    dispatch(transport)
    use_case.setup.refresh_from_db()
    assert sizes[0] == 1
    assert len(transport.sent) == 5
    assert (use_case.setup.breaker_until, use_case.setup.breaker_reason) == (None, "")


def test_half_open_a_failing_probe_opens_it_for_longer() -> None:
    use_case = use_case_with(5)
    half_open(use_case)
    transport = FakeTransport(timed_out)
    dispatch(transport)
    use_case.setup.refresh_from_db()
    assert len(transport.sent) == 1
    assert use_case.setup.breaker_openings == 2
    assert use_case.setup.breaker_until > timezone.now() + timedelta(seconds=50)


def test_throttling_is_no_failure_of_the_carrier() -> None:
    use_case = use_case_with(25)
    answer = CarrierResponse(429, b'{"code":"throttled","message":"slow down"}', {"retry-after": "1"})
    dispatch(FakeTransport(lambda _: answer))
    use_case.setup.refresh_from_db()
    assert use_case.setup.breaker_until is None
