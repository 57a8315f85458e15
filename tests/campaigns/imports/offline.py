"""What becomes of a list, without a database: how it is read, and who would be reached by it. For thousands of lists in a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from campaigns.imports.layout import REPORTED, layout_of
from campaigns.imports.row_validation import RowInvalid, judge_for
from campaigns.imports.uploaded_lists import RECIPIENTS
from campaigns.imports.verdicts import BINDING
from campaigns.models import Campaign
from rvm.spreadsheets.columns.kinds import PHONES, UNCLEAR
from rvm.spreadsheets.dialect import Dialect
from rvm.spreadsheets.encodings import Accents
from rvm.spreadsheets.preview import Preview, examine, open_list

# A draft of a workspace that has opened no country but +1, to a carrier that reaches people.
_CAMPAIGN = cast(
    Campaign,
    SimpleNamespace(
        live=True,
        script=None,
        workspace=SimpleNamespace(countries=[], area_codes=[]),
        use_case=SimpleNamespace(setup=SimpleNamespace(carrier="drop_cowboy", simulated=False), failover_setup=None),
    ),
)


@dataclass
class Read:
    """`columns` are what each is taken for, `asked` the questions by place; `reached` is empty while there are any.

    `codes` say by row why a person is not reached.
    """

    dialect: Dialect
    seen: Preview
    columns: list[str]
    asked: dict[int, str]
    reached: list[str] = field(default_factory=list)
    codes: dict[int, str] = field(default_factory=dict)


def read_list(content: bytes, said: Mapping[int, str] | None = None) -> Read:
    """`said` are answers of a person to the questions, by place."""
    accents = Accents()
    list(accents.pass_on([content]))
    dialect, seen = examine(lambda: [content], accents=accents.kept, columns=RECIPIENTS.columns)
    columns = ["" if column.kind in REPORTED else column.kind for column in seen.columns]
    for at, kind in (said or {}).items():
        columns[at] = kind
    asked = {at: str(seen.columns[at].question) for at, kind in enumerate(columns) if kind == UNCLEAR}
    read = Read(dialect, seen, columns, asked)
    if not asked and not set(columns).isdisjoint(PHONES):
        _reach(read, content, said or {})
    return read


def _reach(read: Read, content: bytes, said: Mapping[int, Any]) -> None:
    seen, rows = open_list([content], read.dialect, columns=RECIPIENTS.columns)
    judge = judge_for(_CAMPAIGN, layout_of(read.columns, list(said), seen, ragged=read.dialect.format == "xlsx"))
    bound: set[str] = set()
    people: list[tuple[int, str]] = []
    for number, cells in rows:
        try:
            people.append((number, judge(cells).number))
        except RowInvalid as refused:
            read.codes[number] = refused.code
            bound |= set(refused.binds)
            assert not refused.binds or refused.code in BINDING | {"undecodable", "cell_too_long", "quote_open"} | {
                "row_short",
                "row_wide",
            }
    for number, phone in people:
        if phone in bound:
            read.codes[number] = "bound"
        elif phone not in read.reached:
            read.reached.append(phone)
