"""Replays and tests: what is sent again, in which place, and what a disabled destination keeps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection

from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import first_id_at, uuid7
from rvm.platform.models import AuditEvent, Outbox, WebhookAttempt, WebhookDelivery, Workspace
from rvm.platform.webhooks import destinations, switches
from rvm.platform.webhooks.deliveries import MAX_SHOWN, attempts, ping, replay, replay_since
from tests.rvm.platform.webhooks.factories import deliveries, happened, make_delivery, make_destination

pytestmark = pytest.mark.django_db
State = WebhookDelivery.State


def test_a_replay_is_a_delivery_of_the_same_event_that_is_due_at_once(workspace: Workspace) -> None:
    destination = make_destination(workspace)
    ended = WebhookDelivery.objects.create(
        destination=destination, event_id=uuid7(), type="campaign.completed", subject_id=uuid7(), state=State.FAILED
    )
    again = replay(ended)
    assert (again.event_id, again.subject_id, again.replay, again.state) == (
        ended.event_id,
        ended.subject_id,
        True,
        State.PENDING,
    )
    assert again.due_at is not None
    assert again.due_at <= database_now()
    assert [each.state for each in deliveries(destination)] == [State.FAILED, State.PENDING]


def test_a_replay_of_a_delivery_that_waits_only_ends_its_waiting(workspace: Workspace) -> None:
    later = database_now() + timedelta(hours=2)
    destination = make_destination(workspace, waits_until=later, failures=9)
    waiting = WebhookDelivery.objects.create(
        destination=destination, event_id=uuid7(), type="campaign.completed", subject_id=uuid7(), due_at=later
    )
    again = replay(waiting)
    destination.refresh_from_db()
    assert again.pk == waiting.pk
    assert again.due_at is not None
    assert again.due_at < later
    assert destination.waits_until is None


def test_a_replay_since_a_moment_goes_back_to_it_and_says_how_many_events_are_sent_again(workspace: Workspace) -> None:
    happened(workspace, timedelta(hours=3))
    happened(workspace, timedelta(hours=2))
    refused = happened(workspace, timedelta(hours=1), "recording.rejected")
    last = happened(workspace, timedelta(minutes=30))
    destination = make_destination(workspace, position=last, accepted_event_types=["voicemail.delivered"])
    waiting = WebhookDelivery.objects.create(
        destination=destination, event_id=last, type="voicemail.delivered", subject_id=uuid7(), due_at=database_now()
    )
    WebhookAttempt.objects.create(delivery=waiting, number=1, at=database_now(), milliseconds=5)

    moment = database_now() - timedelta(hours=2, minutes=30)
    assert replay_since(destination, moment) == 2
    destination.refresh_from_db()
    assert destination.position == first_id_at(moment) < refused
    assert not WebhookDelivery.objects.exists()
    assert not WebhookAttempt.objects.exists()


def test_a_replay_since_a_moment_never_goes_forward(workspace: Workspace) -> None:
    position = happened(workspace, timedelta(hours=3))
    happened(workspace, timedelta(hours=2))
    destination = make_destination(workspace, position=position)
    assert replay_since(destination, database_now() - timedelta(hours=1)) == 0
    destination.refresh_from_db()
    assert destination.position == position


def test_a_test_is_an_event_about_the_destination(workspace: Workspace) -> None:
    destination = make_destination(workspace)
    ping(destination)
    event = Outbox.objects.get()
    assert (event.type, event.subject_id, event.live) == ("webhook.ping", destination.pk, True)
    assert event.data == {"destination_id": str(destination.pk)}


def test_a_destination_is_disabled_once_with_notice_and_enabled_where_it_stopped(workspace: Workspace) -> None:
    position = uuid7()
    destination = make_destination(workspace, position=position, failures=40, failing_since=database_now())
    assert switches.disable(destination, actor=None, because="It failed.")
    assert not switches.disable(destination, actor=None, because="It failed.")
    assert [event.type for event in Outbox.objects.all()] == ["webhook_destination.disabled"]
    destination.refresh_from_db()
    assert not destination.enabled

    assert switches.enable(destination, actor=None)
    assert not switches.enable(destination, actor=None)
    destination.refresh_from_db()
    assert destination.enabled
    assert (destination.position, destination.failures, destination.failing_since) == (position, 0, None)
    actions = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["webhook_destination.disabled", "webhook_destination.enabled"]


def test_of_very_many_attempts_the_newest_are_shown(workspace: Workspace) -> None:
    """A receiver that asks for a second of rest each time is tried without end."""
    delivery = make_delivery(make_destination(workspace), state=State.PENDING)
    more = range(2, MAX_SHOWN + 6)
    WebhookAttempt.objects.bulk_create(
        WebhookAttempt(delivery=delivery, number=number, at=database_now(), milliseconds=5) for number in more
    )
    assert [each.number for each in attempts(delivery)] == [*range(6, MAX_SHOWN + 6)]


@pytest.mark.django_db(transaction=True)
def test_events_that_are_sent_again_are_counted_before_the_destination_is_locked(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sends to it waits for the lock, with all that it sends to others."""
    last = happened(workspace, timedelta(hours=1))
    destination = make_destination(workspace, position=last)
    run, locked = sql.run, "SELECT FROM platform_webhookdestination WHERE id = %s FOR NO KEY UPDATE NOWAIT"

    with psycopg.connect(**connection.get_connection_params()) as sender:

        def counted(statement: str, parameters: Any) -> Any:
            if last in parameters and first_id_at(since) in parameters:
                sender.execute(locked, [destination.pk])
                sender.rollback()
            return run(statement, parameters)

        monkeypatch.setattr(sql, "run", counted)
        since = database_now() - timedelta(hours=2)
        assert destinations.replay_since(destination=destination, since=since) == 1
