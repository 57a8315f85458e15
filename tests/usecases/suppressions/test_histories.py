"""Histories of one workspace's suppression list: whatever is said, lifted and undone in whatever order, it equals a simple model.

The model: every active statement by its number, kind, source and purposes; of what lists say also which list alone has said it.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rvm.platform.database.clock import database_now
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.errors import ServiceError
from tests.factories import make_user, make_workspace
from usecases.consents.bases import Purpose
from usecases.models import Suppression
from usecases.services.consents import NewConsent
from usecases.services.suppressions import lift, suppress_number
from usecases.suppression_kinds import STATED_KINDS, SuppressionKind
from usecases.suppressions import Statement, are_suppressed, is_suppressed, lift_list, suppress_all, take_back

pytestmark = pytest.mark.django_db
NUMBERS = [f"+1202555014{digit}" for digit in range(3)]
LISTS = [uuid4(), uuid4()]
PURPOSES = [purpose.value for purpose in Purpose]
SAYING = [Suppression.Source.PERSON, Suppression.Source.API, Suppression.Source.CARRIER, Suppression.Source.INBOUND]


class Said(NamedTuple):
    number: str
    kind: SuppressionKind
    source: str
    purposes: tuple[str, ...]

    def binds(self, number: str, purpose: str) -> bool:
        return self.number == number and (not self.purposes or purpose in self.purposes)

    @property
    def needs_consent(self) -> bool:
        return self.kind is SuppressionKind.OPT_OUT or self.source in ("carrier", "inbound")


numbers = st.sampled_from(NUMBERS)
actions = st.one_of(
    st.tuples(
        st.just("say"),
        numbers,
        st.sampled_from(STATED_KINDS),
        st.sampled_from(SAYING),
        st.lists(st.sampled_from(PURPOSES), max_size=2),
    ),
    st.tuples(st.just("report"), numbers, st.sampled_from(STATED_KINDS)),
    st.tuples(st.just("import"), st.sets(numbers, min_size=1), st.integers(0, 1)),
    st.tuples(st.just("undo"), st.integers(0, 1)),
    st.tuples(st.just("lift list"), st.integers(0, 1)),
    st.tuples(st.just("lift"), st.integers(0, 9), st.booleans()),
)


class History:
    def __init__(self) -> None:
        self.workspace = make_workspace()
        self.other = make_workspace()
        self.actor = make_user(workspace=self.workspace, password=None)
        self.active: dict[Said, UUID | None] = {}
        self.lifted = 0

    def do(self, name: str, *arguments: Any) -> None:
        getattr(self, name.replace(" ", "_") if name != "import" else "imports")(*arguments)

    def say(self, number: str, kind: SuppressionKind, source: Suppression.Source, purposes: list[str]) -> None:
        said = Said(number, kind, source.value, tuple(sorted(set(purposes))))
        row, created = suppress_number(
            workspace=self.workspace, number=number, kind=kind, source=source, purposes=purposes, actor=self.actor
        )
        assert created is (said not in self.active)
        assert said_by(row) == said
        self.active.setdefault(said, None)

    def report(self, number: str, kind: SuppressionKind) -> None:
        known = any(said.number == number and not said.purposes for said in self.active)
        assert suppress_all([Statement(self.workspace.pk, number, "", kind)]) == (not known)
        self.active.setdefault(Said(number, kind, "carrier", ()), None)

    def imports(self, listed: set[str], place: int) -> None:
        statements = [Statement(self.workspace.pk, number, "", SuppressionKind.IMPORTED) for number in listed]
        suppress_all(statements, Suppression.Source.IMPORT, import_id=LISTS[place])
        for number in listed:
            said = Said(number, SuppressionKind.IMPORTED, "import", ())
            owner = self.active.get(said, LISTS[place])
            self.active[said] = owner if owner == LISTS[place] else None

    def undo(self, place: int) -> None:
        while take_back(LISTS[place], 2):
            pass
        self._forget(place)

    def lift_list(self, place: int) -> None:
        while lift_list(LISTS[place], 2, reason="The list is old.", actor=self.actor, now=database_now()):
            pass
        self.lifted += self._forget(place)

    def _forget(self, place: int) -> int:
        before = len(self.active)
        self.active = {said: owner for said, owner in self.active.items() if owner != LISTS[place]}
        return before - len(self.active)

    def lift(self, place: int, consenting: bool) -> None:
        rows = list(Suppression.objects.active().filter(workspace=self.workspace).order_by("id"))
        if not rows:
            return
        row = rows[place % len(rows)]
        said, now = said_by(row), database_now()
        consent = NewConsent("signed form", now, "Form 12", basis="written_consent") if consenting else None
        if said.needs_consent and not consenting:
            with pytest.raises(ServiceError) as refused:
                lift(row, reason="She asked.", actor=self.actor, now=now)
            assert refused.value.code == "consent_needed"
            return
        lift(row, reason="She asked.", consent=consent, actor=self.actor, now=now)
        del self.active[said]
        self.lifted += 1

    def check(self) -> None:
        rows = Suppression.objects.filter(workspace=self.workspace)
        found = {said_by(row): row.import_id for row in rows if row.active}
        assert found == self.active
        assert sum(row.active for row in rows) == len(found)
        assert sum(not row.active for row in rows) == self.lifted  # nothing that was lifted is ever gone
        assert all(row.lift_reason and row.lifted_by_id and row.import_id is None for row in rows if not row.active)
        people = [(blind_index().of(self.workspace.pk, number), number) for number in NUMBERS]
        for purpose in PURPOSES:
            expected = [any(said.binds(number, purpose) for said in self.active) for number in NUMBERS]
            assert are_suppressed(self.workspace.pk, people, purpose) == expected
        for number in NUMBERS:
            everything = any(said.number == number and not said.purposes for said in self.active)
            assert is_suppressed(self.workspace.pk, number) is everything
            assert not is_suppressed(self.other.pk, number)


def said_by(row: Suppression) -> Said:
    assert row.number is not None
    return Said(row.number, SuppressionKind(row.kind), row.source, tuple(row.purposes))


@settings(max_examples=60)
@given(st.lists(actions, max_size=14))
def test_after_any_history_the_list_is_what_was_said_and_not_taken_back(db: None, history: list[Any]) -> None:
    told = History()
    for name, *arguments in history:
        told.do(name, *arguments)
        told.check()
