"""Two rows of one statement under two index keys become one that binds: the earlier, at every moment, and no word is lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction

from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import uuid7
from rvm.platform.models import Workspace
from rvm.platform.rotation.passes import Pace, Passes
from rvm.platform.rotation.stores import INDEXES, Store
from tests.factories import RECIPIENT, make_suppression, make_workspace
from tests.sessions import Session
from usecases.models import Suppression
from usecases.services.suppression_indexes import MERGED
from usecases.suppressions import is_suppressed, suppress, suppressions_of, take_back

pytestmark = pytest.mark.django_db
Keys = Callable[..., None]


def store() -> Store:
    [found] = [each for stores in INDEXES for each in stores() if each.table == "usecases_suppression"]
    return found


def reindex(sleep: Callable[[float], object] = lambda seconds: None, key: int = 2) -> None:
    Passes("reindex", key, Pace(1e9, sleep=sleep), str).over(store())


def make_twins(workspace: Workspace, keys: Keys, older: dict[str, Any], newer: dict[str, Any]) -> tuple[UUID, UUID]:
    """One statement under key 1, and again under key 2."""
    keys(index=(1,))
    first = make_suppression(workspace, **older)
    keys(index=(1, 2))
    second = make_suppression(workspace, **newer)
    return first.pk, second.pk


def test_the_earlier_row_holds_on_and_the_later_one_is_lifted_with_a_reason(workspace: Workspace, keys: Keys) -> None:
    earlier, later = make_twins(workspace, keys, {}, {})
    reindex()
    rows = {row.pk: row for row in suppressions_of(workspace.pk, RECIPIENT)}
    assert [row.pk for row in rows.values() if row.active] == [earlier]
    assert (rows[later].lift_reason, rows[later].lifted_by) == (MERGED, None)
    keys(index=(2,))
    assert is_suppressed(workspace.pk, RECIPIENT)
    assert suppressions_of(workspace.pk, RECIPIENT).count() == 2


def test_the_row_under_the_new_key_holds_on_where_it_is_the_earlier_one(workspace: Workspace, keys: Keys) -> None:
    long_ago = {"created_at": database_now() - timedelta(days=9)}
    later, earlier = make_twins(workspace, keys, {}, long_ago)
    reindex()
    assert [row.pk for row in suppressions_of(workspace.pk, RECIPIENT).active()] == [earlier]
    keys(index=(2,))
    assert {row.pk for row in suppressions_of(workspace.pk, RECIPIENT)} == {earlier, later}


LIST, OTHER_LIST = uuid7(), uuid7()


@pytest.mark.parametrize(
    ("older", "newer", "left"),
    [(LIST, LIST, LIST), (LIST, OTHER_LIST, None), (LIST, None, None), (None, LIST, None), (None, None, None)],
    ids=["one list", "two lists", "a list, then another source", "another source, then a list", "no list"],
)
def test_the_undo_of_a_list_takes_back_only_what_no_other_source_has_said(
    workspace: Workspace, keys: Keys, older: UUID | None, newer: UUID | None, left: UUID | None
) -> None:
    make_twins(workspace, keys, {"import_id": older, "source": "import"}, {"import_id": newer, "source": "import"})
    reindex()
    [active] = suppressions_of(workspace.pk, RECIPIENT).active()
    assert active.import_id == left
    for each in (LIST, OTHER_LIST):
        if each != left:
            take_back(each, 10)
    assert is_suppressed(workspace.pk, RECIPIENT)


def test_what_waits_for_the_later_row_waits_for_the_earlier_one(workspace: Workspace, keys: Keys) -> None:
    make_twins(workspace, keys, {}, {"waiting": True})
    reindex()
    [active] = suppressions_of(workspace.pk, RECIPIENT).active()
    assert active.waiting and not Suppression.objects.exclude(pk=active.pk).get().waiting


@pytest.mark.parametrize(
    "differs",
    [{"kind": "internal"}, {"source": "api"}, {"purposes": ["appointment"]}, {"scope": "workspace"}],
    ids=lambda differs: next(iter(differs)),
)
def test_statements_that_differ_both_hold_on(workspace: Workspace, keys: Keys, differs: dict[str, Any]) -> None:
    make_twins(workspace, keys, {}, differs)
    reindex()
    assert suppressions_of(workspace.pk, RECIPIENT).active().count() == 2


def test_lifted_rows_are_made_anew_beside_active_ones(workspace: Workspace, keys: Keys) -> None:
    lifted = {"lifted_at": database_now(), "lift_reason": "mistake"}
    make_twins(workspace, keys, lifted, {})
    reindex()
    keys(index=(2,))
    rows = suppressions_of(workspace.pk, RECIPIENT)
    assert (rows.count(), rows.active().count()) == (2, 1)
    assert rows.exclude(lifted_at=None).get().lift_reason == "mistake"


def test_three_rows_under_three_keys_become_one(workspace: Workspace, keys: Keys) -> None:
    for ids in ((1,), (1, 2), (1, 2, 3)):
        keys(index=ids)
        make_suppression(workspace)
    reindex(key=3)
    assert store().counts() == {3: 3}
    keys(index=(3,))
    assert suppressions_of(workspace.pk, RECIPIENT).active().count() == 1
    assert suppressions_of(workspace.pk, RECIPIENT).count() == 3


def test_a_number_is_suppressed_after_every_commit(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    workspaces = [make_workspace() for _ in range(3)]
    for place, workspace in enumerate(workspaces):
        make_twins(workspace, keys, {}, {"created_at": database_now() - timedelta(days=place - 1)})
    monkeypatch.setattr(type(store()), "batch", 1)
    seen: list[bool] = []
    reindex(lambda seconds: seen.extend(is_suppressed(each.pk, RECIPIENT) for each in workspaces))
    assert len(seen) >= 9 and all(seen)


@pytest.mark.django_db(transaction=True)
def test_a_statement_that_is_being_made_is_not_waited_for_and_merges_afterwards(keys: Keys) -> None:
    workspace = make_workspace()
    keys(index=(1,))
    first = suppress(workspace_id=workspace.pk, number=RECIPIENT, source=Suppression.Source.PERSON)[0]
    keys(index=(1, 2))
    gave_up: list[float] = []
    with transaction.atomic():
        made = make_suppression(workspace, scope=first.scope)
        session = Session(lambda: reindex(gave_up.append))
        while len(gave_up) < 2:  # its batch, and the wait before the next try
            assert session._thread.is_alive()
    session.result()
    assert store().counts() == {2: 2}
    assert [row.pk for row in suppressions_of(workspace.pk, RECIPIENT).active()] == [first.pk]
    assert not Suppression.objects.get(pk=made.pk).active
