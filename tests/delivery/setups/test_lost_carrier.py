"""A setup whose carrier is not installed any more stops nothing else: its voicemails wait, and what its carrier said still counts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django_rq import get_connection

from delivery.engine.rate_limit import RateLimiter
from delivery.engine.scheduler import ClaimScheduler
from delivery.lifecycle.events import Report, ReportStatus
from delivery.lifecycle.reasons import Reason
from delivery.models import Drop, Voicemail
from delivery.reports.inbox import merge, receive
from delivery.reports.reconciliation import reconcile
from delivery.services.eligibility import waiting_for
from delivery.worker import maintenance
from rvm.platform.database.clock import database_now
from rvm.platform.models import FailedWork
from tests.delivery.fake_carrier import FakeTransport
from tests.delivery.states import both, make_submitted
from tests.factories import AROUND_THE_CLOCK, make_setup, make_use_case, make_voicemail
from usecases.models import TelephonySetup
from usecases.services import delete_setup
from usecases.suppressions import is_suppressed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty_redis() -> None:
    get_connection("dispatch").flushdb()


def limiter() -> RateLimiter:
    return RateLimiter(get_connection("dispatch"), "worker-1")


def test_its_voicemails_wait_and_those_of_others_are_sent() -> None:
    lost = make_voicemail(make_use_case(setup=make_setup(carrier="gone", simulated=True), **AROUND_THE_CLOCK))
    other = make_voicemail(make_use_case(**AROUND_THE_CLOCK), recipient="+12025550143")
    scheduler = ClaimScheduler(
        limiter(), clock=lambda: 0.0, now=timezone.now, lease=timedelta(seconds=45), http_timeout=15
    )
    assert [each.claim.voicemail_id for each in scheduler.turn([], 10, {}).claimed] == [other.pk]
    lost.refresh_from_db()
    assert (lost.status, lost.attempts, waiting_for([lost])) == ("queued", 0, {lost.pk: "carrier_gone"})
    failed = FailedWork.objects.get(kind="setup")
    assert (failed.subject, "its carrier is unknown" in failed.reason) == (str(lost.setup_id), True)


def test_an_unclear_attempt_stays_unclear_until_its_horizon_and_nothing_is_asked() -> None:
    now = database_now()
    drop = make_submitted("uncertain", drop={"status": "uncertain", "due_at": now, "created_at": now})
    TelephonySetup.objects.update(carrier="gone")
    transport = FakeTransport()
    assert reconcile(transport, limiter()) == 0
    assert (transport.sent, both(drop)[::2]) == ([], ("uncertain", "uncertain"))
    TelephonySetup.objects.update(confirm_horizon_hours=1)
    maintenance.fail_unconfirmed(now + timedelta(hours=2))
    assert both(drop)[:2] == ("failed", "unconfirmed")


def test_what_its_carrier_said_before_still_counts() -> None:
    drop = make_submitted("accepted")
    report = Report(drop.id, ReportStatus.FAILED, None, reason=Reason.OPTED_OUT)
    receive(drop.setup_id, b"{}", [report])
    TelephonySetup.objects.update(carrier="gone")
    assert merge(database_now()) == 1
    assert both(drop)[:2] == ("failed", "opted_out")
    voicemail = Voicemail.objects.get()
    assert voicemail.recipient is not None and is_suppressed(drop.workspace_id, voicemail.recipient)


def test_it_is_deleted_like_any_other() -> None:
    setup = make_setup(carrier="gone")
    delete_setup(setup=setup)
    setup.refresh_from_db()
    assert setup.deleted_at is not None
    assert not Drop.objects.exists()
