"""The simulated vendors: one module each, called as the carrier that reaches it, with a class `Simulator`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from rvm.simulators.framework.vendor import Vendor


def names() -> list[str]:
    return sorted(module.name for module in iter_modules(__path__))


def simulator_class(name: str) -> type[Vendor]:
    """The simulator of this vendor. Raises ValueError with a sentence for a name that has none."""
    if name not in names():
        raise ValueError(f"There is no simulator {name!r}; there are: {', '.join(names())}.")
    found: type[Vendor] = import_module(f"{__name__}.{name}").Simulator
    return found
