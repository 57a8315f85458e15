"""The shortest way to a script for 200 first names: clips that are called like the values they are for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from campaigns.scripts.parts import key_of
from delivery.models import Clip
from rvm.platform.models import Workspace


def part_by_names(
    workspace: Workspace,
    field: str,
    *,
    values: Collection[str] | None = None,
    leaving_out: Collection[UUID] = (),
    otherwise: UUID | None = None,
) -> dict[str, Any]:
    """A script's part (as JSON) in which each value of `field` is said by the clip of that name; the newest where several have it.

    `values`: only for these, such as those of a list; else for every clip but those of `leaving_out`, the greeting and the closing.
    """
    wanted = None if values is None else set(map(key_of, values))
    clips = Clip.objects.filter(workspace=workspace).exclude(pk__in=[*leaving_out, *([otherwise] if otherwise else [])])
    named = {key_of(name): str(pk) for pk, name in clips.order_by("pk").values_list("pk", "name")}
    return {
        "field": field,
        "clips": {key: pk for key, pk in named.items() if wanted is None or key in wanted},
        "otherwise": str(otherwise) if otherwise else None,
    }
