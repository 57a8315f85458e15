"""Reader of phone cells: the one number in a cell, in any notation of spreadsheets, phone books and people, or why it has none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from urllib.parse import unquote

import phonenumbers

from rvm.phone_numbers.numbers import E164
from rvm.spreadsheets.refusals import CellInvalid
from rvm.spreadsheets.trimming import in_ascii, trimmed

# The usual notations of a number of +1, which one match recognises: 2025550142, 1-202-555-0142, +1 (202) 555-0142, 202.555.0142.
_USUAL = re.compile(r"(?:\+?1[-. ]?)?\(?([2-9][0-9]{2})\)?[-. ]?([0-9]{3})[-. ]?([0-9]{4})")
_LIKELY = re.compile(r"\+1(?:555001|[2-9][0-8][0-9][2-9][0-9]{2})[0-9]{4}")

_FORMULA = re.compile(r'=?\s*"(.*)"', re.DOTALL)
_LINK = re.compile(r"(?:tel|callto|sms)\s*:\s*(?://)?", re.IGNORECASE)
_CONTEXT = re.compile(r";\s*phone-context\s*=\s*(\+[0-9().-]+)", re.IGNORECASE)
_PARAMETER = re.compile(r";\s*(?!ext\b)[a-z][a-z-]*(?:=[^;]*)?", re.IGNORECASE)
_FLOAT = re.compile(r"(\+?[0-9]{7,15})[.,]0+")
_SCIENTIFIC = re.compile(r"\+?([0-9]+)(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,2})")
_ERROR = re.compile(r"#+|#(?:N/A|REF!|VALUE!|NAME\?|NUM!|NULL!|DIV/0!|ERROR!)", re.IGNORECASE)
# Texts that people write in place of a number, in lower case.
SAYS_NONE = frozenset(
    {
        "",
        "-",
        "--",
        "---",
        ".",
        "?",
        "0",
        "n/a",
        "na",
        "n.a.",
        "nan",
        "none",
        "null",
        "nil",
        "unknown",
        "unk",
        "no phone",
        "no number",
    }
    | {
        "no cell",
        "no home phone",
        "unlisted",
        "not listed",
        "not given",
        "not on file",
        "missing",
        "blank",
        "same",
        "tbd",
        "ask",
        "x",
    }
    | {
        "disconnected",
        "declined",
        "refused",
        "private",
        "ninguno",
        "ninguna",
        "no tiene",
        "sin telefono",
        "desconocido",
        "s/n",
    }
)
_WHOLE_NUMBER = re.compile(r"(?<![0-9])(?:\+?1[-. ]?)?\(?[0-9]{3}\)?[-. ]{0,2}[0-9]{3}[-. ]?[0-9]{4}(?![0-9])")
# A number between words or other numbers, or before an extension.
ANY_NUMBER = re.compile(
    r"\+1[-. ]{0,2}\(?[0-9]{3}\)?[-. /]{0,2}[0-9]{3}[-. ]{0,2}[0-9]{4}(?![0-9])|\+[0-9][-0-9 ().]{6,22}[0-9]"
    r"|(?<![0-9])(?:1[-. ]?)?\(?[0-9]{3}\)?[-. /]{0,2}[0-9]{3}[-. ]{0,2}[0-9]{4}(?![0-9])"
)
_BETWEEN_NUMBERS = re.compile(r"[,;/|\\&\n]|\b(?:or|and|y|o|et|ou|und|oder)\b", re.IGNORECASE)
# Extensions after a number (x12, ext. 12, #12, ;ext=12), also in the notation of phones for pauses (,,12 p12 w12).
_EXTENSION = re.compile(
    r"(.*[0-9)])\s*(?:[;,]?\s*(?:extension|extn|ext|ex|x|poste|anexo|interno|durchwahl|dw|app)\.?\s*[=:]?|#|[,;]+|[pw])\s*[0-9]{1,8}#?",
    re.IGNORECASE | re.DOTALL,
)
# A word beside the number that tells which of the person's phones it is. “W” and “M” are not among them, because they may mean wife
# and mother. Any other word may mean that the number is another person's, or out of use.
_TYPE = (
    r"(?:(?:(?:patient|pt|home|hm|mobile|mob|cell|work|wk|daytime|evening|own|tel|tel[eé]fono|phone|ph)[.]?(?:['’]?s)?[ ]+)?"
    r"(?:home|hm|h|mobile|mob|cellphone|cellular|cell|cel|c|work|wk|office|telephone|phone|ph|tel|landline|land[ ]line|daytime"
    r"|evening|primary|main|preferred|best|casa|celular|m[oó]vil|trabajo|trab|tel[eé]fono|tlf|fijo|principal|self|patient|pt|personal)"
    r"(?:[ ]*(?:phone|ph|number|no|num|n[uú]mero))?[.#]?)"
)
_TYPED = re.compile(
    rf"""
      [(\[]?{_TYPE}[)\]]?[ ]*[:=#-]*[ ]*(?P<behind>[+(]?[0-9].*)
    | (?P<before>[+(]?[0-9].*[0-9])[ ]*[-,/;:]*[ ]*[(\[]?{_TYPE}[)\]]?
    """,
    re.IGNORECASE | re.VERBOSE,
)
_THOUSANDS = re.compile(r"[0-9]{1,2}([.,])[0-9]{3}\1[0-9]{3}\1[0-9]{3}")
_NUMBER = re.compile(r"[( ]*\+?[( ]*[0-9][-0-9 ()./]*")
_NOT_DIGITS = re.compile(r"[^0-9]")
# A number of +1 that two columns share: 202 or (202) beside 555-0142. Either may have decimals (202.0).
_AREA_CODE = re.compile(r"(?:\+?1[-. ]?)?\(?([2-9][0-9]{2})\)?(?:\.0+)?")
_WITHOUT_AREA_CODE = re.compile(r"[2-9][0-9]{2}[-. ]?[0-9]{4}(?![0-9])(?!\.0*[1-9])")
# In characters. A longer text is prose, which the patterns above do not handle. _LONGEST_WRAPPED is the limit before a formula, or a
# link with its parameters, is removed from around the number; _LONGEST_SEARCHED is how much of a text is searched for numbers.
_LONGEST = 100
_LONGEST_WRAPPED = 1000
_LONGEST_SEARCHED = 1000

# The mark that the reader of workbooks appends to a cell whose text is crossed out, in whole or in part.
CROSSED_OUT = "[crossed out]"

MISSING = "There is no phone number in this cell."
DAMAGED = (
    "A spreadsheet program rounded this number and digits are lost; format the column as text in the original list, "
    "then export it again."
)
ERROR = (
    "This cell holds an error of a spreadsheet program instead of a number; correct the cell and export the list again."
)
EXTENSION = "This number has an extension, and a voicemail cannot be left behind an extension; give a direct number."
TWO = "There is more than one number in the cell; keep the one that shall be reached."
STRUCK = "This number is crossed out in the workbook, in whole or in part; write the one that is meant, or leave the row out."
LETTERS = "There are letters in the phone cell; it holds one number and nothing else."
SHAPE = (
    "This is not written like a phone number; write it as 10 digits, or as + and the country code for another country."
)


def phone(text: str, region: str = "US") -> str:
    """The number in a cell as E.164. rvm.phone_numbers.numbers decides whether it may be reached.

    `region` is the ISO 3166 code of the country in which a number without a country code is dialled. Raises CellInvalid with the code
    phone_missing, excel_damaged, has_extension, two_numbers, crossed_out, has_letters or not_a_phone.
    """
    if (usual := _USUAL.fullmatch(text)) and _dialled_as_1(region):
        return "+1" + usual[1] + usual[2] + usual[3]
    written = trimmed(text)
    if len(written) > _LONGEST_WRAPPED:
        raise CellInvalid("not_a_phone", SHAPE)
    return _unusual(_unwrapped(in_ascii(written)), region)


def looks_like_phone(text: str, region: str = "US") -> bool:
    """Whether a column of such cells is a phone column. It raises no errors.

    A cell qualifies with a plausible number, two numbers, an extension, a number that is crossed out, or one that a spreadsheet
    program rounded.
    """
    try:
        number = phone(text, region)
    except CellInvalid as refused:
        return refused.code in ("has_extension", "two_numbers") or (
            _digits(text) >= 7 if refused.code == "crossed_out" else refused.code == "excel_damaged" and "#" not in text
        )
    return not number.startswith("+1") or _LIKELY.fullmatch(number) is not None


def numbers_in(text: str, region: str = "US") -> list[str]:
    """Every number in a cell as E.164, each once, also where `phone` refuses the cell: for words, a second number or an extension.

    It raises no errors.
    """
    found = dict.fromkeys(_readable((text,), region)) or dict.fromkeys(
        _readable(ANY_NUMBER.findall(in_ascii(text[:_LONGEST_SEARCHED])), region)
    )
    return list(found)


def area_code(text: str) -> str:
    """The three digits of an area code that has a column of its own. Raises CellInvalid for any other cell."""
    if found := _AREA_CODE.fullmatch(in_ascii(trimmed(text))):
        return found[1]
    raise CellInvalid("not_a_phone", SHAPE)


def lacks_area_code(text: str) -> bool:
    """Whether a cell begins with a number of seven digits, which lacks its area code. It raises no errors."""
    return _WITHOUT_AREA_CODE.match(in_ascii(trimmed(text))) is not None


def with_area_code(text: str, code: str) -> str:
    """The cell `text` with the area code of the cell `code` in front, if `text` lacks it and `code` has one, else `text` unchanged.

    It raises no errors.
    """
    said = in_ascii(trimmed(text))
    if _WITHOUT_AREA_CODE.match(said) and (found := _AREA_CODE.fullmatch(in_ascii(trimmed(code)))):
        return f"{found[1]}-{re.sub(r'[.]0+$', '', said)}"
    return text


def _readable(texts: Iterable[str], region: str) -> Iterator[str]:
    for text in texts:
        with suppress(CellInvalid):
            yield phone(text, region)


@lru_cache(maxsize=300)
def _dialled_as_1(region: str) -> bool:
    return phonenumbers.country_code_for_region(region) == 1


def _unwrapped(text: str) -> str:
    """The text without a formula (="…"), a link (tel:) with its parameters, separators of thousands, and the decimals of a float."""
    if formula := _FORMULA.fullmatch(text):
        text = trimmed(formula[1])
    elif text.startswith("="):
        text = text[1:].lstrip()
    if link := _LINK.match(text):
        text = unquote(text[link.end() :])
        context = _CONTEXT.search(text)
        text = _PARAMETER.sub("", text)
        if context and not text.startswith("+"):
            text = context[1] + text
    if whole := _FLOAT.fullmatch(text):
        return whole[1]
    return text.replace(grouped[1], "") if (grouped := _THOUSANDS.fullmatch(text)) else text


def _unusual(text: str, region: str) -> str:
    _require_some(text)
    if scientific := _SCIENTIFIC.fullmatch(text):
        text = _written_out(*scientific.groups(default=""))
    if (typed := _TYPED.fullmatch(text)) and _digits(text) >= 7:
        text = typed["behind"] or typed["before"]
    if _holds_two(text):
        raise CellInvalid("two_numbers", TWO)
    if (extended := _EXTENSION.fullmatch(text)) and _digits(extended[1]) >= 7:
        raise CellInvalid("has_extension", EXTENSION)
    if any(map(str.isalpha, text)):
        raise CellInvalid("has_letters", LETTERS)
    if not _NUMBER.fullmatch(text):
        raise CellInvalid("not_a_phone", SHAPE)
    return _dialled("+" in text, _NOT_DIGITS.sub("", text), region)


def _require_some(text: str) -> None:
    if len(text) > _LONGEST:
        raise CellInvalid("not_a_phone", SHAPE)
    if text.casefold() in SAYS_NONE:
        raise CellInvalid("phone_missing", MISSING)
    if text.endswith(CROSSED_OUT):
        raise CellInvalid("crossed_out", STRUCK)
    if _ERROR.fullmatch(text):
        raise CellInvalid("excel_damaged", ERROR)


def _written_out(whole: str, decimals: str, exponent: str) -> str:
    """The digits of a number in scientific notation. Raises CellInvalid if any are lost.

    1.2025550142E+10 has every digit of the number. 2.02555E+09 has lost some, and zeros in their place would be a guess.
    """
    digits, places = whole + decimals.rstrip("0"), len(whole) + int(exponent)
    decimals_kept = len(whole + decimals)
    if decimals_kept < places or len(digits) > places:
        raise CellInvalid("excel_damaged", DAMAGED)
    return (whole + decimals)[:places]


def _holds_two(text: str) -> bool:
    if text.count("+") > 1 or len(_WHOLE_NUMBER.findall(text)) > 1:
        return True
    if sum(_digits(piece) >= 7 for piece in _BETWEEN_NUMBERS.split(text)) > 1:
        return True
    # 202/555-0142 is one number, and 2025550142/43 is two numbers.
    return "/" in text and any(_digits(piece) >= 10 for piece in text.split("/"))


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def _dialled(international: bool, digits: str, region: str) -> str:
    if not international and digits.startswith("00"):
        international, digits = True, digits[2:]
    if _dialled_as_1(region) and not international:
        if digits.startswith("011") and len(digits) > 11:
            international, digits = True, digits[3:]
        elif len(digits) == 10:
            international, digits = True, "1" + digits
        elif len(digits) == 11 and digits.startswith("1"):
            international = True
        else:
            raise CellInvalid("not_a_phone", SHAPE)
    number = "+" + digits if international and digits.startswith("1") else _parsed(international, digits, region)
    if not E164.fullmatch(number):
        raise CellInvalid("not_a_phone", SHAPE)
    return number


def _parsed(international: bool, digits: str, region: str) -> str:
    """The number as E.164, or an empty text if the library cannot parse it.

    The library is needed because other countries write a trunk zero that is not part of the number: +44 (0)20 7946 0018.
    """
    try:
        number = phonenumbers.parse("+" + digits if international else digits, region)
    except phonenumbers.NumberParseException:
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
