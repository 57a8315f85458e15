"""Suggests a part of a script whose clips are matched to values by name, such as clips of 200 first names."""

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
    """A part of a script, as JSON, that maps each value of `field` to the clip of that name; of several, to the newest.

    `values` limits the part to these, such as those of a list; `leaving_out` are clips with another role, such as the greeting.
    """
    wanted = None if values is None else set(map(key_of, values))
    clips = Clip.objects.filter(workspace=workspace).exclude(pk__in=[*leaving_out, *([otherwise] if otherwise else [])])
    named = {key_of(name): str(pk) for pk, name in clips.order_by("pk").values_list("pk", "name")}
    return {
        "field": field,
        "clips": {key: pk for key, pk in named.items() if wanted is None or key in wanted},
        "otherwise": str(otherwise) if otherwise else None,
    }
