"""States are written along their tables, and by one module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from campaigns.lifecycle.transitions import (
    InvalidTransition,
    Stateful,
    Superseded,
    can_become,
    change_state,
    change_state_if_still,
)
from campaigns.models import Campaign, CampaignRetry, LaunchApproval, OptOutImport, RecipientImport, Withdrawal
from campaigns.states import (
    APPROVAL_TRANSITIONS,
    IMPORT_TRANSITIONS,
    OPT_OUT_TRANSITIONS,
    RETRY_TRANSITIONS,
    TRANSITIONS,
    WITHDRAWAL_TRANSITIONS,
    OptOutState,
)
from tests.docs.pages import PROJECT, name_of
from tests.factories import make_campaign, make_workspace

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
TABLES: dict[type[Stateful], dict[Any, frozenset[Any]]] = {
    Campaign: TRANSITIONS,
    CampaignRetry: RETRY_TRANSITIONS,
    LaunchApproval: APPROVAL_TRANSITIONS,
    OptOutImport: OPT_OUT_TRANSITIONS,
    RecipientImport: IMPORT_TRANSITIONS,
    Withdrawal: WITHDRAWAL_TRANSITIONS,
}
PAIRS = [(kind, was, to) for kind, table in TABLES.items() for was in table for to in table]
LISTED = [(kind, was, to) for kind, was, to in PAIRS if to in TABLES[kind][was]]
NOT_LISTED = [(kind, was, to) for kind, was, to in PAIRS if to not in TABLES[kind][was] and not was == to == "uploaded"]


def row_of(kind: type[Stateful], state: str, **fields: Any) -> Any:
    if kind is Campaign:
        return make_campaign(state=state)
    if kind is OptOutImport:
        values = {"workspace": make_workspace(), "file_name": "stop.csv", "size_bytes": 1, "format": "csv", **fields}
        return OptOutImport.objects.create(state=state, **values)
    campaign = make_campaign()
    if kind is RecipientImport:
        values = {"workspace": campaign.workspace, "file_name": "list.csv", "size_bytes": 1, "format": "csv", **fields}
        return RecipientImport.objects.create(campaign=campaign, state=state, **values)
    if kind is Withdrawal:
        return Withdrawal.objects.create(
            workspace=campaign.workspace, campaign=campaign, state=state, voicemail_ids=[], **fields
        )
    if kind is LaunchApproval:
        return LaunchApproval.objects.create(
            campaign=campaign, state=state, kind="launch", people=3, above=2, version=b"v", **fields
        )
    asked = {"reasons": [], "accept_duplicate_risk": False, "asked_at": NOW, "matching": 0}
    return CampaignRetry.objects.create(campaign=campaign, state=state, **asked, **fields)


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "was", "to"), LISTED)
def test_a_transition_that_a_table_lists_is_written(kind: type[Stateful], was: str, to: str) -> None:
    row = row_of(kind, was)
    change_state(row, to)
    row.refresh_from_db()
    assert row.state == to


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "was", "to"), NOT_LISTED)
def test_a_transition_that_no_table_lists_is_a_bug_and_is_not_written(kind: type[Stateful], was: str, to: str) -> None:
    row = row_of(kind, was)
    writers = [change_state, change_state_if_still] if kind in (OptOutImport, RecipientImport) else [change_state]
    for write in writers:
        with pytest.raises(InvalidTransition, match=f"{kind.__name__}: {was} -> {to}"):
            write(row, to)
    row.refresh_from_db()
    assert row.state == was


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [OptOutImport, RecipientImport])
def test_a_worker_whose_list_was_ended_meanwhile_writes_nothing(kind: type[Stateful]) -> None:
    late = row_of(kind, "checking")
    kind.objects.update(state="discarded")
    with pytest.raises(Superseded):
        change_state_if_still(late, "checked", rows_read=7)
    late.refresh_from_db()
    assert (late.state, late.rows_read) == ("discarded", 0)


@pytest.mark.django_db
@pytest.mark.parametrize("to", OptOutState)
def test_a_list_that_broke_off_with_numbers_on_the_list_can_only_be_undone(to: OptOutState) -> None:
    assert can_become(row_of(OptOutImport, "failed", added=1), to) == (to is OptOutState.UNDOING)


def written(path: Path) -> Iterator[str]:
    """What a module writes to an attribute or a column `state`."""
    for node in ast.walk(ast.parse(path.read_text())):
        assigned = [each for target in getattr(node, "targets", []) for each in ast.walk(target)]
        updates = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "update"
        if any(isinstance(each, ast.Attribute) and each.attr == "state" for each in assigned) or (
            updates and any(keyword.arg == "state" for keyword in getattr(node, "keywords", []))
        ):
            yield f"{name_of(path)}:{getattr(node, 'lineno', 0)}"


def test_no_other_module_writes_a_state() -> None:
    modules = [path for path in (PROJECT / "campaigns").rglob("*.py") if "migrations" not in path.parts]
    found = [place for path in modules for place in written(path)]
    assert [place.rpartition(":")[0] for place in found] == ["campaigns/lifecycle/transitions.py"], found
