"""The carrier adapters by name, as stored in telephony setups: those of this package, and those of installed packages.

A package adds adapters by entry points of the group `rvm.carriers` (docs/contribute/adding-a-carrier.md). A faulty one is left out,
so that it stops no other carrier, and `NOT_USED` says why.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract

import structlog

from delivery.carriers.abilities import rings
from delivery.carriers.base import Carrier, Credential
from delivery.carriers.drop_cowboy import DropCowboy
from delivery.carriers.sandbox import Sandbox
from delivery.carriers.signalwire import SignalWire
from delivery.carriers.slybroadcast import Slybroadcast
from delivery.carriers.telnyx import Telnyx
from delivery.carriers.twilio import Twilio
from delivery.carriers.voicedrop import VoiceDrop
from usecases.models import INSTALLED_CARRIERS, RINGING_CARRIERS, TelephonySetup

log = structlog.get_logger(__name__)

GROUP = "rvm.carriers"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")  # as a setup's column holds it


class UnknownCarrierError(LookupError):
    """No adapter has this name."""


class Unusable(Exception):
    """An entry point that leads to no adapter; the message continues the sentence "The carrier x of the package y is not used:"."""


def with_installed(
    ours: Mapping[str, type[Carrier]], found: Collection[EntryPoint]
) -> tuple[dict[str, type[Carrier]], list[str]]:
    """Our adapters and those of the entry points, and a sentence for the operator about each that is left out.

    Of packages with the same name for a carrier none is used: its setups' credentials would go to whichever came first.
    """
    known = dict(ours)
    not_used: list[str] = []
    times = Counter(point.name for point in found)
    for point in sorted(found, key=lambda each: (each.name, each.value)):
        try:
            if point.name in ours:
                raise Unusable("RVM has a carrier of this name.")
            if times[point.name] > 1:
                raise Unusable("other packages have a carrier of this name too; remove all but one.")
            known[point.name] = _adapter(point)
        except Unusable as error:
            package = point.dist.name if point.dist else point.value
            not_used.append(f"The carrier {point.name} of the package {package} is not used: {error}")
            log.error("carrier_not_used", carrier=point.name, package=package, why=str(error))
    return known, not_used


def _adapter(point: EntryPoint) -> type[Carrier]:
    if not _NAME.fullmatch(point.name):
        raise Unusable("a carrier's name has up to 40 small letters, digits and underscores.")
    try:
        adapter = point.load()
    except (Exception, SystemExit) as error:
        raise Unusable(f"{point.value} cannot be imported ({type(error).__name__}).") from error
    if not (isinstance(adapter, type) and issubclass(adapter, Carrier)):
        raise Unusable(f"{point.value} is no subclass of Carrier.")
    if missing := sorted(adapter.__abstractmethods__) if isabstract(adapter) else []:
        raise Unusable(f"{point.value} lacks {', '.join(missing)}.")
    if getattr(adapter, "name", "") != point.name:
        raise Unusable(f"{point.value} has another name.")
    fields = getattr(adapter, "credential_fields", None)
    if not getattr(adapter, "label", "") or not isinstance(fields, tuple):
        raise Unusable(f"{point.value} has no label, or no tuple of credential_fields.")
    if not all(isinstance(field, Credential) and field.name.isidentifier() for field in fields):
        raise Unusable(
            f"{point.value} has a field in credential_fields that is no Credential, or whose name is no identifier."
        )
    if "base_url" not in {field.name for field in fields}:
        raise Unusable(f"{point.value} has no credential base_url, so no setup of it could be simulated.")
    return adapter


OURS: tuple[type[Carrier], ...] = (
    DropCowboy,
    Sandbox,
    SignalWire,
    Slybroadcast,
    Telnyx,
    Twilio,
    VoiceDrop,
)
CARRIERS, NOT_USED = with_installed({carrier.name: carrier for carrier in OURS}, entry_points(group=GROUP))
INSTALLED_CARRIERS.update(CARRIERS)
RINGING_CARRIERS.update(name for name, carrier in CARRIERS.items() if rings(carrier))


def carrier_class(name: str) -> type[Carrier]:
    """The adapter with this name. Raises UnknownCarrierError."""
    try:
        return CARRIERS[name]
    except KeyError:
        raise UnknownCarrierError(f"There is no carrier {name!r}; there are: {', '.join(sorted(CARRIERS))}.") from None


def carrier_gone(setup: TelephonySetup) -> str:
    """The sentence that tells of a setup whose carrier is not installed any more; empty if it is."""
    if setup.carrier in CARRIERS:
        return ""
    return f"The carrier “{setup.carrier}” of the telephony setup “{setup.name}” is not installed any more."


def adapter_of(setup: TelephonySetup) -> Carrier:
    """The setup's adapter with its credentials. Raises UnknownCarrierError, or ValueError for unusable credentials."""
    return carrier_class(setup.carrier)(setup.credentials)
