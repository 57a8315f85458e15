"""The outbox: events are added to it in the transaction of the change that they tell of, so a rollback removes both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import orjson

from rvm.platform.database import sql

# The columns that a set-wise statement of a layer above fills itself.
COLUMNS = "workspace_id, live, type, subject_id, occurred_at, data"
_ADD = f"""
INSERT INTO platform_outbox ({COLUMNS})
SELECT workspace, %s, type, subject, clock_timestamp(), data::jsonb
  FROM unnest(%s::uuid[], %s::text[], %s::uuid[], %s::text[]) AS told(workspace, type, subject, data)
"""  # noqa: S608 - of constants


def add(type_name: str, subject_id: UUID, *, workspace_id: UUID, live: bool, **data: Any) -> None:
    """Add an event. `data` is all that its readers get: ids, states and codes, never a number, a name or a text of a person."""
    add_all(type_name, [(workspace_id, subject_id, data)], live=live)


def add_all(type_name: str, told: Iterable[tuple[UUID, UUID, Mapping[str, Any]]], *, live: bool) -> None:
    """Add an event of the type for each triple of workspace, subject and data, in one statement."""
    told = list(told)
    if told:
        workspaces, subjects, data = zip(*told, strict=True)
        sql.run(
            _ADD,
            [
                live,
                sql.ids(workspaces),
                sql.texts([type_name] * len(told)),
                sql.ids(subjects),
                sql.texts(orjson.dumps(each).decode() for each in data),
            ],
        )
