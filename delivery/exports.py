"""Voicemails as spreadsheet rows, read in pages so that memory is constant.

Each page is one statement, and no transaction is open between pages. Each voicemail is in the export once, as it was when its page
was read; voicemails queued during the export are not included.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db.models import QuerySet

from delivery.lifecycle.reasons import REASONS
from delivery.models import Voicemail
from delivery.models.voicemail import MERGE_FIELDS, RECIPIENT, RECORD_NUMBER, number_removed_text
from rvm.platform.observability.masking import DOTS

PAGE_ROWS = 2000
# Gives the names of campaigns by their ids, which are those of their lanes; a layer above knows them.
NAMES_OF_CAMPAIGNS: list[Callable[[Collection[UUID]], Mapping[UUID, str]]] = []
# The names that the API uses.
COLUMNS = (
    "voicemail_id",
    "workspace_name",
    "campaign_id",
    "campaign_name",
    "use_case_id",
    "use_case_name",
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
    "id", "workspace__name", "lane_id", "lane__for_api", "use_case_id", "use_case__name", "reference", "record_number", "last4",
    "status", "reason", "setup__carrier", "carrier_code", "carrier_text", "sender", "attempts", "created_at", "accepted_at",
    "ended_at", "number_removed_at",
)  # fmt: skip
_LANE, _FOR_API, _RECORD_NUMBER, _LAST4 = (
    _READ.index(name) for name in ("lane_id", "lane__for_api", "record_number", "last4")
)
_ENCRYPTED = ("workspace_id", "recipient", "merge_fields")
_DETAILS = {"": ""} | {reason.value: facts.detail for reason, facts in REASONS.items()}


def export_rows(
    found: QuerySet[Voicemail], *, reveal: bool, merge_columns: Sequence[str] = MERGE_COLUMNS
) -> Iterator[list[Any]]:
    """The header, then one row per voicemail of `found` (of delivery.selectors.voicemails), newest first.

    `reveal` is for users who may see numbers: recipients and record numbers are not masked, and merge fields are added. Those in
    `merge_columns` get their own columns; the others are JSON in the last column.
    """
    own = [name for name in merge_columns if name not in (*COLUMNS, OTHER_COLUMN)]
    yield [*COLUMNS, *own, OTHER_COLUMN] if reveal else list(COLUMNS)
    names: dict[UUID, str] = {}
    for page in _pages(found, (*_READ, *_ENCRYPTED) if reveal else _READ):
        new = {values[_LANE] for values in page if not values[_FOR_API]} - names.keys()
        for names_of in NAMES_OF_CAMPAIGNS if new else ():
            names.update(names_of(new))
        for values in page:
            campaign = names.get(values[_LANE], "")
            if reveal:
                *read, workspace_id, recipient, fields = values
                ids = workspace_id, read[0]
                number = number_removed_text(read[-1]) or RECIPIENT.decrypt(recipient, *ids)
                record_number = RECORD_NUMBER.decrypt(recorded, *ids) if (recorded := read[_RECORD_NUMBER]) else ""
                merged = _merged(MERGE_FIELDS.decrypt(fields, *ids) if fields else None, own)
                yield [*_row(read, campaign, number, record_number), *merged]
            else:
                masked = number_removed_text(values[-1]) or f"{DOTS}{values[_LAST4]}"
                yield _row(values, campaign, masked, DOTS if values[_RECORD_NUMBER] else "")


def _pages(found: QuerySet[Voicemail], columns: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
    """Pages of rows of the given columns, newest first. The first column must be the id."""
    rest = found.order_by("-id")
    while page := list(rest.values_list(*columns)[:PAGE_ROWS]):
        yield page
        if len(page) < PAGE_ROWS:
            return
        rest = found.order_by("-id").filter(pk__lt=page[-1][0])


def _row(values: Sequence[Any], campaign: str, recipient: str, record_number: str) -> list[Any]:
    (
        identifier, workspace, lane_id, for_api, use_case_id, use_case, reference, _, _, status, reason, carrier, carrier_code,
        carrier_text, sender, attempts, created_at, accepted_at, ended_at, _,
    ) = values  # fmt: skip
    return [
        str(identifier),
        workspace,
        "" if for_api else str(lane_id),
        campaign,
        str(use_case_id),
        use_case,
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
