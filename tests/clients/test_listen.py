"""The receiver on the loopback takes each verified webhook once, refuses all else, and takes its destination away again."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from threading import Thread
from urllib.parse import urlsplit

import pytest
from rvm_client.cli.exits import Exit
from rvm_client.cli.receiver import Receiver, receiver
from standardwebhooks.webhooks import Webhook

from tests.clients.fake_server import KEY, Answer, FakeServer, problem
from tests.clients.stage import Commands

SECRET = f"whsec_{base64.b64encode(b'secret--' * 4).decode()}"
BODY = b'{"type":"voicemail.delivered","timestamp":"2026-11-30T10:00:00Z","data":{"voicemail_id":"v1"}}'


def post(url: str, webhook_id: str, secret: str = SECRET, body: bytes = BODY, **headers: str) -> int:
    moment = datetime.now(UTC).replace(microsecond=0)
    signed = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, moment, body.decode()),
        **headers,
    }
    connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request("POST", "/", body, signed)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.fixture
def listening() -> Iterator[Receiver]:
    with receiver(0, [SECRET]) as started:
        yield started


def test_a_webhook_that_comes_twice_is_told_once(listening: Receiver) -> None:
    assert [post(listening.url, name) for name in ("m1", "m1", "m2")] == [204, 204, 204]
    told = [listening.received.get_nowait() for _ in range(2)]
    assert [each["id"] for each in told if not isinstance(each, str)] == ["m1", "m2"]
    assert listening.received.empty()


def test_what_is_not_signed_or_too_large_is_refused(listening: Receiver) -> None:
    foreign = f"whsec_{base64.b64encode(b'foreign-' * 4).decode()}"
    assert post(listening.url, "m1", secret=foreign) == 401
    assert "not one that RVM has just signed" in str(listening.received.get_nowait())
    assert post(listening.url, "m1", **{"Content-Length": str(1 << 21)}) == 413
    assert listening.received.empty()


def test_before_the_destination_is_made_a_webhook_is_to_come_again() -> None:
    with receiver(0, []) as started:
        assert post(started.url, "m1") == 503


@pytest.fixture
def rvm(server: FakeServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    monkeypatch.setenv("RVM_API", server.api)
    monkeypatch.setenv("RVM_KEY", KEY)
    monkeypatch.delenv("RVM_WEBHOOK_SECRET", raising=False)
    return Commands(capsys)


def test_listen_makes_a_destination_tells_what_comes_and_removes_it(
    rvm: Commands, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    senders: list[Thread] = []
    made = Answer(201, {"id": "d1", "secret": SECRET, "url": ""})

    def answer(asked: object) -> Answer:
        server.asked.append(asked)  # type: ignore[arg-type]
        if getattr(asked, "path", "").endswith("/test"):
            url = server.asked[0].body["url"]
            senders.append(Thread(target=lambda: [post(url, name) for name in ("m1", "m2")]))
            senders[0].start()
            return Answer(202, {})
        return made if len(server.asked) == 1 else Answer(204)

    monkeypatch.setattr(server, "answer", answer)
    ran = rvm(
        "listen", "--test", "--remove", "--count", "2", "--timeout", "60", "--type", "voicemail.delivered", "--json"
    )
    for sender in senders:
        sender.join()
    assert ran.code == Exit.DONE and sorted(row["id"] for row in ran.rows) == ["m1", "m2"] and SECRET not in ran.err
    assert server.asked[0].body["accepted_event_types"] == ["voicemail.delivered"]
    assert server.asked[0].body["url"].startswith("http://127.0.0.1:")
    assert (server.asked[-1].method, server.asked[-1].path.rpartition("/")[2]) == ("DELETE", "d1")


def test_a_destination_that_stays_has_its_secret_told(rvm: Commands, server: FakeServer) -> None:
    server.answers = [Answer(201, {"id": "d1", "secret": SECRET, "url": ""})]
    ran = rvm("listen", "--timeout", "0", "--url", "https://tunnel.example.org/rvm")
    assert ran.code == Exit.TIMEOUT and f"export RVM_WEBHOOK_SECRET={SECRET}" in ran.err
    assert server.asked[0].body["url"] == "https://tunnel.example.org/rvm" and len(server.asked) == 1


def test_a_known_secret_makes_no_destination(
    rvm: Commands, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RVM_WEBHOOK_SECRET", SECRET)
    assert rvm("listen", "--timeout", "0").code == Exit.TIMEOUT
    assert server.asked == []


def test_a_refused_destination_is_a_sentence(rvm: Commands, server: FakeServer) -> None:
    server.answers = [problem(422, "url_refused")]
    ran = rvm("listen")
    assert ran.code == Exit.REFUSED and ran.err.startswith("rvm: It is so. (url_refused")


def test_a_server_that_does_not_call_this_machine_leads_to_a_tunnel(rvm: Commands, server: FakeServer) -> None:
    wrong = [{"pointer": "/url", "code": "invalid", "detail": "The address must begin with https://."}]
    server.answers = [problem(422, "invalid_request", errors=wrong)]
    assert "--port 8765 --url https://your-tunnel.example.org/" in rvm("listen").err
    assert "tunnel to" not in rvm("listen", "--url", "http://tunnel.example.org/").err


def test_a_workspace_without_room_for_a_destination_is_told_what_to_do(rvm: Commands, server: FakeServer) -> None:
    server.answers = [problem(409, "quota_used_up")]
    ran = rvm("listen")
    assert ran.code == Exit.REFUSED and len(ran.err.splitlines()) == 1
    assert "“Webhook destinations”" in ran.err and "set RVM_WEBHOOK_SECRET to its secret" in ran.err


def test_a_destination_that_cannot_be_removed_is_named(rvm: Commands, server: FakeServer) -> None:
    server.answers = [Answer(201, {"id": "d1", "secret": SECRET, "url": ""}), problem(403, "missing_scope")]
    ran = rvm("listen", "--remove", "--timeout", "0")
    assert ran.code == Exit.REFUSED and "The destination d1 is still there" in ran.err


def test_a_hex_destination_is_received_where_it_is_chosen(rvm: Commands, server: FakeServer) -> None:
    body, timestamp = BODY[:-1] + b',"id":"e1"}', str(int(datetime.now(UTC).timestamp()))
    mark = hmac.new(SECRET.encode(), f"v1:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()
    headers = {"webhook-timestamp": timestamp, "webhook-signature": f"sha256={mark}"}
    with receiver(0, [SECRET], "hex") as started:
        assert post(started.url, "m1", body=body, **headers) == 204
        assert post(started.url, "m1", body=body) == 401
    server.answers = [Answer(201, {"id": "d1", "secret": SECRET, "url": ""})]
    rvm("listen", "--signature", "hex", "--timeout", "0")
    assert server.asked[0].body["signature"] == "hex"


def test_a_taken_port_is_a_sentence(rvm: Commands, listening: Receiver) -> None:
    ran = rvm("listen", "--port", listening.url.rstrip("/").rpartition(":")[2])
    assert ran.code == Exit.USAGE and "Name another one with --port" in ran.err and "already in use" in ran.err
    assert ran.out == ""
