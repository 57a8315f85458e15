"""Choice of the sender that a patient sees: the same one every time, evenly distributed, without a row that every send locks.

Pure. Rendezvous hashing: each sender is hashed with the recipient's blind index and the highest score wins, so removing a sender
changes only the patients who had it.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b


def choose_sender(recipient_index: bytes, assigned: Collection[str], last: str | None = None) -> str | None:
    """The last sender if it is still assigned, else the one with the highest score; None if none is assigned."""
    if last is not None and last in assigned:
        return last
    return max(
        assigned, key=lambda sender: blake2b(recipient_index + sender.encode(), digest_size=8).digest(), default=None
    )
