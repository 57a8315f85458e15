"""A carrier that accepts every drop and reports only later that the account is refused: an acceptance closes no breaker."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from django_rq import get_connection

from delivery.engine import circuit_breaker
from delivery.engine.circuit_breaker import FIRST_OPENING, MAX_OPENING_LENGTH, REPORT_WAIT
from delivery.engine.dispatcher import Dispatcher
from delivery.engine.rate_limit import RateLimiter
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import Reason
from delivery.models import Drop, Voicemail
from delivery.reports.inbox import merge, receive
from rvm.platform.database.clock import database_now
from tests.delivery.fake_carrier import FakeTransport, Inline, timed_out
from tests.factories import AROUND_THE_CLOCK, make_setup, make_use_case, make_voicemail
from usecases.models import TelephonySetup, UseCase

pytestmark = pytest.mark.django_db
A_MOMENT = timedelta(seconds=1)
FEW, HUNDREDS = 5, 300


class Campaign:
    """Voicemails of one setup at a clock of their own."""

    def __init__(self) -> None:
        get_connection("dispatch").flushdb()
        self.now: datetime = database_now()
        setup = make_setup(pace_per_second=100_000, in_flight_cap=10_000)
        self.use_case: UseCase = make_use_case(setup=setup, **AROUND_THE_CLOCK)
        self.queue(FEW)

    def queue(self, count: int) -> None:
        for _ in range(count):
            make_voicemail(self.use_case, not_before=self.now - timedelta(days=1))

    def send(self, transport: FakeTransport | None = None, worker: str = "worker-1") -> list[Drop]:
        """The drops of which a request leaves."""
        before = set(Drop.objects.values_list("pk", flat=True))
        limiter = RateLimiter(get_connection("dispatch"), worker)
        Dispatcher(transport or FakeTransport(), limiter, Inline(), http_timeout=15, now=lambda: self.now).run(3)
        return list(Drop.objects.exclude(pk__in=before).order_by("pk"))

    def hear(self, drops: Iterable[Drop], reason: Reason | None, *, unsigned: bool = False) -> None:
        """The carrier's reports on the drops, delivered where there is no reason."""
        status = ReportStatus.FAILED if reason else ReportStatus.DELIVERED
        for drop in drops:
            receive(drop.setup_id, b"{}", [Report(drop.pk, status, None, reason=reason, unsigned=unsigned)])
        while merge(self.now):
            pass

    def wait(self, span: timedelta) -> None:
        self.now += span

    def wait_for_the_breaker(self) -> None:
        until = self.setup.breaker_until
        assert until is not None
        self.now = until + A_MOMENT

    @property
    def setup(self) -> TelephonySetup:
        return TelephonySetup.objects.get(pk=self.use_case.setup_id)

    @property
    def queued(self) -> int:
        return Voicemail.objects.filter(status="queued").count()


@pytest.fixture
def campaign() -> Campaign:
    """Its first few were accepted and then reported as refused: the key was revoked meanwhile."""
    made = Campaign()
    first = made.send()
    assert len(first) == FEW
    made.wait(A_MOMENT)
    made.hear(first, Reason.CARRIER_ACCOUNT)
    made.queue(FEW)
    return made


def test_of_hundreds_only_the_probes_are_lost_while_the_account_is_refused(campaign: Campaign) -> None:
    campaign.queue(HUNDREDS - FEW)
    for openings in range(1, 9):
        assert campaign.setup.breaker_openings == openings
        assert campaign.send() == []
        campaign.wait_for_the_breaker()
        [probe] = campaign.send()
        assert campaign.setup.breaker_openings == openings  # an acceptance neither closes nor opens it
        campaign.wait(A_MOMENT)
        campaign.hear([probe], Reason.CARRIER_ACCOUNT)
        longer = min(FIRST_OPENING * 2**openings, MAX_OPENING_LENGTH)
        assert campaign.setup.breaker_until == campaign.now + longer
    assert campaign.queued == HUNDREDS - 8


@pytest.mark.parametrize("end", [None, Reason.NO_ANSWER, Reason.RECORDING_REFUSED])
def test_a_probe_that_ends_otherwise_lets_everybody_go(campaign: Campaign, end: Reason | None) -> None:
    campaign.wait_for_the_breaker()
    [probe] = campaign.send()
    assert campaign.send() == []
    campaign.wait(A_MOMENT)
    campaign.hear([probe], end)
    setup = campaign.setup
    assert (setup.breaker_until, setup.breaker_reason, setup.breaker_openings, setup.breaker_reported_at) == (
        None,
        "",
        0,
        None,
    )
    assert len(campaign.send()) == FEW - 1


def test_a_probe_of_which_nothing_is_heard_is_followed_by_another_and_either_may_decide(campaign: Campaign) -> None:
    probes = []
    for _ in range(3):
        campaign.wait_for_the_breaker()
        probes += campaign.send()
        assert campaign.setup.breaker_until == campaign.now + REPORT_WAIT
        assert campaign.send(worker="worker-2") == []
    assert (len(probes), campaign.setup.breaker_openings) == (3, 1)
    campaign.hear(probes[:1], None)
    assert len(campaign.send()) == FEW - 3


def test_a_redis_that_forgets_everything_sends_no_second_probe(campaign: Campaign) -> None:
    campaign.wait_for_the_breaker()
    assert len(campaign.send()) == 1
    get_connection("dispatch").flushdb()
    assert campaign.send(worker="worker-2") == []


def test_a_report_that_overtakes_the_answer_of_its_probe_decides(campaign: Campaign) -> None:
    campaign.wait_for_the_breaker()
    [probe] = campaign.send()
    for end, state in ((Reason.NO_FUNDS, campaign.now + FIRST_OPENING * 2), (None, None)):
        TelephonySetup.objects.update(breaker_until=campaign.now, breaker_openings=1)
        Drop.objects.filter(pk=probe.pk).update(status="accepted", reason="")
        TelephonySetup.objects.update(breaker_reported_at=probe.created_at - A_MOMENT)
        campaign.hear([probe], end)
        answer = [Submission(Outcome.ACCEPTED)]
        circuit_breaker.evaluate(get_connection("dispatch"), probe.setup_id, answer, campaign.now, probing=True)
        assert campaign.setup.breaker_until == state


def test_what_was_sent_before_the_report_neither_closes_it_nor_opens_it_for_longer() -> None:
    campaign = Campaign()
    first, second, *late = campaign.send()
    campaign.wait(A_MOMENT)
    campaign.hear([first], Reason.NO_FUNDS)
    opened = campaign.setup
    assert (opened.breaker_openings, opened.breaker_reported_at) == (1, campaign.now)
    campaign.wait_for_the_breaker()
    campaign.hear([second], None)
    campaign.hear(late, Reason.NO_FUNDS)
    now = campaign.setup
    assert (now.breaker_until, now.breaker_openings) == (opened.breaker_until, 1)


def test_of_reports_that_come_together_the_refusal_counts(campaign: Campaign) -> None:
    probes = []
    for _ in range(2):
        campaign.wait_for_the_breaker()
        probes += campaign.send()
    campaign.wait(A_MOMENT)
    for drop, reason in zip(probes, (None, Reason.CARRIER_ACCOUNT), strict=True):
        status = ReportStatus.FAILED if reason else ReportStatus.DELIVERED
        receive(drop.setup_id, b"{}", [Report(drop.pk, status, None, reason=reason)])
    merge(campaign.now)
    assert campaign.setup.breaker_until == campaign.now + FIRST_OPENING * 2


def test_a_report_that_proves_nothing_does_not_close_it(campaign: Campaign) -> None:
    campaign.wait_for_the_breaker()
    [probe] = campaign.send()
    campaign.wait(A_MOMENT)
    campaign.hear([probe], Reason.NO_ANSWER, unsigned=True)
    assert campaign.setup.breaker_until is not None


def test_a_probe_that_gets_no_clear_answer_opens_it_for_longer_and_its_acceptance_still_closes_nothing(
    campaign: Campaign,
) -> None:
    campaign.wait_for_the_breaker()
    assert len(campaign.send(FakeTransport(timed_out))) == 1
    assert campaign.setup.breaker_openings == 2
    campaign.wait_for_the_breaker()
    assert len(campaign.send()) == 1
    assert campaign.setup.breaker_until == campaign.now + REPORT_WAIT


def test_a_person_closes_it_by_hand_all_the_same(campaign: Campaign) -> None:
    assert circuit_breaker.close(campaign.use_case.setup_id)
    assert campaign.setup.breaker_reported_at is None
    assert len(campaign.send()) == FEW
