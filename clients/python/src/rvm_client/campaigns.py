"""Campaigns: one recording to many people, from a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from rvm_client.http import paging
from rvm_client.http.transport import Call, Transport
from rvm_client.imports import Imports
from rvm_client.rows import Campaign, CampaignPreview, CampaignProgress


class Campaigns:
    """`imports` are the lists of recipients of a campaign."""

    def __init__(self, transport: Transport, base: str) -> None:
        self._transport = transport
        self._base = f"{base}/campaigns"
        self.imports = Imports(transport, self._base)

    def create(
        self,
        *,
        name: str,
        use_case_id: str,
        recording_id: str | None = None,
        time_zone: str | None = None,
        starts_at: str | None = None,
        ends_at: str | None = None,
        pace_per_second: float | None = None,
        canary_size: int | None = None,
        canary_max_failed_percent: int | None = None,
        canary_wait_minutes: int | None = None,
        idempotency_key: str | None = None,
    ) -> Campaign:
        """A draft; nobody is reached before its launch. What is not said is as the use case says."""
        body = {
            "name": name,
            "use_case_id": use_case_id,
            "recording_id": recording_id,
            "time_zone": time_zone,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "pace_per_second": pace_per_second,
            "canary_size": canary_size,
            "canary_max_failed_percent": canary_max_failed_percent,
            "canary_wait_minutes": canary_wait_minutes,
        }
        said = {field: value for field, value in body.items() if value is not None}
        return cast(Campaign, self._transport.json(Call("POST", self._base, body=said), idempotency_key))

    def list(
        self, *, state: str | None = None, use_case_id: str | None = None, live: bool | None = None
    ) -> Iterator[Campaign]:
        """All campaigns, newest first."""

        def page(token: str | None) -> object:
            query = {"state": state, "use_case_id": use_case_id, "live": live}
            pages = {"limit": paging.PAGE, "continuation_token": token}
            return self._transport.json(Call("GET", self._base, query={**query, **pages}))

        return paging.rows(page)

    def get(self, campaign_id: str) -> Campaign:
        return cast(Campaign, self._transport.json(Call("GET", f"{self._base}/{campaign_id}")))

    def update(self, campaign_id: str, changes: Mapping[str, Any]) -> Campaign:
        """Change the fields that are named."""
        return cast(Campaign, self._transport.json(Call("PATCH", f"{self._base}/{campaign_id}", body=dict(changes))))

    def preview(self, campaign_id: str, *, rehearsal: bool = False) -> CampaignPreview:
        """The people who would be reached, and when; with `rehearsal` as if a simulated carrier were a real one."""
        call = Call("GET", f"{self._base}/{campaign_id}/preview", query={"rehearsal": rehearsal or None})
        return cast(CampaignPreview, self._transport.json(call))

    def stats(self, campaign_id: str) -> CampaignProgress:
        """How far it is."""
        return cast(CampaignProgress, self._transport.json(Call("GET", f"{self._base}/{campaign_id}/stats")))

    def launch(self, campaign_id: str) -> Campaign:
        """Begin, or schedule it where its start lies ahead."""
        return self._do(campaign_id, "launch")

    def unschedule(self, campaign_id: str) -> Campaign:
        """Take back a launch that is to come."""
        return self._do(campaign_id, "unschedule")

    def pause(self, campaign_id: str) -> Campaign:
        """Hold what is not sent yet."""
        return self._do(campaign_id, "pause")

    def resume(self, campaign_id: str) -> Campaign:
        return self._do(campaign_id, "resume")

    def cancel(self, campaign_id: str) -> Campaign:
        """End it; what is not sent stays unsent."""
        return self._do(campaign_id, "cancel")

    def export(
        self, campaign_id: str, to: Path, *, status: Sequence[str] | None = None, format: str | None = None
    ) -> int:
        """The bytes written to `to`: the campaign's voicemails as CSV. A download that breaks off leaves no file."""
        call = Call("GET", f"{self._base}/{campaign_id}/export", query={"status": status, "format": format})
        return self._transport.download(call, to)

    def _do(self, campaign_id: str, verb: str) -> Campaign:
        return cast(Campaign, self._transport.json(Call("POST", f"{self._base}/{campaign_id}/{verb}")))
