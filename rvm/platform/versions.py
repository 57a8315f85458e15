"""The version of something that several people or programs change: a hash of what can be changed in it (decision record 0039)."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from rvm.platform.errors import ServiceError


class ChangedMeanwhile(ServiceError):
    """Nothing was done, because what it was asked for has changed since it was looked at."""

    def __init__(self, message: str) -> None:
        super().__init__("changed_meanwhile", message)


def version_of(values: Any) -> bytes:
    """The SHA-256 of the values as JSON; the order of names does not count, what is no JSON counts by its text."""
    return hashlib.sha256(
        orjson.dumps(values, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    ).digest()


def version_in(text: str) -> bytes:
    """The version that a page has brought back; of a text that is none, one that nothing has."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
