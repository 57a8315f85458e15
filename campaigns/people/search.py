"""Searches for people, each bounded: by number, by record number or reference, and by name inside one campaign's list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from campaigns.models import Campaign
from campaigns.people import names
from delivery.identifiers import by_record_number, by_reference
from delivery.models import VoicemailIdentifier
from delivery.models.voicemail import MERGE_FIELDS, number_in
from rvm.platform.database import sql
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.encryption.fields import EncryptedField
from rvm.platform.models import Workspace
from rvm.platform.observability.representation import hides

# Voicemails with one record number or reference that are looked at. A reference may have been given to a whole list.
MAX_IDENTIFIED = 1000
# People of a list whose names one search decrypts, and how many of them are read at a time.
MAX_SCANNED = 50_000
_SCAN_ROWS = 5000
_FIRST, _LAST = UUID(int=0), UUID(int=(1 << 128) - 1)

# One probe of each index for each blind index; a number may have more voicemails than anybody wants to read.
_FIND_KNOWN = """
SELECT sought.index,
       (SELECT v.id FROM delivery_voicemail v WHERE v.recipient_index = sought.index ORDER BY v.id DESC LIMIT 1),
       EXISTS (SELECT FROM usecases_suppression s WHERE s.number_index = sought.index AND s.lifted_at IS NULL OFFSET 0),
       EXISTS (SELECT FROM usecases_suppression s WHERE s.number_index = sought.index AND s.lifted_at IS NOT NULL OFFSET 0),
       EXISTS (SELECT FROM usecases_consent c WHERE c.number_index = sought.index OFFSET 0)
  FROM unnest(%s::bytea[]) AS sought(index)
"""
_READ = """
SELECT id, recipient_index, recipient, last4, merge_fields, reference, workspace_id, number_removed_at FROM delivery_voicemail
"""
_READ_IDENTIFIED = f"""
{_READ} WHERE id = ANY(%s::uuid[]) AND workspace_id = %s AND (%s::boolean IS NULL OR live = %s) ORDER BY id DESC
"""
# No index has the voicemails of a lane by id alone. The ids of its list keep it from reading those of other lanes.
_SCAN = f"""
{_READ} WHERE workspace_id = %s AND lane_id = %s AND id > %s AND id <= %s ORDER BY id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Person:
    """The owner of an E.164 number, as one workspace knows them."""

    workspace: Workspace
    number: str = field(repr=False)

    @property
    def indexes(self) -> list[bytes]:
        """The blind indexes that rows about the person may have. They are of this workspace alone."""
        return blind_index().all_of(self.workspace.pk, self.number)


class Known(NamedTuple):
    """What a workspace has about a number: its newest voicemail, and whether it has active and lifted suppressions and consents."""

    voicemail_id: UUID | None = None
    suppressed: bool = False
    lifted: bool = False
    consented: bool = False

    @property
    def anything(self) -> bool:
        return self != Known()


@hides("number", "last4", "name")
class Match(NamedTuple):
    """A person that a search found by a voicemail. `number`: None if it was removed, at `removed_at`, or cannot be decrypted."""

    voicemail_id: UUID
    number: str | None
    last4: str
    name: str
    removed_at: datetime | None = None


class Matches(NamedTuple):
    """Found people. `position`: where the search goes on; None if all was searched. `scanned`: people whose names were compared."""

    items: list[Match]
    position: UUID | None
    scanned: int = 0


def known_in(workspaces: Iterable[Workspace], number: str) -> dict[UUID, Known]:
    """What each of the workspaces, by id, has about the E.164 number."""
    index = blind_index()
    owner = {each: workspace.pk for workspace in workspaces for each in index.all_of(workspace.pk, number)}
    found = {workspace_id: Known() for workspace_id in owner.values()}
    for sought, voicemail_id, *flags in sql.run(_FIND_KNOWN, [list(owner)]) if owner else []:
        before = found[owner[bytes(sought)]]
        newest = max(filter(None, (voicemail_id, before.voicemail_id)), default=None)
        either = (flag or earlier for flag, earlier in zip(flags, before[1:], strict=True))
        found[owner[bytes(sought)]] = Known(newest, *either)
    return found


def by_identifier(
    workspace: Workspace,
    *,
    record_number: str = "",
    reference: str = "",
    live: bool | None,
    after: UUID | None = None,
    limit: int,
) -> Matches:
    """People with the record number or the reference, the one with the newest voicemail first; up to `limit` of those after the
    position `after`. `live`: only by live or by test voicemails.

    Only MAX_IDENTIFIED voicemails of each are looked at.
    """
    recorded = _ids(by_record_number([workspace.pk], record_number)) if record_number else set()
    referred = _ids(by_reference([workspace.pk], reference)) if reference else set()
    rows = sql.run(_READ_IDENTIFIED, [sql.ids(recorded | referred), workspace.pk, live, live])
    # Hashes of references can collide.
    people = _people(row for row in rows if row[0] in recorded or row[5] == reference)
    rest = [match for match in people if after is None or match.voicemail_id < after]
    shown = rest[:limit]
    return Matches(shown, shown[-1].voicemail_id if len(rest) > limit else None)


def _ids(found: QuerySet[VoicemailIdentifier]) -> set[UUID]:
    return set(found.values_list("voicemail_id", flat=True)[:MAX_IDENTIFIED])


def by_name(campaign: Campaign, name: str, *, after: UUID | None = None, limit: int) -> Matches:
    """People of the campaign's list whose name matches, in the order of the list, up to `limit` of those after the position `after`.

    At most MAX_SCANNED names are compared; the search then goes on at the position.
    """
    sought, scanned = names.words_of(name), 0
    position = after or _before_first(campaign)
    found: list[Match] = []
    while scanned < MAX_SCANNED:
        asked = min(_SCAN_ROWS, MAX_SCANNED - scanned)
        rows = _scan(campaign, position, asked)
        for row in rows:
            if len(found) == limit:
                return Matches(found, position, scanned)
            scanned, position = scanned + 1, row[0]
            if names.matches(sought, decrypted(MERGE_FIELDS, row[4], row[6], row[0])):
                found += _people([row])
        if len(rows) < asked:
            return Matches(found, None, scanned)
    return Matches(found, position if _scan(campaign, position, 1) else None, scanned)


def _before_first(campaign: Campaign) -> UUID:
    first = campaign.lane.first_id
    return UUID(int=first.int - 1) if first else _FIRST


def _scan(campaign: Campaign, after: UUID, rows: int) -> list[tuple[Any, ...]]:
    lane = campaign.lane
    return sql.run(_SCAN, [lane.workspace_id, lane.pk, after, lane.last_id or _LAST, rows])


def _people(rows: Iterable[tuple[Any, ...]]) -> list[Match]:
    """One match for each person, by the first of their rows."""
    found: dict[Any, Match] = {}
    for voicemail_id, index, recipient, last4, fields, _, workspace_id, removed_at in rows:
        number = number_in(recipient, workspace_id, voicemail_id)
        if (number or bytes(index)) not in found:
            name = names.name_in(decrypted(MERGE_FIELDS, fields, workspace_id, voicemail_id))
            found[number or bytes(index)] = Match(voicemail_id, number, last4, name, removed_at)
    return list(found.values())


def decrypted(field: EncryptedField, ciphertext: bytes | None, workspace_id: UUID, voicemail_id: UUID) -> Any:
    """The value of an encrypted column of a voicemail; None if it is empty or cannot be decrypted."""
    if ciphertext is None:
        return None
    try:
        return field.decrypt(ciphertext, workspace_id, voicemail_id)
    except ValueError:
        return None
