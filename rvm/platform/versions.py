"""The version of something that several people or programs change: a hash of what can be changed in it (decision record 0038)."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson


def version_of(values: Any) -> bytes:
    """The SHA-256 of the values as JSON; the order of names does not count, what is no JSON counts by its text."""
    return hashlib.sha256(
        orjson.dumps(values, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    ).digest()
