"""Text of an answer or a log without what differs at random, in which the digits of a number would be found by chance."""

from __future__ import annotations

import re
from typing import Any

_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_FRACTION = re.compile(r"(?<=:[0-5]\d)\.\d+|(?<=microsecond=)\d+|, \d+(?=, tzinfo=)")


def without_ids(value: Any) -> str:
    """Return `value` as text, without UUIDs and without fractions of seconds."""
    return _FRACTION.sub("", _UUID.sub("", str(value)))
