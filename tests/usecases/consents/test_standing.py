"""Which recorded consents count for a use case, for the number of each person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.encryption.keys import KeyRing
from rvm.platform.models import Workspace
from tests.append_only import triggers_off
from tests.factories import RECIPIENT, make_consent, make_workspace
from usecases.consents.bases import NeededConsent
from usecases.consents.standing import CONSENTED_INDEXES_SQL, consented_parameters, consents_for, consents_held
from usecases.eligibility import ConsentHeld

pytestmark = pytest.mark.django_db
OTHER = "+12025550143"
APPOINTMENT = NeededConsent("appointment", written=False, valid_days=None)


@pytest.fixture
def rotated(settings: Any) -> Iterator[None]:
    """A new index key has become current; rows still carry the old one's indexes."""
    settings.RVM_INDEX_KEYS = KeyRing(keys={**settings.RVM_INDEX_KEYS.keys, 2: bytes(32)}, current=2)
    blind_index.cache_clear()
    yield
    blind_index.cache_clear()


def held_for_one(workspace: Workspace, needed: NeededConsent | None = APPOINTMENT) -> ConsentHeld | None:
    [found] = consents_held(workspace.pk, [(blind_index().of(workspace.pk, RECIPIENT), RECIPIENT)], needed)
    return found


def held_for_several(workspace: Workspace, needed: NeededConsent | None = APPOINTMENT) -> ConsentHeld | None:
    asked = [None, NeededConsent("marketing", written=True, valid_days=1), needed]
    person = (blind_index().of(workspace.pk, RECIPIENT), RECIPIENT)
    *_, found = consents_for(workspace.pk, person, asked)
    return found


def held(workspace: Workspace, needed: NeededConsent = APPOINTMENT) -> ConsentHeld | None:
    """What stands by itself and among several needs."""
    found = held_for_one(workspace, needed)
    assert held_for_several(workspace, needed) == found
    return found


def counted(workspace: Workspace, needed: NeededConsent = APPOINTMENT, *, ageless: bool = False) -> bool:
    """Whether the statement for whole campaigns finds the number."""
    with connection.cursor() as cursor:
        cursor.execute(
            CONSENTED_INDEXES_SQL, consented_parameters(workspace.pk, needed, at=database_now(), ageless=ageless)
        )
        found = [bytes(index) for (index,) in cursor.fetchall()]
    return blind_index().of(workspace.pk, RECIPIENT) in found


WRITTEN = NeededConsent("appointment", written=True, valid_days=None)
CASES: list[tuple[str, dict[str, Any], NeededConsent, bool]] = [
    ("it covers the purpose", {"purposes": ["appointment", "wellness"]}, APPOINTMENT, True),
    ("another purpose", {"purposes": ["wellness"]}, APPOINTMENT, False),
    ("in writing where it must be", {"basis": "written_consent"}, WRITTEN, True),
    ("in writing where it need not be", {"basis": "written_consent"}, APPOINTMENT, True),
    ("not in writing", {}, WRITTEN, False),
]


@pytest.mark.parametrize(("what", "fields", "needed", "counts"), CASES, ids=[case[0] for case in CASES])
def test_a_consent_counts_for_its_purposes_and_if_it_must_be_in_writing(
    workspace: Workspace, what: str, fields: dict[str, Any], needed: NeededConsent, counts: bool
) -> None:
    row = make_consent(workspace, **fields)
    assert held(workspace, needed) == (ConsentHeld((str(row.pk),), None) if counts else None)
    assert counted(workspace, needed) is counts


def test_a_consent_of_another_number_or_workspace_does_not_count(workspace: Workspace) -> None:
    make_consent(workspace, OTHER)
    make_consent(make_workspace())
    assert held(workspace) is None
    assert not counted(workspace)


def test_a_revoked_consent_does_not_count_and_another_one_does(workspace: Workspace) -> None:
    row, other = make_consent(workspace), make_consent(workspace)
    make_consent(workspace, revokes=row)
    assert held(workspace) == ConsentHeld((str(other.pk),), None)
    make_consent(workspace, revokes=other)
    assert held(workspace) is None
    assert not counted(workspace)


def test_a_consent_ends_by_itself_or_by_its_age_whichever_comes_first(workspace: Workspace) -> None:
    now, day = database_now(), timedelta(days=1)
    first = make_consent(workspace, at=now - 10 * day, expires_at=now + day)
    aged = APPOINTMENT._replace(valid_days=7)
    assert held(workspace) == ConsentHeld((str(first.pk),), now + day)
    assert held(workspace, aged) == ConsentHeld((str(first.pk),), now - 3 * day)
    assert (counted(workspace), counted(workspace, aged), counted(workspace, aged, ageless=True)) == (True, False, True)
    second = make_consent(workspace, at=now)
    assert held(workspace, aged) == ConsentHeld((str(first.pk), str(second.pk)), now + 7 * day)
    assert held(workspace) == ConsentHeld((str(first.pk), str(second.pk)), None)


def test_consents_under_an_older_index_key_are_found_while_the_key_rotates(
    workspace: Workspace, request: pytest.FixtureRequest
) -> None:
    row = make_consent(workspace)
    old = bytes(row.number_index)
    request.getfixturevalue("rotated")
    assert blind_index().of(workspace.pk, RECIPIENT) != old
    assert held(workspace) == ConsentHeld((str(row.pk),), None)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[Any]]]:
    """What was asked of the database."""
    asked: list[tuple[str, list[Any]]] = []
    run = sql.run

    def noted(statement: str, parameters: list[Any]) -> Any:
        asked.append((statement, parameters))
        return run(statement, parameters)

    monkeypatch.setattr("usecases.consents.standing.sql.run", noted)
    return asked


def test_nothing_is_looked_up_where_no_consent_is_needed(
    workspace: Workspace, statements: list[tuple[str, list[Any]]]
) -> None:
    make_consent(workspace)
    assert held_for_one(workspace, None) is None
    assert consents_for(workspace.pk, (b"", None), [None]) == [None]
    assert statements == []
    assert held_for_one(workspace) is not None
    assert len(statements) == 1


@pytest.mark.parametrize("check", [held_for_one, held_for_several])
def test_a_check_reads_indexes_alone(
    workspace: Workspace,
    statements: list[tuple[str, list[Any]]],
    check: Callable[[Workspace], ConsentHeld | None],
) -> None:
    check(workspace)
    [(statement, parameters)] = statements
    with connection.cursor() as cursor:
        # What autovacuum has counted of other tests' rows, a handful, would be read by any index.
        with triggers_off():
            cursor.execute("TRUNCATE usecases_consent CASCADE")
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute("EXPLAIN " + statement, parameters)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Only Scan using consent_of_number" in plan
    assert "Seq Scan" not in plan


def test_a_batch_is_looked_up_by_one_statement(workspace: Workspace, statements: list[tuple[str, list[Any]]]) -> None:
    numbers = [f"+120255501{place:02}" for place in range(50)]
    rows: dict[str, UUID] = {number: make_consent(workspace, number).pk for number in numbers[::2]}
    people = [(blind_index().of(workspace.pk, number), number) for number in numbers]
    found = consents_held(workspace.pk, people, APPOINTMENT)
    assert len(statements) == 1
    assert [each.ids[0] if each else None for each in found] == [
        str(rows[number]) if number in rows else None for number in numbers
    ]
