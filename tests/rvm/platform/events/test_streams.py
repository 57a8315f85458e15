"""What the thread of streams does at which time, without the thread: each step is called by the test, and so is the clock."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from bench.api.statements import counted, traced
from rvm.platform.database.clock import database_now
from rvm.platform.events import feed, streams
from rvm.platform.events.streams import MAX_OF_WORKSPACE, Stream, Streams
from rvm.platform.models import ApiKey
from tests import factories
from tests.factories import Api
from tests.rvm.platform.events.publishing import happened

pytestmark = pytest.mark.django_db
ACCEPTED, LAUNCHED = "voicemail.accepted", "campaign.launched"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Client:
    """A client with a stream, and what it was told."""

    def __init__(self, api: Api, served: Streams, client: socket.socket, server: socket.socket, **values: Any) -> None:
        position = feed.newest(api.workspace_id, live=True, now=database_now())
        self.stream = Stream.open(api.key, None, **{"live": True, "types": frozenset(), "position": position, **values})
        self.socket, self.ended = client, list[bool]()
        client.setblocking(False)
        served.add(self.stream, server, chunked=False, ended=self.ended.append)

    def told(self) -> str:
        try:
            return self.socket.recv(1_000_000).decode()
        except BlockingIOError:
            return ""

    def ids(self) -> list[str]:
        return [frame[4:40] for frame in self.told().split("\n\n") if "\ndata: " in frame]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(streams, "time", clock)
    # In a test a transaction is open on the connection.
    monkeypatch.setattr(streams.connection, "close_if_unusable_or_obsolete", lambda: None)
    monkeypatch.setattr(streams.connection, "close", lambda: None)
    return clock


@pytest.fixture
def served(clock: Clock) -> Iterator[Streams]:
    served = Streams()
    yield served
    served.close()


@pytest.fixture
def connect(served: Streams, api: Api) -> Iterator[Callable[..., Client]]:
    with ExitStack() as sockets:

        def connected(caller: Api = api, **values: Any) -> Client:
            pair = socket.socketpair()
            for each in pair:
                sockets.enter_context(each)
            return Client(caller, served, *pair, **values)

        yield connected


def go_on(served: Streams, clock: Clock, seconds: float = 0.0) -> None:
    """Do what is to be done after so many seconds."""
    clock.now += seconds
    served.awake()
    served.step()


def test_each_is_told_its_own_in_one_statement(served: Streams, clock: Clock, connect: Any, api: Api) -> None:
    stranger = factories.make_api()
    clients = [connect(), connect(), connect(stranger), connect(live=False), connect(types=frozenset({LAUNCHED}))]
    go_on(served, clock)
    own, foreign = happened(api.workspace_id, ACCEPTED, LAUNCHED), happened(stranger.workspace_id, ACCEPTED)
    with traced() as taken:
        go_on(served, clock, 1.0)
    assert len(counted(taken)) == 1
    texts = [str(event.pk) for event in own]
    assert [client.ids() for client in clients] == [texts, texts, [str(foreign[0].pk)], [], texts[1:]]
    assert {client.stream.position for client in (clients[0], clients[4])} == {own[1].pk}


def test_who_is_far_behind_gets_a_bounded_piece_at_a_time_and_the_next_one_soon(
    served: Streams, clock: Clock, connect: Any, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "LOOK_EVENTS", 2)
    begin = feed.newest(api.workspace_id, live=True, now=database_now())
    events = happened(api.workspace_id, *[ACCEPTED] * 5)
    client = connect(position=begin)
    pieces = []
    for _ in range(4):
        go_on(served, clock, streams.BEHIND_SECONDS)
        pieces.append(client.ids())
    assert [len(piece) for piece in pieces] == [2, 2, 1, 0]
    assert [pk for piece in pieces for pk in piece] == [str(event.pk) for event in events]


def test_a_silent_stream_says_where_it_is(served: Streams, clock: Clock, connect: Any, api: Api) -> None:
    client = connect(types=frozenset({LAUNCHED}))
    begun = client.stream.position
    go_on(served, clock, 14)
    assert client.told() == ""
    go_on(served, clock, 1.5)
    assert client.told() == f":\nid: {begun}\n\n"
    [passed_over] = happened(api.workspace_id, ACCEPTED)
    go_on(served, clock, 1)
    assert client.told() == ""
    go_on(served, clock, 15)
    assert client.told() == f":\nid: {passed_over.pk}\n\n"


def test_a_client_that_does_not_read_is_asked_nothing_more_for_and_cut_off(
    served: Streams, clock: Clock, connect: Any, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "SEND_BUFFER_BYTES", 4096)
    begin = feed.newest(api.workspace_id, live=True, now=database_now())
    events = happened(api.workspace_id, *[ACCEPTED] * 1200)
    slow = connect(position=begin)
    for _ in range(20):
        go_on(served, clock, 1)
    assert slow.stream.position < events[-1].pk and slow.ended == []
    go_on(served, clock, streams.UNREAD_SECONDS)
    assert slow.ended == [False]


@pytest.mark.parametrize("sooner", [0, streams.SPREAD_SECONDS - 1])
def test_a_stream_ends_with_a_word_before_proxies_end_it(
    served: Streams, clock: Clock, connect: Any, monkeypatch: pytest.MonkeyPatch, sooner: int
) -> None:
    monkeypatch.setattr(streams.secrets, "randbelow", lambda most: sooner)
    client = connect()
    go_on(served, clock)
    go_on(served, clock, streams.MAX_SECONDS)
    assert client.told() == streams.TIME_OVER.decode()
    assert client.ended == [True]


def test_all_streams_end_when_the_server_stops(served: Streams, clock: Clock, connect: Any) -> None:
    client = connect()
    go_on(served, clock)
    served.stop()
    late = connect()
    go_on(served, clock)
    assert [each.told() for each in (client, late)] == [streams.SERVER_STOPS.decode()] * 2
    assert client.ended == late.ended == [True]


def _revoked(key: ApiKey) -> None:
    key.revoked_at = database_now()


def _expired(key: ApiKey) -> None:
    key.expires_at = database_now() - timedelta(seconds=1)


def _scopeless(key: ApiKey) -> None:
    key.scopes = ["voicemail:read"]


def _elsewhere(key: ApiKey) -> None:
    key.networks = ["203.0.113.0/24"]


def _switched_off(key: ApiKey) -> None:
    key.user.is_active = False
    key.user.save()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_revoked, "unauthenticated"),
        (_expired, "unauthenticated"),
        (_switched_off, "unauthenticated"),
        (_scopeless, "missing_scope"),
        (_elsewhere, "address_not_allowed"),
    ],
)
def test_a_key_that_may_no_longer_read_ends_its_stream_before_it_is_told_more(
    served: Streams, clock: Clock, connect: Any, api: Api, change: Callable[[ApiKey], None], code: str
) -> None:
    client, other = connect(), connect(factories.make_api(api.key.workspace))
    go_on(served, clock, streams.KEYS_SECONDS)
    change(api.key)
    api.key.save()
    happened(api.workspace_id, ACCEPTED)
    go_on(served, clock, streams.KEYS_SECONDS)
    [frame] = client.told().rstrip("\n").split("\n\n")
    assert frame.startswith("event: end\ndata: ")
    assert json.loads(frame.partition("data: ")[2])["code"] == code
    assert client.ended == [True] and other.ended == [] and len(other.ids()) == 1


def test_while_postgresql_is_away_streams_wait_and_miss_nothing(
    served: Streams, clock: Clock, connect: Any, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect()
    go_on(served, clock, 1)
    [event] = happened(api.workspace_id, ACCEPTED)
    with monkeypatch.context() as away:

        def out(*_: Any) -> None:
            raise OperationalError("PostgreSQL does not answer.")

        away.setattr(streams.sql, "run", out)
        for _ in range(20):
            go_on(served, clock, 1)
        assert client.ids() == [] and client.ended == []
    go_on(served, clock, 1)
    assert client.ids() == [str(event.pk)]


def test_a_client_that_leaves_frees_its_place(served: Streams, clock: Clock, connect: Any, api: Api) -> None:
    clients = [connect() for _ in range(MAX_OF_WORKSPACE)]
    go_on(served, clock)
    refused = api.get("events/stream")
    assert (refused.status_code, refused.json()["code"], refused["Retry-After"]) == (429, "too_many_at_once", "10")
    clients[0].socket.close()
    go_on(served, clock)
    assert clients[0].ended == [False]
    assert api.get("events/stream").status_code == 200


def test_a_server_that_goes_on_with_nothing_tells_what_there_is_and_ends(api: Api) -> None:
    begin = api.get("events").json()["after"]
    events = happened(api.workspace_id, ACCEPTED, LAUNCHED)
    answer: Any = api.get("events/stream", after=begin)
    assert answer.headers["Content-Type"] == "text/event-stream"
    frames = b"".join(answer.streaming_content).decode().split("\n\n")
    assert frames[0] == f"retry: 3000\n:\nid: {begin}"
    for frame, event in zip(frames[1:3], events, strict=True):
        lines = dict(line.split(": ", 1) for line in frame.split("\n"))
        assert (lines["id"], lines["event"]) == (str(event.pk), event.type)
        assert json.loads(lines["data"]) == api.get(f"events/{event.pk}").json()
    assert frames[3].startswith("event: end")


@pytest.mark.parametrize("last", ["x", "01a22df8-0549-7001-8000-0000000000ff"])
def test_a_last_id_that_is_none_of_the_feed_is_refused(api: Api, last: str) -> None:
    answer = api.client.get(api.url("events/stream"), headers={"Last-Event-ID": last})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/Last-Event-ID")


def test_the_last_id_goes_before_the_address(api: Api) -> None:
    first, second = happened(api.workspace_id, ACCEPTED, LAUNCHED)
    answer: Any = api.client.get(
        api.url("events/stream"), {"after": str(first.pk)}, headers={"Last-Event-ID": str(second.pk)}
    )
    assert str(first.pk) not in b"".join(answer.streaming_content).decode()


def test_head_begins_no_stream(api: Api) -> None:
    for _ in range(MAX_OF_WORKSPACE + 1):
        answer = api.send("HEAD", "events/stream")
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/event-stream")
