"""Telephony setups whose carrier exists and has every credential that it asks for: what the API and the admin call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django_rq import get_connection

from delivery.carriers import UnknownCarrierError, carrier_class
from delivery.carriers.base import Carrier
from delivery.engine import circuit_breaker
from delivery.models import CarrierMedia
from delivery.runtime.wakeups import wake_on_commit
from rvm.platform import audit
from rvm.platform.errors import ServiceError
from rvm.platform.models import User, Workspace
from usecases import services
from usecases.models import TelephonySetup
from usecases.services.saving import lock
from usecases.services.setups import lock_living

MAX_CREDENTIAL_LENGTH = 4096


def open_setup(
    *,
    workspace: Workspace,
    name: str,
    carrier: str,
    credentials: Mapping[str, object],
    actor: User | None = None,
    **settings: Any,
) -> TelephonySetup:
    """`settings` as for `usecases.services.create_setup`. Raises ServiceError, or ValidationError for a value out of bounds."""
    checked = check_credentials(carrier, credentials)
    return services.create_setup(
        workspace=workspace, name=name, carrier=carrier, credentials=checked, actor=actor, **settings
    )


@transaction.atomic
def change_setup(
    *, setup: TelephonySetup, credentials: Mapping[str, object] | None = None, actor: User | None = None, **changes: Any
) -> TelephonySetup:
    """Credentials that are left out stay as they are, so that one can be replaced without knowing the others."""
    if credentials is not None:
        stored = lock(setup)
        changes["credentials"] = check_credentials(stored.carrier, {**stored.credentials, **credentials})
        # They may be another account's, which has none of our recordings.
        CarrierMedia.objects.filter(setup=stored).delete()
    return services.update_setup(setup=setup, actor=actor, **changes)


@transaction.atomic
def close_breaker(*, setup: TelephonySetup, actor: User | None) -> None:
    """A person who has put the carrier or the account right need not wait for the probe. ServiceError where it is not open."""
    row = lock_living(setup)
    if row.breaker_until is None:
        raise ServiceError("breaker_closed", "This setup's breaker is closed already; nothing is held back.")
    circuit_breaker.close(row.pk)
    audit.record("setup.breaker_closed", row, actor=actor, workspace=row.workspace, was_open_for=row.breaker_reason)
    transaction.on_commit(lambda: circuit_breaker.forget(get_connection("dispatch"), row.pk), robust=True)
    wake_on_commit("dispatch")


def credential_names(setup: TelephonySetup) -> list[str]:
    """Which credentials are set; never their values. The carrier is not asked: its adapter may be gone since."""
    return sorted(name for name, value in setup.credentials.items() if value)


def check_credentials(carrier: str, credentials: Mapping[str, object]) -> dict[str, str]:
    """What the carrier asks for, no more and no less. Raises ServiceError, which repeats no value."""
    adapter = _carrier(carrier)
    names = [field.name for field in adapter.credential_fields]
    for name, value in credentials.items():
        if name not in names:
            sentence = f"{adapter.label} has no such credential; it asks for: {', '.join(names)}."
            raise ServiceError("credential_unknown", sentence, field=f"credentials/{name}")
        if not isinstance(value, str) or len(value) > MAX_CREDENTIAL_LENGTH:
            sentence = f"A credential is a text of at most {MAX_CREDENTIAL_LENGTH} characters."
            raise ServiceError("credential_malformed", sentence, field=f"credentials/{name}")
    for field in adapter.credential_fields:
        if field.required and not credentials.get(field.name):
            sentence = f"{adapter.label} needs this credential: {field.label}. {field.help}".strip().rstrip(".") + "."
            raise ServiceError("credential_missing", sentence, field=f"credentials/{field.name}")
    checked = {name: str(credentials[name]) for name in names if credentials.get(name)}
    try:
        adapter(checked)
    except ValueError as error:
        raise ServiceError("credential_malformed", str(error), field="credentials") from None
    return checked


def _carrier(name: str) -> type[Carrier]:
    try:
        return carrier_class(name)
    except UnknownCarrierError as error:
        raise ServiceError("carrier_unknown", str(error), field="carrier") from None
