"""The sender against receivers of all kinds: what arrives, what counts as taken, and what becomes of the rest."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from standardwebhooks import Webhook

from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import uuid7
from rvm.platform.models import Outbox, WebhookAttempt, WebhookDelivery, WebhookDestination, WebhookSecret, Workspace
from rvm.platform.outbound.targets import Target
from rvm.platform.webhooks import switches
from rvm.platform.webhooks.sending import sender as module
from rvm.platform.webhooks.sending.sender import Sender
from tests.delivery.transport.wire_server import Heard, WireServer
from tests.factories import make_workspace
from tests.rvm.platform.outbound.hosts import HOST, resolve
from tests.rvm.platform.webhooks.factories import SECRET, deliveries, happens, make_delivery, make_destination
from tests.rvm.platform.webhooks.sending.conftest import drive

pytestmark = pytest.mark.django_db
State = WebhookDelivery.State
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def answers(head: str, body: bytes = b"") -> Callable[[Heard], None]:
    lines = f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n"
    return lambda heard: heard.send(lines.encode() + body)


def says(data: bytes) -> Callable[[Heard], None]:
    def speak(heard: Heard) -> None:
        heard.send(data)
        heard.close()

    return speak


def takes(heard: Heard) -> None:
    heard.send(OK)


def url(server: WireServer) -> str:
    return f"http://127.0.0.1:{server.port}/hooks"


def attempts() -> list[WebhookAttempt]:
    return list(WebhookAttempt.objects.order_by("id"))


def ids(server: WireServer) -> list[str]:
    return [heard.headers["webhook-id"] for heard in server.heard]


def ended(count: int) -> Callable[[], bool]:
    return lambda: WebhookDelivery.objects.exclude(state=State.PENDING).count() >= count


def tried(count: int = 1) -> Callable[[], bool]:
    return lambda: WebhookAttempt.objects.count() >= count


def one_attempt(sender: Sender, workspace: Workspace, answer: Callable[[Heard], None]) -> WebhookAttempt:
    """What is noted of one attempt at a receiver that answers so."""
    with WireServer(answer) as server:
        make_destination(workspace, url(server))
        happens(workspace)
        drive(sender, tried())
    [attempt] = attempts()
    return attempt


# What arrives


def test_a_webhook_arrives_signed_as_the_library_of_the_specification_verifies(
    sender: Sender, workspace: Workspace
) -> None:
    with WireServer(takes) as server:
        destination = make_destination(workspace, url(server))
        [event_id] = happens(workspace, voicemail_id="v1")
        drive(sender, ended(1))
    [heard] = server.heard
    body = Webhook(SECRET).verify(heard.body, heard.headers)
    assert heard.line == "POST /hooks HTTP/1.1"
    assert heard.headers["content-type"] == "application/json"
    assert (body["id"], body["type"], body["data"]) == (str(event_id), "voicemail.delivered", {"voicemail_id": "v1"})
    assert body["timestamp"].endswith("Z")
    assert set(body) == {"id", "type", "timestamp", "data"}
    assert heard.headers["webhook-id"] == str(event_id)
    [delivery] = deliveries(destination)
    assert (delivery.state, delivery.attempts, delivery.due_at) == (State.DELIVERED, 1, None)
    [attempt] = attempts()
    assert (attempt.number, attempt.status, attempt.error, attempt.answer) == (1, 200, "", "ok")


def test_while_one_secret_replaces_another_both_verify(sender: Sender, workspace: Workspace) -> None:
    newer = "whsec_" + "bmV3ZXIh" * 5
    with WireServer(takes) as server:
        destination = make_destination(workspace, url(server))
        destination.secrets.update(expires_at=database_now() + timedelta(hours=1))
        WebhookSecret.objects.create(destination=destination, secret=newer, last4=newer[-4:])
        ended_one = "whsec_" + "ZW5kZWQh" * 5
        WebhookSecret.objects.create(
            destination=destination, secret=ended_one, last4=ended_one[-4:], expires_at=database_now()
        )
        happens(workspace)
        drive(sender, ended(1))
    [heard] = server.heard
    for secret in (SECRET, newer):
        Webhook(secret).verify(heard.body, heard.headers)
    assert len(heard.headers["webhook-signature"].split()) == 2


def test_a_destination_may_choose_the_hex_signature(sender: Sender, workspace: Workspace) -> None:
    with WireServer(takes) as server:
        make_destination(workspace, url(server), signature="hex")
        happens(workspace)
        drive(sender, ended(1))
    [heard] = server.heard
    signed = f"v1:{heard.headers['webhook-timestamp']}:".encode() + heard.body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert heard.headers["webhook-signature"] == f"sha256={expected}"
    assert set(orjson.loads(heard.body)) == {"id", "type", "timestamp", "data"}


def test_requests_to_a_destination_share_a_connection_and_no_other_destination_gets_it(
    sender: Sender, workspace: Workspace
) -> None:
    with WireServer(takes) as server:
        make_destination(workspace, url(server), concurrency=1)
        make_destination(workspace, url(server) + "?other", concurrency=1)
        happens(workspace, 5)
        drive(sender, ended(10))
    lines = {heard.connection: heard.line for heard in server.heard}
    assert len(server.heard) == 10
    assert server.accepted == 2
    assert all(heard.line == lines[heard.connection] for heard in server.heard)


def test_a_connection_that_the_receiver_has_closed_is_replaced(sender: Sender, workspace: Workspace) -> None:
    with WireServer(says(OK)) as server:
        make_destination(workspace, url(server), concurrency=1)
        happens(workspace, 3)
        drive(sender, ended(3))
    assert [attempt.error for attempt in attempts()] == ["", "", ""]


# What counts as taken


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (answers("204 No Content"), 204, ""),
        (answers("200 OK\r\nContent-Type: text/html", b"<html>Sign in</html>"), 200, ""),
        (
            answers("302 Found\r\nLocation: http://169.254.169.254/latest/meta-data"),
            302,
            "The address answered with a redirect (302), and none is followed; name the address that it leads to.",
        ),
        (
            answers("500 Internal Server Error"),
            500,
            "The address answered with status 500; only 200 to 299 say that a webhook was taken.",
        ),
        (lambda heard: heard.close(), None, "The connection ended without an answer."),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), None, "The answer was not HTTP."),
        (
            says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"),
            200,
            "The connection broke before the answer was whole.",
        ),
    ],
)
def test_only_the_status_of_a_whole_answer_counts(
    sender: Sender, workspace: Workspace, answer: Callable[[Heard], None], status: int | None, error: str
) -> None:
    attempt = one_attempt(sender, workspace, answer)
    assert (attempt.status, attempt.error) == (status, error)
    [delivery] = WebhookDelivery.objects.all()
    assert delivery.state == (State.PENDING if error else State.DELIVERED)


def test_a_redirect_is_not_followed(sender: Sender, workspace: Workspace) -> None:
    with WireServer(takes) as other:
        one_attempt(sender, workspace, answers(f"307 Temporary Redirect\r\nLocation: {url(other)}"))
    assert other.accepted == 0


def test_of_an_answer_without_end_the_beginning_is_read_and_its_status_counts(
    sender: Sender, workspace: Workspace
) -> None:
    def floods(heard: Heard) -> None:
        heard.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        for _ in range(1024):
            heard.send(b"x" * 1024 * 1024)

    attempt = one_attempt(sender, workspace, floods)
    assert (attempt.status, attempt.error, attempt.answer) == (200, "", "x" * 500)


@pytest.mark.parametrize("drips", [False, True])
def test_a_receiver_that_takes_too_long_has_taken_nothing(
    sender: Sender, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, drips: bool
) -> None:
    monkeypatch.setattr("rvm.platform.webhooks.sending.channels.TOTAL_SECONDS", 0.2)

    def slow(heard: Heard) -> None:
        if drips:
            heard.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")

    attempt = one_attempt(sender, workspace, slow)
    expected = "The answer (200) was not whole" if drips else "There was no answer within"
    assert attempt.error.startswith(expected)


def test_of_the_answer_the_beginning_is_kept_with_numbers_masked(sender: Sender, workspace: Workspace) -> None:
    text = b"No patient with +1 415 555 0123.\x00" + b"a" * 1000
    attempt = one_attempt(sender, workspace, answers("422 Unprocessable Content", text))
    assert attempt.answer.startswith("No patient with [number]. aaa")
    assert len(attempt.answer) == 500


# Where it goes


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "127.0.0.1",
        "10.0.0.1",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "[::1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
    ],
)
def test_a_name_that_leads_to_a_machine_within_reaches_nobody(
    sender: Sender, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    with WireServer(takes) as server:
        resolve(monkeypatch, server.port, address)
        target = Target(f"https://{HOST}:{server.port}/hooks", HOST, "/hooks")
        monkeypatch.setattr(module, "target_of", lambda _: target)
        make_destination(workspace, target.url)
        happens(workspace)
        drive(sender, tried())
        assert server.accepted == 0
    [attempt] = attempts()
    assert (attempt.status, attempt.error) == (
        None,
        "No machine on the public internet was found under the host's name.",
    )


def test_a_name_that_has_come_to_lead_elsewhere_is_judged_anew(
    sender: Sender, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The addresses were fine when the destination was made: each socket is judged when it is opened, not the name before."""
    judged: list[str] = []

    def judge(address: str) -> bool:
        judged.append(address)
        return len(judged) == 1

    monkeypatch.setattr("rvm.platform.outbound.connection.is_loopback", judge)

    with WireServer(says(OK)) as server:
        make_destination(workspace, url(server), concurrency=1)
        happens(workspace)
        drive(sender, tried(1))
        happens(workspace)
        drive(sender, tried(2))
        assert server.accepted == 1
    assert judged == ["127.0.0.1", "127.0.0.1"]
    assert attempts()[1].error == "No machine on the public internet was found under the host's name."


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.example.org/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://u:p@hooks.example.org/",
        "https://hooks.example.org:5432/",
    ],
)
def test_an_address_that_would_be_refused_today_is_not_asked(
    sender: Sender, workspace: Workspace, address: str
) -> None:
    make_destination(workspace, address)
    happens(workspace)
    drive(sender, tried())
    [attempt] = attempts()
    assert attempt.status is None
    assert attempt.error.startswith("The address ")


def test_production_sends_nothing_to_the_loopback(sender: Sender, workspace: Workspace, settings: Any) -> None:
    settings.RVM_OUTBOUND_LOOPBACK = False
    with WireServer(takes) as server:
        make_destination(workspace, url(server))
        happens(workspace)
        drive(sender, tried())
        assert server.accepted == 0


# What becomes of the rest


def test_a_failed_delivery_is_due_again_after_the_schedule_under_the_same_id(
    sender: Sender, workspace: Workspace
) -> None:
    first = iter([True])

    def fails_once(heard: Heard) -> None:
        heard.send(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" if next(first, False) else OK)

    with WireServer(fails_once) as server:
        destination = make_destination(workspace, url(server))
        [event_id] = happens(workspace)
        drive(sender, tried())
        [delivery] = deliveries(destination)
        assert delivery.due_at is not None
        assert timedelta(seconds=4) < delivery.due_at - attempts()[0].at < timedelta(seconds=7)
        WebhookDelivery.objects.update(due_at=database_now())
        drive(sender, ended(1))
    assert ids(server) == [str(event_id)] * 2
    [delivery] = deliveries(destination)
    assert (delivery.attempts, delivery.state) == (2, State.DELIVERED)
    destination.refresh_from_db()
    assert (destination.failures, destination.failing_since) == (0, None)


def test_the_eighth_failure_gives_the_delivery_up_while_the_destination_takes_others(
    sender: Sender, workspace: Workspace
) -> None:
    with WireServer(answers("400 Bad Request")) as server:
        destination = make_destination(workspace, url(server))
        WebhookDelivery.objects.create(
            destination=destination,
            event_id=happens(workspace)[0],
            type="voicemail.delivered",
            subject_id=uuid7(),
            attempts=10,
            probes=3,
            due_at=database_now(),
        )
        WebhookDestination.objects.update(position=happens(workspace)[0])
        drive(sender, ended(1))
    [delivery] = deliveries(destination)
    assert (delivery.state, delivery.attempts, delivery.due_at) == (State.FAILED, 11, None)


def test_events_of_a_subject_arrive_in_order_and_a_failed_one_holds_its_later_ones_alone(
    sender: Sender, workspace: Workspace
) -> None:
    subject = uuid7()
    refused: set[str] = set()

    def refuses(heard: Heard) -> None:
        answers("503 No" if heard.headers["webhook-id"] in refused else "200 OK")(heard)

    with WireServer(refuses) as server:
        make_destination(workspace, url(server))
        of_subject = [str(each) for each in happens(workspace, 3, subject=subject)]
        refused.add(of_subject[0])
        others = [str(each) for each in happens(workspace, 6)]
        drive(sender, ended(6))
        assert set(ids(server)) == {of_subject[0], *others}
        refused.clear()
        WebhookDelivery.objects.filter(state=State.PENDING).update(due_at=database_now())
        drive(sender, ended(9))
    assert [each for each in ids(server) if each in of_subject] == [of_subject[0], *of_subject]


def test_a_destination_that_fails_waits_as_a_whole_and_its_backlog_stays_in_the_feed(
    sender: Sender, workspace: Workspace
) -> None:
    down = True

    def answer(heard: Heard) -> None:
        answers("500 No" if down else "200 OK")(heard)

    with WireServer(answer) as server:
        destination = make_destination(workspace, url(server), concurrency=1)
        events = [str(each) for each in happens(workspace, 8)]
        drive(sender, tried(5))
        destination.refresh_from_db()
        assert destination.failures == 5
        assert destination.waits_until is not None
        assert len(server.heard) == 5
        events += [str(each) for each in happens(workspace, 60)]
        drive(sender, lambda: not sender.lines)  # what waits is leased by nobody
        assert WebhookDelivery.objects.count() == 8

        for _ in range(3):  # each probe tries another delivery, and counts for none
            count = WebhookAttempt.objects.count()
            past = database_now() - timedelta(seconds=1)
            WebhookDestination.objects.update(waits_until=past)
            drive(sender, tried(count + 1))
        assert len({each.delivery_id for each in attempts()[-3:]}) == 3
        assert WebhookDelivery.objects.count() == 10
        assert [each.attempts - each.probes for each in deliveries(destination)][5:] == [0] * 5

        down = False
        WebhookDestination.objects.update(waits_until=database_now())
        WebhookDelivery.objects.update(due_at=database_now())
        drive(sender, ended(68))
    assert set(ids(server)) == set(events)
    destination.refresh_from_db()
    assert (destination.failures, destination.waits_until, destination.failing_since) == (0, None, None)


def test_a_receiver_that_asks_for_rest_gets_it(sender: Sender, workspace: Workspace) -> None:
    with WireServer(answers("429 Too Many Requests\r\nRetry-After: 120")) as server:
        destination = make_destination(workspace, url(server), concurrency=1)
        happens(workspace, 4)
        drive(sender, lambda: attempts() and not sender.lines)
        assert len(server.heard) == 1
    destination.refresh_from_db()
    [attempt] = attempts()
    assert destination.waits_until is not None
    assert timedelta(seconds=118) < destination.waits_until - attempt.at < timedelta(seconds=123)


def test_a_rest_of_more_seconds_than_a_machine_counts_hurts_nobody(sender: Sender, workspace: Workspace) -> None:
    moment = f"Mon, 02 Mar {'9' * 20} 15:02:00 GMT"
    attempt = one_attempt(sender, workspace, answers(f"503 Service Unavailable\r\nRetry-After: {moment}"))
    assert attempt.status == 503


def test_a_delivery_is_tried_however_often_its_receiver_asks_for_rest(sender: Sender, workspace: Workspace) -> None:
    many = 32_767  # the largest small integer
    with WireServer(answers("429 Too Many Requests\r\nRetry-After: 1")) as server:
        destination = make_destination(workspace, url(server))
        make_delivery(destination, event_id=happens(workspace)[0], state=State.PENDING, attempts=many, probes=many)
        drive(sender, tried(2))
    assert {each.number for each in attempts()} >= {1, many + 1}


def test_an_address_that_is_gone_is_disabled_with_notice(sender: Sender, workspace: Workspace) -> None:
    with WireServer(answers("410 Gone")) as server:
        destination = make_destination(workspace, url(server), concurrency=1)
        happens(workspace, 3)
        drive(sender, lambda: Outbox.objects.exists())
        position = WebhookDestination.objects.get().position
        drive(sender, lambda: not sender.lines)
    destination.refresh_from_db()
    assert not destination.enabled
    assert destination.disabled_because == "It answered 410: what receives webhooks there is gone for good."
    assert destination.position == position
    assert len(server.heard) == 1
    assert WebhookDelivery.objects.filter(state=State.PENDING).count() == 3


def test_after_five_days_of_failures_it_is_disabled_and_enabling_goes_on_from_there(
    sender: Sender, workspace: Workspace
) -> None:
    with WireServer(answers("500 No")) as server:
        destination = make_destination(
            workspace, url(server), failures=400, failing_since=database_now() - timedelta(days=5, minutes=1)
        )
        happens(workspace, 2)
        drive(sender, lambda: Outbox.objects.exists())
    destination.refresh_from_db()
    assert destination.disabled_because.startswith("It took nothing for 5 days. The last attempt: ")


def test_a_destination_is_told_of_what_it_has_chosen_and_of_its_own_tests(sender: Sender, workspace: Workspace) -> None:
    with WireServer(takes) as server:
        destination = make_destination(workspace, url(server), accepted_event_types=["campaign.completed"])
        happens(workspace)
        [chosen] = happens(workspace, type_name="campaign.completed")
        [test] = happens(workspace, type_name="webhook.ping", destination_id=str(destination.pk))
        happens(workspace, type_name="webhook.ping", destination_id=str(uuid7()))
        drive(sender, ended(2))
    assert sorted(ids(server)) == sorted([str(chosen), str(test)])
    destination.refresh_from_db()
    assert destination.position > test


def test_events_of_other_workspaces_and_of_the_other_world_are_not_told(sender: Sender, workspace: Workspace) -> None:
    with WireServer(takes) as server:
        make_destination(workspace, url(server), live=False)
        make_destination(make_workspace(), url(server))
        happens(workspace)
        for _ in range(3):
            sender.look_again()
            sender.step(0.0)
        assert server.accepted == 0
    assert not sender.lines
    assert not WebhookDelivery.objects.exists()


def test_the_pace_of_a_destination_is_kept(sender: Sender, workspace: Workspace) -> None:
    with WireServer(takes) as server:
        make_destination(workspace, url(server), pace_per_second=1)
        happens(workspace, 3)
        drive(sender, ended(1))
        [line] = sender.lines.values()
        assert len(server.heard) == 1
        assert line.next_at > 0
        line.next_at = 0.0
        drive(sender, ended(2))
    assert len(server.heard) == 2


def test_a_dead_receiver_delays_no_other(sender: Sender, workspace: Workspace) -> None:
    with WireServer(lambda heard: None) as dead, WireServer(takes) as good:
        silent = make_destination(workspace, url(dead))
        taking = make_destination(workspace, url(good))
        happens(workspace, 60)
        drive(sender, ended(60))
        assert sender.lines[silent.pk].under_way == 4
    assert len(good.heard) == 60
    assert {each.state for each in deliveries(taking)} == {State.DELIVERED}


def test_a_secret_that_signs_nothing_fails_its_own_destination_alone(sender: Sender, workspace: Workspace) -> None:
    with WireServer(takes) as server:
        broken = make_destination(workspace, url(server))
        broken.secrets.all().delete()
        WebhookSecret.objects.create(destination=broken, secret="whsec_", last4="sec_")
        make_destination(workspace, url(server))
        happens(workspace)
        drive(sender, lambda: tried(2)() and ended(1)())
    assert len(server.heard) == 1
    [attempt] = [each for each in attempts() if each.error]
    assert attempt.error == "The request could not be built: a fault of the program (EmptyWebhookSecretError)."


def test_without_a_valid_secret_nothing_is_sent(sender: Sender, workspace: Workspace) -> None:
    with WireServer(takes) as server:
        make_destination(workspace, url(server)).secrets.update(expires_at=database_now())
        happens(workspace)
        drive(sender, tried())
        assert server.accepted == 0
    assert attempts()[0].error == "The destination has no secret that is valid; make a new one."


def test_another_address_is_used_from_the_next_request_on(sender: Sender, workspace: Workspace) -> None:
    with WireServer(takes) as before, WireServer(takes) as after:
        destination = make_destination(workspace, url(before))
        happens(workspace)
        drive(sender, ended(1))
        destination.url = url(after)
        destination.save(update_fields=["url"])
        sender._extend_at = 0.0
        happens(workspace)
        drive(sender, ended(2))
    assert (len(before.heard), len(after.heard)) == (1, 1)


def test_a_disabled_destination_gets_nothing_more(sender: Sender, workspace: Workspace) -> None:
    with WireServer(takes) as server:
        destination = make_destination(workspace, url(server))
        happens(workspace)
        drive(sender, ended(1))
        switches.disable(destination, actor=None)
        sender._extend_at = 0.0
        happens(workspace)
        drive(sender, lambda: not sender.lines)
        assert len(server.heard) == 1
        switches.enable(destination, actor=None)
        WebhookDestination.objects.update(leased_until=None)
        drive(sender, ended(3))  # also that it was disabled, which was published with the next event
    assert sorted(json.loads(heard.body)["type"] for heard in server.heard[1:]) == [
        "voicemail.delivered",
        "webhook_destination.disabled",
    ]


# Several processes, and one that dies


def test_one_process_at_a_time_sends_to_a_destination(sender: Sender, workspace: Workspace) -> None:
    other = Sender()
    with WireServer(takes) as server:
        make_destination(workspace, url(server))
        happens(workspace, 20)
        sender.step(0.0)
        for _ in range(5):
            other.step(0.0)
        assert not other.lines
        drive(sender, ended(20))
        sender.stop()
        happens(workspace)
        drive(other, ended(21))
    other.close()
    assert len(set(ids(server))) == len(server.heard) == 21


def test_what_a_killed_process_had_under_way_is_sent_again_under_the_same_id(workspace: Workspace) -> None:
    killed, other = Sender(), Sender()
    with WireServer(takes) as server:
        make_destination(workspace, url(server))
        [event_id] = happens(workspace)
        drive(killed, lambda: server.heard)
        killed.close()
        other.step(0.0)
        assert not other.lines
        WebhookDestination.objects.update(leased_until=database_now())
        drive(other, ended(1))
    other.close()
    assert ids(server) == [str(event_id)] * 2
    assert len(attempts()) == 1


def test_a_process_that_slept_past_its_lease_settles_nothing(workspace: Workspace) -> None:
    slept, other = Sender(), Sender()
    with WireServer(takes) as server:
        make_destination(workspace, url(server))
        happens(workspace)
        drive(slept, lambda: slept.results)
        WebhookDestination.objects.update(leased_until=database_now())
        other.step(0.0)
        drive(other, ended(1))
        drive(slept, lambda: not slept.results)
    assert not slept.lines
    slept.close()
    other.close()
    assert len(attempts()) == 1


def test_nothing_begins_once_the_lease_may_end_before_the_answer(workspace: Workspace) -> None:
    late = 0.0
    sender = Sender(clock=lambda: late)
    with WireServer(takes) as server:
        make_destination(workspace, url(server))
        sender._lease_more()
        happens(workspace)
        sender._lease_more()
        sender._fill()
        late = 15.0
        sender._send()
        assert sender.under_way == 0
        late = 13.0
        sender._send()
        assert sender.under_way == 1
    sender.close()
