"""Each change of a voicemail is told once, in the transaction that makes it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from delivery.api.event_types import TYPES, VoicemailEventSerializer
from delivery.lifecycle import transitions
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import TRANSITIONS, VoicemailStatus
from delivery.lifecycle.transitions import NewDrop, Transition
from rvm.platform.database.ids import uuid7
from rvm.platform.models import Outbox
from tests import factories
from tests.delivery.states import NOW, make_submitted

pytestmark = pytest.mark.django_db
V = VoicemailStatus
# An attempt that came to nothing is repeated without a word, and a voicemail is told of once it is known whether it was taken.
UNTOLD = {(V.SENDING, V.QUEUED), (V.QUEUED, V.SENDING)}
CHANGES = [(was, now) for was in V for now in sorted(TRANSITIONS[was]) if now is not V.SENDING]


@pytest.mark.parametrize(("was", "now"), CHANGES)
def test_every_change_is_told_with_its_ids_and_codes_alone(was: V, now: V) -> None:
    voicemail = factories.make_voicemail(status=was)
    transitions.apply([Transition(voicemail.pk, was, now, reason=Reason.BUSY if now is V.FAILED else None)], NOW)
    if (was, now) in UNTOLD:
        assert not Outbox.objects.exists()
        return
    [event] = Outbox.objects.all()
    assert (event.type, event.subject_id, event.occurred_at) == (f"voicemail.{now}", voicemail.pk, NOW)
    assert (event.workspace_id, event.live) == (voicemail.workspace_id, voicemail.live)
    assert event.data == {
        "voicemail_id": str(voicemail.pk),
        "status": now,
        "reason": "busy" if now is V.FAILED else None,
        "attempts": voicemail.attempts,
        "use_case_id": str(voicemail.use_case_id),
        "campaign_id": None,
    }
    assert set(event.data) == set(VoicemailEventSerializer().fields)
    assert event.type in {each.name for each in TYPES}


def test_a_change_that_does_not_apply_is_not_told() -> None:
    voicemail = factories.make_voicemail(status="canceled")
    transitions.apply([Transition(voicemail.pk, V.QUEUED, V.EXPIRED)], NOW)
    assert not Outbox.objects.exists()


def test_a_voicemail_of_a_campaign_says_which() -> None:
    campaign = factories.make_campaign()
    voicemail = factories.make_voicemail(campaign.use_case, lane=campaign.lane)
    transitions.apply([Transition(voicemail.pk, V.QUEUED, V.CANCELED)], NOW)
    assert Outbox.objects.get().data["campaign_id"] == str(campaign.pk)


def test_retries_of_many_are_told_one_by_one() -> None:
    failed = [make_submitted("failed", "busy").voicemail for _ in range(3)]
    assert transitions.requeue([row.pk for row in failed], NOW, expires_at=None) == 3
    told = Outbox.objects.order_by("id")
    assert {event.subject_id for event in told} == {row.pk for row in failed}
    assert {(event.type, event.data["status"], event.data["reason"]) for event in told} == {
        ("voicemail.queued", "queued", None)
    }


def test_the_beginning_of_a_drop_is_not_told() -> None:
    voicemail = factories.make_voicemail()
    transitions.begin(
        [NewDrop(uuid7(), voicemail.pk, "+12125550100", voicemail.recording_id)],
        setup_id=voicemail.setup_id,
        credentials_version=1,
        callback_version=1,
        at=NOW,
        lease_until=NOW + timedelta(seconds=45),
    )
    assert not Outbox.objects.exists()
