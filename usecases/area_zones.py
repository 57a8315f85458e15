"""The time zones of +1 numbers, as the phonenumbers library has them: lists hold a million numbers, and the library takes thirty
microseconds for one.

Made of the library's own data when it is first asked for, so it follows every version; that both say the same of random numbers is a
test.
"""

from __future__ import annotations

import re
from functools import cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata
from phonenumbers.timezone import UNKNOWN_TIMEZONE
from phonenumbers.tzdata import TIMEZONE_DATA

_WITHOUT_AREA = ("premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail")
# Where its prefixes of +1 end, the longest first.
_ENDS = sorted({len(prefix) + 1 for prefix in TIMEZONE_DATA if prefix.startswith("1")}, reverse=True)


def zones_of_1(e164: str) -> tuple[str, ...]:
    """Every zone of its area code or exchange; of a number that can exist without an area, all zones of the country."""
    if _without_area().fullmatch(e164):
        return _zones("1")
    for end in _ENDS:
        if (prefix := e164[1:end]) in TIMEZONE_DATA:
            return _zones(prefix)
    return ()


@cache
def _zones(prefix: str) -> tuple[str, ...]:
    return tuple(zone for zone in TIMEZONE_DATA[prefix] if zone != UNKNOWN_TIMEZONE)


@cache
def _without_area() -> re.Pattern[str]:
    patterns: dict[str, None] = {}
    plans = (PhoneMetadata.metadata_for_region(region, None) for region in COUNTRY_CODE_TO_REGION_CODE[1])
    for plan in filter(None, plans):
        others = [_pattern(getattr(plan, kind)) for kind in _WITHOUT_AREA]
        fixed, mobile = _pattern(plan.fixed_line), _pattern(plan.mobile)
        if mobile != fixed:  # some islands' mobiles have no area of their own
            others.append(f"(?!(?:{fixed})$)(?:{mobile})")
        patterns |= dict.fromkeys(filter(None, others))
    return re.compile(rf"\+1(?:{'|'.join(patterns)})")


def _pattern(kind: object) -> str:
    return getattr(kind, "national_number_pattern", None) or ""
