"""Drop requests: built in one place, so that a resubmission is identical to the first request."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.conf import settings

from delivery.carriers.base import DropRequest
from delivery.recordings.links import carrier_link


class DropRequests:
    """Builder of drop requests: equal arguments give equal requests on any day and in any process.

    The link to a recording is signed once per day of creation and reused for thousands of drops.
    """

    def __init__(self) -> None:
        self._links: dict[tuple[UUID, date], str] = {}

    def of(
        self,
        drop_id: UUID,
        *,
        created_at: datetime,
        recipient: str,
        sender: str,
        recording_id: UUID,
        media_id: str,
        callback_token: str,
    ) -> DropRequest:
        """The request for a drop that was created at `created_at`."""
        return DropRequest(
            attempt_key=drop_id,
            recipient=recipient,
            sender=sender,
            recording_url=self._link(recording_id, created_at),
            callback_url=f"{settings.RVM_PUBLIC_URL}/carriers/{callback_token}/",
            media_id=media_id,
        )

    def _link(self, recording_id: UUID, created_at: datetime) -> str:
        key = recording_id, created_at.date()
        if key not in self._links:
            self._links[key] = carrier_link(recording_id, created_at)
        return self._links[key]
