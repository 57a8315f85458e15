"""Lock-free checks that decide which recipients can be queued, set-wise for a thousand at a time.

Calling windows and kill switches are not checked here, because they change with time: the voicemail is queued and waits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import orjson

from delivery.identifiers import MAX_RECORD_NUMBER
from delivery.recordings.removal import LOCK_USE
from delivery.selectors.last_sender import last_sender_sql
from rvm.phone_numbers.numbers import NumberInvalid, check_recipient
from rvm.platform.database import sql
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.errors import ServiceError
from rvm.platform.models import Workspace
from usecases.models import UseCase
from usecases.rendezvous import choose_sender
from usecases.selectors import sender_numbers
from usecases.suppressions import MUST_NOT_BE_REACHED, suppressed_sql

MAX_REFERENCE_LENGTH = 100
MAX_METADATA_BYTES = 2048


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person to reach.

    `reference` is the customer's own name for the voicemail, permanently unique among the live and among the test voicemails of the
    workspace. `metadata` is returned as given. Neither may contain PHI. `record_number` identifies the patient and is encrypted like
    the phone number."""

    number: str = field(repr=False)
    reference: str = field(default="", repr=False)
    metadata: Mapping[str, Any] | None = field(default=None, repr=False)
    record_number: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recipient with a valid number, the blind indexes of the number under all keys, that of the current key first, and the number
    that the person last saw under the use case."""

    recipient: Recipient
    indexes: tuple[bytes, ...] = field(repr=False)
    last_sender: str | None = field(default=None, repr=False)

    @property
    def index(self) -> bytes:
        return self.indexes[0]


_SENDERS = "ARRAY(SELECT unnest(%(senders)s::text[]))"
# What is known of each index: whether it is suppressed, and the latest sender. The latest voicemail is last, so that it wins if a
# number has rows under several index keys. The lock, which a use of the recording begins with, costs no round trip here.
# In subqueries, the arrays are as unknown to a plan for these values as to one for all, so that PostgreSQL keeps the latter.
_KNOWN = f"""
WITH used AS MATERIALIZED ({LOCK_USE})
SELECT wanted.place, {
    suppressed_sql(
        workspace="%(workspace)s", purpose="%(purpose)s", confidential="%(confidential)s", matches="= wanted.index"
    )
}, last.sender
  FROM used CROSS JOIN unnest((SELECT %(places)s::int[]), (SELECT %(indexes)s::bytea[])) AS wanted(place, index)
  LEFT JOIN LATERAL ({
    last_sender_sql(matches="= wanted.index", use_case="%(use_case)s", live="%(live)s", senders=_SENDERS)
}) last ON true
 ORDER BY last.id NULLS FIRST
"""  # noqa: S608 - of constants


def screen(
    use_case: UseCase, recipients: Sequence[Recipient | ServiceError], *, recording_id: UUID, live: bool, sandbox: bool
) -> list[Candidate | ServiceError]:
    """One candidate or refusal per recipient, in order; a ServiceError in the input is kept. `sandbox`: only simulated
    carriers can get the drops.

    Call it in the transaction that queues the candidates: the recording's sound is not removed before its end.
    """
    workspace = use_case.workspace
    seen: set[str] = set()
    screened = [
        recipient if isinstance(recipient, ServiceError) else _check(workspace, recipient, sandbox, seen)
        for recipient in recipients
    ]
    wanted = [
        (place, index)
        for place, entry in enumerate(screened)
        if isinstance(entry, Candidate)
        for index in entry.indexes
    ]
    if not wanted:
        return screened
    known = sql.run(
        _KNOWN,
        {
            "recording": recording_id,
            "workspace": workspace.pk,
            "purpose": use_case.purpose,
            "confidential": use_case.to_confidential,
            "places": sql.numbers(place for place, _ in wanted),
            "indexes": sql.binaries(index for _, index in wanted),
            "use_case": use_case.pk,
            "live": live,
            "senders": sql.texts(sender_numbers(use_case, live=live)),
        },
    )
    for place, suppressed, last_sender in known:
        entry = screened[place]
        if suppressed:
            screened[place] = suppressed_error()
        elif last_sender and isinstance(entry, Candidate):
            screened[place] = replace(entry, last_sender=last_sender)
    return screened


def check_number(workspace: Workspace, text: str, *, sandbox: bool) -> str:
    """The number in E.164. Raises ServiceError if the workspace cannot reach it; `sandbox`: through simulated carriers only."""
    try:
        return check_recipient(text, countries=workspace.countries, area_codes=workspace.area_codes, sandbox=sandbox)
    except NumberInvalid as error:
        raise ServiceError(error.code, str(error), field="recipient_phone_number") from None


def _check(workspace: Workspace, recipient: Recipient, sandbox: bool, seen: set[str]) -> Candidate | ServiceError:
    try:
        number = check_number(workspace, recipient.number, sandbox=sandbox)
    except ServiceError as refused:
        return refused
    if number in seen:
        return ServiceError(
            "recipient_repeated",
            "This phone number stands earlier in the same batch; nobody gets the same recording twice by accident.",
            field="recipient_phone_number",
        )
    wrong = (
        _reference_error(recipient.reference)
        or _record_number_error(recipient.record_number)
        or _metadata_error(recipient.metadata)
    )
    if wrong:
        return wrong
    seen.add(number)
    index = blind_index()
    keys = (index.current, *index.older_key_ids)
    return Candidate(recipient, tuple([index.of(workspace.pk, number, key_id) for key_id in keys]))


def _reference_error(reference: str) -> ServiceError | None:
    if len(reference) > MAX_REFERENCE_LENGTH:
        return ServiceError(
            "too_long",
            f"The reference has {len(reference)} characters; at most {MAX_REFERENCE_LENGTH} are kept.",
            field="reference",
        )
    if reference and not reference.strip():
        return ServiceError(
            "blank", "The reference is nothing but blanks; name the voicemail or leave it out.", field="reference"
        )
    if not reference.isprintable():
        place = next(place for place, character in enumerate(reference, 1) if not character.isprintable())
        return ServiceError(
            "not_printable",
            f"Character {place} of the reference cannot be seen (U+{ord(reference[place - 1]):04X}), so that two references "
            "would look alike. Leave it out.",
            field="reference",
        )
    return None


def _record_number_error(record_number: str) -> ServiceError | None:
    if len(record_number) > MAX_RECORD_NUMBER:
        return ServiceError(
            "too_long",
            f"The record number has {len(record_number)} characters; at most {MAX_RECORD_NUMBER} are kept.",
            field="record_number",
        )
    return None


def _metadata_error(metadata: Mapping[str, Any] | None) -> ServiceError | None:
    try:
        size = len(orjson.dumps(metadata))
    except TypeError:  # more than 254 levels
        return ServiceError(
            "not_json", "The metadata is nested too deeply or holds what is not JSON.", field="metadata"
        )
    if size > MAX_METADATA_BYTES:
        return ServiceError(
            "too_long",
            f"The metadata has {size} bytes as JSON; at most {MAX_METADATA_BYTES} are kept.",
            field="metadata",
        )
    return None


def suppressed_error() -> ServiceError:
    return ServiceError(
        "blocked.suppressed",
        MUST_NOT_BE_REACHED,
        field="recipient_phone_number",
    )


def senders_for(candidates: Sequence[Candidate], assigned: Collection[str]) -> list[str]:
    """A sender per candidate: the last one under this use case if still assigned, else by rendezvous hashing; "" if none."""
    return [choose_sender(each.index, assigned, each.last_sender) or "" for each in candidates]
