"""Variants of the sandbox's adapter without one of its abilities, for what the engine does where a vendor lacks it."""

from __future__ import annotations

from collections.abc import Mapping

from delivery.carriers.base import Carrier
from delivery.carriers.sandbox import Sandbox


def lacking(*abilities: type) -> type[Carrier]:
    """The sandbox's adapter without these abilities, under the same name; to be put into CARRIERS."""

    def __init__(self: Carrier, credentials: Mapping[str, str]) -> None:  # noqa: N807 - becomes the method
        vars(self).update(vars(Sandbox(credentials)))

    copied = {name: value for name, value in vars(Sandbox).items() if not name.startswith(("__", "_abc"))}
    bases = tuple(base for base in Sandbox.__bases__ if base not in abilities)
    return type("Sandbox", bases, {**copied, "__init__": __init__})
