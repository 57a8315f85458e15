"""Webhook destinations: where RVM tells what happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from rvm_client.http import paging
from rvm_client.http.transport import Call, Transport
from rvm_client.rows import IssuedWebhookDestination, WebhookDestination


class WebhookDestinations:
    def __init__(self, transport: Transport, base: str) -> None:
        self._transport = transport
        self._base = f"{base}/webhook-destinations"

    def create(
        self,
        *,
        name: str,
        url: str,
        accepted_event_types: Sequence[str] = (),
        description: str | None = None,
        idempotency_key: str | None = None,
    ) -> IssuedWebhookDestination:
        """The destination with its `secret`, which is shown this once. Without types it is told of all."""
        said = {"name": name, "url": url, "accepted_event_types": list(accepted_event_types)}
        if description is not None:
            said["description"] = description
        call = Call("POST", self._base, body=said)
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

    def rotate_secret(self, destination_id: str, *, overlap_hours: int | None = None) -> IssuedWebhookDestination:
        """A new secret; until `overlap_hours` have passed, webhooks are signed with the old one, too."""
        body = {} if overlap_hours is None else {"overlap_hours": overlap_hours}
        call = Call("POST", f"{self._base}/{destination_id}/rotate-secret", body=body)
        return cast(IssuedWebhookDestination, self._transport.json(call))

    def test(self, destination_id: str) -> None:
        """Have it sent `webhook.ping`."""
        self._transport.json(Call("POST", f"{self._base}/{destination_id}/test"))

    def replay(self, destination_id: str, *, since: str) -> None:
        """Have it sent everything since then again, with the ids that it had."""
        self._transport.json(Call("POST", f"{self._base}/{destination_id}/replay", body={"since": since}))
