"""Lists of recipients of a campaign: upload, check, confirm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from rvm_client.http import paging
from rvm_client.http.transport import Call, Fields, File, Transport
from rvm_client.rows import RecipientImport, RecipientImportDetail


class Imports:
    def __init__(self, transport: Transport, campaigns: str) -> None:
        self._transport = transport
        self._campaigns = campaigns

    def upload(
        self,
        campaign_id: str,
        file: Path,
        *,
        columns: Sequence[str] = (),
        sheet: str | None = None,
        idempotency_key: str | None = None,
    ) -> RecipientImportDetail:
        """The uploaded CSV or XLSX and how it is read. `columns` says what each column is, from the left."""
        form: dict[str, str | Sequence[str]] = {}
        if columns:
            form["columns"] = list(columns)
        if sheet is not None:
            form["sheet"] = sheet
        return self._upload(campaign_id, File(file.name, file), form, idempotency_key)

    def _upload(self, campaign_id: str, file: File, form: Fields, key: str | None) -> RecipientImportDetail:
        call = Call("POST", f"{self._campaigns}/{campaign_id}/imports", form=form, files={"file": file})
        return cast(RecipientImportDetail, self._transport.json(call, key))

    def list(self, campaign_id: str) -> Iterator[RecipientImport]:
        """All lists of the campaign."""

        def page(token: str | None) -> object:
            query = {"limit": paging.PAGE, "continuation_token": token}
            return self._transport.json(Call("GET", f"{self._campaigns}/{campaign_id}/imports", query=query))

        return paging.rows(page)

    def get(self, campaign_id: str, import_id: str) -> RecipientImportDetail:
        """One with its first errors."""
        return cast(RecipientImportDetail, self._transport.json(Call("GET", self._path(campaign_id, import_id))))

    def check(self, campaign_id: str, import_id: str) -> RecipientImport:
        """Judge every row, in the background; nobody is queued."""
        return cast(RecipientImport, self._transport.json(Call("POST", f"{self._path(campaign_id, import_id)}/check")))

    def confirm(self, campaign_id: str, import_id: str, *, consent_statement: str) -> RecipientImport:
        """Make the accepted rows voicemails of the campaign, in the background. The statement is kept with the key that made it."""
        call = Call(
            "POST",
            f"{self._path(campaign_id, import_id)}/confirm",
            body={"consent_statement": consent_statement},
        )
        return cast(RecipientImport, self._transport.json(call))

    def discard(self, campaign_id: str, import_id: str) -> None:
        self._transport.json(Call("DELETE", self._path(campaign_id, import_id)))

    def errors(self, campaign_id: str, import_id: str, to: Path) -> int:
        """The bytes written to `to`: the rows that were not accepted, as CSV, each with why."""
        return self._transport.download(Call("GET", f"{self._path(campaign_id, import_id)}/errors"), to)

    def _path(self, campaign_id: str, import_id: str) -> str:
        return f"{self._campaigns}/{campaign_id}/imports/{import_id}"
