"""What may be played in a call: the recording of a drop that is under way, and nothing once the drop is over.

A call is the vendor's and goes on while our processes restart, so nothing of it is kept here: every step reads the drop anew.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import F, QuerySet

from delivery.carriers.abilities import Playable
from delivery.lifecycle.status import DROP_TERMINAL, TERMINAL
from delivery.models import CallCommand, Drop
from delivery.recordings.links import carrier_link
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.sending_hold.service import is_held
from usecases.callbacks.proofs import CallbackKey
from usecases.suppressions import is_suppressed


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
    return Playable(carrier_link(key, drop_id), drop.voicemail.recording.duration_ms / 1000, drop.carrier_reference)
