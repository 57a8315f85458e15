"""Serializer field for counts by name, used by several responses of this layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers


class CountsField(serializers.DictField):
    """Counts by name: those of `names` in their order, or by default all in alphabetical order.

    The order is set here because PostgreSQL's jsonb does not keep the order of keys."""

    def __init__(self, help_text: str, *names: str, **options: Any) -> None:
        super().__init__(child=serializers.IntegerField(), help_text=help_text, **options)
        self.names: Sequence[str] = names

    def to_representation(self, counts: dict[str, int]) -> dict[str, Any]:
        return super().to_representation(
            {name: counts[name] for name in self.names or sorted(counts) if name in counts}
        )
