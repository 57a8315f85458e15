"""The one way from a drop to the request for its carrier, so that a second request is word for word the first one."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.conf import settings

from delivery.carriers.base import DropRequest
from delivery.recordings.links import carrier_link


class DropRequests:
    """Equal arguments give equal requests, on every day and in every process. A recording's link is signed once a day for thousands
    of drops."""

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
