"""Local secrets: generated once, stored beside the data that they decrypt, readable by their owner only."""

from __future__ import annotations

import base64
import json
import os
import secrets
import tempfile
from pathlib import Path

KEY_BYTES = 32
NAMES = ("RVM_SECRET_KEY", "RVM_ENCRYPTION_KEYS", "RVM_INDEX_KEYS")


def generated() -> dict[str, str]:
    """New secrets: Django's secret key, and key rings of one key each with id 1 (`id:base64`)."""
    return {
        "RVM_SECRET_KEY": secrets.token_urlsafe(48),
        "RVM_ENCRYPTION_KEYS": _key_ring(),
        "RVM_INDEX_KEYS": _key_ring(),
    }


def _key_ring() -> str:
    return f"1:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"


def kept(home: Path) -> dict[str, str]:
    """The secrets of `home`, generated at the first call; concurrent first calls get the same ones."""
    path = home / "secrets.json"
    if not path.exists():
        handle, draft = tempfile.mkstemp(prefix=".secrets-", dir=home)  # mkstemp sets mode 0600
        with os.fdopen(handle, "w") as file:
            json.dump(generated(), file, indent=1)
        try:
            os.link(draft, path)  # unlike a rename, it never replaces a file that another process wrote
        except FileExistsError:
            pass
        finally:
            Path(draft).unlink()
    found: dict[str, str] = json.loads(path.read_text())
    return found
