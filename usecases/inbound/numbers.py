"""The number that a person wrote, in any spelling that is usual in the United States. Pure."""

from __future__ import annotations

import re

from rvm.spreadsheets.cells.phones import numbers_in

_LOCAL = re.compile(r"(?:1)?([2-9][0-9]{2}[2-9][0-9]{6})")


def written_number(text: str) -> str | None:
    """The one number in the text as E.164, or None if it has none or several. It raises no errors."""
    found = numbers_in(text)
    if len(found) == 1:
        return found[0] if not found[0].startswith("+1") or _LOCAL.fullmatch(found[0][1:]) else None
    # [202] 555-0142, 202*555*0142 and the like: ten digits, whatever stands between them, as long as it is no letter.
    if found or any(char.isalpha() for char in text):
        return None
    digits = _LOCAL.fullmatch(re.sub(r"[^0-9]", "", text))
    return f"+1{digits[1]}" if digits else None
