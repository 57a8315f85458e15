"""Representations of values without the data of people and without secrets: an error reporter or a log may write any value.

Fields of dataclasses have `field(repr=False)`; a NamedTuple has no such thing and takes the decorator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Row = TypeVar("Row", bound=type[Any])


def hides(*names: str) -> Callable[[Row], Row]:
    """A decorator of NamedTuples: `repr` leaves the named fields out, as it does those of a dataclass with `repr=False`."""

    def hide(row: Row) -> Row:
        shown = [name for name in row._fields if name not in names]

        def represent(self: Any) -> str:
            return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

        row.__repr__ = represent  # type: ignore[assignment]
        return row

    return hide
