"""The recording that a command names: an id, or a file that is uploaded once and known again."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from rvm_client import Client, Problem
from rvm_client.cli.exits import WrongUse
from rvm_client.cli.options import is_id
from rvm_client.cli.output import Output


def recording_id_of(named: str, client: Client, out: Output) -> str:
    """The id, after an upload where the file is new to the workspace. Raises WrongUse, RvmError."""
    if is_id(named):
        return named
    path = Path(named)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WrongUse(f"{named} cannot be read: {error.strerror}.") from error
    mark = hashlib.sha256(f"{client.api}\n".encode() + content).hexdigest()
    known = _read()
    if (earlier := known.get(mark)) and _is_there(earlier, client):
        return earlier
    uploaded = client.recordings.upload(path, name=path.stem)
    for warning in uploaded["warnings"]:
        out.warning(f"{path.name}: {warning}")
    out.remark(f"Uploaded {path.name} as “{uploaded['name']}”, {uploaded['duration_ms'] / 1000:.0f} seconds.")
    _write({**known, mark: uploaded["id"]})
    return uploaded["id"]


def _is_there(recording_id: str, client: Client) -> bool:
    try:
        found = client.recordings.get(recording_id)
    except Problem:
        return False  # gone, or the key may not look: an upload of the same sound is the same recording
    return not (found["archived_at"] or found["sound_removed_at"])


def cache_file() -> Path:
    """Hashes of files with the ids of their recordings: no sound, no key and nobody's number."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "rvm" / "recordings.json"


def _read() -> dict[str, str]:
    try:
        known = json.loads(cache_file().read_text())
    except (OSError, ValueError):
        return {}
    return {str(mark): str(each) for mark, each in known.items()} if isinstance(known, dict) else {}


def _write(known: dict[str, str]) -> None:
    """Replace the file whole. A machine without a place for it uploads again."""
    target = cache_file()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=target.parent, delete=False) as file:
            json.dump(known, file)
        Path(file.name).replace(target)
    except OSError:
        return
