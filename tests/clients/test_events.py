"""The stream goes on behind the last event after whatever ended it, and commands follow it or ask again and again."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest
from rvm_client import Client, ConnectionFailed, Forbidden, Gone, Retries, UnexpectedAnswer
from rvm_client.cli.exits import Exit
from rvm_client.cli.following import patience

from tests.clients.fake_server import DROP, KEY, Answer, FakeServer, problem
from tests.clients.stage import Commands

ID = "01a20000-0000-7000-8000-000000000002"
END = b'event: end\ndata: {"code":"time_over","detail":"Connect again."}\n\n'


def event(number: int, type: str = "voicemail.delivered", voicemail: str = ID) -> dict[str, object]:
    return {"id": f"e{number}", "type": type, "timestamp": "2026-11-30T10:00:00Z", "data": {"voicemail_id": voicemail}}


def stream(*numbers: int, begin: bytes = b"retry: 0\n:\nid: e0\n\n", end: bytes = b"") -> Answer:
    told = [event(number) for number in numbers]
    body = b"".join(f"id: {each['id']}\nevent: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in told)
    return Answer(200, begin + body + end, {"Content-Type": "text/event-stream"})


def voicemail(status: str) -> Answer:
    return Answer(200, {"id": ID, "status": status, "reason": None, "reason_detail": None})


def test_a_stream_goes_on_behind_its_last_event(server: FakeServer, client: Client) -> None:
    server.answers = [
        stream(1, 2, end=END),
        DROP,
        problem(503, "unavailable", headers={"Retry-After": "0"}),
        stream(3, begin=b""),
        stream(begin=b":\nid: e7\n\n"),
        stream(8, begin=b""),
    ]
    found = [each["id"] for each in islice(client.events.stream(since="2026-11-30T10:00:00Z"), 4)]
    assert found == ["e1", "e2", "e3", "e8"]
    positions = [asked.headers.get("Last-Event-ID") for asked in server.asked]
    assert positions == [None, "e2", "e2", "e2", "e3", "e7"]


def test_a_frame_that_has_not_arrived_whole_comes_again(server: FakeServer, client: Client) -> None:
    server.answers = [stream(1, end=b"id: e2\nevent: voicemail.failed\ndata: {"), stream(2, begin=b"")]
    assert [each["id"] for each in islice(client.events.stream(), 2)] == ["e1", "e2"]
    assert server.asked[1].headers["Last-Event-ID"] == "e1"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (problem(403, "missing_scope"), Forbidden),
        (problem(410, "events_gone"), Gone),
        (Answer(200, {"items": []}), UnexpectedAnswer),
    ],
)
def test_a_refused_stream_is_told_at_once(
    server: FakeServer, client: Client, answer: Answer, kind: type[Exception]
) -> None:
    server.answers = [answer]
    with pytest.raises(kind):
        next(client.events.stream())
    assert len(server.asked) == 1


@pytest.mark.parametrize("answer", [DROP, stream(begin=b"")], ids=["no answer", "ends at once"])
def test_a_stream_that_never_begins_is_given_up(server: FakeServer, answer: Answer) -> None:
    server.answers = [answer]
    with Client(server.api, KEY, retries=Retries(attempts=3, first_pause=0)) as client, pytest.raises(ConnectionFailed):
        next(client.events.stream())
    assert len(server.asked) == 3


def test_a_refused_key_ends_a_stream_with_its_reason(server: FakeServer, client: Client) -> None:
    ends = b'event: end\ndata: {"code":"unauthenticated","detail":"The key has ended."}\n\n'
    server.answers = [stream(1, end=ends), problem(403, "missing_scope")]
    events = client.events.stream()
    assert next(events)["id"] == "e1"
    with pytest.raises(Forbidden):
        next(events)


def test_all_events_are_read_page_by_page(server: FakeServer, client: Client) -> None:
    server.answers = [
        Answer(200, {"items": [event(1)], "after": "e1", "has_more": True}),
        Answer(200, {"items": [], "after": "e5", "has_more": True}),
        Answer(200, {"items": [event(6)], "after": "e6", "has_more": False}),
    ]
    found = client.events.list(since="2026-11-30T10:00:00Z", type=["voicemail.delivered", "voicemail.failed"])
    assert [each["id"] for each in found] == ["e1", "e6"]
    queries = [asked.path.partition("?")[2] for asked in server.asked]
    assert "since=" in queries[0] and "type=voicemail.delivered&type=voicemail.failed" in queries[0]
    assert all("since=" not in query for query in queries[1:]) and "after=e1" in queries[1] and "after=e5" in queries[2]


@pytest.fixture
def rvm(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Commands:
    monkeypatch.setenv("RVM_API", server.api)
    monkeypatch.setenv("RVM_KEY", KEY)
    monkeypatch.setattr("rvm_client.cli.following.SHORTEST_PAUSE", 0)
    return Commands(capsys)


def test_watch_reads_a_voicemail_again_when_an_event_names_it(rvm: Commands, server: FakeServer) -> None:
    server.answers = [stream(1), voicemail("queued"), voicemail("delivered")]
    ran = rvm("watch", ID, "--json")
    assert ran.code == Exit.DONE and [row["status"] for row in ran.rows] == ["queued", "delivered"]
    assert len(server.asked) == 3


def test_watch_asks_again_and_again_where_there_is_no_stream(rvm: Commands, server: FakeServer) -> None:
    server.answers = [problem(403, "missing_scope"), voicemail("queued"), voicemail("sending"), voicemail("failed")]
    ran = rvm("watch", ID)
    assert ran.code == Exit.OTHERWISE and ran.out == f"{ID} failed\n" and "There is no stream of events" in ran.err


def test_watch_goes_on_after_a_restart_of_the_server(
    rvm: Commands, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once RVM has answered, more attempts are made than for an address at which nobody is."""
    monkeypatch.setattr(Retries, "pause", lambda self, attempt, *_: 0.0 if attempt < self.attempts else None)
    away = [DROP] * 4 + [problem(503, "unavailable")] * 4
    server.answers = [stream(1), voicemail("queued"), *away, voicemail("accepted"), DROP, *away, voicemail("delivered")]
    ran = rvm("watch", ID, "--json")
    assert ran.code == Exit.DONE and [row["status"] for row in ran.rows] == ["queued", "accepted", "delivered"]


def test_watch_of_all_events_goes_on_after_a_restart_of_the_server(
    rvm: Commands, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Retries, "pause", lambda self, attempt, *_: 0.0 if attempt < self.attempts else None)
    server.answers = [stream(1), *[DROP] * 8, stream(2, begin=b"")]
    assert [row["id"] for row in rvm("watch", "--count", "2", "--json").rows] == ["e1", "e2"]


def test_where_nobody_answers_from_the_beginning_it_is_told_soon(
    rvm: Commands, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Retries, "pause", lambda self, attempt, *_: 0.0 if attempt < self.attempts else None)
    server.answers = [DROP]
    assert rvm("watch", "--count", "1").code == Exit.NO_ANSWER and len(server.asked) == 5
    server.asked.clear()
    ran = rvm("watch", ID)
    assert ran.code == Exit.NO_ANSWER and len(server.asked) == 10 and len(ran.err.splitlines()) == 1


def test_patience_ends_with_the_time_that_is_asked_for() -> None:
    assert patience(None).attempts > Retries().attempts
    assert patience(0.0).pause(1, 0, None, lambda: 0.0) is None


def test_watch_tells_all_events_one_a_line(rvm: Commands, server: FakeServer) -> None:
    server.answers = [stream(1, 2)]
    ran = rvm("watch", "--count", "2", "--after", "e0", "--json")
    assert ran.code == Exit.DONE and [row["id"] for row in ran.rows] == ["e1", "e2"]
    assert server.asked[0].path.endswith("/events/stream?after=e0")
    server.answers = [stream(3)]
    assert rvm("watch", "--count", "1").out == f"2026-11-30T10:00:00Z voicemail.delivered: voicemail_id {ID}\n"
