"""The carriers that this installation can speak to, by the name that a telephony setup stores."""

from __future__ import annotations

from delivery.carriers.base import Carrier
from delivery.carriers.drop_cowboy import DropCowboy
from delivery.carriers.sandbox import Sandbox

CARRIERS: dict[str, type[Carrier]] = {carrier.name: carrier for carrier in (Sandbox, DropCowboy)}


class UnknownCarrierError(LookupError):
    """No adapter has this name."""


def carrier_class(name: str) -> type[Carrier]:
    """The adapter of that name. Raises UnknownCarrierError."""
    try:
        return CARRIERS[name]
    except KeyError:
        raise UnknownCarrierError(f"There is no carrier {name!r}; there are: {', '.join(sorted(CARRIERS))}.") from None
