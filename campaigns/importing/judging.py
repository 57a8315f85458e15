"""What one row says about one person, as far as the row alone can tell: a number that may be reached, or a code why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import orjson

from campaigns.models import Campaign
from campaigns.scripts import Hearing
from campaigns.spreadsheets import cells
from campaigns.spreadsheets.refusals import CellRefused
from campaigns.spreadsheets.rows import DamagedRow
from delivery.services.screening import LONGEST_REFERENCE
from delivery.services.sounds import STORAGE_UNAVAILABLE
from delivery.services.voicemails import is_simulated
from usecases.errors import Refused
from usecases.numbers import NumberRefused, check_recipient, zones_of

MOST_FIELD_BYTES = 8000
# Say where somebody is; everything else but these, the number and the reference is kept as a merge field.
_PLACES = {"time_zone": cells.time_zone, "state": cells.state, "postal_code": cells.postal_code}
_NOT_KEPT = {"", "phone", "reference", "consent", *_PLACES}


class Person(NamedTuple):
    """`zones`: every one the person may be in, by the number and by what the row says; `fields` is JSON, or None;
    `recording_id` is None where the campaign has one recording for everybody."""

    number: str
    reference: str
    zones: tuple[str, ...]
    fields: bytes | None
    recording_id: UUID | None


class RowRefused(Exception):
    """`code` is one of campaigns.importing.codes; `number` is given where it binds other rows of the number too."""

    def __init__(self, code: str, number: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.number = number


def judge_for(campaign: Campaign, columns: Sequence[str]) -> Callable[[Sequence[str]], Person]:
    """A function that judges the rows of one list; it raises RowRefused."""
    columns = list(columns)
    phone_at, width = columns.index("phone"), len(columns)
    reference_at = columns.index("reference") if "reference" in columns else -1
    consent_at = columns.index("consent") if "consent" in columns else -1
    places = [(at, _remembering(_PLACES[name])) for at, name in enumerate(columns) if name in _PLACES]
    kept = [(at, name) for at, name in enumerate(columns) if name not in _NOT_KEPT]
    countries, sandbox = rules_of(campaign)
    recording_of = _recordings(campaign) if campaign.script is not None else None

    def judge(row: Sequence[str]) -> Person:
        if isinstance(row, DamagedRow):
            raise RowRefused(row.code)
        if len(row) < width:
            row = [*row, *[""] * (width - len(row))]
        try:
            number = check_recipient(cells.phone(row[phone_at]), countries=countries, sandbox=sandbox)
            if consent_at >= 0 and cells.consent(row[consent_at]) is False:
                raise RowRefused("consent_refused", number)
            said: tuple[str, ...] = ()
            for at, zones_in in places:
                said += zones_in(row[at])
        except (CellRefused, NumberRefused) as refused:
            raise RowRefused(refused.code) from None
        reference = cells.text(row[reference_at]) if reference_at >= 0 else ""
        if len(reference) > LONGEST_REFERENCE:
            raise RowRefused("reference_too_long")
        fields = {name: text for at, name in kept if (text := cells.text(row[at]))}
        encoded = orjson.dumps(fields) if fields else None
        if encoded is not None and len(encoded) > MOST_FIELD_BYTES:
            raise RowRefused("fields_too_long")
        return Person(
            number,
            reference,
            _union(said, zones_of(number)),
            encoded,
            recording_of(fields) if recording_of else None,
        )

    return judge


def rules_of(campaign: Campaign) -> tuple[list[str], bool]:
    """By which its numbers are judged: what countries are opened, and whether they can only go to the sandbox carrier."""
    return sorted(campaign.workspace.countries), not campaign.live or is_simulated(campaign.use_case)


def _remembering(read: Callable[[str], tuple[str, ...]]) -> Callable[[str], tuple[str, ...]]:
    """Lists say the same few places over and over."""
    return lru_cache(maxsize=4096)(read)


@lru_cache(maxsize=4096)
def _union(said: tuple[str, ...], of_number: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*said, *of_number}))


def _recordings(campaign: Campaign) -> Callable[[Mapping[str, object]], UUID]:
    hearing = Hearing(campaign)

    def recording_of(fields: Mapping[str, object]) -> UUID:
        try:
            return hearing.recording_for(fields).pk
        except Refused as refused:
            if refused.code == STORAGE_UNAVAILABLE:
                raise  # not this row's fault: the whole list waits for another try
            raise RowRefused("clip_missing" if refused.code == "clip_missing" else "recording_refused") from None

    return recording_of
