"""Which sender a patient sees: the same one every time, spread evenly, with no hot row.

Pure. Rendezvous hashing: each sender is scored together with the recipient's blind index and the highest score wins, so taking a
sender away moves only the patients it had.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b


def choose_sender(recipient_index: bytes, assigned: Collection[str], last: str | None = None) -> str | None:
    """The last sender while it is still assigned, else the highest score; None where nothing is assigned."""
    if last is not None and last in assigned:
        return last
    return max(
        assigned, key=lambda sender: blake2b(recipient_index + sender.encode(), digest_size=8).digest(), default=None
    )
