"""Suppression list of each workspace: numbers that must not be reached, found by blind index. Its checks and its set-wise writes.

A row is one statement about a number: of a kind, by a source, for some purposes or for everything. Each source's statement has a row
of its own, so that a lift or the undo of an opt-out list takes back nothing that somebody else has said. A row that only one opt-out
list has named has the list's id as `import_id` until another list names the number too, and can be removed by that id.

What is said to the organisation is written once per workspace of it, under that workspace's index and in one transaction: the row of
the workspace in which it was said, its origin, and copies that say no more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from rvm.platform.database import sql
from rvm.platform.database.ids import uuid7
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.encryption.fields import EncryptedTextField
from rvm.platform.events.outbox import COLUMNS
from rvm.platform.models import User, Workspace
from rvm.platform.observability.representation import hides
from rvm.platform.organisations import held_members, lock_shared
from usecases.models import Suppression, SuppressionQuerySet, UseCase
from usecases.suppression_kinds import SuppressionKind, SuppressionScope

LIFTED_ELSEWHERE = "Lifted in another workspace of the organisation."
MUST_NOT_BE_REACHED = "This person is on the workspace's suppression list and must not be reached."

_NUMBER: EncryptedTextField = Suppression._meta.get_field("number")


@hides("number", "reason")
class Statement(NamedTuple):
    """What a source says about an E.164 number."""

    workspace_id: UUID
    number: str
    reason: str = ""
    kind: SuppressionKind = SuppressionKind.OPT_OUT


@hides("number", "number_index", "last4", "reason")
class Row(NamedTuple):
    """The columns of a new suppression that differ from row to row. `purposes`, source and the like are common to an insert.

    `origin`: the workspace in which it was said, None for the organisation as a whole. `created_at`: None means now.
    """

    id: UUID
    workspace_id: UUID
    number: bytes | None
    number_index: bytes
    last4: str
    reason: str
    kind: str
    origin: UUID | None
    created_at: datetime | None = None


Rows = Sequence[tuple[Row, tuple[bytes, ...]]]


@hides("number_index")
class Removed(NamedTuple):
    """What a list's undo or lift has ended: the workspace and the blind index of the number there."""

    workspace_id: UUID
    number_index: bytes


@hides("indexes")
class Added(NamedTuple):
    """A new suppression. `indexes`: those that voicemails to the number may have, several during a key rotation. No `purposes` are
    all purposes. `confidential`: use cases that send to confidential numbers are free of it."""

    id: UUID
    indexes: tuple[bytes, ...]
    purposes: tuple[str, ...] = ()
    confidential: bool = False


# Called with new suppressions in the transaction that adds them, unless they are added with `later`. A layer above appends its own.
ON_ADDED: list[Callable[[Sequence[Added]], None]] = []


def _tell(what: str, rows: str) -> str:
    """The statement that tells the workspaces' systems what became of suppressions, which hold for live and test rows alike: to live
    ones, which act on it."""
    return (
        f"INSERT INTO platform_outbox ({COLUMNS}) SELECT workspace_id, true, 'suppression.{what}', id, clock_timestamp(),"  # noqa: S608
        f" jsonb_build_object('suppression_id', id, 'kind', kind) FROM {rows}"
    )


# One array per column: lists have up to a million numbers, and inserts by the ORM take ten times as long. An existing row only loses
# its import_id, if another list names its number. `xmax` of an inserted row is 0. Who put it there, and from which list, is for the
# workspace in which it was said only. Numbers are counted there too; the look-up sees the table as it was before, and is worded as in
# `suppressed_sql`.
_PUT_ON_LIST = f"""
WITH rows AS (
  SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::bytea[], %s::bytea[], %s::text[], %s::text[], %s::text[], %s::uuid[],
                       %s::timestamptz[])
             AS rows(id, workspace_id, number, number_index, last4, reason, kind, origin, created_at)),
put AS (
  INSERT INTO usecases_suppression AS there
         (id, workspace_id, number, number_index, last4, reason, kind, origin, created_at, index_key, source, purposes, scope,
          created_by_id, list_id, import_id, waiting)
  SELECT id, workspace_id, number, number_index, last4, reason, kind, origin, coalesce(created_at, statement_timestamp()), %s, %s, %s,
         %s, CASE WHEN workspace_id = origin THEN %s::uuid END, CASE WHEN workspace_id = origin THEN %s::uuid END, %s, %s
    FROM rows
  ON CONFLICT (number_index, workspace_id, kind, source, purposes, scope) WHERE lifted_at IS NULL DO UPDATE SET import_id = NULL
   WHERE there.import_id IS NOT NULL AND there.import_id IS DISTINCT FROM EXCLUDED.import_id
  RETURNING id, workspace_id, origin, number_index, kind, xmax = 0 AS added),
told AS ({_tell("created", "put WHERE added")})
SELECT id, workspace_id = origin AND NOT EXISTS (
         SELECT FROM usecases_suppression listed
          WHERE listed.number_index = put.number_index AND listed.workspace_id IS NOT DISTINCT FROM put.workspace_id
            AND listed.lifted_at IS NULL AND cardinality(listed.purposes) = 0 OFFSET 0)
  FROM put WHERE added
"""  # noqa: S608 - of constants
# SKIP LOCKED: another transaction that has locked a row is naming its number too; if it rolls back, the next call takes the row.
# In an array, because the planner may run a subquery of IN once for each row, with another LIMIT rows each time.
_OF_IMPORT = "SELECT id FROM usecases_suppression WHERE import_id = %s LIMIT %s FOR UPDATE SKIP LOCKED"
_TAKE_BACK = f"""
WITH ended AS (
  DELETE FROM usecases_suppression WHERE id = ANY(ARRAY({_OF_IMPORT})) RETURNING id, workspace_id, number_index, kind
), told AS ({_tell("lifted", "ended")})
SELECT workspace_id, number_index FROM ended
"""  # noqa: S608 - of constants
_LIFT_OF_IMPORT = f"""
WITH ended AS (
  UPDATE usecases_suppression SET import_id = NULL, waiting = false, lifted_at = %s,
         lifted_by_id = CASE WHEN workspace_id = origin THEN %s::uuid END,
         lift_reason = CASE WHEN workspace_id = origin THEN %s ELSE %s END
   WHERE id = ANY(ARRAY({_OF_IMPORT})) RETURNING id, workspace_id, number_index, kind
), told AS ({_tell("lifted", "ended")})
SELECT workspace_id, number_index FROM ended
"""  # noqa: S608


def binds_sql(*, purposes: str, confidential: str, purpose: str, to_confidential: str) -> str:
    """SQL condition: a suppression for these purposes, of a confidential number or not, binds use cases of this purpose that reach
    confidential numbers or not. A NULL purpose is bound only by what holds for every purpose.

    All that decides what a suppression stops is built from this.
    """
    return (
        f"(cardinality({purposes}) = 0 OR {purpose} = ANY({purposes})) AND NOT ({confidential} AND {to_confidential})"
    )


# The same of a row `u` of use cases, with the suppression as parameters.
BINDS_USE_CASE = binds_sql(
    purposes="%(purposes)s::text[]",
    confidential="%(confidential)s",
    purpose="u.purpose",
    to_confidential="u.confidential_numbers = 'send'",
)
_USE_CASES_BOUND = f"SELECT u.id FROM usecases_usecase u WHERE u.workspace_id = %(workspace)s AND {BINDS_USE_CASE}"  # noqa: S608 - of constants


# All queries whether a number is suppressed are built from this. `confidential`: whether confidential numbers are reached.
def _listed_indexes(condition: str, purpose: str, confidential: str, columns: str = "listed.number_index") -> str:
    binds = binds_sql(
        purposes="listed.purposes",
        confidential="listed.kind = 'confidential'",
        purpose=purpose,
        to_confidential=confidential,
    )
    return (
        f"SELECT {columns} FROM usecases_suppression listed"  # noqa: S608 - of constants and ours
        f" WHERE {condition} AND listed.lifted_at IS NULL AND {binds}"
    )


def _among(
    workspace: str, purpose: str, matches: str, confidential: str = "%s", columns: str = "listed.number_index"
) -> str:
    """The listed ones of the indexes that match. No index serves IS NOT DISTINCT FROM, so that the planner must probe by number."""
    condition = f"listed.number_index {matches} AND listed.workspace_id IS NOT DISTINCT FROM {workspace}"
    return _listed_indexes(condition, purpose, confidential, columns)


_LISTED_AMONG = _among("%s", "%s", "= ANY(%s::bytea[])")
_IDS_AMONG = _among("%s", "%s", "= ANY(%s::bytea[])", columns="listed.number_index, listed.id")


def suppressed_sql(*, workspace: str, purpose: str, confidential: str, matches: str) -> str:
    """SQL condition: the list of `workspace` has, for `purpose` and for use cases that reach confidential numbers or not (SQL
    expressions), an index that `matches` (from BlindIndex.match_sql).

    OFFSET 0 makes PostgreSQL probe the list row by row, even if its statistics do not know yet that the list has grown.
    """
    return f"EXISTS ({_among(workspace, purpose, matches, confidential)} OFFSET 0)"


# The kinds of use cases for which the workspace's list has one of the indexes, among several.
_LISTED_FOR = f"""
SELECT asked.purpose, asked.confidential
  FROM unnest(%(purposes)s::text[], %(confidential)s::bool[]) AS asked(purpose, confidential)
 WHERE {
    suppressed_sql(
        workspace="%(workspace)s",
        purpose="asked.purpose",
        confidential="asked.confidential",
        matches="= ANY(%(indexes)s::bytea[])",
    )
}
"""  # noqa: S608 - of constants


def suppressed_indexes_sql(*, workspace: str, purpose: str, confidential: str) -> str:
    """SQL query for all indexes that the list of `workspace` has for `purpose`: for a hash join, if nearly all people of a workspace
    are checked."""
    return _listed_indexes(f"listed.workspace_id = {workspace}", purpose, confidential)


def suppressed_among(
    workspace_id: UUID, indexes: Collection[bytes], purpose: str | None = None, *, to_confidential: bool = False
) -> set[bytes]:
    """The subset of the indexes that the workspace's list has for the purpose; without a purpose, for every purpose.
    `to_confidential`: confidential numbers are reached."""
    if not indexes:
        return set()
    found = sql.run(_LISTED_AMONG, [sql.binaries(indexes), workspace_id, purpose, to_confidential])
    return {bytes(index) for (index,) in found}


def are_suppressed(
    workspace_id: UUID,
    people: Sequence[tuple[bytes, str | None]],
    purpose: str | None,
    *,
    to_confidential: bool = False,
) -> list[bool]:
    """Whether each person is on the workspace's list for the purpose of a use case. `people`: pairs of the row's blind index and the
    number, None if unreadable. `to_confidential`: the use case reaches confidential numbers.

    The number is used only during a key rotation, when row and list may have indexes of different keys.
    """
    known = [blind_index().known_of(workspace_id, *person) for person in people]
    sought = {each for indexes in known for each in indexes}
    listed = suppressed_among(workspace_id, sought, purpose, to_confidential=to_confidential)
    return [not listed.isdisjoint(indexes) for indexes in known]


def ids_of_suppressions(
    workspace_id: UUID,
    people: Sequence[tuple[bytes, str | None]],
    purpose: str | None,
    *,
    to_confidential: bool = False,
) -> list[list[UUID]]:
    """For each person, the suppressions that bind for the purpose; arguments as of `are_suppressed`."""
    known = [blind_index().known_of(workspace_id, *person) for person in people]
    sought = {each for indexes in known for each in indexes}
    found = sql.run(_IDS_AMONG, [sql.binaries(sought), workspace_id, purpose, to_confidential]) if sought else []
    return [sorted(row[1] for row in found if bytes(row[0]) in indexes) for indexes in known]


def is_suppressed(
    workspace_id: UUID, number: str, purpose: str | None = None, *, to_confidential: bool = False
) -> bool:
    """Whether the number is suppressed for the purpose; without a purpose, for every purpose. `to_confidential`: confidential numbers
    are reached."""
    indexes = blind_index().all_of(workspace_id, number)
    return bool(suppressed_among(workspace_id, indexes, purpose, to_confidential=to_confidential))


def suppressed_for(workspace_id: UUID, number: str, use_cases: Sequence[UseCase]) -> list[bool]:
    """Whether the number is suppressed for each of the workspace's use cases."""
    kinds = [(each.purpose, each.to_confidential) for each in use_cases]
    asked = {
        "workspace": workspace_id,
        "indexes": sql.binaries(blind_index().all_of(workspace_id, number)),
        "purposes": sql.texts(purpose for purpose, _ in kinds),
        "confidential": [confidential for _, confidential in kinds],
    }
    listed = set(sql.run(_LISTED_FOR, asked))
    return [kind in listed for kind in kinds]


def use_cases_bound(suppression: Suppression) -> list[UUID]:
    """The use cases of its workspace that it binds, by what they say now."""
    asked = {
        "workspace": suppression.workspace_id,
        "purposes": sql.texts(suppression.purposes),
        "confidential": suppression.kind == SuppressionKind.CONFIDENTIAL,
    }
    return [use_case_id for (use_case_id,) in sql.run(_USE_CASES_BOUND, asked)]


def suppressions_of(workspace_id: UUID, number: str) -> SuppressionQuerySet:
    """All suppressions of the number in the workspace, lifted ones too. The indexes are of this workspace alone."""
    return Suppression.objects.filter(with_indexes(blind_index().all_of(workspace_id, number)))


def other_active(suppression: Suppression) -> QuerySet[Suppression]:
    """The other active suppressions of the same number, newest first."""
    index = blind_index()
    number = suppression.number if index.rotating else None
    indexes = index.known_of(suppression.workspace_id, bytes(suppression.number_index), number)
    same = Suppression.objects.active().filter(number_index__in=indexes)
    return same.exclude(pk=suppression.pk).order_by("-id")


def with_indexes(indexes: Collection[bytes]) -> Q:
    """The condition on rows that their number has one of the indexes. In two halves, since each has a partial index of its own."""
    return Q(number_index__in=indexes, lifted_at=None) | Q(number_index__in=indexes, lifted_at__isnull=False)


def suppress(
    *,
    workspace_id: UUID,
    number: str,
    source: Suppression.Source,
    reason: str = "",
    kind: SuppressionKind = SuppressionKind.OPT_OUT,
    purposes: Collection[str] = (),
    scope: SuppressionScope = SuppressionScope.ORGANISATION,
    actor: User | None = None,
) -> tuple[Suppression, bool]:
    """Add an E.164 number to the list of the workspace, and by default of all workspaces of its organisation, unless the source has
    said the same already. Returns the workspace's active row, and whether it is new."""
    listed = sorted(set(purposes))
    same = suppressions_of(workspace_id, number).active().filter(kind=kind, source=source, purposes=listed, scope=scope)
    statement = Statement(workspace_id, number, reason, kind)
    # An existing row may be lifted, or another writer's may be rolled back, between the two statements.
    while (row := same.first()) is None:
        added, _ = suppress_and_count([statement], source, purposes=listed, scope=scope, created_by=actor)
        if row := Suppression.objects.filter(pk__in=added, workspace_id=workspace_id).first():
            return row, True
    return row, False


def suppress_all(
    statements: Iterable[Statement],
    source: Suppression.Source = Suppression.Source.CARRIER,
    *,
    scope: SuppressionScope = SuppressionScope.ORGANISATION,
    import_id: UUID | None = None,
    settled: Collection[tuple[UUID, str]] = (),
    later: bool = False,
) -> int:
    """Add many numbers, for every purpose, by default to all workspaces of their organisations; returns how many were not on the
    lists of their own workspaces before.

    With `import_id`, `take_back` can remove the new entries until another list names the number. `settled`: numbers that need no row
    in a workspace. With `later`, what waits for the numbers is left to the tick.
    """
    return suppress_and_count(
        statements, source, scope=scope, import_id=import_id, settled=frozenset(settled), later=later
    )[1]


def suppress_for_organisation(organisation_id: UUID, number: str, source: Suppression.Source, reason: str) -> None:
    """Write an opt-out that was said to the organisation as a whole to each of its workspaces. The work does not depend on what is
    known of the number: what waits for it is left to the tick."""
    with transaction.atomic(savepoint=False):
        lock_shared([organisation_id])
        members = Workspace.objects.filter(organisation_id=organisation_id).order_by("pk").values_list("pk", flat=True)
        kind = SuppressionKind.OPT_OUT
        said: _Said = {(number, workspace_id, kind): (None, reason) for workspace_id in members}
        put(_rows(said), source, scope=SuppressionScope.ORGANISATION, later=True)


def suppress_index(
    *,
    workspace_id: UUID,
    number_index: bytes,
    index_key: int,
    last4: str,
    reason: str,
    kind: SuppressionKind = SuppressionKind.OPT_OUT,
    later: bool = False,
) -> None:
    """Suppress a person whose number cannot be decrypted, by the blind index of their voicemail. It holds in this workspace only:
    without the number, its index in another one is unknown. `later` as in `suppress_all`."""
    row = Row(uuid7(), workspace_id, None, number_index, last4, reason, kind, workspace_id)
    put(
        [(row, (number_index,))],
        Suppression.Source.CARRIER,
        scope=SuppressionScope.WORKSPACE,
        index_key=index_key,
        later=later,
    )


# By number, workspace and kind: the workspace in which it was said, and the source's words, which stay there.
_Said = dict[tuple[str, UUID, SuppressionKind], tuple[UUID | None, str]]


def suppress_and_count(
    statements: Iterable[Statement],
    source: Suppression.Source,
    *,
    scope: SuppressionScope,
    settled: frozenset[tuple[UUID, str]] = frozenset(),
    **common: Any,
) -> tuple[list[UUID], int]:
    """The ids of the new rows, and how many numbers were not on the lists of their own workspaces before."""
    own: _Said = {}
    # The first entry of each number: one INSERT … ON CONFLICT can affect a row only once.
    for workspace_id, number, reason, kind in statements:
        own.setdefault((number, workspace_id, kind), (workspace_id, reason))
    if not own:
        return [], 0
    with transaction.atomic(savepoint=False):
        said = dict(own)
        if scope is SuppressionScope.ORGANISATION:
            members = held_members({workspace_id for _, workspace_id, _ in own})
            for number, workspace_id, kind in own:
                for other in members.get(workspace_id, ()):
                    said.setdefault((number, other, kind), (workspace_id, ""))
        rows = _rows({key: value for key, value in said.items() if (key[1], key[0]) not in settled})
        return put(rows, source, scope=scope, **common)


def _rows(said: _Said) -> Rows:
    """A row for each number, workspace and kind, with the indexes that voicemails to the number may have there."""
    index = blind_index()
    rows: list[tuple[Row, tuple[bytes, ...]]] = []
    # In the same order in every transaction, so that two that add the same numbers cannot deadlock.
    for (number, workspace_id, kind), (origin, reason) in sorted(said.items()):
        own = index.of(workspace_id, number)
        row_id = uuid7()
        ciphertext = _NUMBER.encrypt(number, workspace_id, row_id)
        row = Row(row_id, workspace_id, ciphertext, own, number[-4:], reason, kind.value, origin)
        rows.append((row, tuple(index.known_of(workspace_id, own, number))))
    return rows


def put(
    rows: Rows,
    source: Suppression.Source,
    *,
    scope: SuppressionScope,
    purposes: Sequence[str] = (),
    created_by: User | None = None,
    import_id: UUID | None = None,
    index_key: int | None = None,
    later: bool = False,
) -> tuple[list[UUID], int]:
    """Insert `rows` (of distinct numbers in each workspace); results as of `suppress_and_count`."""
    if not rows:
        return [], 0
    key = blind_index().current if index_key is None else index_key
    actor_id = created_by.pk if created_by else None
    shared: list[Any] = [key, source, list(purposes), scope, actor_id, import_id, import_id, later]
    with transaction.atomic(savepoint=False):
        with connection.cursor() as cursor:
            cursor.execute(_PUT_ON_LIST, [*map(list, zip(*(row for row, _ in rows), strict=True)), *shared])
            new: dict[UUID, bool] = dict(cursor.fetchall())
        added = [
            Added(row.id, indexes, tuple(purposes), row.kind == SuppressionKind.CONFIDENTIAL)
            for row, indexes in rows
            if row.id in new
        ]
        if added and not later:
            for tell in ON_ADDED:
                tell(added)
    return [each.id for each in added], sum(filter(None, new.values()))


def copies_of(suppression: Suppression) -> Q:
    """The condition on active rows that they are the same statement in a workspace of its organisation, itself among them; the
    organisation stays as it is until the transaction ends."""
    itself = Q(pk=suppression.pk)
    if suppression.scope != SuppressionScope.ORGANISATION or (number := suppression.number) is None:
        return itself
    members = held_members([suppression.workspace_id])[suppression.workspace_id]
    indexes = [index for workspace_id in members for index in blind_index().all_of(workspace_id, number)]
    return itself | Q(
        number_index__in=indexes,
        workspace__in=members,
        kind=suppression.kind,
        source=suppression.source,
        purposes=suppression.purposes,
        scope=suppression.scope,
        lifted_at=None,
    )


def take_back(import_id: UUID, most: int) -> list[Removed]:
    """Remove up to `most` suppressions that no list but this one has named, copies among them, and return what they were.

    The result is also empty if other transactions have locked all remaining rows. The caller holds the organisation's lock.
    """
    return [Removed(*row) for row in sql.run(_TAKE_BACK, [import_id, most])]


def lift_list(import_id: UUID, most: int, *, reason: str, actor: User | None, now: datetime) -> list[Removed]:
    """Lift up to `most` suppressions as `take_back` removes them: the rows stay, and say who lifted them and why; copies do not."""
    actor_id = actor.pk if actor else None
    return [
        Removed(*row) for row in sql.run(_LIFT_OF_IMPORT, [now, actor_id, reason, LIFTED_ELSEWHERE, import_id, most])
    ]
