"""How many SQL statements each operation of the API takes is reviewed: `query_counts.txt` has the number of each.

After a change that is meant, write the file anew, and read its difference:

    RVM_WRITE_QUERY_COUNTS=1 .venv/bin/python -m pytest -n 0 tests/rvm/project/access/test_query_counts.py

The request is one of many of its key: when the key was used last is not written again, and what a process keeps it has. What begins
and ends transactions is not counted, nor what an Idempotency-Key takes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from bench.api.statements import counted, traced
from campaigns.models import Withdrawal
from delivery.carriers.abilities import Check
from delivery.models import Clip
from delivery.setups import api as setups
from rvm.platform import audit
from rvm.platform.database.clock import database_now
from rvm.platform.models import ApiKey, WebhookDestination, Workspace
from tests.campaigns.api.calling import upload_directly
from tests.factories import (
    Api,
    make_api,
    make_api_key,
    make_campaign,
    make_consent,
    make_phone_number,
    make_recording,
    make_setup,
    make_suppression,
    make_use_case,
    make_user,
    make_voicemail,
)
from tests.rvm.platform.events.publishing import happened
from tests.rvm.platform.webhooks.factories import make_delivery, make_destination
from tests.rvm.project.access.test_api_access import SCOPES, call
from tests.rvm.project.test_worlds import LIST, READING, Rows, make_rows, read, upload_opt_outs

pytestmark = pytest.mark.django_db

FILE = Path(__file__).with_name("query_counts.txt")


@pytest.fixture
def rows(media: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Rows:
    monkeypatch.setattr(setups, "check_setup", lambda setup: Check(True, "asked"))
    make_suppression(workspace, "+12025550199")
    return make_rows(workspace, live=True)


@pytest.fixture
def api(rows: Rows, workspace: Workspace) -> Api:
    api = make_api(workspace)
    # Noted once a minute, and a test may take longer.
    ApiKey.objects.filter(pk=api.key.pk).update(last_used_at=database_now() + timedelta(days=1))
    return api


def _deletes(operation: str) -> bool:
    return operation.startswith("DELETE")


def count(ask: Callable[[], Any]) -> int:
    """The statements of a request that is answered well; what it changes is undone."""
    for _ in range(2):  # the first fills what a process keeps
        with transaction.atomic(), traced() as taken:
            answer = ask()
            if answer.streaming:
                list(answer.streaming_content)
            assert answer.status_code < 300, (answer.request["PATH_INFO"], answer.content)
            transaction.set_rollback(True)
    return len(counted(taken))


def test_each_operation_takes_the_statements_that_were_reviewed(api: Api, rows: Rows) -> None:
    # A deletion takes files with it, which no rollback brings back.
    found = {operation: count(partial(call, api, operation, rows)) for operation in sorted(SCOPES, key=_deletes)}
    if os.environ.get("RVM_WRITE_QUERY_COUNTS"):
        by_address = sorted(found, key=lambda operation: operation.split(" ")[::-1])
        FILE.write_text("".join(f"{found[operation]:3} {operation}\n" for operation in by_address))
    lines = [line.split(maxsplit=1) for line in FILE.read_text().splitlines()]
    assert found == {operation: int(number) for number, operation in lines}, f"see how to write {FILE.name} anew"


def add_rows(rows: Rows, workspace: Workspace) -> None:
    """Three more of every kind that a list has."""
    campaign = rows.campaigns["draft"]
    for place in range(3):
        number = f"+1202555017{place}"
        setup = make_setup(workspace, carrier="drop_cowboy")
        use_case = make_use_case(setup=setup)
        make_phone_number(setup)
        make_voicemail(use_case)
        make_campaign(use_case, recording=make_recording(workspace))
        sound = {"name": "Ana", "sha256": f"{place:064}", "size_bytes": 1, "duration_ms": 1}
        Clip.objects.create(workspace=workspace, bitrate_kbps=1, sample_rate=1, channels=1, **sound)
        make_suppression(workspace, number)
        happened(workspace, "voicemail.queued")
        make_consent(workspace, number)
        make_api_key(workspace)
        make_user(workspace=workspace)
        make_destination(workspace)
        make_delivery(WebhookDestination.objects.get(pk=rows.ids["destination_id"]))
        Withdrawal.objects.create(workspace=workspace, campaign=campaign, voicemail_ids=[])
        audit.record("audit_event.exported", workspace, actor=None, workspace=workspace, filters={}, rows=0, bytes=0)
        upload_directly(campaign, LIST)
        upload_opt_outs(workspace, True, "uploaded")


# What takes more statements where there is more, and by what it is bounded.
GROWS = {
    "GET audit": "Names are read from each table that the page's events are about.",
    "GET audit/entity/{resource_id}/access-log": "The same.",
    "GET audit/phi-access": "The same.",
}
# What is in one uploaded list; no row is added to it.
OF_ONE_LIST = {"GET campaigns/{campaign_id}/imports/{import_id}/recordings"}
# The person who was searched for; nobody else has the number.
OF_ONE_PERSON = {"POST people/search"}
# What is of the program, not of a workspace.
OF_THE_PROGRAM = {"GET event-types"}


def test_more_rows_take_no_more_statements(api: Api, rows: Rows, workspace: Workspace) -> None:
    before = {operation: measured(api, operation, rows) for operation in READING}
    add_rows(rows, workspace)
    after = {operation: measured(api, operation, rows) for operation in READING}
    assert {name for name in READING if after[name][0] > before[name][0]} - GROWS.keys() == set()
    lists = (
        {name for name, (_, items) in after.items() if items}
        - GROWS.keys()
        - OF_ONE_LIST
        - OF_ONE_PERSON
        - OF_THE_PROGRAM
    )
    assert {name for name in lists if after[name][1] < before[name][1] + 3} == set(), "of these add_rows adds none"


def measured(api: Api, operation: str, rows: Rows) -> tuple[int, int]:
    """The statements, and how many items a page has, 0 if it is none."""
    answers: list[Any] = []
    taken = count(lambda: answers.append(read(api, operation, rows)) or answers[-1])
    is_json = answers[-1]["Content-Type"] == "application/json"
    return taken, len(answers[-1].json().get("items", ())) if is_json else 0
