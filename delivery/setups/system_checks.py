"""What the installation itself may have wrong about carriers: hosts of simulators that are a vendor's, and packages that do not load.

`manage.py check` and a worker's start say it, a worker does not start with the former, and `/readyz` warns of both.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning

from delivery.carriers import CARRIERS, NOT_USED
from delivery.carriers.base import Carrier
from usecases.models import TelephonySetup

TAG = "carriers"


def check_carriers(**_: object) -> list[CheckMessage]:
    """Django system check of the simulators' hosts and the installed carriers."""
    vendors: list[CheckMessage] = [Error(message, id="rvm.E002") for message in _hosts_of_vendors()]
    return [*vendors, *(Warning(message, id="rvm.W003") for message in NOT_USED)]


def warning() -> str:
    """The same for `/readyz`, and of setups whose carrier is gone; empty if there is nothing. That page is public, so it gives
    numbers without names."""
    return " ".join([*_hosts_of_vendors(), *_packages_not_used(), *_setups_without_carrier()])


def _packages_not_used() -> Iterable[str]:
    if NOT_USED:
        are = "1 installed carrier is" if len(NOT_USED) == 1 else f"{len(NOT_USED)} installed carriers are"
        yield f"{are} not used; `manage.py check` says which, and why."


def _setups_without_carrier() -> Iterable[str]:
    lost = TelephonySetup.objects.not_deleted().filter(enabled=True).exclude(carrier__in=CARRIERS).count()
    if lost:
        have = "1 telephony setup has" if lost == 1 else f"{lost} telephony setups have"
        yield f"{have} a carrier that is not installed; nothing is sent through it. The admin's list of setups says which."


def _hosts_of_vendors() -> Iterable[str]:
    """A sentence for each host of RVM_SANDBOX_HOSTS that is a vendor's: a setup there would count as simulated and reach people."""
    for listed in settings.RVM_SANDBOX_HOSTS:
        host = listed.lower().partition(":")[0].rstrip(".")  # vendors have names; an IPv6 address gives none
        for carrier in CARRIERS.values():
            if any(host == domain or host.endswith(f".{domain}") for domain in _domains(carrier)):
                yield (
                    f"RVM_SANDBOX_HOSTS names a host of {carrier.label}, where setups would count as simulated and yet reach people; "
                    "remove it. The list is for simulators only."
                )


def _domains(carrier: type[Carrier]) -> Iterable[str]:
    """The host of the vendor's published address, and the domain above it, in which vendors have hosts for regions and accounts."""
    host = urlsplit(carrier.vendor_url).hostname or ""
    above = host.partition(".")[2]
    return filter(None, (host, above if "." in above else "", carrier.vendor_domain))
