"""Files of sounds without a row, left by a process that died, or a transaction that failed, between the file and the commit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from pathlib import PurePath
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import transaction

from delivery.models import Clip, Recording
from delivery.recordings.storage import find_duplicate, lock_content

# Longer than any transaction, and than the clocks of the hosts differ.
MIN_AGE = timedelta(days=1)
_ENDING = ".mp3.enc"
# The folders of workspaces that this process has yet to look into; after the last one it begins anew.
_left: Iterator[tuple[type[Recording] | type[Clip], str]] = iter(())


def remove_strays(now: datetime) -> None:
    """Remove the strays of one workspace's recordings or clips, of the next ones at the next call."""
    global _left
    found = next(_left, None)
    if found is None:
        _left = chain.from_iterable(((kind, each) for each in _workspaces(kind)) for kind in (Recording, Clip))
        found = next(_left, None)
    if found is not None:
        _remove_strays(*found, now)


def _workspaces(kind: type[Recording] | type[Clip]) -> list[str]:
    return _listed(kind.FOLDER)[0]


def _listed(folder: str) -> tuple[list[str], list[str]]:
    """The folders and the files of a folder; none if nothing was ever stored in it, or it has gone meanwhile."""
    try:
        return default_storage.listdir(folder)
    except FileNotFoundError:
        return [], []


def _remove_strays(kind: type[Recording] | type[Clip], workspace: str, now: datetime) -> None:
    folder = PurePath(kind.FOLDER, workspace)
    names = {name.removesuffix(_ENDING) for name in _listed(str(folder))[1] if name.endswith(_ENDING)}
    known = kind._default_manager.filter(workspace=UUID(workspace), sound_removed_at=None).values_list(
        "sha256", flat=True
    )
    for sha256 in sorted(names - set(known.iterator())):
        if default_storage.get_modified_time(str(folder / f"{sha256}{_ENDING}")) <= now - MIN_AGE:
            _remove(kind(workspace_id=UUID(workspace), sha256=sha256))


@transaction.atomic
def _remove(sound: Any) -> None:
    """Remove the file, unless it has a row by now."""
    lock_content(sound)
    known = find_duplicate(sound)
    if known is None or known.sound_removed_at is not None:
        default_storage.delete(sound.storage_name)
