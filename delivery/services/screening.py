"""Checks of what is said of recipients, before a query for any of them.

The statement that inserts looks for suppressions. Calling windows and kill switches are not checked there either, because they change
with time: the voicemail is queued and waits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from delivery.identifiers import MAX_RECORD_NUMBER
from rvm.phone_numbers.numbers import NumberInvalid, check_recipient
from rvm.platform.errors import ServiceError
from rvm.platform.models import Workspace
from rvm.platform.observability.representation import hides
from usecases.models import UseCase
from usecases.suppressions import MUST_NOT_BE_REACHED

MAX_REFERENCE_LENGTH = 100
MAX_METADATA_BYTES = 2048


@hides("number", "reference", "metadata", "record_number")
class Recipient(NamedTuple):
    """One person to reach.

    `reference` is the customer's own name for the voicemail, permanently unique among the live and among the test voicemails of the
    workspace. `metadata` is returned as given. Neither may contain PHI. `record_number` identifies the patient and is encrypted like
    the phone number."""

    number: str
    reference: str = ""
    metadata: Mapping[str, Any] | None = None
    record_number: str = ""


def screen(
    use_case: UseCase, recipients: Sequence[Recipient | ServiceError], *, sandbox: bool
) -> list[Recipient | ServiceError]:
    """Each recipient or a refusal, in order; a ServiceError in the input is kept. `sandbox`: only simulated carriers can get the
    drops."""
    seen: set[str] = set()
    return [
        recipient if isinstance(recipient, ServiceError) else _check(use_case.workspace, recipient, sandbox, seen)
        for recipient in recipients
    ]


def checked_number(workspace: Workspace, text: str, *, sandbox: bool) -> str | ServiceError:
    """The number in E.164, or why the workspace cannot reach it; `sandbox`: through simulated carriers only."""
    try:
        return check_recipient(text, countries=workspace.countries, area_codes=workspace.area_codes, sandbox=sandbox)
    except NumberInvalid as error:
        return ServiceError(error.code, str(error), field="recipient_phone_number")


def _check(workspace: Workspace, recipient: Recipient, sandbox: bool, seen: set[str]) -> Recipient | ServiceError:
    number = checked_number(workspace, recipient.number, sandbox=sandbox)
    if isinstance(number, ServiceError):
        return number
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
    return recipient


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
