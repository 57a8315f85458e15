"""Services that create and change telephony setups; they check that the carrier exists and its credentials are complete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q

from delivery import carriers
from delivery.carriers import UnknownCarrierError, carrier_class
from delivery.carriers.base import Carrier, Credential, CredentialMalformed
from delivery.engine import circuit_breaker
from delivery.models import CarrierMedia
from delivery.runtime.wakeups import wake_on_commit
from rvm.platform import audit
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import User, Workspace
from rvm.platform.redis_connection import redis_client
from rvm.platform.times.zones import workspace_zone
from usecases.consents.bases import Basis
from usecases.models import TelephonySetup, UseCase
from usecases.services.persistence import audit_changes, change, save
from usecases.services.setups import lock_setup
from usecases.services.suppressions import in_one_line

MAX_CREDENTIAL_LENGTH = 4096
AGREEMENT = ("baa_signed_on", "baa_exception_reason")
SETTINGS = (
    "pace_per_second",
    "in_flight_cap",
    "report_horizon_hours",
    "confirm_horizon_hours",
    "enabled",
    "draining",
    "free_to_recipient",
    *AGREEMENT,
)
IF_GONE = "Your operator installs it again, or its use cases get another setup."
_TESTED = ("tested_at", "test_ok", "test_detail")
_NAME = "usecases_setup_name_among_living"


@transaction.atomic
def create_setup(
    *,
    workspace: Workspace,
    name: str,
    carrier: str,
    credentials: Mapping[str, object],
    actor: User | None = None,
    **settings: Any,
) -> TelephonySetup:
    """Create a setup. `settings` are columns of SETTINGS. Raises ServiceError, or ValidationError for a value out of bounds."""
    adapter = check_credentials(carrier, credentials)
    setup = TelephonySetup(
        workspace=workspace,
        name=name,
        carrier=carrier,
        credentials=dict(adapter.credentials),
        simulated=adapter.simulated,
    )
    change(setup, _settled(settings), SETTINGS)
    _check_agreement(setup)
    save(setup, _NAME, _name_taken())
    stated = {field: str(value) for field in AGREEMENT if (value := getattr(setup, field))}
    audit.record("setup.created", setup, actor=actor, workspace=workspace, carrier=carrier, name=name, **stated)
    return setup


@transaction.atomic
def update_setup(
    *, setup: TelephonySetup, credentials: Mapping[str, object] | None = None, actor: User | None = None, **changes: Any
) -> TelephonySetup:
    """Change the name, credentials or columns of SETTINGS. Raises ServiceError, or ValidationError for a value out of bounds.

    The carrier cannot change, because earlier drops refer to the setup. Omitted credentials keep their values, so that one can be
    replaced without the others. Values of credentials are not audited.
    """
    row = lock_setup(setup)
    if credentials is not None:
        changes["credentials"] = dict(candidate(row, credentials).credentials)
        # The new credentials may belong to another account, which has none of the uploaded recordings.
        CarrierMedia.objects.filter(setup=row).delete()
    was_agreed = row.agreed
    changed = change(row, _settled(changes), ("name", "credentials", *SETTINGS))
    if "free_to_recipient" in changed and not row.free_to_recipient:
        _check_exempted(row)
    if changed:
        _check_agreement(row)
        if "credentials" in changed:
            row.tested_at, row.test_ok, row.test_detail = None, None, ""
        save(row, _NAME, _name_taken(), only=[*changed, *_TESTED, "updated_at"])
        if "credentials" in changed:
            row.refresh_from_db(fields=["credentials_version"])  # incremented by the database
            changed["credentials"] = ("…", "…")
        audit.record("setup.updated", row, actor=actor, workspace=row.workspace, changes=audit_changes(changed))
        if (row.agreed and not was_agreed) or "draining" in changed:
            wake_on_commit("dispatch")
    return row


@transaction.atomic
def close_breaker(*, setup: TelephonySetup, actor: User | None) -> None:
    """Close the breaker of a repaired setup without waiting for the probe. Raises ServiceError if it is already closed."""
    row = lock_setup(setup)
    if row.breaker_until is None:
        raise ServiceError("breaker_closed", "This setup's breaker is closed already; nothing is held back.")
    circuit_breaker.close(row.pk)
    audit.record("setup.breaker_closed", row, actor=actor, workspace=row.workspace, was_open_for=row.breaker_reason)
    transaction.on_commit(lambda: circuit_breaker.reset_counts(redis_client(), row.pk), robust=True)
    wake_on_commit("dispatch")


def candidate(setup: TelephonySetup, credentials: Mapping[str, object]) -> Carrier:
    """The adapter that the setup would have with these credentials in place of its own. Raises ServiceError."""
    if gone := carriers.carrier_gone(setup):
        raise ServiceError("carrier_unknown", f"{gone} {IF_GONE}", field="carrier")
    adapter = check_credentials(setup.carrier, {**setup.credentials, **credentials})
    _check_world(setup, adapter)
    return adapter


def _check_world(setup: TelephonySetup, adapter: Carrier) -> None:
    """Raise ServiceError if the setup would begin or cease to reach people: its use cases, numbers and history are of one world."""
    if adapter.simulated != setup.simulated:
        simulated = "simulated and reaches nobody" if setup.simulated else "live and reaches people"
        raise ServiceError(
            "world_fixed",
            f"This setup is {simulated}, and stays so: its address cannot be changed to the other kind. Make a new setup for that.",
            field="credentials/base_url",
        )


def _check_exempted(setup: TelephonySetup) -> None:
    through = Q(setup=setup) | Q(failover_setup=setup)
    using = UseCase.objects.not_deleted().filter(through, basis=Basis.HEALTHCARE_EXEMPTION).order_by("name").first()
    if using is not None:
        raise ServiceError(
            "exemption_not_free",
            f"The use case “{using.name}” rests on the healthcare exemption, which covers only messages that cost the person "
            "nothing; rest it on consent or give it another setup first.",
            field="free_to_recipient",
            use_case_id=using.pk,
        )


def _settled(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with the reason of an exception in one line, and without the exception where the agreement is signed now."""
    settled = dict(settings)
    if settled.get("baa_exception_reason"):
        settled["baa_exception_reason"] = in_one_line(settled["baa_exception_reason"])
    if settled.get("baa_signed_on"):
        settled.setdefault("baa_exception_reason", "")
    return settled


def _check_agreement(setup: TelephonySetup) -> None:
    if setup.baa_signed_on is None:
        return
    if setup.baa_signed_on > database_now().astimezone(workspace_zone(setup.workspace)).date():
        raise ServiceError(
            "date_ahead",
            "The agreement is dated in the future; state the day on which it was signed, once it is.",
            field="baa_signed_on",
        )
    if setup.baa_exception_reason:
        raise ServiceError(
            "exception_not_needed",
            "A setup with a signed agreement needs no exception; leave one of the two empty.",
            field="baa_exception_reason",
        )


def credential_names(setup: TelephonySetup) -> list[str]:
    """Names of the credentials that are set. Independent of the adapter, which may no longer be installed."""
    return sorted(name for name, value in setup.credentials.items() if value)


def check_credentials(carrier: str, credentials: Mapping[str, object]) -> Carrier:
    """The carrier's adapter with these credentials. Raises ServiceError for a missing, unknown or malformed one."""
    adapter = _carrier(carrier)
    names = [field.name for field in adapter.credential_fields]
    for name, value in credentials.items():
        if name not in names:
            message = f"{adapter.label} has no such credential; it asks for: {', '.join(names)}."
            raise ServiceError("credential_unknown", message, field=f"credentials/{name}")
        if not isinstance(value, str) or len(value) > MAX_CREDENTIAL_LENGTH:
            message = f"A credential is a text of at most {MAX_CREDENTIAL_LENGTH} characters."
            raise ServiceError("credential_malformed", message, field=f"credentials/{name}")
    for field in adapter.credential_fields:
        if field.required and not credentials.get(field.name):
            message = f"{adapter.label} needs this credential: {field.label}. {help_of(adapter, field)}".strip().rstrip(
                "."
            )
            message += "."
            raise ServiceError("credential_missing", message, field=f"credentials/{field.name}")
    checked = {name: str(credentials[name]) for name in names if credentials.get(name)}
    try:
        return adapter(checked)
    except CredentialMalformed as error:
        raise ServiceError("credential_malformed", str(error), field=f"credentials/{error.name}") from None


def help_of(carrier: type[Carrier], field: Credential) -> str:
    """The field's help, which of our own carriers leads to its place in docs/carriers.md."""
    if not carrier.__module__.startswith(f"{carriers.__name__}."):
        return field.help
    return f"{field.help.rstrip('.')}. More: docs/carriers.md#{carrier.name}-{field.name}"


def _carrier(name: str) -> type[Carrier]:
    try:
        return carrier_class(name)
    except UnknownCarrierError as error:
        raise ServiceError("carrier_unknown", str(error), field="carrier") from None


def _name_taken() -> ServiceError:
    return ServiceError(
        "name_exists", "Another setup of this workspace has this name; choose a different one.", field="name"
    )
