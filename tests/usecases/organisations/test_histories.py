"""Histories of an organisation: whatever is said, imported, lifted and undone in whichever workspace, and whoever joins meanwhile,
each workspace has what holds for the organisation and what was said of itself, and nothing else."""

from __future__ import annotations

from typing import Any, NamedTuple
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rvm.platform.database.clock import database_now
from rvm.platform.models import Workspace
from tests.factories import make_user, make_workspace
from usecases.models import Suppression, SuppressionCopying
from usecases.organisations import copies
from usecases.services.consents import NewConsent
from usecases.services.suppressions import lift, suppress_number
from usecases.suppression_kinds import SuppressionKind, SuppressionScope
from usecases.suppressions import (
    Statement,
    is_suppressed,
    lift_list,
    suppress_all,
    suppress_for_organisation,
    take_back,
)

pytestmark = pytest.mark.django_db
NUMBERS = [f"+1202555014{digit}" for digit in range(3)]
LISTS = [uuid4(), uuid4()]
KINDS = [SuppressionKind.OPT_OUT, SuppressionKind.WRONG_NUMBER]


class Said(NamedTuple):
    """A statement; `workspace` is the place among the organisation's workspaces where it holds, None for all."""

    number: str
    kind: str
    source: str
    purposes: tuple[str, ...]
    workspace: int | None


numbers, places, scopes = st.sampled_from(NUMBERS), st.integers(0, 3), st.sampled_from(SuppressionScope)
actions = st.one_of(
    st.tuples(st.just("say"), places, numbers, st.sampled_from(KINDS), scopes, st.sampled_from([(), ("wellness",)])),
    st.tuples(st.just("hear"), numbers),
    st.tuples(st.just("imports"), places, st.sets(numbers, min_size=1), scopes, st.integers(0, 1)),
    st.tuples(st.just("undo"), st.integers(0, 1)),
    st.tuples(st.just("lift_all"), st.integers(0, 1)),
    st.tuples(st.just("lift"), places, st.integers(0, 9)),
    st.tuples(st.just("join"), st.booleans()),
)


class History:
    def __init__(self) -> None:
        self.workspaces: list[Workspace] = [make_workspace()]
        self.organisation = self.workspaces[0].organisation
        self.actor = make_user(workspace=self.workspaces[0], password=None)
        self.active: dict[Said, UUID | None] = {}

    def at(self, place: int) -> tuple[int, Workspace]:
        place %= len(self.workspaces)
        return place, self.workspaces[place]

    def say(
        self, place: int, number: str, kind: SuppressionKind, scope: SuppressionScope, purposes: tuple[str, ...]
    ) -> None:
        place, workspace = self.at(place)
        source = Suppression.Source.PERSON
        _, created = suppress_number(
            workspace=workspace,
            number=number,
            kind=kind,
            source=source,
            purposes=purposes,
            scope=scope,
            actor=self.actor,
        )
        said = Said(number, kind, source.value, purposes, place if scope is SuppressionScope.WORKSPACE else None)
        assert created is (said not in self.active)
        self.active.setdefault(said, None)

    def hear(self, number: str) -> None:
        suppress_for_organisation(self.organisation.pk, number, Suppression.Source.INBOUND, "page")
        self.active.setdefault(Said(number, "opt_out", "inbound", (), None), None)

    def imports(self, place: int, listed: set[str], scope: SuppressionScope, list_at: int) -> None:
        place, workspace = self.at(place)
        statements = [Statement(workspace.pk, number, "", SuppressionKind.IMPORTED) for number in listed]
        suppress_all(statements, Suppression.Source.IMPORT, scope=scope, import_id=LISTS[list_at])
        for number in listed:
            said = Said(number, "imported", "import", (), place if scope is SuppressionScope.WORKSPACE else None)
            owner = self.active.get(said, LISTS[list_at])
            self.active[said] = owner if owner == LISTS[list_at] else None

    def undo(self, list_at: int) -> None:
        while take_back(LISTS[list_at], 2):
            pass
        self._forget(list_at)

    def lift_all(self, list_at: int) -> None:
        while lift_list(LISTS[list_at], 2, reason="The list is old.", actor=self.actor, now=database_now()):
            pass
        self._forget(list_at)

    def _forget(self, list_at: int) -> None:
        self.active = {said: owner for said, owner in self.active.items() if owner != LISTS[list_at]}

    def lift(self, place: int, nth: int) -> None:
        place, workspace = self.at(place)
        rows = list(Suppression.objects.active().filter(workspace=workspace).order_by("id"))
        if not rows:
            return
        row, now = rows[nth % len(rows)], database_now()
        said = said_by(row, place)
        consent = NewConsent("signed form", now, "Form 12", basis="written_consent")
        lift(row, reason="She asked.", consent=consent, actor=self.actor, now=now)
        del self.active[said]

    def join(self, moves: bool) -> None:
        """A new workspace, or one that had been another organisation's and to which somebody had said no already."""
        if len(self.workspaces) > 3:
            return
        if not moves:
            self.workspaces.append(make_workspace(organisation=self.organisation))
        else:
            joins = make_workspace()
            suppress_number(
                workspace=joins,
                number=NUMBERS[0],
                kind=SuppressionKind.DECEASED,
                source=Suppression.Source.PERSON,
                actor=self.actor,
            )
            joins.organisation = self.organisation
            joins.save()
            self.workspaces.append(joins)
            self.active.setdefault(Said(NUMBERS[0], "deceased", "person", (), None), None)
        while SuppressionCopying.objects.exists():
            copies.copy_rest(database_now())

    def check(self) -> None:
        for place, workspace in enumerate(self.workspaces):
            rows = Suppression.objects.active().filter(workspace=workspace)
            found = {said_by(row, place): row.import_id for row in rows}
            wanted = {said: owner for said, owner in self.active.items() if said.workspace in (None, place)}
            assert found == wanted
            assert len(rows) == len(found)
            for number in NUMBERS:
                everything = any(said.number == number and not said.purposes for said in wanted)
                assert is_suppressed(workspace.pk, number) is everything
        # No word of one workspace is in another.
        assert not any(
            row.reason or row.created_by_id or row.list_id for row in Suppression.objects.all() if row.from_elsewhere
        )


def said_by(row: Suppression, place: int) -> Said:
    assert row.number is not None
    here = place if row.scope == SuppressionScope.WORKSPACE else None
    return Said(row.number, row.kind, row.source, tuple(row.purposes), here)


@settings(max_examples=60)
@given(st.lists(actions, max_size=12))
def test_after_any_history_each_workspace_has_what_holds_for_it(db: None, history: list[Any]) -> None:
    with patch.object(copies, "BATCH", 2):
        told = History()
        for name, *arguments in history:
            getattr(told, name)(*arguments)
            told.check()
