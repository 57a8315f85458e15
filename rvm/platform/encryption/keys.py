"""Key rings: the keys of one purpose by their id, as the environment lists them. No representation shows a key."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

KEY_BYTES = 32
_MIN_DIFFERENT_BYTES = 16


class KeysMalformed(ValueError):
    """A key list in the environment is unusable; the message gives the reason and contains no key."""


class Key(bytes):
    """The bytes of a key, which no representation shows: not that of a setting, an error or a log line."""

    def __repr__(self) -> str:
        return "<key>"

    __str__ = __repr__


@dataclass(frozen=True)
class KeyRing:
    """Keys by id: the current one encrypts, all of them decrypt."""

    keys: Mapping[int, bytes]
    current: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", {key_id: Key(key) for key_id, key in self.keys.items()})

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """Parse `id:base64,id:base64`: ids are 1 to 255, keys are 32 bytes, the last key is the current one.

        Raises KeysMalformed.
        """
        keys: dict[int, bytes] = {}
        for entry in filter(None, (part.strip() for part in text.split(","))):
            identifier, _, encoded = entry.partition(":")
            try:
                key_id, key = int(identifier), base64.b64decode(encoded, validate=True)
            except (ValueError, binascii.Error):
                raise KeysMalformed("a key is not of the form id:base64") from None
            if not 1 <= key_id <= 255 or key_id in keys:
                raise KeysMalformed(f"key id {key_id} is not between 1 and 255 or is listed twice")
            if len(key) != KEY_BYTES:
                raise KeysMalformed(f"key {key_id} has {len(key)} bytes; it needs {KEY_BYTES}")
            if key in keys.values():
                raise KeysMalformed(f"key {key_id} is listed under two ids")
            keys[key_id] = key
        if not keys:
            raise KeysMalformed("no key is listed")
        return cls(keys=keys, current=next(reversed(keys)))

    def refuse_guessable(self) -> None:
        """Raise KeysMalformed for a key that no generator of random bytes makes: with few different bytes, as of zeros or a repeated
        word, or of printable characters only. Of random keys less than one in 10¹³ looks so."""
        for key_id, key in self.keys.items():
            if len(set(key)) < _MIN_DIFFERENT_BYTES or all(0x20 <= byte < 0x7F for byte in key):
                raise KeysMalformed(f"key {key_id} is not random; make one as .env.example says")
