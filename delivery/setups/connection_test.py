"""Test of a setup's credentials and account, without a drop, and what it found.

The request runs outside every transaction, because it may take seconds.
"""

from __future__ import annotations

from django.db import transaction

from delivery.carriers import UnknownCarrierError, adapter_of, carrier_gone
from delivery.carriers.abilities import AccountCheck, Check
from delivery.carriers.base import Carrier
from delivery.engine import circuit_breaker
from delivery.setups.services import IF_GONE
from delivery.transport.curl import CurlTransport
from delivery.transport.interface import TransportFailure
from rvm.platform import audit
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import User
from usecases.models import TelephonySetup

# Short, because a user waits for the response.
SECONDS = 5.0
MAX_DETAIL = 500


def check_setup(setup: TelephonySetup) -> Check:
    """Send one test request to the carrier, for at most SECONDS. Raises ServiceError if the carrier offers none."""
    try:
        carrier = adapter_of(setup)
    except UnknownCarrierError:
        return Check(False, f"{carrier_gone(setup)} {IF_GONE}")
    except ValueError as error:
        return Check(False, str(error))
    return check_account(carrier)


def check_account(carrier: Carrier) -> Check:
    """The same for an adapter, whose credentials need not be saved."""
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


@transaction.atomic
def keep_check(setup: TelephonySetup, found: Check, actor: User | None) -> None:
    """Keep what a test of the setup found, unless its credentials were changed since it was read. A refused account opens the
    breaker."""
    now = database_now()
    tested = TelephonySetup.objects.filter(pk=setup.pk, credentials_version=setup.credentials_version)
    kept = {"tested_at": now, "test_ok": found.ok, "test_detail": found.detail[:MAX_DETAIL]}
    if not tested.update(**kept):
        return
    audit.record("setup.tested", setup, actor=actor, workspace=setup.workspace, ok=found.ok)
    if not found.ok and found.reason is not None:
        circuit_breaker.open_for_account(setup.pk, found.reason, now, found.detail)
