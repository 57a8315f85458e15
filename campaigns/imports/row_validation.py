"""Validation of one row of a list: a person with a number that may be reached, or the code of the row's rejection."""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from campaigns.imports.layout import Layout
from campaigns.imports.verdicts import BINDING, Consent, last_deciding, row_verdict_for
from campaigns.models import Campaign
from campaigns.scripts import RecordingResolver
from delivery.identifiers import MAX_RECORD_NUMBER
from delivery.recordings.storage import TEMPORARY
from delivery.services.screening import MAX_REFERENCE_LENGTH
from delivery.services.voicemails import is_simulated, setups_of
from rvm.phone_numbers.numbers import NumberInvalid, check_recipient
from rvm.phone_numbers.places import Places, as_state, places_of, zones_only
from rvm.platform.errors import ServiceError
from rvm.platform.observability.representation import hides
from rvm.spreadsheets.cells import cell_values
from rvm.spreadsheets.cells.objections import answers_something, objects
from rvm.spreadsheets.cells.phones import SAYS_NONE, lacks_area_code, numbers_in, with_area_code
from rvm.spreadsheets.columns.headers import names_other_columns
from rvm.spreadsheets.columns.headings import heading_at
from rvm.spreadsheets.columns.kinds import AREA_CODE, DECIDING, EXTENSION, PHONE_TYPE, PHONES, PREFERRED_PHONE
from rvm.spreadsheets.columns.names import Whose, types_of, whose
from rvm.spreadsheets.refusals import CellInvalid
from rvm.spreadsheets.rows import DamagedRow

MAX_FIELD_BYTES = 8000
# The columns that say where a person is, with their readers.
_PLACES = {
    "time_zone": cell_values.time_zone,
    "state": lambda cell: _zones_and_states(cell_values.states_named(cell)),
    "postal_code": lambda cell: _zones_and_states(cell_values.states_of_postal_code(cell)),
}
# The columns that are not kept as merge fields; the phone that is used is not kept either.
_NOT_KEPT = {"", "reference", "record_number", "country", EXTENSION, AREA_CODE, PHONE_TYPE, *DECIDING, *_PLACES}


def merge_fields_of(columns: Sequence[str]) -> list[str]:
    """The columns of a list that may be kept as merge fields: a phone only beside another one, which was used."""
    several = sum(name in PHONES for name in columns) > 1
    return [name for name in columns if name not in _NOT_KEPT and (several or name not in PHONES)]


# Two rows of one number may be the same person's although these columns differ.
_NOT_COMPARED = {
    *PHONES,
    "country",
    EXTENSION,
    AREA_CODE,
    PHONE_TYPE,
    PREFERRED_PHONE,
    *DECIDING,
    "consent_date",
    "consent_source",
}
# Words in a phone column that mean the phone of the row above.
_DITTO = frozenset(
    {
        '"',
        "''",
        "\u2033",
        "\u201d",
        "same",
        "same as above",
        "as above",
        "see above",
        "ditto",
        "idem",
        "igual",
        "el mismo",
    }
)
_MAX_DITTO = 20
_BEGINS_A_NUMBER = frozenset("0123456789+(")

Row = Sequence[str]


@hides("number", "reference", "record_number", "fields", "prints")
class Person(NamedTuple):
    """A valid row. `places` are all time zones and states that the person may be in, by the number and by the row; `fields` are the
    merge fields as JSON, or None; `recording_id` is None if the campaign has one recording for all. `nth` says which of the
    person's phones `number` is, from 0. `prints` has four bytes per position of `compared_of`, which differ if the cells differ."""

    number: str
    reference: str
    record_number: str
    places: tuple[str, ...]
    fields: bytes | None
    recording_id: UUID | None
    consent: Consent
    nth: int
    prints: bytes


class RowInvalid(Exception):
    """The rejection of a row. `code` is one of campaigns.imports.row_errors; `binds` are numbers (E.164) that no other row may reach
    either."""

    def __init__(self, code: str, binds: Sequence[str] = (), consent: Consent = Consent.NOT_ASKED) -> None:
        super().__init__(code)
        self.code = code
        self.binds = binds
        self.consent = consent


def judge_for(campaign: Campaign, layout: Layout) -> Callable[[Row], Person]:
    """A function that validates the rows of one list, in their order; it raises RowInvalid. A row may depend on those above it, for
    example on a heading."""
    read, shaped, binds = _reader_for(campaign, layout), _shape_for(layout), _binding(layout)
    under_heading = under_header = False

    def judge(row: Row) -> Person:
        nonlocal under_heading, under_header
        try:
            person = read(row)
        except RowInvalid:
            # A heading has no number and is rejected anyway, so only rejected rows can be headings.
            under_heading = under_heading or heading_at(row) not in (None, *layout.said)
            under_header = under_header or names_other_columns(row, layout.header)
            raise
        if under_heading:
            raise RowInvalid("under_heading", binds(shaped(row)), person.consent)
        if under_header:
            raise RowInvalid("under_another_header", binds(shaped(row)), person.consent)
        return person

    return judge


def _reader_for(campaign: Campaign, layout: Layout) -> Callable[[Row], Person]:
    """A function that validates one row without regard to headings above it; it raises RowInvalid."""
    columns = list(layout.columns)
    # The width of rows that `shaped` would not change; -1 if each row must be checked.
    width = len(columns) if layout.width in (0, len(columns)) else -1
    reference_at = columns.index("reference") if "reference" in columns else -1
    record_number_at = columns.index("record_number") if "record_number" in columns else -1
    places = [(at, _remembering(_PLACES[name])) for at, name in enumerate(columns) if name in _PLACES]
    kept = [(at, name) for at, name in enumerate(columns) if name not in _NOT_KEPT]
    phones = _phones_of(layout)
    binds, find_number = _binding(layout), _number_for(campaign, layout)
    shaped, verdict = _shape_for(layout), row_verdict_for(layout)
    prints_of, repeated, joined = _prints_for(layout), _repeating(phones), joining_for(layout)
    recording_of = _recordings(campaign) if campaign.script is not None else None

    def read(row: Row) -> Person:
        if len(row) != width or isinstance(row, DamagedRow):
            row = shaped(row)
        row = joined(repeated(row))
        texts = cell_values.texts(row)
        code, consent = verdict(row, texts)
        if code:
            raise RowInvalid(code, binds(row) if code in BINDING else (), consent)
        try:
            number, nth = find_number(row)
            said: tuple[str, ...] = ()
            for at, zones_in in places:
                said += zones_in(row[at])
        except (CellInvalid, NumberInvalid) as refused:
            raise RowInvalid(refused.code, consent=consent) from None
        reference = texts[reference_at] if reference_at >= 0 else ""
        if len(reference) > MAX_REFERENCE_LENGTH:
            raise RowInvalid("reference_too_long", consent=consent)
        record_number = texts[record_number_at] if record_number_at >= 0 else ""
        if len(record_number) > MAX_RECORD_NUMBER:
            raise RowInvalid("record_number_too_long", consent=consent)
        dialled = phones[nth]
        fields = {name: text for at, name in kept if at != dialled and (text := texts[at])}
        encoded = orjson.dumps(fields) if fields else None
        if encoded is not None and len(encoded) > MAX_FIELD_BYTES:
            raise RowInvalid("fields_too_long", consent=consent)
        return Person(
            number,
            reference,
            record_number,
            _union(said, places_of(number)),
            encoded,
            recording_of(fields) if recording_of else None,
            consent,
            nth,
            prints_of(texts),
        )

    return read


def rules_of(campaign: Campaign) -> dict[str, Any]:
    """The keyword arguments of `check_recipient` for numbers of the campaign."""
    return {
        "countries": sorted(campaign.workspace.countries),
        "area_codes": sorted(campaign.workspace.area_codes),
        "sandbox": not campaign.live or is_simulated(*setups_of(campaign.use_case)),
    }


def compared_of(layout: Layout) -> list[int]:
    """The positions of the columns in which two people with one number may differ; without a header also those that are not read."""
    return [at for at, kind in enumerate(layout.columns) if kind not in _NOT_COMPARED and (kind or not layout.named)]


def _phones_of(layout: Layout) -> list[int]:
    """The positions of the phone columns, in the order in which the phones are tried."""
    return [layout.columns.index(kind) for kind in PHONES if kind in layout.columns]


def _shape_for(layout: Layout) -> Callable[[Row], Row]:
    """A function that pads a row to the list's width. It raises RowInvalid for a row that is damaged, whose cells may be in the wrong
    columns, or that has an answer behind its last column."""
    columns, needed = len(layout.columns), last_deciding(layout)

    def shaped(row: Row) -> Row:
        if isinstance(row, DamagedRow):
            raise RowInvalid(row.code, _numbers_anywhere(row))
        if layout.width and len(row) < needed:
            raise RowInvalid("row_short", _numbers_anywhere(row))
        # Also if the surplus cells are empty: one extra cell may have shifted all cells after it.
        if layout.width and len(row) > layout.width:
            raise RowInvalid("row_wide", _numbers_anywhere(row))
        if objects("\x1f".join(row[columns:])):
            raise RowInvalid("says_no", _numbers_anywhere(row))
        if any(map(answers_something, row[columns:])):
            raise RowInvalid("column_unclear", _numbers_anywhere(row))
        return [*row, *[""] * (columns - len(row))]

    return shaped


def _numbers_anywhere(row: Row) -> list[str]:
    return [number for cell in row for number in numbers_in(cell)]


def _repeating(phones: Sequence[int]) -> Callable[[Row], Row]:
    """A function that replaces “same as above” in a phone column by the phone of the row above: a no in either row binds both."""
    above = dict.fromkeys(phones, "")

    def repeated(row: Row) -> Row:
        for at in phones:
            cell = row[at]
            if (
                cell
                and cell[0] not in _BEGINS_A_NUMBER
                and len(cell) <= _MAX_DITTO
                and cell.strip().casefold() in _DITTO
            ):
                row = [*row[:at], above[at], *row[at + 1 :]]
            else:
                above[at] = cell
        return row

    return repeated


def _binding(layout: Layout) -> Callable[[Row], list[str]]:
    """A function that returns all numbers (E.164) of a row that says no, also those that could not be reached as they are written."""
    phones, region_of, joined = _phones_of(layout), _region_for(layout), joining_for(layout)

    def binds(row: Row) -> list[str]:
        row = joined(row)
        try:
            region = region_of(row)
        except CellInvalid:
            region = "US"
        return list(dict.fromkeys(number for at in phones for number in numbers_in(row[at], region)))

    return binds


def _region_for(layout: Layout) -> Callable[[Row], str]:
    if "country" not in layout.columns:
        return lambda row: "US"
    at, read = layout.columns.index("country"), lru_cache(maxsize=1024)(cell_values.country)
    return lambda row: read(row[at])


def _number_for(campaign: Campaign, layout: Layout) -> Callable[[Row], tuple[str, int]]:
    """A function that returns the first reachable phone (E.164) of a row and which of its phones it is, from 0.

    If none is reachable, it raises the CellInvalid or NumberInvalid of the first phone that is not empty."""
    rules = rules_of(campaign)
    phones, region_of = _phones_of(layout), _region_for(layout)
    described = [
        (at, extension_of(at, layout.columns, phones), column_beside(at, PHONE_TYPE, layout.columns, phones))
        for at in phones
    ]
    [first, *others] = described
    ordered = _ordering(layout, described)
    plain = not others and "country" not in layout.columns and first[1:] == (None, None)

    def number_in(row: Row, at: int, extension_at: int | None, type_at: int | None) -> str:
        # A type such as “Mother” means the guardian to call about a child only if a user has set the column's kind; otherwise it may
        # mean another person.
        if type_at is not None and whose(row[type_at]) in (
            (Whose.OTHER,) if type_at in layout.said else (Whose.OTHER, Whose.GUARDIAN)
        ):
            raise CellInvalid("phone_of_another", "")
        number = cell_values.phone(row[at], region_of(row))
        if extension_at is not None and cell_values.text(row[extension_at]).casefold() not in SAYS_NONE:
            raise CellInvalid("has_extension", "")
        return check_recipient(number, **rules)

    def the_only(row: Row) -> tuple[str, int]:
        return check_recipient(cell_values.phone(row[first[0]]), **rules), 0

    def the_first(row: Row) -> tuple[str, int]:
        why: CellInvalid | NumberInvalid | None = None
        for nth in ordered(row):
            try:
                return number_in(row, *described[nth]), nth
            except (CellInvalid, NumberInvalid) as refused:
                if why is None or why.code == "phone_missing":
                    why = refused
        raise why or AssertionError("a list has a phone column")

    return the_only if plain else the_first


_Described = tuple[int, int | None, int | None]


def _ordering(layout: Layout, described: Sequence[_Described]) -> Callable[[Row], Sequence[int]]:
    """A function that returns the order in which the phones of a row are tried: first the preferred ones, if a column names them."""
    plain = range(len(described))
    if PREFERRED_PHONE not in layout.columns:
        return lambda row: plain
    preferred_at = layout.columns.index(PREFERRED_PHONE)
    named = [types_of(layout.header[at]) if at < len(layout.header) else () for at, _, _ in described]

    def ordered(row: Row) -> Sequence[int]:
        preferred = types_of(cell_values.text(row[preferred_at]))
        if not preferred:
            return plain
        types = [
            name or (types_of(cell_values.text(row[type_at])) if type_at is not None else ())
            for name, (_, _, type_at) in zip(named, described, strict=True)
        ]
        places = [
            min((preferred.index(each) for each in own if each in preferred), default=len(plain)) for own in types
        ]
        return sorted(plain, key=places.__getitem__)

    return ordered


def extension_of(phone_at: int, columns: Sequence[str], phones: Sequence[int]) -> int | None:
    """The position of the column with the extension of a phone, or None. An extension belongs to the next phone on its left, or if
    there is none, to the first phone."""
    for at, kind in enumerate(columns):
        if kind == EXTENSION:
            left = [each for each in phones if each < at]
            if phone_at == (max(left) if left else min(phones)):
                return at
    return None


def column_beside(phone_at: int, kind: str, columns: Sequence[str], phones: Sequence[int]) -> int | None:
    """The position of the column of a kind that belongs to a phone, or None; no other phone is between them.

    The column is before its phone if the first column of the kind is before all phones, else behind it.
    """
    found = [at for at, each in enumerate(columns) if each == kind]
    if not found:
        return None
    before = found[0] < min(phones)
    between = [at for at in found if (at < phone_at if before else at > phone_at)]
    nearest = (max if before else min)(between, default=None)
    others = range(*sorted((phone_at, nearest))) if nearest is not None else ()
    return None if any(at in phones and at != phone_at for at in others) else nearest


def joining_for(layout: Layout) -> Callable[[Row], Row]:
    """A function that prefixes the phones of a row with the area codes that are in columns of their own.

    A code between two phones belongs to the one that lacks an area code.
    """
    phones, columns = _phones_of(layout), layout.columns
    codes = {at: column_beside(at, AREA_CODE, columns, phones) for at in phones}
    owners = {code_at: at for at, code_at in codes.items() if code_at is not None}
    pairs = [(at, code_at, at) for code_at, at in owners.items()]
    pairs += [
        (at, code_at, owner)
        for at in phones
        for code_at, owner in owners.items()
        if codes[at] is None and not any(each in phones for each in range(min(at, code_at) + 1, max(at, code_at)))
    ]

    def joined(row: Row) -> Row:
        cells = list(row)
        for at, code_at, owner in pairs:
            if max(at, code_at, owner) < len(row) and (at == owner or not lacks_area_code(row[owner])):
                cells[at] = with_area_code(row[at], row[code_at])
        return cells

    return joined if pairs else _unchanged


def _unchanged(row: Row) -> Row:
    return row


def _prints_for(layout: Layout) -> Callable[[Row], bytes]:
    """A function that returns the `prints` of a row: salted hashes that tell people with one number apart and reveal no cell. They
    are comparable within one pass over the list."""
    compared, salt = compared_of(layout), secrets.token_hex(8)
    pack = struct.Struct(f"!{len(compared)}I").pack

    def prints(texts: Row) -> bytes:
        return pack(*[hash(salt + texts[at].casefold()) & 0xFFFFFFFF for at in compared])

    return prints


def _remembering(read: Callable[[str], tuple[str, ...]]) -> Callable[[str], tuple[str, ...]]:
    """The function with a cache, because lists repeat few places."""
    return lru_cache(maxsize=4096)(read)


def _zones_and_states(states: tuple[str, ...]) -> tuple[str, ...]:
    """The states and their zones, as a list of places."""
    return (*cell_values.zones_of_states(states), *map(as_state, states))


@lru_cache(maxsize=4096)
def _union(said: tuple[str, ...], of_number: Places) -> tuple[str, ...]:
    """The places of both. Where the owner of the number may be in any state, no state is named, and the rules of all bind."""
    known = said if of_number.states else zones_only(said)
    return tuple(sorted({*known, *of_number.listed()}))


def _recordings(campaign: Campaign) -> Callable[[Mapping[str, object]], UUID]:
    hearing = RecordingResolver(campaign)

    def recording_of(fields: Mapping[str, object]) -> UUID:
        try:
            return hearing.recording_for(fields).pk
        except ServiceError as refused:
            if refused.code in TEMPORARY:
                raise  # temporary and not the row's fault: the whole import is tried again
            raise RowInvalid("clip_missing" if refused.code == "clip_missing" else "recording_refused") from None

    return recording_of
