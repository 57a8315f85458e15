"""Webhook deliveries: events on their way to a destination, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from rvm_client.http import paging
from rvm_client.http.transport import Call, Transport
from rvm_client.rows import WebhookDelivery, WebhookDeliveryDetail


class WebhookDeliveries:
    def __init__(self, transport: Transport, destinations: str) -> None:
        self._transport = transport
        self._destinations = destinations

    def list(
        self, destination_id: str, *, state: str | None = None, type: str | None = None, event_id: str | None = None
    ) -> Iterator[WebhookDelivery]:
        """All deliveries to the destination for which every filter holds, newest first."""

        def page(token: str | None) -> object:
            query = {"state": state, "type": type, "event_id": event_id}
            pages = {"limit": paging.PAGE, "continuation_token": token}
            return self._transport.json(Call("GET", self._path(destination_id), query={**query, **pages}))

        return paging.rows(page)

    def get(self, destination_id: str, delivery_id: str) -> WebhookDeliveryDetail:
        """One with its `log`, the attempts and their answers."""
        call = Call("GET", f"{self._path(destination_id)}/{delivery_id}")
        return cast(WebhookDeliveryDetail, self._transport.json(call))

    def replay(self, destination_id: str, delivery_id: str) -> WebhookDelivery:
        """Have it sent again, under the id that it had."""
        call = Call("POST", f"{self._path(destination_id)}/{delivery_id}/replay")
        return cast(WebhookDelivery, self._transport.json(call))

    def _path(self, destination_id: str) -> str:
        return f"{self._destinations}/{destination_id}/deliveries"
