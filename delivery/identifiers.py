"""Search for voicemails by record number, reference or phone number.

Record numbers and references are stored as eight-byte integers in `VoicemailIdentifier`. For a record number it is the start of its
blind index under the current index key. A reference is not secret; PostgreSQL hashes it on insert.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import BigIntegerField, Func, Q, QuerySet, Value

from delivery.models import Lane, VoicemailIdentifier
from rvm.platform.database import sql
from rvm.platform.encryption.crypto import blind_index

MAX_RECORD_NUMBER = 100
# Separates record numbers from phone numbers, whose blind indexes hash a text that begins with a plus.
_KIND = "record number:"
# SQL for the entry of a reference; `workspace` is a parameter, `reference` a column.
REFERENCE_ENTRY = "hashtextextended(%(workspace)s::text || nullif(reference, ''), 0)"


def record_number_entry(workspace_id: UUID, record_number: str, key_id: int | None = None) -> int:
    """Entry of a record number, ignoring case and whitespace. Leading zeros count: without them it may be another patient's."""
    text = _KIND + "".join(record_number.split()).casefold()
    return int.from_bytes(blind_index().of(workspace_id, text, key_id)[:8], signed=True)


def by_record_number(workspaces: Iterable[UUID], record_number: str) -> QuerySet[VoicemailIdentifier]:
    """Entries of the record number in the workspaces, under all index keys."""
    return VoicemailIdentifier.objects.filter(_record_number(workspaces, record_number))


def by_reference(workspaces: Iterable[UUID], reference: str) -> QuerySet[VoicemailIdentifier]:
    """Entries with the hash of the reference. Hashes can collide, so callers compare `Voicemail.reference` as well."""
    return VoicemailIdentifier.objects.filter(_reference(workspaces, reference))


def by_either(workspaces: Iterable[UUID], text: str) -> QuerySet[VoicemailIdentifier]:
    return VoicemailIdentifier.objects.filter(_record_number(workspaces, text) | _reference(workspaces, text))


def _record_number(workspaces: Iterable[UUID], text: str) -> Q:
    keys = blind_index().key_ids
    entries = [record_number_entry(workspace_id, text, key_id) for workspace_id in workspaces for key_id in keys]
    return Q(record_number__in=entries)


def _reference(workspaces: Iterable[UUID], text: str) -> Q:
    hashed: list[Any] = [
        Func(Value(f"{workspace_id}{text}"), Value(0), function="hashtextextended", output_field=BigIntegerField())
        for workspace_id in workspaces
    ]
    return Q(reference__in=hashed)


# The same three in SQL, of one workspace; `v` is the voicemail.
_AMONG = "v.id = ANY(ARRAY(SELECT voicemail_id FROM delivery_voicemailidentifier WHERE {}))"
_HAS_RECORD_NUMBER, _HAS_REFERENCE = (
    "record_number = ANY(%({0}_entries)s)",
    "reference = hashtextextended(%({0}_text)s, 0)",
)
CONDITIONS = {
    "record_number": _AMONG.format(_HAS_RECORD_NUMBER.format("record_number")),
    "reference": _AMONG.format(_HAS_REFERENCE.format("reference")),
    "either": _AMONG.format(f"{_HAS_RECORD_NUMBER} OR {_HAS_REFERENCE}".format("either")),
}


def condition_values(workspace_id: UUID, name: str, text: str) -> dict[str, Any]:
    """The parameters of the condition with this name, for what is sought."""
    entries = [record_number_entry(workspace_id, text, key_id) for key_id in blind_index().key_ids]
    return {f"{name}_entries": entries, f"{name}_text": f"{workspace_id}{text}"}


class Found(NamedTuple):
    voicemail_id: UUID
    status: str


# By the first eight bytes of the blind index.
_FIND_BY_RECORD_NUMBER = """
SELECT i.record_number, v.id, v.status FROM delivery_voicemailidentifier i JOIN delivery_voicemail v ON v.id = i.voicemail_id
 WHERE i.record_number = ANY(%s::bigint[]) AND v.lane_id = %s
"""
# By the indexed hash, then by the reference itself, because hashes can collide.
_FIND_BY_REFERENCE = """
SELECT sought.reference, v.id, v.status
  FROM unnest(%s::text[]) AS sought(reference)
  JOIN delivery_voicemailidentifier i ON i.reference = hashtextextended(%s::text || sought.reference, 0)
  JOIN delivery_voicemail v ON v.id = i.voicemail_id AND v.reference = sought.reference
 WHERE v.lane_id = %s
"""
# Uses the index of recipients, because a person has few voicemails.
_FIND_BY_NUMBER = """
SELECT recipient_index, id, status FROM delivery_voicemail WHERE recipient_index = ANY(%s::bytea[]) AND lane_id = %s
"""
_FIND_NAMED = """
SELECT voicemail_id, record_number IS NOT NULL, reference IS NOT NULL FROM delivery_voicemailidentifier
 WHERE voicemail_id = ANY(%s::uuid[])
"""


def record_numbers_in(lane: Lane, sought: Collection[str]) -> dict[str, set[Found]]:
    """Voicemails of the lane by record number, keyed by the spelling in `sought`."""
    entries: dict[int, set[str]] = defaultdict(set)
    for text in sought:
        for key_id in blind_index().key_ids:
            entries[record_number_entry(lane.workspace_id, text, key_id)].add(text)
    found: dict[str, set[Found]] = defaultdict(set)
    for entry, voicemail_id, status in sql.run(_FIND_BY_RECORD_NUMBER, [sql.numbers(entries), lane.pk]):
        for text in entries[entry]:
            found[text].add(Found(voicemail_id, status))
    return found


def references_in(lane: Lane, sought: Collection[str]) -> dict[str, set[Found]]:
    """Voicemails of the lane by reference."""
    found: dict[str, set[Found]] = defaultdict(set)
    for text, voicemail_id, status in sql.run(_FIND_BY_REFERENCE, [sql.texts(sought), lane.workspace_id, lane.pk]):
        found[text].add(Found(voicemail_id, status))
    return found


class Named(NamedTuple):
    """Of voicemails, those that have a record number, and those that have a reference."""

    with_record_number: set[UUID]
    with_reference: set[UUID]


def named_among(voicemail_ids: Collection[UUID]) -> Named:
    found = list(sql.run(_FIND_NAMED, [list(voicemail_ids)])) if voicemail_ids else []
    return Named({pk for pk, recorded, _ in found if recorded}, {pk for pk, _, referred in found if referred})


def numbers_in_lane(lane: Lane, sought: Collection[str]) -> dict[str, set[Found]]:
    """Voicemails of the lane by phone number (E.164)."""
    number_of = {index: number for number in sought for index in blind_index().all_of(lane.workspace_id, number)}
    found: dict[str, set[Found]] = defaultdict(set)
    for index, voicemail_id, status in sql.run(_FIND_BY_NUMBER, [sql.binaries(number_of), lane.pk]):
        found[number_of[bytes(index)]].add(Found(voicemail_id, status))
    return found
