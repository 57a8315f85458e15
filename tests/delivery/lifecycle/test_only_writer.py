"""One module changes the status of voicemails and drops, and one inserts them: no other names these columns as something to write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
LAYERS = ("rvm", "usecases", "delivery", "campaigns")
CHANGES = "delivery/lifecycle/transitions.py"
INSERTS = "delivery/services/insertion.py"
# Copies of rows, which need no number to be encrypted.
COPIES = "delivery/services/succession.py"

# Within one statement of SQL: UPDATE of one of the tables that sets its status, or an INSERT into it.
UPDATED = re.compile(
    r"UPDATE\s+delivery_(?:voicemail|drop)\b(?:(?!UPDATE\b|INSERT\b|\bWHERE\b|\"\"\").)*?[,\s]status\s*=",
    re.IGNORECASE | re.DOTALL,
)
INSERTED = re.compile(r"INSERT\s+INTO\s+delivery_voicemail\b", re.IGNORECASE)
DROP_INSERTED = re.compile(r"INSERT\s+INTO\s+delivery_drop\b", re.IGNORECASE)
# By the ORM: a row that is made, or a status among what is updated.
BY_ORM = re.compile(
    r"\b(?:Voicemail|Drop)\.objects\b(?:(?!\n\n).)*?\.(?:create\(|bulk_create\(|update\([^)]*\bstatus\s*=)", re.DOTALL
)


def sources() -> list[str]:
    return [
        str(path.relative_to(PROJECT))
        for layer in LAYERS
        for path in sorted((PROJECT / layer).rglob("*.py"))
        if "migrations" not in path.parts and "simulators" not in path.parts
    ]


def files_with(pattern: re.Pattern[str]) -> set[str]:
    return {name for name in sources() if pattern.search((PROJECT / name).read_text())}


@pytest.mark.parametrize(
    ("pattern", "owners"),
    [(UPDATED, {CHANGES}), (INSERTED, {INSERTS, COPIES}), (DROP_INSERTED, {CHANGES}), (BY_ORM, set())],
    ids=["updates", "insertions of voicemails", "insertions of drops", "writes by the ORM"],
)
def test_statuses_are_written_in_one_place(pattern: re.Pattern[str], owners: set[str]) -> None:
    assert files_with(pattern) == owners


@pytest.mark.parametrize(
    "text",
    [
        'sql.run("UPDATE delivery_voicemail v SET held = true, status = %s WHERE id = %s")',
        "UPDATE delivery_drop d\n   SET due_at = t.at,\n       status = 'failed'",
    ],
)
def test_another_writer_would_be_seen(text: str) -> None:
    assert UPDATED.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE delivery_voicemail SET not_before = %s WHERE status = 'queued'",
        "UPDATE delivery_lanecount SET status = 1",
    ],
)
def test_a_statement_that_asks_for_a_status_writes_none(text: str) -> None:
    assert not UPDATED.search(text)
