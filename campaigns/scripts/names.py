"""Parts of a script that choose a clip by its name: the clip “Ana” for every Ana.

    {"field": "first_name", "clips": [id, id], "otherwise": id or null}      these clips
    {"field": "first_name", "clips": "by_name", "otherwise": id or null}     every clip that the script does not name elsewhere

What is kept names each clip by its value: clips that are uploaded or renamed later change no campaign.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from campaigns.scripts.parts import clip_id, key_of, malformed
from delivery.models import Clip
from delivery.selectors.sounds import selectable_clips
from rvm.platform.models import Workspace

BY_NAME = "by_name"


def with_named_clips(workspace: Workspace, script: Any) -> Any:
    """The script (JSON) with the parts above in the form that is kept. Raises ServiceError("script_malformed")."""
    if not isinstance(script, list):
        return script
    return [_part(workspace, number, part, script) for number, part in enumerate(script, 1)]


def _part(workspace: Workspace, number: int, part: Any, script: list[Any]) -> Any:
    asked = part.get("clips") if isinstance(part, dict) else None
    if asked == BY_NAME:
        return {**part, "clips": _newest(number, selectable_clips(workspace), set(_named_in(script)))}
    if isinstance(asked, list):
        return {**part, "clips": _these(workspace, number, [clip_id(number, raw) for raw in asked])}
    return part


def _newest(number: int, clips: Iterable[Clip], elsewhere: set[str]) -> dict[str, str]:
    """Of several clips with one name the newest."""
    found = {
        key_of(clip.name): clip for clip in sorted(clips, key=lambda clip: clip.pk) if str(clip.pk) not in elsewhere
    }
    if not found:
        raise malformed(
            f"Part {number} chooses among all clips by their names, and the workspace has none that the script does not name "
            "elsewhere; upload one for each name."
        )
    return {clip.name: str(clip.pk) for clip in found.values()}


def _these(workspace: Workspace, number: int, ids: list[UUID]) -> dict[str, str]:
    """A clip that the workspace does not have stands under its id, and the check of the script refuses it."""
    names = dict(Clip.objects.filter(workspace=workspace, pk__in=ids).values_list("pk", "name"))
    found: dict[str, tuple[str, str]] = {}
    for pk in dict.fromkeys(ids):
        name = names.get(pk, str(pk))
        if found.setdefault(key_of(name), (name, str(pk))) != (name, str(pk)):
            raise malformed(
                f"Part {number} chooses clips by their names, and two of them are called “{name}” (case and spaces do not count); "
                "leave one out, or rename it."
            )
    return dict(found.values())


def _named_in(script: Iterable[Any]) -> Iterator[str]:
    """The ids of the clips that the script names, as far as it is well formed."""
    for part in script:
        if isinstance(part, Mapping):
            clips = part.get("clips")
            named = [*clips.values()] if isinstance(clips, Mapping) else clips if isinstance(clips, list) else []
            yield from (str(each).lower() for each in [part.get("clip"), part.get("otherwise"), *named])
