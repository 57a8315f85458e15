"""The carrier adapters by name, as stored in telephony setups: those of this package, and those of installed packages.

A package adds adapters by entry points of the group `rvm.carriers` (docs/contribute/adding-a-carrier.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

import structlog

from delivery.carriers.base import Carrier
from delivery.carriers.drop_cowboy import DropCowboy
from delivery.carriers.sandbox import Sandbox
from usecases.models import TelephonySetup

log = structlog.get_logger(__name__)

GROUP = "rvm.carriers"


class UnknownCarrierError(LookupError):
    """No adapter has this name."""


def with_installed(ours: dict[str, type[Carrier]], found: Iterable[EntryPoint]) -> dict[str, type[Carrier]]:
    """Our adapters and those of the entry points. One that cannot be imported, is no adapter, or has a name that is taken is left out
    and logged, so that a faulty package stops no other carrier."""
    known = dict(ours)
    for point in sorted(found, key=lambda each: each.value):
        try:
            adapter = point.load()
        except Exception as error:
            log.error("carrier_not_loaded", entry_point=point.value, error=type(error).__name__)
            continue
        if not (isinstance(adapter, type) and issubclass(adapter, Carrier)) or adapter.name != point.name:
            log.error("carrier_not_loaded", entry_point=point.value, error="no adapter with the entry point's name")
        elif known.setdefault(point.name, adapter) is not adapter:
            log.error("carrier_not_loaded", entry_point=point.value, error="another adapter has this name")
    return known


CARRIERS = with_installed({carrier.name: carrier for carrier in (Sandbox, DropCowboy)}, entry_points(group=GROUP))


def carrier_class(name: str) -> type[Carrier]:
    """The adapter with this name. Raises UnknownCarrierError."""
    try:
        return CARRIERS[name]
    except KeyError:
        raise UnknownCarrierError(f"There is no carrier {name!r}; there are: {', '.join(sorted(CARRIERS))}.") from None


def adapter_of(setup: TelephonySetup) -> Carrier:
    """The setup's adapter with its credentials. Raises UnknownCarrierError, or ValueError for unusable credentials."""
    return carrier_class(setup.carrier)(setup.credentials)
