"""Every operation under /v1/, asked without a key, with another workspace's ids, and with each scope missing.

What a test key finds and changes of live rows is walked in `tests/rvm/project/test_worlds.py`, from which the bodies here come too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from delivery.carriers.abilities import Check
from delivery.setups import api as setups
from rvm.platform.models import ApiKey, Workspace
from rvm.platform.scopes import Scope
from tests.factories import Api, make_api, make_suppression, make_workspace
from tests.rvm.project.access.routes import API
from tests.rvm.project.test_worlds import (
    ACTIONS,
    CHANGES,
    QUESTIONS,
    Rows,
    make_rows,
    no_question,
    read,
    route_of,
    snapshot,
)
from usecases.models import TelephonySetup

pytestmark = pytest.mark.django_db

SCOPES = {
    f"{operation} {route_of(route.address)}": scope
    for route in API
    for operation, scope in route.callback.cls.required_scopes.items()
}
# Operations that one scope does not open, with the others that they need.
NEEDS_MORE = {
    "POST people/erase": {Scope.NUMBERS_READ},  # the answer tells whether the number is known
    "POST people/search": {Scope.NUMBERS_READ},  # what is asked for is a number, or leads to one
    "POST eligibility": {Scope.NUMBERS_READ},
}


@pytest.fixture
def rows(media: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Rows:
    monkeypatch.setattr(setups, "check_setup", lambda setup: Check(True, "asked"))
    make_suppression(workspace, "+12025550199")
    return make_rows(workspace, live=True)


def everything(media: Path) -> tuple[Any, list[Path]]:
    return snapshot(), sorted(path for path in media.rglob("*") if path.is_file())


def call(api: Api, operation: str, rows: Rows) -> HttpResponse:
    """As a client that knows the rows does it."""
    return ACTIONS[operation].call(api, operation, rows) if operation in ACTIONS else read(api, operation, rows)


def asked(api: Api, operation: str, rows: Rows) -> Iterator[tuple[str, HttpResponse]]:
    """The operation's answer, and HEAD's."""
    yield operation, call(api, operation, rows)
    method, route = operation.split(" ")
    if method == "GET":
        yield f"HEAD {route}", api.send("HEAD", rows.address(route))


def code_of(answer: Any) -> str:
    return str(json.loads(answer.content)["code"]) if answer.content else ""


def test_every_operation_is_walked() -> None:
    assert SCOPES.keys() == CHANGES.keys() and len(SCOPES) > 80
    assert {operation for operation, changes in CHANGES.items() if changes} == ACTIONS.keys()


def test_without_a_key_nothing_is_answered(workspace: Workspace, rows: Rows, media: Path) -> None:
    api, before = make_api(workspace), everything(media)
    api.client = Client(raise_request_exception=False)
    found = {name: answer for operation in SCOPES for name, answer in asked(api, operation, rows)}
    assert {name: answer.status_code for name, answer in found.items() if answer.status_code != 401} == {}
    assert {code_of(answer) for answer in found.values()} - {""} == {"unauthenticated"}
    assert everything(media) == before


def test_options_tell_the_methods_of_every_address_to_every_key(workspace: Workspace, rows: Rows) -> None:
    stranger, api = Client(raise_request_exception=False), make_api(workspace, scopes=[])
    addresses = sorted({operation.split(" ")[1] for operation in SCOPES})
    for address in addresses:
        path = rows.address(address)
        assert code_of(stranger.options(api.url(path))) == "unauthenticated"
        answer = api.send("OPTIONS", path)
        assert (answer.status_code, answer.content) == (204, b"")
        methods = {operation.split(" ")[0] for operation in SCOPES if operation.split(" ")[1] == address}
        assert set(answer["Allow"].split(", ")) - {"HEAD", "OPTIONS"} == methods


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "DISPATCH", "INITIAL", "HTTP_METHOD_NOT_ALLOWED"])
def test_an_unknown_method_is_told_the_known_ones(workspace: Workspace, method: str) -> None:
    answer = make_api(workspace).send(method, "voicemail")
    assert (answer.status_code, code_of(answer)) == (405, "method_not_allowed")
    assert answer["Allow"] == "GET, HEAD, POST, OPTIONS"


def test_another_workspaces_address_does_not_exist(workspace: Workspace, rows: Rows, media: Path) -> None:
    stranger = make_api(make_workspace())
    stranger.workspace_id = workspace.pk
    before = everything(media)
    found = {name: answer for operation in SCOPES for name, answer in asked(stranger, operation, rows)}
    assert {name: answer.status_code for name, answer in found.items() if answer.status_code != 404} == {}
    assert [name for name, answer in found.items() if "RateLimit" not in answer] == []
    assert everything(media) == before


def mixed(mine: Rows, theirs: Rows, parameter: str) -> Rows:
    """Rows of mine but for what stands for one parameter of the address."""
    campaigns = theirs.campaigns if parameter == "campaign_id" else mine.campaigns
    return Rows({**mine.ids, parameter: theirs.ids[parameter]}, campaigns)


def test_no_row_of_another_workspace_is_found_by_its_id(workspace: Workspace, rows: Rows, media: Path) -> None:
    """Not where all ids of an address are another's, nor where one is."""
    stranger = make_api(make_workspace())
    mine = make_rows(stranger.key.workspace, live=True)
    before, wrong = everything(media), {}
    for operation in SCOPES:
        named = [part[1:-1] for part in operation.split("/") if part.startswith("{")]
        tried = [rows, *(mixed(mine, rows, parameter) for parameter in named)] if named else []
        for place, ids in enumerate(tried):
            # The body is the stranger's own, so that only the address is at fault.
            method, route = operation.split(" ")
            action = ACTIONS.get(operation)
            if action is None:
                answer = read(stranger, operation, ids)
            elif action.form:
                answer = stranger.client.post(stranger.url(ids.address(route)), action.body(mine))
            else:
                answer = stranger.send(method, ids.address(route), action.body(mine))
            if answer.status_code != 404:
                wrong[operation, place] = answer.status_code
    assert wrong == {}
    assert everything(media) == before


def ids_in_bodies(rows: Rows) -> set[str]:
    return {str(value) for value in rows.ids.values()} | {str(campaign.pk) for campaign in rows.campaigns.values()}


def test_no_row_of_another_workspace_is_taken_in_a_body_or_a_filter(workspace: Workspace, rows: Rows) -> None:
    stranger = make_api(make_workspace())
    mine = make_rows(stranger.key.workspace, live=True)
    theirs, before, tried = ids_in_bodies(rows), snapshot(), 0
    for operation in SCOPES:
        action = ACTIONS.get(operation)
        body = action.body(rows) if action else QUESTIONS.get(operation, no_question)(rows)
        if (action and action.form) or not [value for value in body.values() if str(value) in theirs]:
            continue
        tried += 1
        method, route = operation.split(" ")
        named = Rows({**mine.ids, **(action.rows(mine) if action else {})}, {})
        answer = stranger.send(method, named.address(route), body)
        assert answer.status_code in (403, 404, 422), (operation, answer.status_code)
    assert tried >= 5
    assert snapshot() == before


def test_a_key_without_the_scope_is_refused_whatever_else_it_may(workspace: Workspace, rows: Rows, media: Path) -> None:
    wrong = {}
    for operation, scope in SCOPES.items():
        api = make_api(workspace, scopes=[other for other in Scope if other is not scope])
        before = None if operation.startswith("GET") else counted(media)
        for name, answer in asked(api, operation, rows):
            told = "" if name.startswith("HEAD") else answer.content.decode()
            if answer.status_code != 403 or (told and (code_of(answer) != "missing_scope" or scope.value not in told)):
                wrong[name] = (answer.status_code, told)
            assert {"RateLimit", "X-RateLimit-Remaining"} <= set(answer.headers), name
        assert before is None or counted(media) == before, operation
    assert wrong == {}


def counted(media: Path) -> Any:
    """All rows but those of the keys that the walk makes itself."""
    kept = {key: row for key, row in snapshot().items() if key[0].__name__ not in ("User", "ApiKey", "AuditEvent")}
    return kept, sorted(media.rglob("*"))


@pytest.mark.parametrize("half", [0, 1])
def test_the_scope_alone_is_enough(half: int, workspace: Workspace, rows: Rows) -> None:
    from django.db import transaction

    wrong = {}
    for operation, scope in list(SCOPES.items())[half::2]:
        with transaction.atomic():
            more = NEEDS_MORE.get(operation, set())
            answer = call(make_api(workspace, scopes=[scope, *more]), operation, rows)
            if answer.status_code >= 300:
                wrong[operation] = (answer.status_code, answer.content)
            if more:
                assert call(make_api(workspace, scopes=[scope]), operation, rows).status_code == 403
            transaction.set_rollback(True)
    assert wrong == {}


def test_a_key_without_any_scope_reads_nothing(workspace: Workspace, rows: Rows) -> None:
    api = make_api(workspace, scopes=[])
    assert {call(api, operation, rows).status_code for operation in SCOPES} == {403}
    assert ApiKey.objects.filter(pk=api.key.pk, last_used_at__isnull=False).exists()
    assert TelephonySetup.objects.filter(workspace=workspace).exists()
