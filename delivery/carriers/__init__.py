"""The carrier adapters by name, as stored in telephony setups."""

from __future__ import annotations

from delivery.carriers.base import Carrier
from delivery.carriers.drop_cowboy import DropCowboy
from delivery.carriers.sandbox import Sandbox
from usecases.models import TelephonySetup

CARRIERS: dict[str, type[Carrier]] = {carrier.name: carrier for carrier in (Sandbox, DropCowboy)}


class UnknownCarrierError(LookupError):
    """No adapter has this name."""


def carrier_class(name: str) -> type[Carrier]:
    """The adapter with this name. Raises UnknownCarrierError."""
    try:
        return CARRIERS[name]
    except KeyError:
        raise UnknownCarrierError(f"There is no carrier {name!r}; there are: {', '.join(sorted(CARRIERS))}.") from None


def adapter_of(setup: TelephonySetup) -> Carrier:
    """The setup's adapter with its credentials. Raises UnknownCarrierError, or ValueError for unusable credentials."""
    return carrier_class(setup.carrier)(setup.credentials)
