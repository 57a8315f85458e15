"""Voicemails: send, list, read, cancel, retry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from rvm_client.http import paging
from rvm_client.http.transport import Call, Transport
from rvm_client.rows import BatchResult, Voicemail, VoicemailDetail

MAX_BATCH = 1_000


class Voicemails:
    def __init__(self, transport: Transport, base: str) -> None:
        self._transport = transport
        self._base = f"{base}/voicemail"

    def send(
        self,
        *,
        to: str,
        use_case_id: str,
        recording_id: str,
        reference: str | None = None,
        record_number: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        not_before: str | None = None,
        expires_at: str | None = None,
        idempotency_key: str | None = None,
    ) -> Voicemail:
        """The queued voicemail to `to`, in E.164. `reference` is your own name for it and may be used once; times have a zone."""
        body = {
            "recipient_phone_number": to,
            "use_case_id": use_case_id,
            "recording_id": recording_id,
            "reference": reference,
            "record_number": record_number,
            "metadata": metadata,
            "not_before": not_before,
            "expires_at": expires_at,
        }
        return cast(Voicemail, self._post(self._base, body, idempotency_key))

    def send_batch(
        self,
        recipients: Sequence[str | Mapping[str, Any]],
        *,
        use_case_id: str,
        recording_id: str,
        not_before: str | None = None,
        expires_at: str | None = None,
        idempotency_key: str | None = None,
    ) -> BatchResult:
        """The answers to up to 1,000 recipients, in their order. A recipient is a number, or an object with
        `recipient_phone_number` and what else `send` takes of one person. A refused one does not fail the rest."""
        body = {
            "use_case_id": use_case_id,
            "recording_id": recording_id,
            "not_before": not_before,
            "expires_at": expires_at,
            "recipients": [
                {"recipient_phone_number": each} if isinstance(each, str) else dict(each) for each in recipients
            ],
        }
        return cast(BatchResult, self._post(f"{self._base}/batch", body, idempotency_key))

    def list(
        self,
        *,
        live: bool | None = None,
        use_case_id: str | None = None,
        setup_id: str | None = None,
        campaign_id: str | None = None,
        status: Sequence[str] | None = None,
        reason: str | None = None,
        reference: str | None = None,
        recipient_phone_number: str | None = None,
        record_number: str | None = None,
        created_after: str | None = None,
        created_before: str | None = None,
        updated_after: str | None = None,
        updated_before: str | None = None,
    ) -> Iterator[Voicemail]:
        """All voicemails for which every filter holds, newest first. Filters go in a body, because addresses end up in logs."""
        filters = {
            "live": live,
            "use_case_id": use_case_id,
            "setup_id": setup_id,
            "campaign_id": campaign_id,
            "status": status,
            "reason": reason,
            "reference": reference,
            "recipient_phone_number": recipient_phone_number,
            "record_number": record_number,
            "created_after": created_after,
            "created_before": created_before,
            "updated_after": updated_after,
            "updated_before": updated_before,
            "limit": paging.PAGE,
        }
        search = f"{self._base}/search"
        return paging.rows(lambda token: self._post(search, {**filters, "continuation_token": token}, None))

    def get(self, voicemail_id: str) -> VoicemailDetail:
        """One voicemail with its drops, the attempts to leave it."""
        return cast(VoicemailDetail, self._transport.json(Call("GET", f"{self._base}/{voicemail_id}")))

    def cancel(self, voicemail_id: str) -> Voicemail:
        """Withdraw one that is still queued."""
        return cast(Voicemail, self._transport.json(Call("POST", f"{self._base}/{voicemail_id}/cancel")))

    def retry(self, voicemail_id: str, *, accept_duplicate_risk: bool = False) -> Voicemail:
        """Send a failed one again; with `accept_duplicate_risk` also one that may have reached the person."""
        body = {"accept_duplicate_risk": accept_duplicate_risk}
        return cast(Voicemail, self._post(f"{self._base}/{voicemail_id}/retry", body, None))

    def _post(self, path: str, body: Mapping[str, Any], idempotency_key: str | None) -> Any:
        said = {name: value for name, value in body.items() if value is not None}
        return self._transport.json(Call("POST", path, body=said), idempotency_key)
