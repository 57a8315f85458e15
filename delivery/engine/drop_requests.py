"""Drop requests: built in one place, so that a resubmission is identical to the first request."""

from __future__ import annotations

from uuid import UUID

from delivery.carriers.base import DropRequest
from delivery.recordings.links import carrier_link
from usecases.callbacks.addresses import drop_address
from usecases.callbacks.proofs import CallbackKey


def drop_request(drop_id: UUID, *, key: CallbackKey, recipient: str, sender: str, media_id: str) -> DropRequest:
    """The request for a drop: equal arguments give equal requests at any time and in any process.

    Both of its addresses carry a proof that was made for this drop alone.
    """
    return DropRequest(
        attempt_key=drop_id,
        recipient=recipient,
        sender=sender,
        recording_url=carrier_link(key, drop_id),
        callback_url=drop_address(key, drop_id),
        media_id=media_id,
    )
