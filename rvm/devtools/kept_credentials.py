"""The sample's API keys and password of the last start, kept beside the local secrets and readable by their owner only.

So a shell that has them goes on after a restart. Without the file, and in a database that does not know them, there are new ones.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

NAMES = ("api_key", "test_key", "password")


def read(path: Path) -> dict[str, str]:
    """The kept credentials; an empty text for each that the file does not have."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        found = {}
    known = found if isinstance(found, dict) else {}
    return {name: value if isinstance(value := known.get(name), str) else "" for name in NAMES}


def write(path: Path, credentials: Mapping[str, str]) -> None:
    """Keep them, in place of earlier ones."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, draft = tempfile.mkstemp(prefix=".sample-", dir=path.parent)  # mkstemp sets mode 0600
    with os.fdopen(handle, "w") as file:
        json.dump({name: credentials[name] for name in NAMES}, file, indent=1)
    Path(draft).replace(path)
