"""PostgreSQL or Redis is away, restarts, hangs or is full: each request of a client is answered, 503 at the worst, within seconds."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.test import Client, override_settings
from pytest_django.plugin import DjangoDbBlocker

from delivery.recordings.links import link
from delivery.recordings.recordings import store_recording
from rvm.devtools.embedded.processes import spawn, stop, wait_until
from rvm.devtools.sample import load_sample, recording_file
from rvm.devtools.stack import Stack, answers
from rvm.platform.models import User
from tests.chaos.scene import free_port
from tests.chaos.servers import Servers, django_on
from tests.factories import fixed_token
from usecases.models import TelephonySetup

pytestmark = pytest.mark.chaos

MOST_SECONDS = 3.0
# A server's answer to a client that found no place: the embedded one has a hundred.
PLACES = 110


class Answer(NamedTuple):
    status: int
    retry_after: str
    kind: str
    seconds: float


class Web:
    """A web server as the stack runs it, and requests of each kind of client."""

    def __init__(
        self, port: int, servers: Servers, url: str, requests: dict[str, tuple[str, str, bytes, dict[str, str]]]
    ) -> None:
        self.port, self.servers, self.url, self.requests = port, servers, url, requests

    def ask(self, name: str) -> Answer:
        method, path, body, headers = self.requests[name]
        begun = time.monotonic()
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            response.read()
        kind, retry_after = response.headers["Content-Type"], response.headers.get("Retry-After", "")
        return Answer(response.status, retry_after, kind, time.monotonic() - begun)

    def ask_all(self) -> dict[str, Answer]:
        """Twice, at the same time: some find a connection in their thread, others none."""
        names = [*self.requests, *self.requests]
        with ThreadPoolExecutor(len(names)) as pool:
            found = list(pool.map(self.ask, names))
        slowest = max(answer.seconds for answer in found)
        assert slowest < MOST_SECONDS, sorted(zip(names, found, strict=True))
        return dict(zip(names, found, strict=True))

    def expect_unavailable(self) -> None:
        found = self.ask_all()
        assert {name: answer.status for name, answer in found.items()} == dict.fromkeys(found, 503)
        assert all(int(answer.retry_after) > 0 for answer in found.values())
        kinds = {name: answer.kind.partition(";")[0] for name, answer in found.items()}
        problem = "application/problem+json"
        assert kinds == {
            "list": problem,
            "send": problem,
            "page": "text/html",
            "callback": "text/plain",
            "recording": "text/plain",
        }

    def expect_well(self) -> None:
        found = self.ask_all()
        usual = {"list": 200, "send": 201, "page": 200, "callback": 401, "recording": 200}
        assert {name: answer.status for name, answer in found.items()} == usual

    def wait(self, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < deadline, f"{what}: not so after 30 s"
            time.sleep(0.02)

    def is_well(self) -> bool:
        return {self.ask(name).status for name in ("list", "page")} == {200}


@pytest.fixture
def web(servers: Servers, tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Web]:
    url = servers.new_database()
    media = str(tmp_path / "media")
    variables = {"DATABASE_URL": url, "REDIS_URL": servers.redis_url, "RVM_MEDIA_ROOT": media}
    stack = Stack(tmp_path, web_port=free_port(), variables=variables)
    with override_settings(MEDIA_ROOT=media), django_db_blocker.unblock(), django_on(url):
        sample = load_sample(stack.sandbox_url, stack.sandbox_key, stack.signing_secret)
        recording = store_recording(sample.workspace, "Appointment reminder", recording_file())
        browser = Client()
        browser.force_login(User.objects.get(username=sample.username))
        token = fixed_token(TelephonySetup.objects.get())
        sound = urlsplit(link(recording)).path
    key = {"Authorization": f"Bearer {sample.api_key}", "Content-Type": "application/json"}
    sent = {
        "use_case_id": str(sample.use_case.id),
        "recording_id": str(recording.pk),
        "recipient_phone_number": "+15550010001",
    }
    api = f"/v1/{sample.workspace.id}/voicemail"
    requests = {
        "list": ("GET", api, b"", key),
        "send": ("POST", api, json.dumps(sent).encode(), key),
        "page": (
            "GET",
            "/admin/",
            b"",
            {"Cookie": f"sessionid={browser.cookies['sessionid'].value}", "Accept": "text/html"},
        ),
        "callback": ("POST", f"/carriers/{token}/", b"{}", {}),
        "recording": ("GET", sound, b"", {}),
    }
    log = tmp_path / "web.log"
    process = spawn(stack.commands()["web"], log=log, env=stack.environment(), cwd=Path(settings.BASE_DIR))
    try:
        wait_until(lambda: answers(f"{stack.web_url}/livez"), process, name="web", log=log)
        yield Web(stack.web_port, servers, url, requests)
    finally:
        stop(process)


@contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    """The processes hang: their sockets stay open, and the kernel takes what is sent."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def test_a_postgresql_that_is_away_and_comes_back(web: Web) -> None:
    web.expect_well()
    web.servers.stop_postgres()
    try:
        web.expect_unavailable()
        web.expect_unavailable()
    finally:
        web.servers.start_postgres()
    web.expect_well()
    web.servers.kill_postgres()
    try:
        web.expect_unavailable()
    finally:
        web.servers.start_postgres()
    web.expect_well()


@pytest.mark.parametrize("part", ["server", "postmaster"])
def test_a_postgresql_that_hangs(web: Web, part: str) -> None:
    web.expect_well()
    pids = web.servers.postgres_processes()
    with stopped(pids if part == "server" else pids[:1]):
        if part == "server":
            web.expect_unavailable()
            web.expect_unavailable()
        else:  # backends that are connected go on
            assert {answer.status for answer in web.ask_all().values()} <= {200, 201, 401, 503}
    web.wait("it is well again", web.is_well)


def test_a_request_that_waits_is_answered_when_postgresql_hangs_meanwhile_and_not_before(web: Web) -> None:
    with psycopg.connect(web.url) as locker, ThreadPoolExecutor(1) as pool:
        locker.execute("LOCK delivery_voicemail IN ACCESS EXCLUSIVE MODE")
        waiting = pool.submit(web.ask, "list")
        time.sleep(4)  # far beyond the patience with a silent server
        assert not waiting.done()
        locker.commit()
        assert waiting.result().status == 200
        locker.execute("LOCK delivery_voicemail IN ACCESS EXCLUSIVE MODE")
        waiting = pool.submit(web.ask, "list")
        time.sleep(2)
        with stopped(web.servers.postgres_processes()):
            begun = time.monotonic()
            assert waiting.result().status == 503
            assert time.monotonic() - begun < MOST_SECONDS


def test_a_postgresql_without_free_connections(web: Web) -> None:
    with ExitStack() as places:
        with suppress(psycopg.OperationalError):
            for _ in range(PLACES):
                places.enter_context(psycopg.connect(web.url))
        web.expect_unavailable()
    web.wait("it is well again", web.is_well)


def test_a_redis_that_is_away_or_hangs_stops_no_request(web: Web) -> None:
    web.expect_well()
    with stopped([web.servers.redis_process()]):
        web.expect_well()
        web.expect_well()
    web.servers.stop_redis()
    try:
        web.expect_well()
    finally:
        web.servers.start_redis()
    web.expect_well()
