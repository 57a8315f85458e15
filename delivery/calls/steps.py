"""What may be played in a call: the recording of a drop that is under way, and nothing once the drop is over.

A call is the vendor's and goes on while our processes restart, so nothing of it is kept here: every step reads the drop anew.
"""

from __future__ import annotations

import time
from dataclasses import replace
from uuid import UUID

import structlog
from django.db.models import F, QuerySet

from delivery.carriers.abilities import Playable
from delivery.lifecycle.events import Report, ReportStatus
from delivery.lifecycle.reasons import Reason
from delivery.lifecycle.status import DROP_TERMINAL, TERMINAL
from delivery.models import CallCommand, Drop
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.sending_hold.service import is_held
from usecases.callbacks.addresses import recording_address
from usecases.callbacks.proofs import CallbackKey
from usecases.suppressions import is_suppressed

log = structlog.get_logger(__name__)


def under_way(setup_id: UUID, drop_id: UUID) -> QuerySet[Drop]:
    """The drop if it is one of the setup's; none if it has ended, another one has taken its place or its person was erased: its call
    must not leave a message any more."""
    drop = Drop.objects.filter(pk=drop_id, setup_id=setup_id, voicemail__drop_id=F("pk"))
    known = drop.exclude(status__in=DROP_TERMINAL).filter(voicemail__recipient__isnull=False)
    return known.exclude(voicemail__status__in=TERMINAL)


def hung_up(drop_id: UUID, carrier_reference: str) -> bool:
    """Whether a call of the drop was hung up by a command, or is to be. The report of who answered may not be merged yet."""
    asked = CallCommand.objects.filter(drop_id=drop_id, carrier_reference=carrier_reference)
    return asked.filter(action=CallCommand.Action.HANG_UP).exists()


def wanted(setup_id: UUID, drop_id: UUID) -> Drop | None:
    """The drop whose message may be played now: it is under way, sending is not held, and nobody has suppressed its number since the
    call began. None otherwise."""
    alive = under_way(setup_id, drop_id).select_related("voicemail__use_case", "voicemail__recording")
    drop = None if is_held() else alive.defer("voicemail__recipient", "voicemail__merge_fields").first()
    if drop is None:
        return None
    try:
        number, use_case = drop.voicemail.recipient, drop.voicemail.use_case
    except Undecryptable:
        return None  # then it is not known whether the person has said no
    refused = number is None or is_suppressed(
        drop.workspace_id, number, use_case.purpose, to_confidential=use_case.to_confidential
    )
    return None if refused else drop


def playable(key: CallbackKey, drop_id: UUID) -> Playable | None:
    """The recording of a `wanted` drop of the key's setup; None for any other."""
    drop = wanted(key.setup_id, drop_id)
    if drop is None:
        return None
    return Playable(recording_address(key, drop_id), drop.voicemail.recording.duration_ms / 1000)


# A simulated vendor's minute may be a moment: for how long what it is being given is waited for.
SIMULATED_SECONDS = 2.0
_LOOK_SECONDS = 0.02


def as_proved(report: Report, *, simulated: bool) -> Report:
    """The report; where it tells of a delivery that the vendor cannot have made, nothing is known.

    The link leaves with the answer in which the call is told to play, so whatever was fetched by it was fetched in this call, and no
    cache has it from another drop. A HEAD gives no sound, and without a validator no request gets a 304: what counts is how far from
    its beginning the recording was handed over.
    """
    drop_id = report.attempt_key
    if report.status is not ReportStatus.DELIVERED or drop_id is None:
        return report
    until = time.monotonic() + (SIMULATED_SECONDS if simulated else 0)
    fetches, given, size = _given(drop_id)
    while fetches and given < size and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
        fetches, given, size = _given(drop_id)
    if given >= size:
        return report
    log.warning("played_without_sound", drop_id=str(drop_id), fetches=fetches, given=given, size=size)
    return replace(report, status=ReportStatus.FAILED, reason=Reason.UNREPORTED)


def _given(drop_id: UUID) -> tuple[int, int, int]:
    """How often the vendor began to fetch the drop's recording, how many bytes it was given, and how many there are."""
    columns = ("fetches", "fetched_bytes", "voicemail__recording__size_bytes")
    return Drop.objects.filter(pk=drop_id).values_list(*columns).first() or (0, 0, 1)
