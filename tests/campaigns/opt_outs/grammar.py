"""Lists of opt-outs as people make them, composed from parts: titles, headers, several phones of a row, marks, blanks and damage."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from random import Random

from tests.campaigns.imports.grammar import (
    MAY,
    NAMES,
    NO,
    OTHER_NAMES,
    OWN_NAMES,
    PEOPLE,
    PLAIN,
    TITLES,
    YES,
    several,
    styled,
)

OUT_NAMES = several(
    """
    Do not call|DNC Phone|Opt-out phone|Opted out number|DNC number|Do Not Contact Phone|Phone to remove|Número a excluir
    """
)
MARK_NAMES = several("""Opted out|DNC|Do not call|Opt-out|Remove|No llamar|Opt out date|Unsubscribed""")
REASONS = several("""Reason|Opt-out reason|Motivo|DNC reason""")
WHY = several(
    """asked us to stop|STOP|deceased|wrong number|no llamar|moved|DNC|replied STOP 3/2|upset about calls|duplicate"""
)
OUT_TITLES = [*TITLES, ["DO NOT CALL LIST"], ["Opt-outs as of 3/2/2026"], ["Lista de no llamar"]]
ODD_PHONES = several("""n/a|none||2.02555E+09|disconnected|555-0100|unknown|???""")


@dataclass
class Made:
    """`content` is the file, `own` the numbers of the person of each row, by the row's number, and `marked` the rows with a no to
    being on the list. `of_patients`: a column says that some may be reached."""

    content: bytes = b""
    own: dict[int, set[str]] = field(default_factory=dict)
    marked: set[int] = field(default_factory=set)
    others: set[str] = field(default_factory=set)
    of_patients: bool = False


def made_list(seed: int) -> Made:
    """One list; the same for the same seed."""
    draw = Random(seed)
    made = Made()
    count = draw.choice([3, 6, 20, 60])
    headed = draw.random() < 0.8
    phones = draw.choice([1, 1, 2, 3]) if headed else 1
    names = draw.sample(OWN_NAMES, phones)
    if headed and draw.random() < 0.2:
        names[0] = draw.choice(OUT_NAMES)
    columns: list[tuple[str, list[str]]] = []
    own: list[set[str]] = [set() for _ in range(count)]
    for at, name in enumerate(names):
        cells = []
        for row in range(count):
            number = f"{202 + at * 10}55501{row:02}"
            said, numbers = _written(draw, number, always=at == 0 and row < 3)
            cells.append(said)
            own[row] |= numbers
        columns.append((name, cells))
    columns.append((draw.choice(NAMES), [draw.choice(PEOPLE) for _ in range(count)]))
    columns += [
        (name, [PLAIN[name](draw, at) for at in range(count)]) for name in draw.sample(["City", "MRN", "DOB"], 1)
    ]
    if headed and draw.random() < 0.3:
        others = [f"31255501{row:02}" for row in range(count)]
        made.others = {f"+1{number}" for number in others}
        columns.append((draw.choice(OTHER_NAMES[:-2]), others))
    if headed and draw.random() < 0.5:
        columns.append((draw.choice(REASONS), [draw.choice([*WHY, ""]) for _ in range(count)]))
    if headed and draw.random() < 0.3:
        out = (
            [draw.choice(YES)] * count if draw.random() < 0.5 else [draw.choice([*YES, *NO, ""]) for _ in range(count)]
        )
        columns.append((draw.choice(MARK_NAMES), out))
    if headed and draw.random() < 0.3:
        answers = [draw.choice([*YES, *NO]) for _ in range(count)]
        made.of_patients = any(cell in YES for cell in answers)
        columns.append((f"{draw.choice(MAY)} call", answers))
    draw.shuffle(columns)
    head = [draw.choice(OUT_TITLES if headed else [["Opt-outs"]]) for _ in range(draw.choice([0, 0, 1, 2]))]
    if headed:
        head.append([styled(draw, name) for name, _ in columns])
    made.content, first = _file(draw, head, [[cells[row] for _, cells in columns] for row in range(count)])
    made.own = {first + row: {f"+1{number}" for number in own[row]} for row in range(count)}
    return made


def _written(draw: Random, number: str, *, always: bool) -> tuple[str, set[str]]:
    """A cell, and the numbers in it."""
    spaced = f"({number[:3]}) {number[3:6]}-{number[6:]}"
    how = 0 if always else draw.randrange(12)
    if how == 9:
        return draw.choice(ODD_PHONES), set()
    if how == 10:
        other = f"{int(number[:3]) + 1}{number[3:]}"
        return f"{spaced} or {other}", {number, other}
    if how == 11:
        return f"{spaced} (cell)", {number}
    return draw.choice(
        [number, spaced, f"+1 {number[:3]} {number[3:6]} {number[6:]}", f"1-{number[:3]}-{number[3:6]}-{number[6:]}"]
    ), {number}


def _file(draw: Random, head: list[list[str]], rows: list[list[str]]) -> tuple[bytes, int]:
    """And the number of the first row of people."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=draw.choice(",,;\t"), lineterminator=draw.choice(["\r\n", "\n"]))
    writer.writerows([*head, *rows])
    lines = text.getvalue().splitlines(keepends=True)
    if draw.random() < 0.15 and len(lines) > len(head) + 1:
        at = draw.randrange(len(head), len(lines))
        line = lines[at].rstrip("\r\n")
        lines[at] = draw.choice(['"' + line, line + ",x,y,z", line + '"']) + lines[at][len(line) :]
    return "".join(lines).encode(draw.choice(["utf-8", "utf-8-sig", "utf-16"])), len(head) + 1
