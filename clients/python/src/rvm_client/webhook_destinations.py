"""Webhook destinations: where RVM tells what happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from rvm_client.http import paging
from rvm_client.http.transport import Call, Transport
from rvm_client.rows import EventType, IssuedWebhookDestination, WebhookDestination, WebhookReplayed, WebhookTest
from rvm_client.webhook_deliveries import WebhookDeliveries


class WebhookDestinations:
    """`deliveries` are the events on their way to a destination."""

    def __init__(self, transport: Transport, base: str) -> None:
        self._transport = transport
        self._base = f"{base}/webhook-destinations"
        self._types = f"{base}/event-types"
        self.deliveries = WebhookDeliveries(transport, self._base)

    def event_types(self) -> Iterator[EventType]:
        """All types of events that a destination can be told of."""
        yield from self._transport.json(Call("GET", self._types))["items"]

    def create(
        self,
        *,
        name: str,
        url: str,
        accepted_event_types: Sequence[str] = (),
        description: str | None = None,
        signature: str | None = None,
        concurrency: int | None = None,
        pace_per_second: int | None = None,
        idempotency_key: str | None = None,
    ) -> IssuedWebhookDestination:
        """The destination with its `secret`, which is shown this once. Without types it is told of all.

        `signature` is `standard` or `hex`; at most `concurrency` webhooks are sent to it at a time, and `pace_per_second` a second.
        """
        body = {
            "name": name,
            "url": url,
            "accepted_event_types": list(accepted_event_types),
            "description": description,
            "signature": signature,
            "concurrency": concurrency,
            "pace_per_second": pace_per_second,
        }
        call = Call("POST", self._base, body={field: value for field, value in body.items() if value is not None})
        return cast(IssuedWebhookDestination, self._transport.json(call, idempotency_key))

    def list(self, *, live: bool | None = None) -> Iterator[WebhookDestination]:
        """All destinations, newest first."""

        def page(token: str | None) -> object:
            query = {"live": live, "limit": paging.PAGE, "continuation_token": token}
            return self._transport.json(Call("GET", self._base, query=query))

        return paging.rows(page)

    def get(self, destination_id: str) -> WebhookDestination:
        return cast(WebhookDestination, self._transport.json(Call("GET", f"{self._base}/{destination_id}")))

    def update(self, destination_id: str, changes: Mapping[str, Any]) -> WebhookDestination:
        """Change the fields that are named."""
        call = Call("PATCH", f"{self._base}/{destination_id}", body=dict(changes))
        return cast(WebhookDestination, self._transport.json(call))

    def delete(self, destination_id: str) -> None:
        """At once and for ever."""
        self._transport.json(Call("DELETE", f"{self._base}/{destination_id}"))

    def enable(self, destination_id: str) -> WebhookDestination:
        """Go on where it stopped, with what happened meanwhile."""
        return self._do(destination_id, "enable")

    def disable(self, destination_id: str) -> WebhookDestination:
        """Send it nothing until it is enabled."""
        return self._do(destination_id, "disable")

    def rotate_secret(self, destination_id: str, *, overlap_hours: int | None = None) -> IssuedWebhookDestination:
        """A new secret; until `overlap_hours` have passed, webhooks are signed with the old one, too."""
        body = {} if overlap_hours is None else {"overlap_hours": overlap_hours}
        call = Call("POST", f"{self._base}/{destination_id}/rotate-secret", body=body)
        return cast(IssuedWebhookDestination, self._transport.json(call))

    def test(self, destination_id: str) -> WebhookTest:
        """Have it sent `webhook.ping`; `deliveries.list(…, type="webhook.ping")` tells what became of it."""
        return cast(WebhookTest, self._transport.json(Call("POST", f"{self._base}/{destination_id}/test")))

    def replay(self, destination_id: str, *, since: str) -> WebhookReplayed:
        """Have it sent everything since then again, in order, with the ids that it had."""
        call = Call("POST", f"{self._base}/{destination_id}/replay", body={"since": since})
        return cast(WebhookReplayed, self._transport.json(call))

    def _do(self, destination_id: str, verb: str) -> WebhookDestination:
        return cast(WebhookDestination, self._transport.json(Call("POST", f"{self._base}/{destination_id}/{verb}")))
