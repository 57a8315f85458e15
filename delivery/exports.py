"""Voicemails as spreadsheet rows, read in pages so that memory is constant.

Each page is one statement, and no transaction is open between pages. Each voicemail is in the export once, as it was when its page
was read; voicemails queued during the export are not included.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db.models import QuerySet

from delivery.lifecycle.reasons import REASONS
from delivery.models import Voicemail
from delivery.models.voicemail import MERGE_FIELDS, RECIPIENT, RECORD_NUMBER, number_removed_text
from rvm.platform.observability.masking import DOTS

PAGE_ROWS = 2000
# The names that the API uses.
COLUMNS = (
    "voicemail_id",
    "campaign_id",
    "reference",
    "record_number",
    "recipient_phone_number",
    "status",
    "reason",
    "reason_detail",
    "carrier",
    "carrier_code",
    "carrier_text",
    "sender_phone_number",
    "attempts",
    "created_at",
    "accepted_at",
    "ended_at",
)
MERGE_COLUMNS = ("name", "language")
OTHER_COLUMN = "other_fields"

_READ = (
    "id", "lane_id", "lane__for_api", "reference", "record_number", "last4", "status", "reason", "setup__carrier",
    "carrier_code", "carrier_text", "sender", "attempts", "created_at", "accepted_at", "ended_at", "number_removed_at",
)  # fmt: skip
_ENCRYPTED = ("workspace_id", "recipient", "merge_fields")
_DETAILS = {"": ""} | {reason.value: facts.detail for reason, facts in REASONS.items()}


def export_rows(
    found: QuerySet[Voicemail], *, reveal: bool, merge_columns: Sequence[str] = MERGE_COLUMNS
) -> Iterator[list[Any]]:
    """The header, then one row per voicemail of `found` (see delivery.selectors), newest first.

    `reveal` is for users who may see numbers: recipients and record numbers are not masked, and merge fields are added. Those in
    `merge_columns` get their own columns; the others are JSON in the last column.
    """
    own = [name for name in merge_columns if name not in (*COLUMNS, OTHER_COLUMN)]
    yield [*COLUMNS, *own, OTHER_COLUMN] if reveal else list(COLUMNS)
    for values in _pages(found, (*_READ, *_ENCRYPTED) if reveal else _READ):
        if reveal:
            *read, workspace_id, recipient, fields = values
            ids = workspace_id, read[0]
            number = number_removed_text(read[-1]) or RECIPIENT.decrypt(recipient, *ids)
            record_number = RECORD_NUMBER.decrypt(read[4], *ids) if read[4] else ""
            merged = _merged(MERGE_FIELDS.decrypt(fields, *ids) if fields else None, own)
            yield [*_row(read, number, record_number), *merged]
        else:
            masked = number_removed_text(values[-1]) or f"{DOTS}{values[5]}"
            yield _row(values, masked, DOTS if values[4] else "")


def _pages(found: QuerySet[Voicemail], columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Rows of the given columns, newest first. The first column must be the id."""
    rest = found.order_by("-id")
    while page := list(rest.values_list(*columns)[:PAGE_ROWS]):
        yield from page
        if len(page) < PAGE_ROWS:
            return
        rest = found.order_by("-id").filter(pk__lt=page[-1][0])


def _row(values: Sequence[Any], recipient: str, record_number: str) -> list[Any]:
    (
        identifier, lane_id, for_api, reference, _, _, status, reason, carrier, carrier_code, carrier_text, sender, attempts,
        created_at, accepted_at, ended_at, _,
    ) = values  # fmt: skip
    return [
        str(identifier),
        "" if for_api else str(lane_id),
        reference,
        record_number,
        recipient,
        status,
        reason,
        _DETAILS[reason],
        carrier,
        carrier_code,
        carrier_text,
        sender,
        str(attempts),
        _iso(created_at),
        _iso(accepted_at),
        _iso(ended_at),
    ]


def _iso(moment: datetime | None) -> str:
    """ISO 8601 in UTC, to the second; "" for None."""
    return f"{moment.astimezone(UTC).isoformat()[:19]}Z" if moment else ""


def _merged(fields: dict[str, Any] | None, own: Sequence[str]) -> list[str]:
    if not fields:
        return [""] * (len(own) + 1)
    others = {name: value for name, value in fields.items() if name not in own}
    return [*(str(fields.get(name) or "") for name in own), orjson.dumps(others).decode() if others else ""]
