"""Proofs that an address was made for one drop of one setup: HMAC-SHA256 under the setup's secret of that version. Pure.

A proof is the same whenever it is made, because a resubmission repeats the first request word for word. It is valid for one use: the
proof in a callback address does not open the recording, and the other way round.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID

# Half of the digest, as RFC 2104 allows: 128 bits cannot be guessed.
MAC_BYTES = 16
DROP_BYTES = 16


class Use(Enum):
    """What an address with a proof is for."""

    REPORT = b"report"
    RECORDING = b"recording"


@dataclass(frozen=True, slots=True)
class CallbackKey:
    """One version of a setup's callback secret."""

    setup_id: UUID
    version: int
    key: bytes = field(repr=False)

    def proof(self, use: Use, drop_id: UUID) -> str:
        """The last part of an address: the drop's id and the proof for it."""
        return base64.urlsafe_b64encode(drop_id.bytes + self._mac(use, drop_id)).rstrip(b"=").decode()

    def proved(self, use: Use, text: str) -> UUID | None:
        """The id of the drop for which the last part of an address was made; None if it is not a proof of this key for this use."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        if len(raw) != DROP_BYTES + MAC_BYTES:
            return None
        drop_id = UUID(bytes=raw[:DROP_BYTES])
        return drop_id if hmac.compare_digest(raw[DROP_BYTES:], self._mac(use, drop_id)) else None

    def _mac(self, use: Use, drop_id: UUID) -> bytes:
        made_for = use.value + b"\0" + self.setup_id.bytes + self.version.to_bytes(4, "big") + drop_id.bytes
        return hmac.digest(self.key, made_for, hashlib.sha256)[:MAC_BYTES]
