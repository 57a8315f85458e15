"""The sender that a person saw last is read from the index of recipients, to the first that matches, whatever the planner knows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise, product
from typing import Any

import pytest
from django.db import connection

from delivery.models import Lane
from delivery.selectors import last_sender
from delivery.services import insertion
from delivery.services.insertion import insert_staged
from rvm.platform.database import sql
from rvm.platform.encryption.crypto import blind_index
from tests.delivery.engine.test_lane_plans import MOMENTS, NOW, ROWS, STAGED
from tests.factories import make_lane, make_recording, make_use_case

pytestmark = pytest.mark.django_db
# Of whom the lists are: each of a few may have thousands of voicemails, such as the numbers of the sandbox.
PEOPLE = {
    "many": (),
    "few": ("UPDATE delivery_voicemail SET recipient_index = sha256((get_byte(recipient_index, 0) % 3)::text::bytea)",),
}
KEYS = {"one key": (1,), "keys that rotate": (1, 2)}


@pytest.fixture(params=product(PEOPLE, MOMENTS), ids=" ".join)
def lane(request: pytest.FixtureRequest) -> Lane:
    """The first lane of three lists for the same people, a day apart."""
    people, moment = request.param
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE delivery_voicemail CASCADE")
    use_case = make_use_case()
    recording = make_recording(use_case.workspace)
    lanes = [make_lane(use_case) for _ in range(3)]
    for day, each in enumerate(lanes):
        insert_staged(each, STAGED, {"rows": ROWS}, recording_id=recording.pk, now=NOW + timedelta(days=day))
    with connection.cursor() as cursor:
        for statement in (*PEOPLE[people], *MOMENTS[moment]):
            cursor.execute(statement)
    return lanes[0]


def asked_of(lane: Lane) -> dict[str, tuple[str, dict[str, Any] | list[Any]]]:
    """All statements that look for last senders, and their parameters."""
    index = blind_index()
    shared = {
        **dict.fromkeys(("use_case", "setup", "recording"), lane.use_case_id),
        **dict.fromkeys(("not_before", "expires_at", "created_at", "updated_at", "now"), NOW),
        **dict.fromkeys(("older", "senders", "assigned", "last4", "references", "metadata", "record_numbers"), "{}"),
        "workspace": lane.workspace_id,
        "lane": lane.pk,
        "purpose": "appointment",
        "confidential": False,
        "live": True,
        "index_key": 1,
        "status": "queued",
        "ids": sql.ids([lane.pk]),
        "recipients": sql.binaries([b"sealed"]),
        "indexes": sql.binaries([b"nobody"]),
        "record_entries": "{}",
        "clock": 1,
        "rows": 10,
    }
    call = insertion._INSERT_QUEUED.format(
        sought=index.match_sql("r.index", "r.older::bytea[]"), indexes=index.array_sql("r.index", "r.older::bytea[]")
    )
    imported = insertion._INSERT_STAGED.format(staged=STAGED, indexes=index.array_sql("s.index", "s.older"))
    claimed = [lane.pk, sql.binaries([b"nobody"]), "{}"]
    return {"call": (call, shared), "list": (imported, shared), "claim": (last_sender._OF_MANY, claimed)}


def plans(statement: str, parameters: dict[str, Any] | list[Any]) -> dict[str, list[str]]:
    """For these values, and for all, as a prepared statement is planned once it has run a few times."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}", parameters)
        found = {"these": [line.strip() for (line,) in cursor.fetchall()]}
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        if isinstance(parameters, dict):
            names = [name for name in parameters if f"%({name})s" in statement]
            text = statement % {name: f"${place}" for place, name in enumerate(names, 1)}
            values = [parameters[name] for name in names]
        else:
            text = statement % tuple(f"${place}" for place in range(1, len(parameters) + 1))
            values = parameters
        cursor.execute(f"PREPARE asked AS {text}")
        cursor.execute(f"EXPLAIN EXECUTE asked({', '.join(['%s'] * len(values))})", values)
        found["all"] = [line.strip() for (line,) in cursor.fetchall()]
        cursor.execute("DEALLOCATE asked")
        cursor.execute("SET LOCAL plan_cache_mode = auto")
    return found


@pytest.mark.parametrize("configured", KEYS)
def test_a_last_sender_is_read_from_the_persons_own_in_their_order(
    lane: Lane, configured: str, keys: Callable[..., None]
) -> None:
    # Once a batch of a large list was sought through all voicemails, newest first, for each of its people: it took ten minutes.
    # Once all of each person were read and sorted: of somebody who had one a week for a year, five times as long as the newest.
    keys(index=KEYS[configured])
    for name, (statement, parameters) in asked_of(lane).items():
        for values, lines in plans(statement, parameters).items():
            seen = (name, values, lines)
            [(way, condition)] = [pair for pair in pairwise(lines) if " on delivery_voicemail v" in pair[0]]
            assert "Index Scan using voicemail_by_recipient" in way, seen
            assert "(recipient_index >= person.index) AND (recipient_index <= person.index)" in condition, seen
            assert not [line for line in lines if line.startswith("Sort Key: v.recipient_index")], seen
