"""Cells as a spreadsheet program shows them by their number formats, if a format says more (ECMA-376-1, 18.8.30 and 31).

A format says more if it adds a leading zero, signs or words, a percentage, or makes the number a date. A format that only groups,
rounds or colours a number is not applied, because its digits may be a phone number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from math import isfinite

from rvm.spreadsheets.ooxml.date_formats import ENGLISH, LANGUAGES, DateFormat, Language, NotUnderstood, Token

MAX_LENGTH = 255  # characters of a format; no spreadsheet program takes a longer one
_MAX_DIGITS = 50
_PRECISION = 100
_UNKNOWN = 0x3FF  # a number that no language has
# Numbers from this one on are written with an exponent.
_LARGE = 1e21

# The built-in formats of the United States by their numbers, which files give in place of a code. A number that is not here does not
# say more than the cell.
BUILT_IN = {
    5: '"$"#,##0_);\\("$"#,##0\\)',
    6: '"$"#,##0_);[Red]\\("$"#,##0\\)',
    7: '"$"#,##0.00_);\\("$"#,##0.00\\)',
    8: '"$"#,##0.00_);[Red]\\("$"#,##0.00\\)',
    9: "0%",
    10: "0.00%",
    12: "# ?/?",
    13: "# ??/??",
    14: "m/d/yyyy",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm AM/PM",
    19: "h:mm:ss AM/PM",
    20: "h:mm",
    21: "h:mm:ss",
    22: "m/d/yyyy h:mm",
    37: "#,##0_);\\(#,##0\\)",
    38: "#,##0_);[Red]\\(#,##0\\)",
    39: "#,##0.00_);\\(#,##0.00\\)",
    40: "#,##0.00_);[Red]\\(#,##0.00\\)",
    42: '_("$"* #,##0_);_("$"* \\(#,##0\\);_("$"* "-"_);_(@_)',
    44: '_("$"* #,##0.00_);_("$"* \\(#,##0.00\\);_("$"* "-"??_);_(@_)',
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mm:ss.0",
    **dict.fromkeys((*range(27, 37), *range(50, 59)), "yyyy/m/d"),  # East Asian editions have these
}

_TOKEN = re.compile(
    r"""
      "(?P<word>[^"]*)"?                # in quotation marks: as it is
    | \\(?P<sign>.)                     # one character as it is
    | _(?P<gap>.)                       # as much space as the character takes
    | \*(?P<fill>.)                     # the character as often as the column is wide
    | \[(?P<bracket>[^\]]*)\]
    | (?P<general>General)
    | (?P<half>AM/PM|A/P)
    | (?P<exponent>E[+-])
    | (?P<date>y+|m+|d+|h+|s+)
    | (?P<digit>[0#?])
    | (?P<point>\.) | (?P<comma>,) | (?P<percent>%) | (?P<slash>/) | (?P<text>@) | (?P<next>;)
    | (?P<unknown>[a-z])
    | (?P<other>.)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
WHOLE = "yyyy-mm-dd hh:mm:ss"
_LITERAL = frozenset({"word", "sign", "other"})
_SAID = _LITERAL | {"general", "text", "percent"}
_EMPTY = {"?": " "}  # the text for a place without a digit
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?[0-9]+(?:\.[0-9]+)?)")
_COLOUR = re.compile(r"(?:black|blue|cyan|green|magenta|red|white|yellow|colou?r *[0-9]+)", re.IGNORECASE)
_ELAPSED = re.compile(r"h+|m+|s+", re.IGNORECASE)
_COMPARED: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "<": Decimal.__lt__,
    "<=": Decimal.__le__,
    ">": Decimal.__gt__,
    ">=": Decimal.__ge__,
    "=": Decimal.__eq__,
    "<>": Decimal.__ne__,
}


@dataclass(frozen=True, slots=True)
class Shown:
    """The functions that show cells of one format: `number` takes a number as in the file, `text` a text; None if it stays as it is.

    `understood` is False if the format may say more and is not applied.
    """

    number: Callable[[str], str] | None = None
    text: Callable[[str], str] | None = None
    understood: bool = True


def plain(number: str) -> str:
    """A number of a file with all its digits and without needless decimals. Raises ValueError if the text is not a number."""
    value = float(number)
    if not isfinite(value) or "_" in number:
        raise ValueError
    return str(int(value)) if value.is_integer() and abs(value) < _LARGE else f"{value:.15g}"


def shown_by(code: str, *, from_1904: bool) -> Shown:
    try:
        sections = _sections(code, from_1904)
    except NotUnderstood:
        return _not_understood(code, from_1904)
    text = next((section for section in sections if section.is_text), None)
    numbers = [section for section in sections if section is not text or len(sections) == 1][:3]
    return Shown(
        _Numbers(numbers).shown if any(section.says_more for section in numbers) else None,
        text.of_text if text is not None and text.says_more else None,
    )


def _not_understood(code: str, from_1904: bool) -> Shown:
    """The functions for a format that is not understood. A date can still be recognised, and is shown in digits."""
    days = any(match["date"] for match in _TOKEN.finditer(code[:MAX_LENGTH]))
    return Shown(_Numbers(_sections(WHOLE, from_1904)).shown if days else None, understood=False)


class _Section:
    """A section of a format, which shows some numbers, or texts."""

    def __init__(
        self, tokens: Sequence[Token], condition: tuple[str, Decimal] | None = None, date: DateFormat | None = None
    ) -> None:
        self.tokens, self.condition, self.date = tokens, condition, date
        kinds = [token.kind for token in tokens]
        self.is_text = "text" in kinds
        self._is_word = "general" in kinds or self.is_text or "digit" not in kinds
        point = kinds.index("point") if "point" in kinds else len(kinds)
        self._whole, self._fraction = _Whole(tokens[:point]), tokens[point:]
        self._smallest = Decimal(1).scaleb(-kinds[point:].count("digit"))
        self._shift = 2 * kinds.count("percent") - 3 * self._whole.thousands
        words = any(token.kind in _LITERAL and token.text.strip() for token in tokens)
        self.says_more = date is not None or words or "percent" in kinds or self._whole.noughts > 1

    def of_text(self, text: str) -> str:
        said = (text if kind in ("text", "general") else said for kind, said in self.tokens if kind in _SAID)
        return "".join(said).strip()

    def of_number(self, number: str, value: Decimal) -> str:
        if self.date is not None:
            return self.date.shown(value)
        if not self.says_more:
            return plain(number)
        if self._is_word:
            return self.of_text(plain(number))
        with localcontext() as context:
            context.prec = _PRECISION
            value = abs(value).scaleb(self._shift).quantize(self._smallest, ROUND_HALF_UP)
        whole, _, fraction = f"{value:f}".partition(".")
        return (self._whole.filled(whole.lstrip("0")) + _after_point(self._fraction, fraction)).strip()


class _Whole:
    """The part of a section in front of the decimal point: the places of digits and the text between them."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        kinds = "".join({"digit": "0", "comma": ","}.get(token.kind, "") for token in tokens)
        self._grouped = ",0" in kinds
        # A comma behind the last digit divides by a thousand.
        self.thousands = len(kinds) - len(kinds.rstrip(","))
        places = [at for at, token in enumerate(tokens) if token.kind == "digit"]
        self._first = min(places, default=0)
        self._nought = next((at for at in places if tokens[at].text == "0"), len(tokens))
        # The minimum number of digits: each place from the first 0 on has one.
        self.noughts = sum(at >= self._nought for at in places)
        self._bare = len(places) == len(tokens) == self.noughts

    def filled(self, digits: str) -> str:
        """The digits in their places, filled from the right; the first place takes all digits that are left."""
        if self._bare:
            return digits.zfill(self.noughts)
        said, count = list[str](), 0
        for at in range(len(self._tokens) - 1, -1, -1):
            kind, text = self._tokens[at]
            if kind == "digit":
                taken, digits = (digits, "") if at == self._first else (digits[-1:], digits[:-1])
                for digit in reversed(taken) if taken else "0" if at >= self._nought else _EMPTY.get(text, ""):
                    said.append("," if self._grouped and count and count % 3 == 0 else "")
                    said.append(digit)
                    count += 1
            elif kind in _SAID:
                said.append(text[::-1])
        return "".join(said)[::-1]


class _Numbers:
    """The sections of a format for numbers. Conditions choose one; without them, the first is for numbers above 0, the second for
    those below, and the third for 0."""

    def __init__(self, sections: Sequence[_Section]) -> None:
        self._sections = sections
        self._conditional = any(section.condition for section in sections)

    def shown(self, number: str) -> str:
        if number.isdigit() and len(number) < 16:
            value = Decimal(number)
        elif "_" in number or not abs(float(number)) < _LARGE:
            return plain(number)
        else:
            value = Decimal(f"{float(number):.15g}")
        section = self._section(value)
        said = section.of_number(number, value)
        unsigned = section.date is None and section.says_more and (section is self._sections[0] or self._conditional)
        return f"-{said}" if value < 0 and unsigned else said

    def _section(self, value: Decimal) -> _Section:
        first, *others = self._sections
        if self._conditional:
            return next((section for section in self._sections if _holds(section, value)), self._sections[-1])
        if value < 0 and others:
            return others[0]
        return others[1] if value == 0 and len(others) > 1 else first


def _holds(section: _Section, value: Decimal) -> bool:
    return section.condition is not None and _COMPARED[section.condition[0]](value, section.condition[1])


def _after_point(tokens: Sequence[Token], digits: str) -> str:
    said, at = list[str](), 0
    for kind, text in tokens:
        if kind == "digit":
            needed = text == "0" or digits[at:].strip("0")
            said.append(digits[at] if needed else _EMPTY.get(text, ""))
            at += 1
        elif kind == "point" or kind in _SAID:
            said.append(text)
    return "".join(said)


def _sections(code: str, from_1904: bool) -> list[_Section]:
    if len(code) > MAX_LENGTH:
        raise NotUnderstood
    parts = [list[Token]()]
    for match in _TOKEN.finditer(code):
        kind = str(match.lastgroup)
        if kind == "next":
            parts.append([])
        else:
            parts[-1].append(Token(kind, match[kind]))
    return [_section(part, from_1904) for part in parts[:4]]


def _section(tokens: Sequence[Token], from_1904: bool) -> _Section:
    kept, condition = list[Token](), None
    language: Language | None = ENGLISH
    for token in tokens:
        if token.kind != "bracket":
            kept.append(token)
        elif compared := _CONDITION.fullmatch(token.text):
            condition = (compared[1], Decimal(compared[2]))
        elif _ELAPSED.fullmatch(token.text):
            kept.append(Token("elapsed", token.text))
        elif token.text.startswith("$"):
            sign, _, tag = token.text[1:].partition("-")
            kept.append(Token("word", sign))
            language = _language(tag)
        elif not _COLOUR.fullmatch(token.text):
            raise NotUnderstood
    if any(token.kind in ("date", "elapsed", "half") for token in kept):
        return _Section(kept, condition, DateFormat(kept, language, from_1904=from_1904))
    return _Section(_of_number(kept), condition)


def _of_number(tokens: Sequence[Token]) -> Sequence[Token]:
    kinds = [token.kind for token in tokens]
    if "unknown" in kinds or ("slash" in kinds and "digit" in kinds) or kinds.count("digit") > _MAX_DIGITS:
        raise NotUnderstood
    if "exponent" in kinds:
        return ()  # an exponent would show fewer digits than the cell has
    return [Token("other", "/") if token.kind == "slash" else token for token in tokens]


def _language(tag: str) -> Language | None:
    """The language of a tag, which is Windows' number in hex (its last ten bits are the language) or a name such as en-US.

    Without a tag and with `F800` or `F400`, the system's own language applies, here English. It is None if the language's words are
    not known here. Raises NotUnderstood for a tag with other digits or another calendar.
    """
    name = tag.partition(",")[0].casefold()
    try:
        number = int(name or "0", 16)
    except ValueError:
        number = {"en": 0x09, "es": 0x0A}.get(name.partition("-")[0], _UNKNOWN)
    if number in (0, 0xF800, 0xF400):
        return ENGLISH
    if number > 0xFFFF:
        raise NotUnderstood
    return LANGUAGES.get(number & 0x3FF)
