"""Faults of the engine that a review reproduced: second messages, lost opt-outs, stranded rows, locks.

Each test states the right behaviour and is a strict expected failure under its fault's id until the fault is fixed; the commit
that fixes it takes the mark off.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone
from django_rq import get_connection

from campaigns.lifecycle.service import retry_failed
from delivery.engine import idle_lanes
from delivery.engine.claim import claim
from delivery.engine.lane_routes import active_routes
from delivery.engine.rate_limit import RateLimiter
from delivery.lifecycle import transitions
from delivery.lifecycle.events import Report, ReportStatus
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import VoicemailStatus
from delivery.models import Lane, Voicemail
from delivery.reports.inbox import merge, receive
from delivery.reports.reconciliation import reconcile
from delivery.services import retries
from delivery.setups.services import update_setup
from delivery.transport.interface import CarrierResponse
from delivery.worker import maintenance
from rvm.platform.database import sql
from rvm.platform.database.ids import uuid7
from rvm.platform.encryption import crypto
from tests import factories
from tests.delivery.fake_carrier import FakeTransport
from tests.delivery.states import both, make_submitted
from tests.sessions import Session
from usecases.suppressions import is_suppressed

pytestmark = pytest.mark.django_db
SOON = timedelta(seconds=1)


@pytest.mark.parametrize("batches", [1, 2])
def test_failed_then_delivered_makes_no_second_drop_wherever_a_batch_ends(batches: int) -> None:
    drop = make_submitted("accepted", use_case=factories.make_use_case(max_attempts=3))
    now = timezone.now()
    receive(drop.setup_id, b"{}", [Report(drop.id, ReportStatus.FAILED, now, reason=Reason.NO_ANSWER)])
    if batches == 2:
        assert merge(now) == 1
    receive(drop.setup_id, b"{}", [Report(drop.id, ReportStatus.DELIVERED, now)])
    while merge(now):
        pass
    assert both(drop) == ("delivered", "", "delivered", "")


def opted_out() -> Report:
    """As a carrier says it that does not repeat our key."""
    return Report(
        None,
        ReportStatus.FAILED,
        timezone.now(),
        carrier_reference="vendor-1",
        reason=Reason.OPTED_OUT,
        recipient=factories.RECIPIENT,
    )


def test_an_opt_out_suppresses_the_person_while_two_drops_to_them_are_open() -> None:
    first = make_submitted("accepted")
    make_submitted("accepted", use_case=first.voicemail.use_case)
    receive(first.setup_id, b"{}", [opted_out()])
    merge(timezone.now() + SOON)
    assert is_suppressed(first.workspace_id, factories.RECIPIENT)


@pytest.fixture
def index_key_added() -> Iterator[Callable[[], None]]:
    """Calling it makes a second index key the current one, as an operator's rotation does."""
    ring = crypto.KeyRing({**settings.RVM_INDEX_KEYS.keys, 2: bytes(range(100, 132))}, 2)
    override = override_settings(RVM_INDEX_KEYS=ring)
    enabled = []

    def add() -> None:
        override.enable()
        enabled.append(True)
        crypto.blind_index.cache_clear()

    yield add
    if enabled:
        override.disable()
    crypto.blind_index.cache_clear()


def test_an_opt_out_finds_its_person_after_an_index_key_was_added(index_key_added: Callable[[], None]) -> None:
    drop = make_submitted("accepted")
    index_key_added()
    receive(drop.setup_id, b"{}", [opted_out()])
    merge(timezone.now() + SOON)
    assert is_suppressed(drop.workspace_id, factories.RECIPIENT)
    assert both(drop) == ("failed", "opted_out", "failed", "opted_out")


@pytest.mark.django_db(transaction=True)
def test_a_report_that_overtakes_the_confirmation_horizon_strands_nothing() -> None:
    now = timezone.now()
    old = now - timedelta(hours=25)
    lost = {"status": "uncertain", "created_at": old, "due_at": now + timedelta(hours=1)}
    drop = make_submitted("uncertain", drop=lost)
    receive(drop.setup_id, b"{}", [Report(drop.id, ReportStatus.ACCEPTED, now)])
    # Only a wait is added, between the statement's snapshot and its first lock.
    gate = "(SELECT pg_advisory_xact_lock(4711)) IS NOT NULL"
    halting = maintenance._FIND_UNCONFIRMED.replace("WHERE d.status", f"WHERE {gate} AND d.status")
    with patch.object(maintenance, "_FIND_UNCONFIRMED", halting), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(4711)")
        tick = Session(lambda: maintenance.fail_unconfirmed(now))
        tick.wait_until_blocked()
        merge(now)
        cursor.execute("SELECT pg_advisory_unlock(4711)")
        tick.result()
    assert both(drop) == ("accepted", "", "accepted", "")
    maintenance.fail_unreported(now + timedelta(days=30))
    assert both(drop) == ("failed", "unreported", "failed", "unreported")


def test_a_drop_is_never_submitted_again_to_another_account() -> None:
    credentials = {"base_url": "http://127.0.0.1:1", "key": "account-one", "signing_secret": "s"}
    setup = factories.make_setup(credentials=credentials)
    now = timezone.now()
    uncertain = {"status": "uncertain", "created_at": now, "due_at": now}
    make_submitted("uncertain", use_case=factories.make_use_case(setup=setup), drop=uncertain)
    # Half a minute later another account is entered on a web host whose clock is a minute slow.
    with patch("django.utils.timezone.now", lambda: now - timedelta(seconds=30)):
        update_setup(setup=setup, credentials={"key": "account-two"})

    def answer(request: object) -> CarrierResponse:
        never_seen = CarrierResponse(404, b'{"code":"never_seen"}')
        taken = CarrierResponse(202, b'{"id":"c-9","status":"accepted"}')
        return never_seen if request.method == "GET" else taken  # type: ignore[attr-defined]

    transport = FakeTransport(answer)
    reconcile(transport, RateLimiter(get_connection("dispatch"), "x"), lambda: now + timedelta(seconds=40))
    assert [request.method for request in transport.sent if request.method != "GET"] == []


@pytest.mark.django_db(transaction=True)
def test_retry_failed_and_the_merging_of_reports_do_not_wait_for_each_other() -> None:
    campaign = factories.make_campaign(state="running")
    uncertain = make_submitted("uncertain", lane=campaign.lane, recipient="+12025550101", drop={"status": "uncertain"})
    unreported = make_submitted("failed", "unreported", lane=campaign.lane, recipient="+12025550102")
    now = timezone.now()
    reports = [Report(drop.id, ReportStatus.DELIVERED, now) for drop in (uncertain, unreported)]
    receive(uncertain.setup_id, b"{}", reports)
    between, go_on = threading.Event(), threading.Event()
    requeue = retries._requeue

    def halting(*args: object) -> object:
        between.set()
        go_on.wait(10)
        return requeue(*args)

    def retry_all() -> None:
        retry_failed(campaign, accept_duplicate_risk=True, reasons=[], actor=None, now=now)

    with patch.object(retries, "_requeue", halting):
        person = Session(retry_all)
        assert between.wait(10)
        merging = Session(lambda: merge(now))
        merging.wait_until_blocked()
        go_on.set()
        person.result()
        merging.result()


@pytest.mark.django_db(transaction=True)
def test_a_look_for_due_lanes_reads_no_lane_of_a_completed_campaign() -> None:
    use_case = factories.make_use_case()
    factories.make_voicemail(use_case)
    ended = [Lane(workspace=use_case.workspace, use_case=use_case, live=True, held=False) for _ in range(2000)]
    Lane.objects.bulk_create(ended)
    Lane.objects.filter(pk__in=[lane.pk for lane in ended]).update(created_at=timezone.now() - timedelta(hours=1))
    for _ in range(2):
        idle_lanes.mark_idle(timezone.now())
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("ANALYZE delivery_lane")
        before = lanes_read(cursor)
        assert len(active_routes(timezone.now(), 10)) == 1
        assert lanes_read(cursor) - before < 100


def lanes_read(cursor: object) -> int:
    """Rows of the lanes' table that this transaction has read so far."""
    cursor.execute(  # type: ignore[attr-defined]
        "SELECT pg_stat_get_xact_tuples_returned('delivery_lane'::regclass)"
        "     + pg_stat_get_xact_tuples_fetched('delivery_lane'::regclass)"
    )
    return int(cursor.fetchone()[0])  # type: ignore[attr-defined]


def test_a_kill_switch_binds_a_claim_that_begins_after_its_commit() -> None:
    voicemail = factories.make_voicemail()
    now = timezone.now()
    [route] = active_routes(now, 10)
    voicemail.workspace.sending_enabled = False
    voicemail.workspace.save()
    assert claim(route, 10, now, timedelta(seconds=45)).claims == []


@pytest.mark.django_db(transaction=True)
def test_a_batch_of_moves_locks_its_voicemails_in_the_order_of_their_ids() -> None:
    use_case = factories.make_use_case()
    early, late = uuid7(), uuid7()
    for voicemail_id in (late, early):  # the later id lies first in the table
        factories.make_voicemail(use_case, id=voicemail_id, status="sending")
    sending, uncertain = VoicemailStatus.SENDING, VoicemailStatus.UNCERTAIN

    def apply() -> None:
        with transaction.atomic():
            sql.run("SET LOCAL enable_nestloop = off", [])
            sql.run("SET LOCAL enable_mergejoin = off", [])
            sql.run("SET LOCAL enable_indexscan = off", [])
            sql.run("SET LOCAL enable_bitmapscan = off", [])
            transitions.apply(
                [transitions.Transition(each, sending, uncertain) for each in (early, late)], timezone.now()
            )

    with transaction.atomic():
        Voicemail.objects.select_for_update().get(pk=early)
        batch = Session(apply)
        batch.wait_until_blocked()
        free = Voicemail.objects.select_for_update(skip_locked=True).filter(pk=late).exists()
    batch.result()
    assert free
