"""Streams of events from the web server itself: beside ordinary requests, to clients that do not read, and until a key ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from rvm.devtools.embedded.processes import spawn
from rvm.devtools.stack import MANAGE
from rvm.platform.api.keys import revoke_api_key
from rvm.platform.events import outbox, publisher
from rvm.platform.models import ApiKey, Event, Workspace
from tests.factories import make_api_key, make_workspace
from tests.rvm.platform.events.publishing import happened
from tests.rvm.platform.events.test_publisher import other_session
from tests.sessions import PATIENCE_SECONDS
from tests.web_servers import serving

pytestmark = pytest.mark.django_db(transaction=True)

THREADS, MOST = 2, 12
ACCEPTED = "voicemail.accepted"


def own_database() -> dict[str, str]:
    """Variables of a process that works on the test's database."""
    return {
        "DATABASE_URL": f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{connection.settings_dict['NAME']}",
        "RVM_MAX_STREAMS": str(MOST),
    }


@pytest.fixture(scope="module")
def port(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """One process with as few threads as it can have."""
    folder = tmp_path_factory.mktemp("web")
    with serving("rvm.project.wsgi", folder, "--threads", str(THREADS), **own_database()) as port:
        yield port


class Caller:
    """A workspace with a key, and its requests."""

    def __init__(self, port: int, workspace: Workspace | None = None, **fields: Any) -> None:
        self.port = port
        self.workspace = workspace or make_workspace()
        self.key, self._plaintext = make_api_key(self.workspace, **fields)

    def ask(self, path: str, **headers: str) -> HTTPResponse:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(
            "GET", f"/v1/{self.workspace.pk}/{path}", headers={"Authorization": f"Bearer {self._plaintext}", **named}
        )
        answer = connection.getresponse()
        if connection.sock:
            connection.sock.close()  # what is left of it is the answer's
        return answer

    def page(self) -> list[str]:
        with closing(self.ask("events?limit=200")) as answer:
            assert answer.status == 200
            return [each["id"] for each in json.loads(answer.read())["items"]]

    def stream(self, query: str = "", **headers: str) -> Stream:
        return Stream(self.ask(f"events/stream{query}", **headers))

    def unread(self, query: str = "") -> socket.socket:
        """A stream of which nothing is read, on a connection that keeps little for whoever does not."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(PATIENCE_SECONDS)
        client.connect(("127.0.0.1", self.port))
        head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {self._plaintext}\r\n\r\n"
        client.sendall(f"GET /v1/{self.workspace.pk}/events/stream{query} HTTP/1.1\r\n{head}".encode())
        return client


class Stream:
    def __init__(self, answer: HTTPResponse) -> None:
        self.answer = answer
        self.last_id = ""

    def __enter__(self) -> Stream:
        assert self.answer.status == 200, self.answer.read()
        assert self.answer.headers["Content-Type"] == "text/event-stream"
        assert self.answer.headers["X-Accel-Buffering"] == "no"
        self.frame()  # says where it is
        return self

    def __exit__(self, *_: object) -> None:
        self.answer.close()

    def frame(self) -> dict[str, str]:
        """The fields of the next frame; none at the end of the stream."""
        fields: dict[str, str] = {}
        while line := self.answer.readline().decode():
            if line == "\n":
                break
            name, _, value = line.rstrip("\n").partition(":")
            fields[name] = value.removeprefix(" ")
        self.last_id = fields.get("id", self.last_id)
        return fields

    def events(self, count: int) -> list[str]:
        """The ids of the next events, each told as a page tells it."""
        found: list[str] = []
        while len(found) < count:
            fields = self.frame()
            assert fields, "the stream ended"
            if "data" in fields:
                told = json.loads(fields["data"])
                assert (told["id"], told["type"]) == (fields["id"], fields["event"])
                assert set(told) == {"id", "type", "timestamp", "data"}
                found.append(fields["id"])
        return found

    def end(self) -> dict[str, Any]:
        """What the last frame says, after which the answer ends."""
        while (fields := self.frame()).get("event") != "end":
            assert fields, "the stream ended without a word"
        assert self.answer.read() == b""
        told: dict[str, Any] = json.loads(fields["data"])
        return told


def texts(events: list[Event]) -> list[str]:
    return [str(event.pk) for event in events]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_happens_is_told_in_its_order(port: int) -> None:
    caller = Caller(port)
    with caller.stream() as stream:
        told = [
            texts(happened(caller.workspace, *[ACCEPTED] * 3)),
            texts(happened(caller.workspace, "campaign.launched")),
        ]
        assert stream.events(4) == told[0] + told[1] == caller.page()


def test_ordinary_requests_are_answered_beside_as_many_streams_as_there_may_be(port: int) -> None:
    callers = [Caller(port), Caller(port)]
    with ExitStack() as streams:
        opened = [streams.enter_context(callers[0].stream()) for _ in range(10)]
        with closing(callers[0].ask("events/stream")) as refused:
            assert (refused.status, json.loads(refused.read())["code"]) == (429, "too_many_at_once")
        opened += [streams.enter_context(callers[1].stream()) for _ in range(MOST - 10)]
        with closing(callers[1].ask("events/stream")) as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (503, "10")
            assert f"{MOST} streams of all workspaces are open here" in json.loads(refused.read())["detail"]
        for _ in range(5):
            assert [caller.page() for caller in callers] == [[], []]
        told = {caller: texts(happened(caller.workspace, ACCEPTED)) for caller in callers}
        assert [stream.events(1) for stream in opened] == [told[callers[0]]] * 10 + [told[callers[1]]] * (MOST - 10)

    def is_free() -> bool:
        with closing(callers[1].ask("events/stream")) as again:
            return again.status == 200

    wait_until(is_free)


def test_a_stream_that_is_never_read_holds_up_nobody(port: int) -> None:
    caller = Caller(port)
    [begin] = happened(caller.workspace, ACCEPTED)
    many = happened(caller.workspace, *[ACCEPTED] * 3_000)
    with ExitStack() as clients:
        for _ in range(2 * THREADS):
            clients.enter_context(caller.unread(f"?after={begin.pk}"))
        stream = clients.enter_context(caller.stream(f"?after={begin.pk}"))
        assert stream.events(len(many)) == texts(many)
        assert len(caller.page()) == 200
        assert texts(happened(caller.workspace, ACCEPTED)) == stream.events(1)


def test_a_client_that_was_away_goes_on_without_a_gap(port: int) -> None:
    caller = Caller(port)
    told: list[str] = []
    with caller.stream() as stream:
        happened(caller.workspace, *[ACCEPTED] * 3)
        told += stream.events(2)  # and is cut off before the third
        last = stream.last_id
    happened(caller.workspace, *[ACCEPTED] * 5)
    with caller.stream(Last_Event_ID=last) as stream:
        told += stream.events(6)
        happened(caller.workspace, ACCEPTED)
        told += stream.events(1)
    assert told == caller.page() and len(told) == 9


def test_a_client_that_had_nothing_yet_goes_on_from_where_it_began(port: int) -> None:
    caller = Caller(port)
    with caller.stream() as stream:
        begun = stream.last_id
    happened(caller.workspace, *[ACCEPTED] * 2)
    with caller.stream(Last_Event_ID=begun) as stream:
        assert stream.events(2) == caller.page()


def test_a_publisher_that_is_killed_between_any_two_commits_makes_no_gap(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, told = Caller(port), []
    monkeypatch.setattr(publisher, "BATCH", 2)
    with caller.stream() as stream:
        for _ in range(7):
            outbox.add(ACCEPTED, caller.key.pk, workspace_id=caller.workspace.pk, live=True)
        while True:
            with other_session() as killed:  # before its commit
                killed.execute(publisher._LOCK)
                killed.execute(publisher._PUBLISH, [publisher.BATCH])
                assert publisher.publish() == 0
                killed.rollback()
            if not (count := publisher.publish()):
                break
            told += stream.events(count)
    assert told == caller.page() and len(told) == 7


def test_processes_of_events_that_are_killed_make_no_gap(port: int, tmp_path: Path) -> None:
    caller, told = Caller(port), []
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "rvm.project.settings", **own_database()}
    with caller.stream() as stream:
        for _ in range(2):
            publishes = spawn(
                [sys.executable, MANAGE, "events"], log=tmp_path / "events.log", env=environment, cwd=MANAGE.parent
            )
            try:
                for _ in range(20):
                    outbox.add(ACCEPTED, caller.key.pk, workspace_id=caller.workspace.pk, live=True)
                told += stream.events(5)
            finally:
                publishes.kill()
                publishes.wait()
        while publisher.publish():
            pass
        told += stream.events(30)
    assert told == texts(list(Event.objects.filter(workspace=caller.workspace).order_by("id"))) and len(told) == 40


def test_a_key_that_is_revoked_ends_its_streams_with_a_word_and_no_others(port: int) -> None:
    revoked = Caller(port)
    other = Caller(port, revoked.workspace)
    with revoked.stream() as ended, other.stream() as goes_on:
        revoke_api_key(ApiKey.objects.get(pk=revoked.key.pk))
        assert ended.end() == {"code": "unauthenticated", "detail": "This API key was revoked."}
        assert texts(happened(revoked.workspace, ACCEPTED)) == goes_on.events(1)


def test_a_stream_is_of_one_workspace_and_one_mode(port: int) -> None:
    live = Caller(port)
    test, stranger = Caller(port, live.workspace, live=False), Caller(port)
    with (
        live.stream() as of_live,
        test.stream() as of_test,
        live.stream("?live=false") as of_both,
        stranger.stream() as of_other,
    ):
        foreign = happened(stranger.workspace, ACCEPTED)
        tested = happened(live.workspace, ACCEPTED, live=False)
        lived = happened(live.workspace, ACCEPTED)
        assert of_live.events(1) == texts(lived) and of_other.events(1) == texts(foreign)
        assert of_test.events(1) == of_both.events(1) == texts(tested)


def test_a_filter_tells_what_was_asked_for_alone_and_moves_on(port: int) -> None:
    caller = Caller(port)
    with caller.stream("?type=campaign.launched&type=campaign.paused") as stream:
        events = happened(caller.workspace, ACCEPTED, "campaign.launched", ACCEPTED, "campaign.paused")
        assert stream.events(2) == texts([events[1], events[3]])


def test_a_stop_of_the_server_ends_streams_with_a_word_and_waits_for_none(
    django_db_setup: None, tmp_path: Path
) -> None:
    with serving("rvm.project.wsgi", tmp_path, **own_database()) as port:
        caller = Caller(port)
        with caller.stream() as stream, caller.unread():
            [parent] = [pid for pid in children() if f"127.0.0.1:{port}" in command_of(pid)]
            os.kill(parent, signal.SIGTERM)
            assert stream.end()["code"] == "server_stops"


def children() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()]


def command_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
