"""Whether calls can be told their next step: a setup whose vendor takes commands needs a worker of its own."""

from __future__ import annotations

from delivery.carriers import CARRIERS
from delivery.carriers.abilities import CallCommands
from rvm.platform.health.checks import live_workers
from usecases.models import TelephonySetup


def warning() -> str:
    """Warning for /readyz, or "". Raises RedisError."""
    commanded = [name for name, carrier in CARRIERS.items() if issubclass(carrier, CallCommands)]
    if not TelephonySetup.objects.not_deleted().filter(carrier__in=commanded, enabled=True).exists():
        return ""
    if live_workers("calls"):
        return ""
    return "No worker tells calls their next step, so they leave no message; start `manage.py worker calls`."
