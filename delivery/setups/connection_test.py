"""Test of a setup's credentials and of the connection to its carrier, without a drop."""

from __future__ import annotations

from delivery.carriers import UnknownCarrierError, adapter_of
from delivery.carriers.abilities import AccountCheck, Check
from delivery.transport.curl import CurlTransport
from delivery.transport.interface import TransportFailure
from rvm.platform.errors import ServiceError
from usecases.models import TelephonySetup

# Short, because a user waits for the response.
SECONDS = 5.0


def check_setup(setup: TelephonySetup) -> Check:
    """Send one test request to the carrier, for at most SECONDS. Raises ServiceError if the carrier offers none."""
    try:
        carrier = adapter_of(setup)
    except (UnknownCarrierError, ValueError) as error:
        return Check(False, str(error))
    if not isinstance(carrier, AccountCheck):
        raise ServiceError(
            "check_not_supported",
            f"{carrier.label} offers nothing that proves an account without a drop; send a voicemail to a phone of yours.",
        )
    transport: CurlTransport[None] = CurlTransport(connect_timeout=SECONDS / 2, total_timeout=SECONDS)
    try:
        transport.submit(carrier.check_request(), None)
        while not (ends := transport.poll(SECONDS)):
            pass
    finally:
        transport.close()
    [(_, end)] = ends
    return Check(False, end.detail) if isinstance(end, TransportFailure) else carrier.read_check(end)
