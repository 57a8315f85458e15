"""The publisher: each committed event gets one place, behind all that were given before, whoever commits or dies when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import connection

from rvm.platform.database.ids import first_id_at, time_of, uuid7
from rvm.platform.events import outbox, publisher
from rvm.platform.models import Event, Outbox
from tests import factories

_ADD = f"""
INSERT INTO platform_outbox ({outbox.COLUMNS}) VALUES (%s, true, 'voicemail.accepted', %s, clock_timestamp(), '{{}}')
"""


def add(workspace_id: UUID, type_name: str = "voicemail.accepted", subject_id: UUID | None = None) -> UUID:
    subject_id = subject_id or uuid7()
    outbox.add(type_name, subject_id, workspace_id=workspace_id, live=True, voicemail_id=subject_id)
    return subject_id


def subjects() -> list[UUID]:
    return list(Event.objects.order_by("id").values_list("subject_id", flat=True))


def other_session() -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(**connection.get_connection_params())


@pytest.mark.django_db
def test_events_get_their_places_in_the_order_in_which_they_were_added() -> None:
    workspace = factories.make_workspace()
    added = [add(workspace.pk) for _ in range(5)]
    assert publisher.publish() == 5
    assert subjects() == added
    assert not Outbox.objects.exists()
    assert publisher.publish() == 0


@pytest.mark.django_db
def test_a_batch_is_followed_by_the_next_one_even_within_a_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "BATCH", 2)
    workspace = factories.make_workspace()
    added = [add(workspace.pk) for _ in range(5)]
    assert [publisher.publish() for _ in range(4)] == [2, 2, 1, 0]
    assert subjects() == added


@pytest.mark.django_db
def test_places_rise_although_the_clock_went_back() -> None:
    workspace = factories.make_workspace()
    tomorrow = first_id_at(datetime.now(UTC) + timedelta(days=1))
    first = Event.objects.create(
        id=tomorrow,
        workspace=workspace,
        live=True,
        type="x.y",
        subject_id=uuid7(),
        occurred_at=datetime.now(UTC),
        data={},
    )
    added = add(workspace.pk)
    publisher.publish()
    assert subjects() == [first.subject_id, added]
    assert time_of(Event.objects.get(subject_id=added).pk) == time_of(tomorrow) + timedelta(milliseconds=1)


@pytest.mark.django_db
def test_an_id_is_a_uuid_of_version_7_of_the_time_of_its_publication() -> None:
    add(factories.make_workspace().pk)
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    publisher.publish()
    [event] = Event.objects.all()
    assert (event.pk.version, event.pk.variant) == (7, "specified in RFC 4122")
    assert before <= time_of(event.pk) <= datetime.now(UTC) + timedelta(milliseconds=1)


@pytest.mark.django_db(transaction=True)
def test_an_event_that_commits_late_comes_behind_those_that_were_published_meanwhile() -> None:
    workspace = factories.make_workspace()
    late = uuid7()
    with other_session() as other:
        other.execute(_ADD, [workspace.pk, late])
        early = add(workspace.pk)  # it has the greater id in the outbox
        assert publisher.publish() == 1
        other.commit()
    assert publisher.publish() == 1
    assert subjects() == [early, late]


@pytest.mark.django_db(transaction=True)
def test_an_event_of_a_change_that_is_rolled_back_is_never_told() -> None:
    workspace = factories.make_workspace()
    with other_session() as other:
        other.execute(_ADD, [workspace.pk, uuid7()])
        other.rollback()
    assert publisher.publish() == 0


@pytest.mark.django_db(transaction=True)
def test_a_second_publisher_leaves_the_work_to_the_first() -> None:
    added = add(factories.make_workspace().pk)
    with other_session() as other:
        other.execute(publisher._LOCK)
        assert publisher.publish() == 0
        other.rollback()  # as if it had been killed
    assert publisher.publish() == 1
    assert subjects() == [added]


@pytest.mark.django_db(transaction=True)
def test_a_publisher_that_dies_before_its_commit_has_neither_lost_nor_doubled_an_event() -> None:
    added = [add(workspace_id) for workspace_id in [factories.make_workspace().pk] * 3]
    with other_session() as other:
        other.execute(publisher._PUBLISH, [publisher.BATCH])
        other.rollback()
    assert not Event.objects.exists()
    assert publisher.publish() == 3
    assert subjects() == added


@pytest.mark.django_db
def test_a_plan_made_for_an_empty_outbox_is_good_for_a_long_one() -> None:
    """PostgreSQL keeps the plan of a prepared statement, and the outbox is nearly always empty when that is made."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE platform_outbox")
        cursor.execute("EXPLAIN " + publisher._PUBLISH, [publisher.BATCH])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Delete on platform_outbox" in plan
    assert "Join Filter" not in plan
