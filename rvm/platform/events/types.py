"""The types of events, each with its description and the fields of its data: plain data, to which each layer adds its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rest_framework.serializers import Serializer


@dataclass(frozen=True, slots=True)
class EventType:
    """`name` is the noun of what it is about, a dot, and what became of it. `data` describes its fields in the
    reference."""

    name: str
    description: str
    data: type[Serializer[Any]]


TYPES: dict[str, EventType] = {}


def add(types: Iterable[EventType]) -> None:
    TYPES.update((each.name, each) for each in types)
