"""Who listens at a callback's address: the setup and its adapter, remembered for a moment.

A flood of callbacks so reads and decrypts them twice a second instead of once each.
"""

from __future__ import annotations

import time
from uuid import UUID

from delivery.carriers.base import Carrier
from delivery.routes import UnusableSetup, adapter_of
from usecases.models import TelephonySetup

# A changed credential binds in every process this soon after its commit.
MEMORY_SECONDS = 0.5

# By callback token: good until then (monotonic). Unknown tokens are not kept, so nobody can fill it.
_known: dict[str, tuple[float, UUID, Carrier]] = {}


def receiver_of(token: str) -> tuple[UUID, Carrier] | None:
    """The setup's id and its carrier, also of a disabled or deleted setup; None for an unknown token. Raises UnusableSetup."""
    now = time.monotonic()
    known = _known.get(token)
    if known and now < known[0]:
        return known[1:]
    setups = TelephonySetup.objects.filter(callback_token=token)
    try:
        setup = setups.first()
        if setup is None:
            return None
        adapter = adapter_of(setup)
    except (LookupError, ValueError) as error:
        raise UnusableSetup(setups.values_list("pk", flat=True).get(), type(error).__name__) from error
    _known[token] = (now + MEMORY_SECONDS, setup.id, adapter)
    return setup.id, adapter
