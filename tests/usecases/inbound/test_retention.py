"""Number and words of inbound messages are removed with time; that a message came stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rvm.platform.database.clock import database_now
from rvm.platform.models import RetentionRule, Workspace
from rvm.platform.retention import holds
from rvm.platform.retention_kinds import RetentionKind
from tests.factories import RECIPIENT, make_workspace
from usecases.inbound.retention import OPT_OUTS, OTHERS
from usecases.models import InboundMessage

pytestmark = pytest.mark.django_db


def message(workspace: Workspace, *, opted_out: bool, days: int) -> InboundMessage:
    return InboundMessage.objects.create(
        organisation=workspace.organisation,
        channel="text",
        number=RECIPIENT,
        last4=RECIPIENT[-4:],
        words="please call me",
        opted_out=opted_out,
        received_at=database_now() - timedelta(days=days, hours=1),
    )


def purged(workspace: Workspace) -> tuple[int, int]:
    now = database_now()
    return sum(OPT_OUTS.run(workspace.pk, now)), sum(OTHERS.run(workspace.pk, now))


def test_opt_outs_are_kept_like_numbers_and_others_like_callbacks(workspace: Workspace) -> None:
    rows = [message(workspace, opted_out=said, days=days) for said in (True, False) for days in (89, 90, 2192)]
    assert purged(workspace) == (1, 2)
    found = {row.pk: row for row in InboundMessage.objects.all()}
    assert [found[row.pk].number is None for row in rows] == [False, False, True, False, True, True]
    gone = found[rows[-1].pk]
    assert (gone.words, gone.last4, gone.channel, str(gone)) == (None, "", "text", "Text message")


def test_a_message_stays_as_long_as_one_workspace_of_its_organisation_keeps_it(workspace: Workspace) -> None:
    other = make_workspace(organisation=workspace.organisation)
    message(workspace, opted_out=False, days=100)
    RetentionRule.objects.create(workspace=other, kind=RetentionKind.CALLBACKS, days=200)
    assert purged(workspace) == (0, 0)
    RetentionRule.objects.update(days=90)
    hold = holds.place(other, campaign_id=None, name="A", reason="B", actor=None)
    assert purged(workspace) == (0, 0)
    holds.lift(hold, reason="C", actor=None, now=database_now())
    assert purged(workspace) == (0, 1)
