"""Services with which people and programs manage destinations of webhooks, their secrets, and what is sent to them again.

They are switched on and off in `switches`.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from rvm.platform import audit
from rvm.platform.api.keys import DEFAULT_OVERLAP, MAX_OVERLAP
from rvm.platform.api.problem_codes import WEBHOOK_DESTINATION_DISABLED
from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.events.feed import KEPT
from rvm.platform.events.types import TYPES
from rvm.platform.models import User, WebhookDelivery, WebhookDestination, WebhookSecret, Workspace
from rvm.platform.outbound.installation import target_of
from rvm.platform.quotas import CODE as QUOTA_USED_UP
from rvm.platform.webhooks import deliveries

MAX_DESTINATIONS = 20
CHANGEABLE = (
    "name",
    "description",
    "url",
    "accepted_event_types",
    "signature",
    "concurrency",
    "pace_per_second",
)
NO_SUCH_DESTINATION = "This workspace has no such webhook destination."
DISABLED = WEBHOOK_DESTINATION_DISABLED.code
_SECRET_BYTES = 32
_HIDDEN = "(hidden)"
# Destinations of one workspace are counted by one transaction at a time.
_COUNT_ALONE = "SELECT 1 FROM pg_advisory_xact_lock(hashtextextended(%s, 0))"


def destinations(workspace: Workspace, *, live: bool | None) -> QuerySet[WebhookDestination]:
    """The workspace's destinations of one world; None: of both."""
    found = WebhookDestination.objects.filter(workspace=workspace, deleted_at=None)
    return found if live is None else found.filter(live=live)


@transaction.atomic
def create_destination(
    *, workspace: Workspace, name: str, url: str, live: bool, actor: User | None = None, **settings: Any
) -> tuple[WebhookDestination, str]:
    """Insert a destination and return it with its secret, which is shown once. It is told of what is published from now on.

    `settings` are columns of CHANGEABLE. Raises ServiceError.
    """
    destination = WebhookDestination(
        workspace=workspace, live=live, created_by=actor, position=deliveries.first_position()
    )
    _change(destination, {"name": name, "url": url, **settings})
    _require_room(workspace)
    destination.save(force_insert=True)
    destination.refresh_from_db(fields=["created_at", "updated_at"])
    secret = _add_secret(destination)
    audit.record(
        "webhook_destination.created",
        destination,
        actor=actor,
        workspace=workspace,
        name=name,
        live=live,
        accepted_event_types=destination.accepted_event_types,
    )
    return destination, secret


@transaction.atomic
def update_destination(
    *, destination: WebhookDestination, actor: User | None = None, **changes: Any
) -> WebhookDestination:
    """Change a destination. `changes` are columns of CHANGEABLE. Raises ServiceError."""
    row = _lock(destination)
    if changed := _change(row, changes):
        _save(row, *changed)
        told = {
            name: [_HIDDEN, _HIDDEN] if name == "url" else [str(old), str(new)] for name, (old, new) in changed.items()
        }
        audit.record("webhook_destination.updated", row, actor=actor, workspace=row.workspace, changes=told)
    return row


@transaction.atomic
def delete_destination(*, destination: WebhookDestination, actor: User | None = None) -> None:
    """Delete a destination for ever, with its secrets and its address, which may hold one. The row stays for its deliveries.
    Raises ServiceError."""
    row = _lock(destination)
    row.deleted_at, row.url = database_now(), ""
    _save(row, "deleted_at", "url")
    row.secrets.all().delete()
    audit.record("webhook_destination.deleted", row, actor=actor, workspace=row.workspace, name=row.name)


@transaction.atomic
def rotate_secret(
    *, destination: WebhookDestination, overlap: timedelta = DEFAULT_OVERLAP, actor: User | None = None
) -> tuple[WebhookDestination, str]:
    """Give a destination a new secret and return both. What is sent is signed with the old one too for as long as `overlap`; a still
    older one ends at once. Raises ServiceError."""
    if not timedelta(0) <= overlap <= MAX_OVERLAP:
        raise ServiceError(
            "out_of_bounds",
            f"The old secret works on for 0 to {MAX_OVERLAP.days * 24} hours.",
            field="overlap_hours",
        )
    row, until = _lock(destination), database_now() + overlap
    row.secrets.exclude(expires_at=None).delete()
    if overlap:
        row.secrets.update(expires_at=until)
    else:
        row.secrets.all().delete()
    secret = _add_secret(row)
    _save(row)
    told = {"old_works_until": until.isoformat()} if overlap else {}
    audit.record("webhook_destination.secret_rotated", row, actor=actor, workspace=row.workspace, **told)
    return row, secret


@transaction.atomic
def send_ping(*, destination: WebhookDestination, actor: User | None = None) -> None:
    """Have a destination told `webhook.ping`, whatever its types. Raises ServiceError."""
    row = _lock_enabled(destination)
    deliveries.ping(row)
    audit.record("webhook_destination.tested", row, actor=actor, workspace=row.workspace)


@transaction.atomic
def replay_delivery(*, delivery: WebhookDelivery, actor: User | None = None) -> WebhookDelivery:
    """Have the event of a delivery sent again, and return the new delivery; one that is on its way is tried at once. Raises
    ServiceError."""
    row = _lock_enabled(delivery.destination)
    again = deliveries.replay(delivery)
    told = {"event_id": delivery.event_id, "type": delivery.type}
    audit.record("webhook_destination.replayed", row, actor=actor, workspace=row.workspace, **told)
    return again


@transaction.atomic
def replay_since(*, destination: WebhookDestination, since: datetime, actor: User | None = None) -> int:
    """Have all events since a time that a destination takes sent to it again, and return how many. Raises ServiceError."""
    now = database_now()
    if since > now:
        raise ServiceError("too_late", "Nothing has happened since then; name a time that has passed.", field="since")
    if since < now - KEPT:
        raise ServiceError("too_early", f"Events are kept for {KEPT.days} days; name a later time.", field="since")
    count = deliveries.replay_since(destination, since)
    row = _lock_enabled(destination)  # only now: it counts before it locks
    told = {"since": since.isoformat(), "events": count}
    audit.record("webhook_destination.replayed", row, actor=actor, workspace=row.workspace, **told)
    return count


def _change(row: WebhookDestination, values: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Set the values on the row and return the differences as {name: (old, new)}. Raises ServiceError."""
    if unknown := values.keys() - {*CHANGEABLE}:
        raise TypeError(f"a webhook destination has nothing to change called {', '.join(sorted(unknown))}")
    settled = dict(values)
    if "url" in settled:
        settled["url"] = target_of(settled["url"]).url
    if "accepted_event_types" in settled:
        settled["accepted_event_types"] = _known_types(settled["accepted_event_types"])
    changed = {name: (old, new) for name, new in settled.items() if (old := getattr(row, name)) != new}
    for name, (_, new) in changed.items():
        setattr(row, name, new)
    return changed


def _known_types(names: Collection[str]) -> list[str]:
    """Each name once, in order. Raises ServiceError."""
    if unknown := [name for name in names if name not in TYPES]:
        raise ServiceError(
            "event_type_unknown",
            f"There is no event type {unknown[0]!r}; there are: {', '.join(sorted(TYPES))}.",
            field="accepted_event_types",
        )
    return sorted(set(names))


def _require_room(workspace: Workspace) -> None:
    sql.run(_COUNT_ALONE, [f"webhook destinations {workspace.pk}"])
    if destinations(workspace, live=None).count() >= MAX_DESTINATIONS:
        raise ServiceError(
            QUOTA_USED_UP,
            f"This workspace has {MAX_DESTINATIONS} webhook destinations, which is the most. Delete one that is not used.",
        )


def _add_secret(destination: WebhookDestination) -> str:
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    WebhookSecret.objects.create(destination=destination, secret=secret, last4=secret[-4:])
    return secret


def _lock(destination: WebhookDestination) -> WebhookDestination:
    """The destination's current state, locked against other writers. Raises ServiceError if it was deleted."""
    row = WebhookDestination.objects.select_for_update(no_key=True).filter(pk=destination.pk, deleted_at=None).first()
    if row is None:
        raise ServiceError("not_found", NO_SUCH_DESTINATION)
    return row


def _lock_enabled(destination: WebhookDestination) -> WebhookDestination:
    row = _lock(destination)
    if row.disabled_at is not None:
        raise ServiceError(DISABLED, "This destination is disabled and is sent nothing; enable it first.")
    return row


def _save(row: WebhookDestination, *columns: str) -> None:
    row.updated_at = database_now()
    row.save(update_fields=[*columns, "updated_at"])
