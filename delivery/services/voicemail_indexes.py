"""New blind indexes of voicemails, with those of their record numbers; and until when recent drops are found under an older key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from delivery.engine.recent_drops import KEPT
from delivery.identifiers import record_number_entry
from delivery.models import RecentDrops, Voicemail
from rvm.platform.database import sql
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.rotation.indexes import BlindIndexes, Moved
from rvm.platform.rotation.stores import Remainder

_RECORD_NUMBERS = """
SELECT id, workspace_id, record_number FROM delivery_voicemail WHERE id = ANY(%s::uuid[]) AND record_number IS NOT NULL
"""
_WRITE_ENTRIES = """
UPDATE delivery_voicemailidentifier i SET record_number = a.entry FROM unnest(%s::uuid[], %s::bigint[]) AS a(id, entry)
 WHERE i.voicemail_id = a.id AND i.record_number IS NOT NULL
"""
# An erasure goes on by the indexes that it knows.
_TELL_ERASURES = """
UPDATE platform_erasure e SET number_indexes = e.number_indexes || to_jsonb(moved.new)
  FROM unnest(%s::text[], %s::text[]) AS moved(old, new)
 WHERE e.finished_at IS NULL AND e.number_indexes ? moved.old AND NOT e.number_indexes ? moved.new
"""
_SOME_FROM_BEFORE = f"SELECT EXISTS (SELECT FROM {RecentDrops._meta.db_table} WHERE at[cardinality(at)] < %s)"  # noqa: S608
# Counts and the rotation may have been timed by two servers, before and after a failover, whose clocks differ by less.
CLOCKS_DIFFER = timedelta(hours=1)


class VoicemailIndexes(BlindIndexes):
    # A voicemail whose number was removed has ended; whoever found the older key could tell the number by its index.
    forgets = True

    def write(self, moved: Sequence[Moved]) -> Sequence[Any]:
        entries, unreadable = {}, []
        field: Any = Voicemail._meta.get_field("record_number")
        for pk, workspace_id, ciphertext in sql.run(_RECORD_NUMBERS, [sql.ids(each.id for each in moved)]):
            try:
                entries[pk] = record_number_entry(workspace_id, field.decrypt(ciphertext, workspace_id, pk))
            except ValueError:
                unreadable.append(pk)
        if entries:
            sql.run(_WRITE_ENTRIES, [sql.ids(entries), sql.numbers(entries.values())])
        indexes = {each.old.hex(): each.new.hex() for each in moved}
        sql.run(_TELL_ERASURES, [sql.texts(indexes), sql.texts(indexes.values())])
        return [*super().write(moved), *unreadable]


def recent_drops_from_before(since: datetime | None) -> Iterator[Remainder]:
    """Rows of recent drops have an index and no number. Those of an older key are not written any more, and end by themselves."""
    keys = frozenset(blind_index().older_key_ids)
    if not keys or since is None:
        return
    before = since + CLOCKS_DIFFER
    if sql.run(_SOME_FROM_BEFORE, [before])[0][0]:
        yield Remainder(
            "Caps count drops of the last days by index keys of their time: the older ones have to stay until"
            f" {before + KEPT:%Y-%m-%d %H:%M} UTC, and until the tick has removed those counts.",
            keys,
        )
