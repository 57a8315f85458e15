"""What a statement has read may be of the past by the time it locks a row, or acts: nobody is reached twice by that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import transaction

from delivery.calls import commands
from delivery.carriers.abilities import Action, CallStep
from delivery.engine import claim as claims
from delivery.engine.claim import ClaimedBatch, claim
from delivery.engine.lane_routes import active_routes
from delivery.lifecycle.events import Report, ReportStatus
from delivery.lifecycle.reasons import Reason
from delivery.models import CallCommand, Drop, Voicemail
from delivery.reports.inbox import merge, receive
from delivery.selectors import plays
from delivery.transport.interface import CarrierResponse
from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from tests import factories
from tests.delivery.calls.telnyx_webhooks import CALL, CREDENTIALS
from tests.delivery.fake_carrier import FakeTransport
from tests.delivery.states import make_submitted
from tests.sessions import Session

pytestmark = pytest.mark.django_db(transaction=True)

LEASE = timedelta(seconds=60)
# A condition that waits, once the statement has its snapshot and before it comes upon its first row.
GATE = 20_260_302
WAITS = f"(SELECT pg_advisory_xact_lock_shared({GATE}) IS NOT NULL) AND"


@contextmanager
def closed_gate() -> Iterator[None]:
    """Until its end, which commits what was done within it, statements with the condition wait with their snapshots."""
    with transaction.atomic():
        sql.run("SELECT pg_advisory_xact_lock(%s)", [GATE])
        yield


def test_a_voicemail_that_another_claim_puts_off_while_it_is_being_locked_is_claimed_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It comes up at its old place first, and then at its new one, behind a person who may not be reached."""
    now = database_now()
    lane = factories.make_lane(factories.make_use_case(setup=factories.make_setup(pace_per_second=1000)))
    first, second = (
        factories.make_voicemail(
            lane=lane, recipient=number, not_before=now - timedelta(minutes=ago), expires_at=now + timedelta(hours=1)
        )
        for number, ago in (("+12025550101", 10), ("+12025550102", 9))
    )
    factories.make_suppression(lane.workspace, "+12025550102")
    [route] = active_routes(now, 10)
    monkeypatch.setattr(claims, "_LOCK_DUE", claims._LOCK_DUE.replace("WHERE", f"WHERE {WAITS}", 1))
    with closed_gate():
        other: Session[ClaimedBatch] = Session(lambda: claim(route, 2, now, LEASE))
        other.wait_until_blocked()
        Voicemail.objects.filter(pk=first.pk).update(not_before=now - timedelta(seconds=1))
    claimed = other.result().claims
    assert [each.voicemail_id for each in claimed] == [first.pk]
    assert {each.drop_id for each in claimed} == set(Drop.objects.values_list("pk", flat=True))
    assert Voicemail.objects.get(pk=second.pk).status == "skipped"


def make_call(**fields: Any) -> Drop:
    """A drop whose call is under way, of a person who is tried again if nothing answers."""
    setup = factories.make_setup(
        carrier="telnyx", credentials={**CREDENTIALS, "base_url": "http://127.0.0.1:1"}, simulated=True
    )
    use_case = factories.make_use_case(setup=setup, max_attempts=3, allows_ringing=True)
    return make_submitted("accepted", use_case=use_case, **fields)


def ask_to_play(drop: Drop) -> None:
    with transaction.atomic():
        commands.ask(drop.setup_id, CallStep(drop.pk, Action.PLAY, CALL))


def send() -> list[str]:
    transport = FakeTransport(lambda request: CarrierResponse(200, b'{"data":{"result":"ok"}}'))
    commands.CommandSender(transport, database_now, lambda: 0.0).run(lambda: False)
    return [request.url.rpartition("/")[2] for request in transport.sent]


def test_nothing_is_played_while_the_report_that_has_the_person_tried_again_is_being_merged() -> None:
    """Its batch has looked for messages that are being played, and has not committed yet."""
    drop = make_call()
    receive(drop.setup_id, b"", [Report(drop.pk, ReportStatus.FAILED, None, reason=Reason.NO_ANSWER)])
    with transaction.atomic():
        merge(database_now())
        other: Session[list[str]] = Session(lambda: (ask_to_play(drop), send())[1])
        other.wait_until_blocked()
    assert other.result() == ["hangup"]
    assert Voicemail.objects.get(pk=drop.voicemail_id).status == "queued"


def test_a_command_that_may_leave_while_a_report_looks_for_it_is_not_too_late() -> None:
    """The look lasts until the command's time has run out, and a worker may take it meanwhile."""
    drop = make_call()
    ask_to_play(drop)
    until = "(SELECT pg_sleep_until(not_after + interval '1 millisecond') IS NOT NULL FROM delivery_callcommand) AND"
    CallCommand.objects.update(not_after=database_now() + timedelta(seconds=3))
    late = plays._MAY_HAVE_PLAYED.replace("WHERE", f"WHERE {until}", 1)
    with patch.object(plays, "_MAY_HAVE_PLAYED", late):
        assert plays.may_have_played([drop.pk]) == {drop.pk: CALL}
