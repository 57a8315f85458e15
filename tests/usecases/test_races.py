"""Two who come at once: the second waits for the first and then sees what the first did."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction

from rvm.platform.errors import ServiceError
from tests.factories import RECIPIENT, make_phone_number, make_setup, make_use_case, make_workspace
from usecases.models import NumberAssignment, Suppression, UseCase
from usecases.services import (
    assign_number,
    create_use_case,
    delete_setup,
    delete_use_case,
    remove_phone_number,
)
from usecases.suppressions import Statement, is_suppressed, suppress_all, take_back

pytestmark = pytest.mark.django_db(transaction=True)


def somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
        )
        return bool(cursor.fetchone()[0])


def code_of(verb: Callable[..., Any], **arguments: Any) -> str:
    """The refusal's code, or an empty text; in a connection of its own."""
    try:
        verb(**arguments)
    except ServiceError as refusal:
        return refusal.code
    finally:
        connection.close()
    return ""


def second_after_first(first: Callable[[], Any], second: Callable[[], str]) -> str:
    """Begin `second` while the transaction of `first` is open, let `first` commit once `second` waits, and say how it ended."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            outcome = pool.submit(second)
            deadline = time.monotonic() + 20
            while not somebody_waits_for_us():
                assert not outcome.done(), "the second did not wait for the first"
                assert time.monotonic() < deadline
                time.sleep(0.005)
        return outcome.result(timeout=20)


def new_use_case(**fields: Any) -> UseCase:
    setup = fields["setup"]
    return create_use_case(**{"workspace": setup.workspace, "entity_name": "Lakeside", "name": "Reminders", **fields})


def test_of_two_use_cases_with_one_name_the_second_is_refused() -> None:
    setup = make_setup()
    other = make_setup(setup.workspace)
    outcome = second_after_first(lambda: new_use_case(setup=setup), lambda: code_of(new_use_case, setup=other))
    assert outcome == "name_exists"
    assert UseCase.objects.count() == 1


def test_a_use_case_is_not_created_on_a_setup_that_is_being_deleted() -> None:
    setup = make_setup()
    outcome = second_after_first(lambda: delete_setup(setup=setup), lambda: code_of(new_use_case, setup=setup))
    assert outcome == "setup_not_found"
    assert not UseCase.objects.exists()


def test_a_setup_is_not_deleted_while_a_use_case_is_created_on_it() -> None:
    setup = make_setup()
    outcome = second_after_first(lambda: new_use_case(setup=setup), lambda: code_of(delete_setup, setup=setup))
    assert outcome == "setup_in_use"


def test_a_number_is_not_assigned_while_it_is_being_removed_nor_the_other_way_round() -> None:
    use_case = make_use_case(numbers=0)
    kept, removed = make_phone_number(use_case.setup), make_phone_number(use_case.setup)
    assert (
        second_after_first(
            lambda: remove_phone_number(phone_number=removed),
            lambda: code_of(assign_number, use_case=use_case, phone_number=removed),
        )
        == "not_found"
    )
    assert (
        second_after_first(
            lambda: assign_number(use_case=use_case, phone_number=kept),
            lambda: code_of(remove_phone_number, phone_number=kept),
        )
        == "number_assigned"
    )


def test_a_number_is_not_assigned_to_a_use_case_that_is_being_deleted() -> None:
    use_case = make_use_case(numbers=0)
    number = make_phone_number(use_case.setup)
    assert (
        second_after_first(
            lambda: delete_use_case(use_case=use_case),
            lambda: code_of(assign_number, use_case=use_case, phone_number=number),
        )
        == "use_case_not_found"
    )
    assert not NumberAssignment.objects.exists()


def test_who_opts_out_while_a_list_is_undone_is_on_the_list_afterwards() -> None:
    workspace, list_id = make_workspace(), uuid4()
    suppress_all([Statement(workspace.pk, RECIPIENT)], Suppression.Source.IMPORT, import_id=list_id)
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        assert take_back(list_id, 10)
        opts_out = partial(code_of, suppress_all, statements=[Statement(workspace.pk, RECIPIENT, "opted_out")])
        assert pool.submit(opts_out).result(timeout=20) == ""  # a statement of its own waits for no list
    assert is_suppressed(workspace.pk, RECIPIENT)
    assert [row.import_id for row in Suppression.objects.all()] == [None]


def test_a_number_that_another_list_names_while_a_list_is_undone_is_on_the_list_afterwards() -> None:
    workspace, first, second = make_workspace(), uuid4(), uuid4()
    entries = [Statement(workspace.pk, RECIPIENT)]
    suppress_all(entries, Suppression.Source.IMPORT, import_id=first)
    naming = partial(code_of, suppress_all, statements=entries, source=Suppression.Source.IMPORT, import_id=second)
    assert second_after_first(lambda: take_back(first, 10), naming) == ""
    assert [row.import_id for row in Suppression.objects.all()] == [second]


def test_an_undo_passes_over_what_another_list_is_naming() -> None:
    workspace, list_id = make_workspace(), uuid4()
    other = "+12025550143"
    suppress_all([Statement(workspace.pk, number) for number in (RECIPIENT, other)], import_id=list_id)
    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        suppress_all([Statement(workspace.pk, RECIPIENT)], import_id=uuid4())
        assert pool.submit(lambda: [take_back(list_id, 10), connection.close()]).result(timeout=20)
    assert take_back(list_id, 10) == []
    assert [row.number for row in Suppression.objects.all()] == [RECIPIENT]
