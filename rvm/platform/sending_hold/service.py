"""Setting and releasing the hold, and noticing that the database is another one; each is in the audit, with both identities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import transaction

from rvm.platform import audit
from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import DatabaseIdentity, User
from rvm.platform.sending_hold.identity import HELD_SQL, Identity

log = structlog.get_logger(__name__)

WHAT_TO_DO = "Nothing is sent until the operator releases it (docs/operate/failover.md)."
UNSEEN = "PostgreSQL does not tell its {}, so sending goes on by itself after {}. Hold it by hand before (docs/operate/failover.md)."
ENDING = "It is released: what was due when the hold was set is being ended unsent, and sending goes on after that."
# Sentences about what may have been forgotten, for the person who releases; the argument is the time of the hold. Layers above add
# their own.
CHECKLIST: list[Callable[[datetime], str]] = []


@dataclass(frozen=True, slots=True)
class Look:
    """The kept identity (None before the first tick), the one that is seen, and the hold, if it is set already."""

    kept: Identity | None
    seen: Identity
    held_at: datetime | None
    because: str

    @property
    def why_held(self) -> str:
        """Why nothing is sent, also before the tick has noticed; "" if sending is not held."""
        if self.held_at:
            return self.because
        return self.kept.change_to(self.seen) if self.kept else ""

    def checklist(self) -> list[str]:
        """What to look at before the release."""
        return [found for check in CHECKLIST if (found := check(self.held_at or database_now()))]


def look() -> Look:
    [row] = sql.run(
        "SELECT k.system, k.timeline, k.database, k.held_at, k.held_because, s.system, s.timeline, s.database, k.id IS NULL"
        "  FROM rvm_database_identity() s LEFT JOIN platform_databaseidentity k ON true",
        [],
    )
    kept = None if row[8] else Identity(*row[:3])
    return Look(kept, Identity(*row[5:8]), row[3], row[4] or "")


def is_held() -> bool:
    [(held,)] = sql.run(f"SELECT {HELD_SQL}", [])
    return bool(held)


def notice(now: datetime) -> None:
    """Keep the identity at the first start, and set the hold when the database is another one. A step of the tick."""
    found = look()
    if found.kept is None:
        DatabaseIdentity.objects.bulk_create([_row(found.seen, now)], ignore_conflicts=True)
        log.info("database_identity_kept", identity=str(found.seen))
    elif found.held_at is None and found.why_held:
        hold(None, found.why_held)
    elif found.held_at is None and found.kept.completed_by(found.seen) != found.kept:
        DatabaseIdentity.objects.update(**found.kept.completed_by(found.seen)._asdict())


def hold(actor: User | None, because: str) -> bool:
    """Set the hold for every claim and resubmission that begins from now on; False if it is set already. `actor` None: the platform,
    or an operator at the server."""
    with transaction.atomic():
        now = database_now()
        DatabaseIdentity.objects.bulk_create([_row(look().seen, now)], ignore_conflicts=True)
        row = DatabaseIdentity.objects.select_for_update().get()
        if row.held_at is not None:
            return False
        seen = look().seen
        row.held_at, row.held_because = now, because[: DatabaseIdentity.MAX_REASON]
        row.save(update_fields=["held_at", "held_because"])
        audit.record(
            "sending.held",
            row,
            actor=actor,
            workspace=None,
            because=row.held_because,
            kept=str(_identity(row)),
            seen=str(seen),
        )
    log.error("sending_held", because=row.held_because, kept=str(_identity(row)), seen=str(seen))
    return True


def release(actor: User | None, identity: str, reason: str, *, end_waiting: bool = False) -> None:
    """Let sending go from this database, whose identity is kept from now on. `identity`: the one that the person has looked at.

    `end_waiting`: what was due when the hold was set ends unsent, as it may have been sent before; sending goes on after that.
    Raises ServiceError if sending is not held, if the reason is empty, or if the database is another one by now.
    """
    if not reason.strip():
        raise ServiceError("required", "Say why it is right to send again; the audit keeps it.", field="reason")
    with transaction.atomic():
        row = DatabaseIdentity.objects.select_for_update().first()
        found = look()
        if row is None or not found.why_held:
            raise ServiceError("conflict", "Sending is not held.")
        if identity != str(found.seen):
            raise ServiceError(
                "conflict", f"The database is {found.seen} by now, not {identity}. Look at it again.", field="identity"
            )
        kept = _identity(row)
        for part, value in found.seen._asdict().items():
            setattr(row, part, value)
        row.kept_at = database_now()
        if end_waiting:
            row.ending_until, row.held_because = row.held_at or row.kept_at, ENDING
            row.held_at = row.ending_until
        else:
            row.held_at, row.held_because, row.ending_until = None, "", None
        row.save()
        audit.record(
            "sending.released",
            row,
            actor=actor,
            workspace=None,
            reason=reason.strip()[: DatabaseIdentity.MAX_REASON],
            because=found.why_held,
            kept=str(kept),
            seen=str(found.seen),
            ended_waiting=end_waiting,
        )
    log.warning("sending_released", kept=str(kept), seen=str(found.seen))


def ends_what_was_due_until() -> datetime | None:
    """The time until which voicemails were due that end unsent before sending goes on; None if there is nothing to end."""
    return DatabaseIdentity.objects.values_list("ending_until", flat=True).first()


def finish_release() -> None:
    """Sending goes on: all that was to end has ended."""
    DatabaseIdentity.objects.filter(ending_until__isnull=False).update(held_at=None, held_because="", ending_until=None)


def unseen_parts() -> str:
    """A message that a failover or a copy would not be noticed, or ""."""
    seen = look().seen
    if seen.timeline is None:
        return UNSEEN.format("timeline", "a standby takes over")
    return UNSEEN.format("system identifier", "a copy is started elsewhere") if seen.system is None else ""


def _row(identity: Identity, now: datetime) -> DatabaseIdentity:
    return DatabaseIdentity(**identity._asdict(), kept_at=now)


def _identity(row: DatabaseIdentity) -> Identity:
    return Identity(row.system, row.timeline, row.database)
