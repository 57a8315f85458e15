"""Fields that the answers of this layer share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers


class CountsField(serializers.DictField):
    """Counts by name, in the order of `names` and without any other; by default all, in that of the alphabet. PostgreSQL keeps the
    names of an object in an order of its own."""

    def __init__(self, help_text: str, *names: str) -> None:
        super().__init__(child=serializers.IntegerField(), help_text=help_text)
        self.names: Sequence[str] = names

    def to_representation(self, counts: dict[str, int]) -> dict[str, Any]:
        return super().to_representation(
            {name: counts[name] for name in self.names or sorted(counts) if name in counts}
        )
