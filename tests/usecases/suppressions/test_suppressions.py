"""The suppression list: a number is on it once, for one workspace, and is never stored in clear."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import connection

from tests.factories import RECIPIENT, make_workspace
from usecases.models import Suppression
from usecases.suppressions import Statement, is_suppressed, suppress, suppress_all, take_back

pytestmark = pytest.mark.django_db


def test_a_suppressed_number_is_suppressed_in_its_workspace_only() -> None:
    ours, theirs = make_workspace(), make_workspace()
    suppress(workspace_id=ours.pk, number=RECIPIENT, source=Suppression.Source.CARRIER, reason="opted_out")
    assert is_suppressed(ours.pk, RECIPIENT)
    assert not is_suppressed(theirs.pk, RECIPIENT)
    assert not is_suppressed(ours.pk, "+12025550143")


def test_the_first_entry_of_a_number_stays() -> None:
    workspace = make_workspace()
    for reason in ("opted_out", "do_not_call"):
        suppress(workspace_id=workspace.pk, number=RECIPIENT, source=Suppression.Source.CARRIER, reason=reason)
    kept = Suppression.objects.get()
    assert (kept.reason, kept.number, kept.last4) == ("opted_out", RECIPIENT, RECIPIENT[-4:])


def test_the_table_does_not_hold_the_number() -> None:
    workspace = make_workspace()
    suppress(workspace_id=workspace.pk, number=RECIPIENT, source=Suppression.Source.PERSON, reason="asked")
    with connection.cursor() as cursor:
        cursor.execute("SELECT number, number_index FROM usecases_suppression")
        stored = b"".join(bytes(column) for column in cursor.fetchone())
    assert RECIPIENT.encode() not in stored


def test_of_a_number_that_is_given_twice_the_first_reason_stays() -> None:
    workspace = make_workspace()
    assert suppress_all([Statement(workspace.pk, RECIPIENT, reason) for reason in ("opted_out", "do_not_call")]) == 1
    assert Suppression.objects.get().reason == "opted_out"


def test_only_what_one_list_alone_has_said_is_taken_back() -> None:
    workspace, first, second = make_workspace(), uuid4(), uuid4()
    numbers = [f"+120255501{place:02}" for place in range(4)]
    entries = [Statement(workspace.pk, number) for number in numbers]
    assert suppress_all(entries[:3], Suppression.Source.IMPORT, import_id=first) == 3
    assert suppress_all(entries[:1], Suppression.Source.IMPORT, import_id=first) == 0  # a list twice is one list
    assert suppress_all(entries[1:2], Suppression.Source.PERSON) == 0  # the number is on the list already
    assert suppress_all(entries[2:], Suppression.Source.IMPORT, import_id=second) == 1
    # The person's statement is a row of its own, so the list's row beside it is taken back.
    assert len(take_back(first, 10)) == 2
    assert take_back(first, 10) == []
    assert {row.number for row in Suppression.objects.all()} == set(numbers[1:])


def test_what_is_taken_back_goes_by_so_many_at_a_time() -> None:
    workspace, list_id = make_workspace(), uuid4()
    suppress_all([Statement(workspace.pk, f"+120255501{place:02}") for place in range(5)], import_id=list_id)
    assert [len(take_back(list_id, 2)) for _ in range(4)] == [2, 2, 1, 0]
