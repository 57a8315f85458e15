"""The simulated vendors: one module each, called as the carrier that reaches it, with a class `Simulator`.

An installed package adds those of its carriers by entry points of the group `rvm.simulators`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules

from rvm.simulators.framework.vendor import Vendor

GROUP = "rvm.simulators"
_OURS = frozenset(module.name for module in iter_modules(__path__))


def names() -> list[str]:
    return sorted(_OURS | entry_points(group=GROUP).names)


def simulator_class(name: str) -> type[Vendor]:
    """The simulator of this vendor. Raises ValueError with a sentence for a name that has none."""
    if name in _OURS:
        found: type[Vendor] = import_module(f"{__name__}.{name}").Simulator
        return found
    for point in entry_points(group=GROUP, name=name):
        installed: type[Vendor] = point.load()
        return installed
    raise ValueError(f"There is no simulator {name!r}; there are: {', '.join(names())}.")
