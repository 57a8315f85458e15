"""PostgreSQL goes away under a request, at any of its statements: 503 with Retry-After, whatever the address and whoever asks.

With servers that are stopped: tests/chaos/web/test_outages.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpResponse
from django.test import Client

from delivery.carriers.abilities import Check
from delivery.recordings.links import link
from delivery.setups import api as setups
from rvm.platform.database.clock import database_now
from rvm.platform.models import ApiKey, Workspace
from rvm.platform.observability.outages import is_outage
from tests.factories import RECIPIENT, fixed_token, make_api, make_setup
from tests.rvm.project.access.routes import Route
from tests.rvm.project.access.test_admin_access import in_shares
from tests.rvm.project.access.test_api_access import SCOPES, call
from tests.rvm.project.access.world import World, make_world, person, signed_in
from usecases.inbound.service import create_secret
from usecases.inbound.signatures import signature

# Savepoints of an outer transaction would fail too.
pytestmark = pytest.mark.django_db(transaction=True)

# Statements that still succeed, and how the next ones fail. A request that needs no more is answered as usual.
OUTAGES = {0: OperationalError, 2: InterfaceError, 5: OperationalError}
JSON = "application/json"
MESSAGE = json.dumps({"from": RECIPIENT, "text": "STOP"})


@pytest.fixture
def world(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    settings.MEDIA_ROOT = str(tmp_path)
    monkeypatch.setattr(setups, "check_setup", lambda setup: Check(True, "asked"))
    return make_world()


class Outage:
    """Fails every statement after the first few."""

    def __init__(self, succeed: int, error: type[Exception]) -> None:
        self.succeed, self.error, self.failed = succeed, error, 0

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.succeed:
            self.succeed -= 1
            return execute(sql, params, many, context)
        self.failed += 1
        raise self.error("the connection is lost")


def is_unavailable(response: HttpResponse) -> bool:
    return response.status_code == 503 and int(response["Retry-After"]) > 0


def gateways_headers(secret: str) -> dict[str, str]:
    timestamp = str(int(database_now().timestamp()))
    signed = signature(secret, "m-1", timestamp, MESSAGE.encode())
    return {"Webhook-Id": "m-1", "Webhook-Timestamp": timestamp, "Webhook-Signature": signed}


def failures(ask: Callable[[], HttpResponse]) -> dict[int, int]:
    """The statuses with which it answers outages wrongly, by the number of statements that succeeded before."""
    wrong = {}
    for succeed, error in OUTAGES.items():
        outage = Outage(succeed, error)
        with connection.execute_wrapper(outage):
            response = ask()
        if not outage.failed:
            break
        if not is_unavailable(response):
            wrong[succeed] = response.status_code
    return wrong


def test_every_operation_of_the_api_says_that_it_is_unavailable(world: World) -> None:
    api = make_api(world.workspace)
    wrong = {name: found for name in SCOPES if (found := failures(lambda: call(api, name, world.api)))}  # noqa: B023
    assert wrong == {}


@in_shares
def test_every_page_says_that_it_is_unavailable(world: World, share: list[Route]) -> None:
    reader = person(world, may_see_numbers=True)
    client, wrong = signed_in(reader), {}
    for route in share:
        for address in world.addresses(route, reader)[:1]:
            if found := failures(lambda: client.get(address)):  # noqa: B023
                wrong[route.address] = found
    assert wrong == {}


def test_what_carriers_gateways_and_patients_use_says_that_it_is_unavailable(world: World) -> None:
    setup, organisation = make_setup(world.workspace), world.workspace.organisation
    organisation.opt_out_page = True
    organisation.save()
    client, secret = Client(raise_request_exception=False), create_secret(organisation, actor=None)[1]
    callback, recording = f"/carriers/{fixed_token(setup)}/", urlsplit(link(world.first("Recording"))).path
    signed = gateways_headers(secret)
    asked: dict[str, Callable[[], HttpResponse]] = {
        "callback": lambda: client.post(callback, b"{}", content_type="application/json"),
        "recording": lambda: client.get(recording),
        "gateway": lambda: client.post(f"/inbound/{organisation.slug}", MESSAGE, JSON, headers=signed),
        "page": lambda: client.get(f"/opt-out/{organisation.slug}"),
        "form": lambda: client.post(f"/opt-out/{organisation.slug}", {"number": "+12025550188"}),
    }
    assert {name: found for name, ask in asked.items() if (found := failures(ask))} == {}
    assert {name: ask().status_code < 500 for name, ask in asked.items()} == dict.fromkeys(asked, True)


def test_browsers_get_a_page_carriers_a_line_and_programs_a_problem(workspace: Workspace) -> None:
    api, client = make_api(workspace), Client(raise_request_exception=False)
    with connection.execute_wrapper(Outage(0, OperationalError)):
        page = client.get("/accounts/invitation/", headers={"Accept": "text/html,*/*;q=0.8", "Cookie": "sessionid=any"})
        line = client.post("/carriers/none/", b"{}", JSON)
        problem: Any = api.get("voicemail")
    assert [is_unavailable(response) for response in (page, line, problem)] == [True, True, True]
    assert "Try again in some seconds" in page.content.decode()
    assert line["Content-Type"] == "text/plain; charset=utf-8" and line.content.count(b"\n") == 1
    assert (problem["Content-Type"], problem.json()["code"]) == ("application/problem+json", "unavailable")
    assert problem.json()["request_id"] == problem["X-Request-Id"]


def test_a_session_that_cannot_be_saved_is_an_outage_and_no_bad_request() -> None:
    try:
        try:
            raise OperationalError("the connection is lost")
        except OperationalError:
            raise SessionInterrupted("The session was deleted.")  # noqa: B904 - as Django does
    except SessionInterrupted as error:
        assert is_outage(error)
    assert not is_outage(SessionInterrupted("The session was deleted.")) and not is_outage(None)


def test_a_write_to_a_standby_is_an_outage(workspace: Workspace) -> None:
    api = make_api(workspace)
    ApiKey.objects.update(last_used_at=None)  # so that the request writes
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        assert is_unavailable(api.get("voicemail"))
    finally:
        connection.close()
