"""Recordings: upload, list, read, remove."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

from rvm_client.http import paging
from rvm_client.http.transport import Call, File, Transport
from rvm_client.rows import Recording


class Recordings:
    def __init__(self, transport: Transport, base: str) -> None:
        self._transport = transport
        self._base = f"{base}/recordings"

    def upload(self, audio: Path | bytes, *, name: str | None = None, idempotency_key: str | None = None) -> Recording:
        """The recording of an MP3 of 10 to 60 seconds. The same sound uploaded again is the same recording."""
        file = File(audio.name if isinstance(audio, Path) else "recording.mp3", audio)
        form = {"name": name} if name is not None else {}
        call = Call("POST", self._base, form=form, files={"audio": file})
        return cast(Recording, self._transport.json(call, idempotency_key))

    def list(self, *, archived: bool | None = None) -> Iterator[Recording]:
        """All recordings, newest first; with `archived`, those that were put away."""

        def page(token: str | None) -> object:
            query = {"archived": archived, "limit": paging.PAGE, "continuation_token": token}
            return self._transport.json(Call("GET", self._base, query=query))

        return paging.rows(page)

    def get(self, recording_id: str) -> Recording:
        return cast(Recording, self._transport.json(Call("GET", f"{self._base}/{recording_id}")))

    def delete(self, recording_id: str) -> None:
        """Remove the sound for good, which is refused while something needs it."""
        self._transport.json(Call("DELETE", f"{self._base}/{recording_id}"))
