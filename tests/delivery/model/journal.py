"""Journal of row versions: triggers record each version of the rows that the judge reads, in order.

The tables have the last version only; a row may have been in a forbidden status between two reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection

TABLES = (
    "platform_workspace",
    "usecases_telephonysetup",
    "usecases_usecase",
    "usecases_phonenumber",
    "usecases_numberassignment",
    "usecases_suppression",
    "delivery_lane",
    "delivery_voicemail",
    "delivery_drop",
    "delivery_carrierreport",
    "delivery_awaitedresult",
    "delivery_callcommand",
    "campaigns_campaign",
    "campaigns_canary",
    "campaigns_campaignretry",
)
# Ciphertexts and columns that the judge does not read.
_LEFT_OUT = "{recipient,metadata,merge_fields,credentials,raw,number,description,zones}"

_BEGIN = f"""
CREATE TABLE model_journal (place bigserial PRIMARY KEY, kind text NOT NULL, gone bool NOT NULL, version jsonb NOT NULL);
CREATE FUNCTION model_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO model_journal (kind, gone, version)
  VALUES (TG_TABLE_NAME, TG_OP = 'DELETE', to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END) - '{_LEFT_OUT}'::text[]);
  RETURN NULL;
END $$
"""
_NOTE = (
    "CREATE TRIGGER model_note AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION model_note()"
)
_SINCE = "SELECT place, kind, gone, version FROM model_journal WHERE place > %s ORDER BY place"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """A row after one statement; `gone` if the statement deleted it."""

    table: str
    gone: bool
    row: Row

    @property
    def key(self) -> str:
        return str(self.row["drop_id" if self.table == "delivery_awaitedresult" else "id"])


@contextmanager
def kept() -> Iterator[None]:
    """Install the triggers of the journal. Requires a transaction that is rolled back later, which removes them."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN)
        for table in TABLES:
            cursor.execute(_NOTE.format(table=table))
    yield


class Reader:
    """Reader of the journal that continues after the last version it has read."""

    def __init__(self) -> None:
        self._place = 0

    def read(self) -> list[Version]:
        # Bypasses Django's cursors, because the stage wraps them.
        with connection.connection.cursor() as cursor:
            found = cursor.execute(_SINCE, [self._place], prepare=True).fetchall()
        if found:
            self._place = found[-1][0]
        return [Version(table, gone, orjson.loads(row)) for _, table, gone, row in found]

    def copy(self) -> Reader:
        other = Reader()
        other._place = self._place
        return other
