"""Services that queue and cancel voicemails. Nothing is sent here: workers find queued rows, and wake-ups make them look now."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models.base import ModelState

from delivery.carriers import CARRIERS, carrier_gone
from delivery.lifecycle import transitions
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import VoicemailStatus
from delivery.lifecycle.transitions import Transition
from delivery.models import Lane, Recording, Voicemail
from delivery.recordings.attestations import require_attested
from delivery.recordings.shelf import require_offered
from delivery.runtime.wakeups import wake_throttled_on_commit
from delivery.services.insertion import insert_voicemails
from delivery.services.references import owners_of
from delivery.services.screening import Recipient, screen, suppressed_error
from rvm.platform import audit
from rvm.platform.database.ids import uuid7s_at
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.errors import ServiceError
from rvm.platform.models import User
from usecases.attestations.requirements import require_statements
from usecases.models import TelephonySetup, UseCase
from usecases.rendezvous import choose_sender
from usecases.selectors import first_setup, require_usable, sender_numbers

__all__ = ["Recipient", "api_lane", "cancel", "queue_voicemails"]

# A later time is more likely a typing error than a plan.
MAX_AHEAD = timedelta(days=366)
REFERENCE_USED = "This reference belongs to an earlier voicemail of the workspace; `voicemail_id` says which."


class _Order(NamedTuple):
    """Values that all voicemails of one call share."""

    use_case: UseCase
    recording: Recording
    lane: Lane
    not_before: datetime
    expires_at: datetime
    now: datetime


def queue_voicemails(
    *,
    use_case: UseCase,
    recording: Recording,
    live: bool,
    recipients: Sequence[Recipient | ServiceError],
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    lane: Lane | None = None,
    now: datetime,
) -> list[Voicemail | ServiceError]:
    """Queue the recording for each recipient and return one voicemail or refusal per recipient, in the same order.

    A recipient that the caller could not read is given as a ServiceError, which is returned in its place. `lane` is that of a
    campaign, or the API lane of the use case, which is the default. Raises ServiceError if nothing can be queued at all.
    """
    require_usable(use_case, live)
    require_statements(use_case, live)
    require_carrier(use_case, live)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)  # the precision of an id
    times = _times(use_case, not_before, expires_at, now)
    sandbox = not live or is_simulated(*setups_of(use_case))
    require_offered(recording)
    require_attested(recording, use_case, live)
    order = _Order(use_case, recording, lane or api_lane(use_case, live), *times, now)
    answers = screen(use_case, recipients, sandbox=sandbox)
    people = [entry for entry in answers if isinstance(entry, Recipient)]
    assigned = sender_numbers(use_case, live=live)
    shared, ids = _shared(order), uuid7s_at(int(now.timestamp() * 1000), len(people))
    rows = [_row(*shared, *person, assigned) for person in zip(ids, people, strict=True)]
    refused, row_of = _write(order, rows, assigned), iter(rows)
    return [
        entry if isinstance(entry, ServiceError) else refused.get((row := next(row_of)).id, row) for entry in answers
    ]


def _write(order: _Order, rows: Sequence[Voicemail], assigned: Collection[str]) -> dict[UUID, ServiceError]:
    """Insert the rows of people who may be reached and whose references are free; return the refusals of the others by id."""
    inserted, suppressed = insert_voicemails(rows, assigned)
    if inserted:
        wake_throttled_on_commit("dispatch")
    refused = {row_id: suppressed_error() for row_id in suppressed}
    if inserted + len(refused) == len(rows):
        return refused
    referred = [row for row in rows if row.reference and row.id not in refused]
    owners = owners_of({row.reference for row in referred}, order.use_case.workspace_id, live=order.lane.live)
    taken = [row for row in referred if owners[row.reference] != row.id]
    return refused | {row.id: _reference_used(owners[row.reference]) for row in taken}


@cache
def _blank() -> dict[str, Any]:
    """The columns of a voicemail of which nothing is said."""
    return {name: value for name, value in vars(Voicemail()).items() if name != "_state"}


def _shared(order: _Order) -> tuple[dict[str, Any], dict[str, Any]]:
    """What all rows of one call have in common: columns, and the rows that they name."""
    named = {
        "use_case": order.use_case,
        "setup": order.use_case.setup,
        "lane": order.lane,
        "recording": order.recording,
    }
    columns = dict(
        _blank(),
        **{f"{name}_id": row.pk for name, row in named.items()},
        workspace_id=order.use_case.workspace_id,
        live=order.lane.live,
        index_key=blind_index().current,
        status=VoicemailStatus.QUEUED,
        not_before=order.not_before,
        expires_at=order.expires_at,
        created_at=order.now,
        updated_at=order.now,
    )
    return columns, named


def _row(
    columns: Mapping[str, Any],
    named: Mapping[str, Any],
    identifier: UUID,
    recipient: Recipient,
    assigned: Collection[str],
) -> Voicemail:
    """A row with what is the recipient's own: to initialize a thousand rows one by one takes longer than all else of their batch.

    Its sender is that of a person who has seen none, "" if none is assigned."""
    row, state = Voicemail.__new__(Voicemail), ModelState()
    state.fields_cache = {**named}
    index = blind_index().of(columns["workspace_id"], recipient.number)
    row.__dict__ = {
        **columns,
        "_state": state,
        "id": identifier,
        "recipient": recipient.number,
        "recipient_index": index,
        "last4": recipient.number[-4:],
        "sender": choose_sender(index, assigned) or "",
        "reference": recipient.reference,
        "record_number": recipient.record_number.strip() or None,
        "metadata": recipient.metadata,
    }
    return row


def _times(
    use_case: UseCase, not_before: datetime | None, expires_at: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    begins = max(not_before or now, now)
    if begins > now + MAX_AHEAD:
        raise ServiceError("too_late", f"`not_before` is more than {MAX_AHEAD.days} days ahead.", field="not_before")
    ends = expires_at or begins + timedelta(hours=use_case.expires_after_hours)
    if ends <= begins:
        later = "`not_before`" if begins > now else "now"
        raise ServiceError(
            "too_early", f"`expires_at` is not later than {later}; it would never be sent.", field="expires_at"
        )
    if expires_at and ends > begins + MAX_AHEAD:
        raise ServiceError("too_late", f"`expires_at` is more than {MAX_AHEAD.days} days ahead.", field="expires_at")
    return begins, ends


def setups_of(use_case: UseCase) -> list[TelephonySetup]:
    """Setups that may send the live voicemails of the use case."""
    return [use_case.setup, *filter(None, [use_case.failover_setup])]


def is_simulated(*setups: TelephonySetup) -> bool:
    """Whether none of the setups can reach a person."""
    return all(setup.simulated for setup in setups)


def require_carrier(use_case: UseCase, live: bool) -> None:
    """Check that the carrier of the setup of the first attempt is installed. Raises ServiceError. What is queued already waits while
    it is not, and so do tests."""
    if live and (setup := first_setup(use_case, live)).carrier not in CARRIERS:
        raise ServiceError(
            "carrier_unknown",
            f"{carrier_gone(setup)} Give the use case another setup.",
            field="use_case_id",
            setup_id=setup.pk,
        )


def api_lane(use_case: UseCase, live: bool) -> Lane:
    """The lane of the API's voicemails under a use case, created on first use."""
    lane, _ = Lane.objects.get_or_create(
        use_case=use_case, live=live, for_api=True, defaults={"workspace_id": use_case.workspace_id}
    )
    return lane


def _reference_used(first: UUID) -> ServiceError:
    return ServiceError(
        "reference_used",
        REFERENCE_USED,
        field="reference",
        voicemail_id=first,
    )


@transaction.atomic
def cancel(voicemail: Voicemail, *, actor: User | None, now: datetime) -> Voicemail:
    """Cancel a queued voicemail. Raises ServiceError if it is not queued, because a drop at the carrier cannot be recalled."""
    row = Voicemail.objects.select_for_update(no_key=True).get(pk=voicemail.pk)
    if row.status != VoicemailStatus.QUEUED:
        raise ServiceError(
            "not_cancelable",
            f"Only a queued voicemail can be canceled; this one is {row.status}.",
            voicemail_status=row.status,
        )
    queued, canceled = VoicemailStatus.QUEUED, VoicemailStatus.CANCELED
    transitions.apply([Transition(row.pk, queued, canceled, from_reason=row.reason, reason=Reason.CANCELED)], now)
    audit.record("voicemail.canceled", row, actor=actor, workspace=row.workspace)
    row.refresh_from_db()
    return row
