"""The process of events: killed between any two statements, cut off from PostgreSQL, asked to stop, behind a long backlog."""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import DataError, connection

from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import uuid7
from rvm.platform.events import outbox, publisher
from rvm.platform.models import Event, FailedWork, Heartbeat, Outbox, WebhookDelivery, WebhookDestination, Workspace
from rvm.platform.webhooks.sending import feed
from rvm.platform.webhooks.sending.process import Process
from rvm.platform.webhooks.sending.sender import Sender
from tests.delivery.transport.wire_server import Heard, WireServer
from tests.rvm.platform.webhooks.factories import happens, make_destination
from tests.rvm.platform.webhooks.sending.conftest import PATIENCE_SECONDS, drive

State = WebhookDelivery.State
# The form of `make test`; `make webhooks` takes 100,000.
CHANGES = int(os.environ.get("RVM_WEBHOOK_CHANGES", "900"))
ADD = f"""
INSERT INTO platform_outbox ({outbox.COLUMNS}) VALUES (%s, true, 'campaign.completed', %s, clock_timestamp(), '{{}}')
"""


def takes(heard: Heard) -> None:
    heard.send(b"HTTP/1.1 204 No Content\r\n\r\n")


def url(server: WireServer) -> str:
    return f"http://127.0.0.1:{server.port}/hooks"


def ids(server: WireServer) -> list[str]:
    return [heard.headers["webhook-id"] for heard in server.heard]


class Killed(BaseException):
    """Nothing that runs in the process catches it."""


@pytest.fixture
def kill_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Has the statement of this number, counted from now, be the last one."""
    run, left = sql.run, [-1]

    def counted(statement: str, parameters: Any) -> list[tuple[Any, ...]]:
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return run(statement, parameters)

    def begin(number: int) -> None:
        left[0] = number

    monkeypatch.setattr(sql, "run", counted)
    yield begin
    left[0] = -1


@pytest.mark.django_db(transaction=True)
def test_killed_before_any_statement_it_loses_nothing_and_keeps_the_order(
    workspace: Workspace, kill_at: Callable[[int], None]
) -> None:
    """Each process is killed one statement later than the one before, until one gets to its end."""
    with WireServer(takes) as server:
        make_destination(workspace, url(server), concurrency=2)
        subjects = [uuid7() for _ in range(3)]
        waits = WebhookDelivery.objects.filter(state=State.PENDING).exists
        for number in range(1, 100):
            for subject in subjects:
                outbox.add("campaign.completed", subject, workspace_id=workspace.pk, live=True, number=number)
            process, sender = Process(), Sender()
            kill_at(number)
            try:
                while Outbox.objects.exists() or waits() or sender.results:
                    process._publish_at = 0.0
                    process.step(sender)
                kill_at(-1)
                break
            except Killed:
                kill_at(-1)
                sender.close()
                WebhookDestination.objects.update(leased_until=database_now())
        sender.close()
        assert number > 10
        assert not Outbox.objects.exists()
        events = {str(event.pk): event for event in Event.objects.all()}
        assert set(ids(server)) == set(events)
        assert WebhookDelivery.objects.filter(state=State.DELIVERED).count() == len(events) == 3 * number
        told: dict[UUID, list[int]] = defaultdict(list)
        for event_id in dict.fromkeys(ids(server)):
            told[events[event_id].subject_id].append(events[event_id].data["number"])
        assert all(numbers == sorted(numbers) for numbers in told.values())


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("what the test waits for has not come")
        threading.Event().wait(0.01)


def while_it_runs(process: Process, story: Callable[[psycopg.Connection[Any]], None]) -> None:
    """Run the process in this thread, and the story in another one with a session of its own; the process stops at its end."""
    parameters = connection.get_connection_params()
    failed: list[BaseException] = []

    def tell() -> None:
        try:
            with psycopg.connect(**parameters, autocommit=True) as other:
                story(other)
        except BaseException as error:
            failed.append(error)
        finally:
            process.requested_to_stop.set()

    teller = threading.Thread(target=tell)
    teller.start()
    process.run()
    teller.join()
    if failed:
        raise failed[0]


@pytest.mark.django_db(transaction=True)
def test_it_goes_on_after_postgresql_has_ended_its_connection(workspace: Workspace) -> None:
    with WireServer(takes) as server:
        make_destination(workspace, url(server))

        def story(other: psycopg.Connection[Any]) -> None:
            other.execute(ADD, [workspace.pk, uuid7()])
            eventually(lambda: len(server.heard) == 1)
            other.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )
            other.execute(ADD, [workspace.pk, uuid7()])
            eventually(lambda: len(set(ids(server))) == 2)

        while_it_runs(Process(), story)
    assert WebhookDelivery.objects.filter(state=State.DELIVERED).count() == 2
    assert Heartbeat.objects.filter(name="events").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", [KeyError("x"), DataError("smallint out of range")])
def test_a_fault_of_the_program_is_noted_as_failed_work_and_does_not_end_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """A statement that PostgreSQL refuses for ever is one, too: repeated, it would keep all from being sent."""
    step, faults = Sender.step, iter([fault])

    def broken(sender: Sender, seconds: float) -> None:
        for fault in faults:
            raise fault
        step(sender, seconds)

    monkeypatch.setattr(Sender, "step", broken)
    with WireServer(takes) as server:
        make_destination(workspace, url(server))

        def story(other: psycopg.Connection[Any]) -> None:
            other.execute(ADD, [workspace.pk, uuid7()])
            eventually(lambda: server.heard)

        while_it_runs(Process(), story)
    assert FailedWork.objects.get(kind="events_step").reason == f"A fault of the program ({type(fault).__name__})."


@pytest.mark.django_db(transaction=True)
def test_asked_to_stop_it_lets_requests_end_and_hands_its_destinations_over(workspace: Workspace) -> None:
    going = threading.Event()

    def slowly(heard: Heard) -> None:
        going.wait(PATIENCE_SECONDS)
        takes(heard)

    process = Process()
    with WireServer(slowly) as server:
        destination = make_destination(workspace, url(server))

        def story(other: psycopg.Connection[Any]) -> None:
            other.execute(ADD, [workspace.pk, uuid7()])
            eventually(lambda: server.heard)
            process.requested_to_stop.set()
            going.set()

        while_it_runs(process, story)
    assert WebhookDelivery.objects.get().state == State.DELIVERED
    destination.refresh_from_db()
    assert destination.leased_by is None


def have_ended(destination: WebhookDestination, count: int) -> Callable[[], bool]:
    """Whether so many are delivered, looked up twice a second because there may be 100,000."""
    delivered = WebhookDelivery.objects.filter(destination=destination, state=State.DELIVERED)
    look_at = 0.0

    def look() -> bool:
        nonlocal look_at
        if time.monotonic() < look_at:
            return False
        look_at = time.monotonic() + 0.5
        return delivered.count() == count

    return look


def told_of_each(server: WireServer) -> dict[UUID, list[int]]:
    """The numbers of events by subject in the order in which they were taken, which is that of the last request of each."""
    events = {
        str(pk): (subject, data["number"])
        for pk, subject, data in Event.objects.values_list("id", "subject_id", "data")
    }
    told: dict[UUID, list[int]] = defaultdict(list)
    for event_id in reversed(list(dict.fromkeys(reversed(ids(server))))):
        subject, number = events[event_id]
        told[subject].append(number)
    return told


@pytest.mark.django_db(transaction=True)
def test_after_a_long_backlog_nothing_is_lost_and_each_voicemail_is_told_in_order(workspace: Workspace) -> None:
    """One destination is down for all of the changes and another is not: each gets all of them, in the order of each voicemail."""
    answers = [b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"]
    subjects = [uuid7() for _ in range(CHANGES // 3)]
    count, patience = 3 * len(subjects), max(PATIENCE_SECONDS, CHANGES / 50)
    with WireServer(lambda heard: heard.send(answers[0])) as away, WireServer(takes) as good:
        one, other = make_destination(workspace, url(away)), make_destination(workspace, url(good))
        for number, kind in enumerate(("accepted", "sent", "delivered")):
            told = ((workspace.pk, subject, {"number": number}) for subject in subjects)
            outbox.add_all(f"voicemail.{kind}", told, live=True)
        while publisher.publish():
            pass
        sender = Sender()
        drive(sender, have_ended(other, count), patience)
        waiting = WebhookDelivery.objects.filter(destination=one)
        assert waiting.count() <= feed.BATCH
        assert not waiting.filter(state=State.FAILED).exists()

        answers[0] = b"HTTP/1.1 204 No Content\r\n\r\n"
        WebhookDestination.objects.update(waits_until=None)
        waiting.update(due_at=database_now())
        drive(sender, have_ended(one, count), patience)
        sender.stop()
    assert len(good.heard) == count
    for server in (away, good):
        assert told_of_each(server) == {subject: [0, 1, 2] for subject in subjects}


@pytest.mark.django_db
def test_two_processes_share_destinations(workspace: Workspace) -> None:
    first, second = Sender(), Sender()
    with WireServer(takes) as server:
        for number in range(30):
            make_destination(workspace, f"{url(server)}/{number}")
        happens(workspace, 4)
        drive(first, lambda: first.lines)
        drive(second, lambda: second.lines)
        assert (len(first.lines), len(second.lines)) == (20, 10)
        assert not first.lines.keys() & second.lines.keys()
        for each in (first, second):
            ended = WebhookDelivery.objects.filter(destination__in=list(each.lines), state=State.DELIVERED)
            drive(each, lambda ended=ended, each=each: ended.count() == 4 * len(each.lines))  # type: ignore[misc]
    first.close()
    second.close()
    assert len(server.heard) == 120
