"""Two who want the same rows cannot wait for each other, whatever the planner thinks of.

Whoever waits for a voicemail holds none with a later id and no drop: all lock voicemails in the order of their ids, and a voicemail
before its drops. Whoever passes over what is locked waits for nobody and needs no order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import Mock
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from delivery.carriers.base import Callback, Carrier
from delivery.carriers.slybroadcast import Slybroadcast
from delivery.carriers.twilio import Twilio
from delivery.engine.claim import Claim, claim
from delivery.engine.lane_routes import active_routes
from delivery.engine.recent_drops import RecentDrops
from delivery.engine.results import Result, record
from delivery.lifecycle import invariants, transitions
from delivery.lifecycle.awaited_results import expect
from delivery.lifecycle.events import Outcome, Report, ReportStatus, Submission
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import VoicemailStatus
from delivery.lifecycle.transitions import Transition
from delivery.models import Drop, Lane, LaneCount, LaneDelta, Voicemail
from delivery.recordings import carrier_media
from delivery.recordings.attestations import WAITS_FOR_STATEMENT, attest
from delivery.reports.inbox import merge, receive
from delivery.retention import erasure, numbers
from delivery.services import forgotten_claims, lanes, retries, suppressions
from delivery.services.screening import Recipient
from delivery.services.succession import copy_unreached
from delivery.services.voicemails import api_lane, queue_voicemails
from delivery.web import callbacks
from delivery.worker import maintenance
from rvm.platform.database.ids import uuid7
from rvm.platform.models import DatabaseIdentity
from tests import factories
from tests.delivery.carriers.examples import EXAMPLES
from tests.delivery.states import make_drop
from tests.sessions import Session
from usecases.attestations.recordings import Said, Voice
from usecases.attestations.recordings import Statement as SoundStatement
from usecases.callbacks.proofs import CallbackKey
from usecases.suppressions import Statement, suppress_all

pytestmark = pytest.mark.django_db(transaction=True)
V = VoicemailStatus
LEASE = timedelta(seconds=45)
# What keeps rows in order without being asked to. Without these all is read as it lies in the table, and hashed.
ORDERLY = ("nestloop", "mergejoin", "indexscan", "indexonlyscan", "bitmapscan")


class Pair(NamedTuple):
    """Two voicemails of a campaign's lane with a drop each, by the order of their ids. In the tables the later one lies first."""

    early: Drop
    late: Drop

    @property
    def later_first(self) -> tuple[Drop, Drop]:
        return self.late, self.early

    @property
    def lane_id(self) -> UUID:
        return self.early.voicemail.lane_id


def make_pair(status: str, drop: str = "", **fields: Any) -> Pair:
    """`drop` is the status of both drops, where it is not that of the voicemails."""
    ids = [uuid7(), uuid7()]
    campaign = factories.make_campaign(state="running")
    recording = factories.make_recording(campaign.workspace)
    old = timezone.now() - timedelta(days=30)
    late, early = (
        make_drop(
            factories.make_voicemail(
                lane=campaign.lane, id=each, status=status, recording=recording, recipient=number, **fields
            ),
            drop or status,
            created_at=old,
        )
        for each, number in zip(reversed(ids), ("+12025550101", "+12025550102"), strict=True)
    )
    return Pair(early, late)


Writer = Callable[[Pair], object]


def apply(pair: Pair) -> None:
    transitions.apply(
        [Transition(drop.voicemail_id, V.SENDING, V.UNCERTAIN) for drop in pair.later_first], timezone.now()
    )


def answer(submission: Submission, adapter: Carrier | None = None) -> Writer:
    def write(pair: Pair) -> None:
        route: Any = SimpleNamespace(failover=False, has_failover=False, workspace_id=None, live=True, adapter=adapter)
        now = timezone.now()
        record(
            [
                Result(Claim(drop.pk, drop.voicemail_id, drop.pk, 1, "", "", now, route), submission)
                for drop in pair.later_first
            ],
            now,
        )

    return write


def report(pair: Pair) -> None:
    reports = [Report(drop.pk, ReportStatus.DELIVERED, timezone.now()) for drop in pair.later_first]
    receive(pair.late.setup_id, b"", reports)
    merge(timezone.now())


def retry(pair: Pair) -> None:
    now, lane = timezone.now(), Lane.objects.get(pk=pair.lane_id)
    reasons = retries.retryable_reasons([], accept_duplicate_risk=True)
    with transaction.atomic():
        retries.requeue_failed(lane, reasons, since=now, after=UUID(int=0), expires_at=None, limit=10, now=now)


def repair(pair: Pair) -> None:
    invariants.repair([drop.voicemail_id for drop in pair.later_first], timezone.now())


def point_to(pair: Pair) -> None:
    lanes.assign_recording(pair.lane_id, uuid7(), after=UUID(int=0), limit=10, now=timezone.now())


def point_each(pair: Pair) -> None:
    lanes.assign_recordings(
        pair.lane_id, lambda fields: None, after=UUID(int=0), limit=10, seconds=60, now=timezone.now()
    )


def erase(pair: Pair) -> None:
    indexes = [drop.voicemail.recipient_index for drop in pair.later_first]
    with transaction.atomic():
        erasure.erase_voicemails(indexes)


REFUSED = Submission(Outcome.REFUSED, reason=Reason.REFUSED)
WAITING: dict[str, tuple[Writer, Callable[[], Pair]]] = {
    "moves": (apply, partial(make_pair, "sending")),
    "answers": (answer(Submission(Outcome.ACCEPTED)), partial(make_pair, "sending")),
    "late answers": (answer(REFUSED), partial(make_pair, "accepted")),
    "answers that deny calls": (answer(REFUSED, Twilio(EXAMPLES["twilio"])), partial(make_pair, "sending")),
    "reports": (report, partial(make_pair, "accepted")),
    "retries of failed ones": (retry, partial(make_pair, "failed", reason="busy")),
    "retries of uncertain ones": (retry, partial(make_pair, "uncertain")),
    "repairs": (repair, partial(make_pair, "accepted", drop="failed")),
    "another recording": (point_to, partial(make_pair, "queued", drop="failed")),
    "erasures": (erase, partial(make_pair, "queued", drop="not_sent")),
    "a recording for each": (point_each, partial(make_pair, "queued", drop="failed")),
}


@contextmanager
def in_disorder() -> Iterator[None]:
    """Within it this session's statements come upon rows as they lie in the table."""
    with connection.cursor() as cursor:
        for what in ORDERLY:
            cursor.execute(f"SET enable_{what} = off")
        try:
            yield
        finally:
            for what in ORDERLY:
                cursor.execute(f"RESET enable_{what}")


def disorderly(work: Callable[[], object]) -> Session[object]:
    def run() -> object:
        with in_disorder():
            return work()

    return Session(run)


@pytest.mark.parametrize("name", WAITING)
def test_whoever_waits_for_a_voicemail_holds_nothing_behind_it(name: str) -> None:
    write, make = WAITING[name]
    pair = make()
    before = state(pair.early)
    with transaction.atomic():
        Voicemail.objects.select_for_update(no_key=True).get(pk=pair.early.voicemail_id)
        other = disorderly(partial(write, pair))
        other.wait_until_blocked()
        free = Voicemail.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=pair.late.voicemail_id)
        assert free.exists(), "It holds the later voicemail while it waits for the earlier one."
        drops = Drop.objects.select_for_update(no_key=True, skip_locked=True).filter(
            pk__in=[pair.early.pk, pair.late.pk]
        )
        assert drops.count() == 2, "It holds a drop without its voicemail."
    other.result()
    assert state(pair.early) == state(pair.late) != before


def state(drop: Drop) -> tuple[object, ...]:
    row = Voicemail.objects.get(pk=drop.voicemail_id)
    return row.status, row.reason, row.recording_id, row.recipient is None


def claim_all(pair: Pair) -> None:
    [route] = active_routes(timezone.now(), 10)
    claim(route, 10, timezone.now(), LEASE)


def in_time(step: Callable[..., object], *arguments: object) -> Writer:
    return lambda pair: step(*arguments, timezone.now())


def cancel_queued(pair: Pair) -> None:
    lanes.cancel_queued(pair.lane_id, 10, timezone.now())


def suppress_both(pair: Pair) -> None:
    workspace_id = pair.early.workspace_id
    suppress_all([Statement(workspace_id, drop.voicemail.recipient) for drop in (pair.early, pair.late)])


def remove_numbers(pair: Pair) -> None:
    numbers.remove_numbers([drop.voicemail_id for drop in pair.later_first], ended_before=timezone.now())


def end_what_was_due(pair: Pair) -> None:
    now = timezone.now()
    DatabaseIdentity.objects.update_or_create(pk=DatabaseIdentity.ONLY, defaults={"kept_at": now, "ending_until": now})
    forgotten_claims.end_waiting(now)


LONG_AGO = timezone.now() - timedelta(days=20)
PASSING: dict[str, tuple[Writer, Callable[[], Pair]]] = {
    "claims": (claim_all, partial(make_pair, "queued", drop="not_sent")),
    "cancellations": (cancel_queued, partial(make_pair, "queued", drop="not_sent")),
    "suppressions": (suppress_both, partial(make_pair, "queued", drop="not_sent")),
    "what was due before a release": (end_what_was_due, partial(make_pair, "queued", drop="not_sent")),
    "purges": (remove_numbers, partial(make_pair, "failed", ended_at=LONG_AGO)),
    "leases that end": (in_time(maintenance.expire_leases), partial(make_pair, "sending")),
    "expiries": (in_time(maintenance.expire), partial(make_pair, "queued", drop="not_sent", expires_at=LONG_AGO)),
    "expiries with a lane": (
        in_time(maintenance.expire),
        lambda: expiring(make_pair("queued", "not_sent", expires_at=None)),
    ),
    "reports that never came": (in_time(maintenance.fail_unreported), partial(make_pair, "accepted")),
    "confirmations that never came": (in_time(maintenance.fail_unconfirmed), partial(make_pair, "uncertain")),
}


def expiring(pair: Pair) -> Pair:
    lane = pair.early.voicemail.lane
    lane.expires_at = LONG_AGO
    lane.save()
    return pair


@pytest.mark.parametrize("name", PASSING)
def test_whoever_passes_over_what_is_locked_waits_for_nobody(name: str) -> None:
    write, make = PASSING[name]
    pair = make()
    before = state(pair.late)
    with transaction.atomic():
        Voicemail.objects.select_for_update(no_key=True).get(pk=pair.early.voicemail_id)
        disorderly(partial(write, pair)).result()
    assert state(pair.early) == before != state(pair.late)


def test_a_statement_makes_due_what_waits_for_it_and_passes_over_what_is_locked() -> None:
    soon = timezone.now() + timedelta(minutes=5)
    pair = make_pair("queued", drop="not_sent", not_before=soon, carrier_text=WAITS_FOR_STATEMENT)
    stated = SoundStatement(Voice.HUMAN, frozenset({Said.CALLER, Said.CALLBACK_NUMBER, Said.OPT_OUT_NUMBER}), True)
    with transaction.atomic():
        Voicemail.objects.select_for_update(no_key=True).get(pk=pair.early.voicemail_id)
        disorderly(partial(attest, [pair.late.voicemail.recording], stated, actor=None)).result()
    due = [Voicemail.objects.get(pk=drop.voicemail_id).not_before for drop in (pair.early, pair.late)]
    assert due[0] == soon > due[1]


def test_copies_lock_what_they_are_of_in_order() -> None:
    pair = make_pair("failed", reason="busy", ended_at=LONG_AGO)
    campaign = factories.make_campaign(pair.early.voicemail.use_case)

    def copy() -> None:
        with transaction.atomic():
            copy_unreached(
                Lane.objects.get(pk=pair.lane_id),
                campaign.lane,
                ["busy"],
                accept_duplicate_risk=False,
                recording_id=None,
                since=timezone.now(),
                after=UUID(int=0),
                limit=10,
                now=timezone.now(),
            )

    with transaction.atomic():
        Voicemail.objects.select_for_update(no_key=True).get(pk=pair.early.voicemail_id)
        other = disorderly(copy)
        other.wait_until_blocked()
        free = Voicemail.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=pair.late.voicemail_id)
        assert free.exists(), "It holds the later voicemail while it waits for the earlier one."
    other.result()
    assert Voicemail.objects.filter(lane_id=campaign.pk).count() == 2


def test_every_module_that_writes_voicemails_or_drops_is_looked_at_here() -> None:
    """By what writes or locks them in SQL or through the ORM; statements of one row wait for one row."""
    writes = re.compile(
        r"UPDATE delivery_(?:voicemail|drop)\b|delivery_(?:voicemail|drop)\b[^\"]*?FOR (?:NO KEY )?UPDATE"
        r"|\b(?:Voicemail|Drop)\.objects[^\n]*\.(?:update|select_for_update)\(",
    )
    found = {
        str(path.relative_to(settings.BASE_DIR))
        for layer in ("delivery", "campaigns", "usecases", "rvm")
        for path in Path(settings.BASE_DIR, layer).rglob("*.py")
        if writes.search(path.read_text())
    }
    of_one_row = {
        "delivery/calls/commands.py",
        "delivery/recordings/links.py",
        "delivery/reports/reconciliation.py",
        "delivery/services/voicemails.py",
    }
    of_other_rows = {"delivery/engine/idle_lanes.py", "delivery/reports/result_polls.py"}
    looked_at = {
        claim,
        merge,
        transitions.apply,
        lanes.assign_recording,
        suppressions.end_waiting,
        retries.requeue_failed,
        maintenance.expire,
        invariants.repair,
        attest,
        erasure.erase_voicemails,
        numbers.remove_numbers,
        forgotten_claims.end_waiting,
        copy_unreached,
    }
    assert found - of_one_row - of_other_rows == {each.__module__.replace(".", "/") + ".py" for each in looked_at}


# what else is written by two at a time, each row named by the order in which it is written


def meet(first: Callable[[], object], second: Callable[[], object], both: Callable[[], object]) -> None:
    """`both` writes two rows in one go, the first of them first, while `first` and then `second` are written here. If it held the
    second while it waits for the first, PostgreSQL would end one of the two."""
    with transaction.atomic():
        first()
        other = disorderly(both)
        other.wait_until_blocked()
        second()
    other.result()


def test_numbers_are_suppressed_in_the_order_of_the_numbers() -> None:
    workspace = factories.make_workspace()
    entries = [Statement(workspace.pk, f"+1202555010{digit}") for digit in (2, 1)]
    meet(
        lambda: suppress_all(entries[1:]),
        lambda: suppress_all(entries[:1]),
        lambda: suppress_all(entries),
    )


def test_references_are_taken_in_their_order() -> None:
    use_case = factories.make_use_case()
    recording = factories.make_recording(use_case.workspace)
    api_lane(use_case, True)

    def send(*references: str) -> object:
        people = [Recipient(factories.patient_number(number), each) for number, each in enumerate(references)]
        now = timezone.now()
        return queue_voicemails(use_case=use_case, recording=recording, live=True, recipients=people, now=now)

    meet(lambda: send("a"), lambda: send("b"), lambda: send("b", "a"))


def in_transaction(work: Callable[[], object]) -> object:
    with transaction.atomic():
        return work()


def test_counts_are_folded_in_the_order_of_their_lanes() -> None:
    early, late = sorted(factories.make_lane().pk for _ in range(2))
    for lane_id in (late, early):
        LaneCount.objects.create(lane_id=lane_id, status="queued", reason="", count=0)
        LaneDelta.objects.create(lane_id=lane_id, status="queued", reason="", delta=1)
    meet(
        lambda: LaneCount.objects.filter(lane_id=early).update(count=1),
        lambda: LaneCount.objects.filter(lane_id=late).update(count=1),
        maintenance.roll_up_counts,
    )
    assert set(LaneCount.objects.values_list("count", flat=True)) == {2}


def test_recordings_are_wanted_in_the_order_of_their_ids() -> None:
    setup = factories.make_setup()
    early, late = sorted(factories.make_recording(setup.workspace).pk for _ in range(2))
    now = timezone.now()
    meet(
        lambda: carrier_media.request_uploads(setup.pk, [early], now),
        lambda: carrier_media.request_uploads(setup.pk, [late], now),
        lambda: in_transaction(lambda: carrier_media.request_uploads(setup.pk, [late, early], now)),
    )


def test_results_are_awaited_in_the_order_of_their_drops() -> None:
    setup, (early, late), now = factories.make_setup(), sorted(uuid7() for _ in range(2)), timezone.now()
    meet(
        lambda: expect([(early, setup.pk)], now),
        lambda: expect([(late, setup.pk)], now),
        lambda: in_transaction(lambda: expect([(late, setup.pk), (early, setup.pk)], now)),
    )


def test_results_that_one_callback_claims_are_awaited_in_the_order_of_their_drops() -> None:
    setup, (early, late), now = factories.make_setup(), sorted(uuid7() for _ in range(2)), timezone.now()
    taken = [Report(drop_id, ReportStatus.ACCEPTED, now) for drop_id in (late, early, late)]
    key = CallbackKey(setup.pk, 1, b"")
    meet(
        lambda: expect([(early, setup.pk)], now),
        lambda: expect([(late, setup.pk)], now),
        lambda: callbacks._write(key, Callback(b"", {}, "", now), taken, None, Mock(spec=Slybroadcast)),
    )


def test_drops_to_numbers_are_counted_in_the_order_of_their_indexes() -> None:
    organisation_id = factories.make_workspace().organisation_id
    numbers = [f"+1202555010{digit}" for digit in range(2)]
    late, early = sorted(
        numbers, key=lambda number: RecentDrops(organisation_id, LONG_AGO)._indexes_of(number)[0], reverse=True
    )

    def count(*numbers: str) -> object:
        recent = RecentDrops(organisation_id, timezone.now()).look(numbers)
        for number in numbers:
            recent.add(number, uuid7())
        return in_transaction(recent.write)

    meet(partial(count, early), partial(count, late), partial(count, late, early))
