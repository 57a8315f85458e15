"""A script as data: the parts of a voicemail in playing order, and the clips that a recipient's merge fields choose.

    [{"clip": id}, {"field": "first_name", "clips": {"ana": id, "zoë": id}, "otherwise": id or null}, {"clip": id}]

Values are compared ignoring case, surrounding spaces and the Unicode encoding of accents. Pure; `choose` runs once per row of a
list.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from rvm.platform.errors import ServiceError
from rvm.spreadsheets.columns.kinds import MERGE_FIELD
from rvm.spreadsheets.trimming import trimmed

MAX_PARTS = 10
MAX_FIELD_PARTS = 2
Combination = tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Fixed:
    """A clip that every recipient hears."""

    clip: UUID

    def choices(self) -> Iterator[UUID]:
        yield self.clip


@dataclass(frozen=True, slots=True)
class Chosen:
    """A clip chosen by the value of `field`, else `otherwise`; if that is None, the recipient is not reached."""

    field: str
    clips: Mapping[str, UUID] = dataclasses.field(repr=False)
    otherwise: UUID | None

    def choices(self) -> Iterator[UUID]:
        """Every clip that the part can choose, each once."""
        yield from dict.fromkeys([*self.clips.values(), *([self.otherwise] if self.otherwise else [])])


Part = Fixed | Chosen
Script = tuple[Part, ...]


def key_of(value: object) -> str:
    """The normalized form in which values are compared; None is the empty string."""
    return _key(value if isinstance(value, str) else "" if value is None else str(value))


@lru_cache(maxsize=4096)  # lists repeat a few values
def _key(value: str) -> str:
    text = unicodedata.normalize("NFC", trimmed(value))
    return unicodedata.normalize("NFC", text.casefold())


def choose(script: Script, merge_fields: Mapping[str, object] | None) -> Combination:
    """The clips for a recipient with these merge fields, in playing order.

    Raises ServiceError("clip_missing"), which names the field without a clip, never the recipient's value.
    """
    return tuple([part.clip if isinstance(part, Fixed) else _chosen(part, merge_fields or {}) for part in script])


def _chosen(part: Chosen, merge_fields: Mapping[str, object]) -> UUID:
    clip = part.clips.get(key_of(merge_fields.get(part.field)), part.otherwise)
    if clip is None:
        raise ServiceError(
            "clip_missing",
            f"The campaign's script has no clip for this person's {part.field} and none for everybody else. "
            "Add a clip for the value, or one that is heard otherwise.",
            field=part.field,
        )
    return clip


def read_script(raw: Any) -> Script:
    """Parse the JSON of a script, from Campaign.script or a request. Raises ServiceError("script_malformed"), which names the
    part."""
    if not isinstance(raw, list) or not 1 <= len(raw) <= MAX_PARTS:
        count = f"; this one has {len(raw)}" if isinstance(raw, list) else ""
        raise malformed(f"A script is a list of 1 to {MAX_PARTS} parts{count}.")
    script = tuple(_part(number, part) for number, part in enumerate(raw, 1))
    fields = sum(isinstance(part, Chosen) for part in script)
    if fields > MAX_FIELD_PARTS:
        raise malformed(f"At most {MAX_FIELD_PARTS} parts are chosen by a field; this script has {fields}.")
    return script


def _part(number: int, raw: Any) -> Part:
    if not isinstance(raw, dict) or set(raw) not in ({"clip"}, {"field", "clips"}, {"field", "clips", "otherwise"}):
        raise malformed(
            f'Part {number} must be {{"clip": id}} or {{"field": name, "clips": {{value: id}}, "otherwise": id}}; "clips" may be '
            'a list of ids or "by_name" too, for clips that are called what the field says.'
        )
    if "clip" in raw:
        return Fixed(clip_id(number, raw["clip"]))
    if not isinstance(raw["field"], str) or not MERGE_FIELD.fullmatch(raw["field"]):
        raise malformed(
            f"Part {number} must name a field as lists do: a letter, then letters, digits and underscores, all lower-case."
        )
    if not isinstance(raw["clips"], dict) or not raw["clips"]:
        raise malformed(f"Part {number} must say a clip for at least one value of {raw['field']}.")
    clips: dict[str, UUID] = {}
    for value, clip in raw["clips"].items():
        key, chosen = key_of(value), clip_id(number, clip)
        if clips.setdefault(key, chosen) != chosen:
            raise malformed(
                f"Part {number} says two clips for one value of {raw['field']} (case and spaces do not count)."
            )
    otherwise = raw.get("otherwise")
    return Chosen(raw["field"], clips, None if otherwise is None else clip_id(number, otherwise))


def clip_id(number: int, raw: Any) -> UUID:
    """The id of a clip in a part. Raises ServiceError."""
    try:
        return UUID(raw)
    except (AttributeError, TypeError, ValueError):
        raise malformed(f"Part {number} names a clip by something that is no id.") from None


def malformed(message: str) -> ServiceError:
    return ServiceError("script_malformed", message, field="script")
