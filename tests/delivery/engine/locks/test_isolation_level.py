"""Whoever waited for a row goes on with what the row has become, whatever isolation the database has for its default.

PostgreSQL's `repeatable read` would fail the statement instead, and two workers would undo each other's turns.
"""

from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from delivery.lifecycle import transitions
from delivery.lifecycle.status import VoicemailStatus
from delivery.lifecycle.transitions import Transition
from delivery.models import Drop, Voicemail
from delivery.reports import reconciliation
from rvm.platform.database import sql
from tests import factories
from tests.delivery.states import make_submitted
from tests.sessions import Session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.usefixtures("unfriendly_database")
def test_a_batch_of_moves_leaves_out_what_another_moved_while_it_waited() -> None:
    first, second = (factories.make_voicemail(status="sending") for _ in range(2))
    sending, uncertain, accepted = VoicemailStatus.SENDING, VoicemailStatus.UNCERTAIN, VoicemailStatus.ACCEPTED
    now = timezone.now()
    with transaction.atomic():
        transitions.apply([Transition(first.pk, sending, accepted)], now)
        other = Session(
            lambda: transitions.apply([Transition(row.pk, sending, uncertain) for row in (first, second)], now)
        )
        other.wait_until_blocked()
    assert other.result() == {second.pk}
    assert [Voicemail.objects.get(pk=row.pk).status for row in (first, second)] == ["accepted", "uncertain"]


@pytest.mark.usefixtures("unfriendly_database")
def test_a_statement_outside_of_a_transaction_does_so_too() -> None:
    now = timezone.now()
    drop = make_submitted("uncertain", drop={"status": "uncertain", "due_at": now})
    with transaction.atomic():
        Drop.objects.filter(pk=drop.pk).update(checks=1)
        other = Session(lambda: sql.run(reconciliation._HOLD_FOR_RESUBMISSION, [now, drop.pk, 0]))
        other.wait_until_blocked()
    assert other.result() == []
