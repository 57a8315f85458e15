"""People whom a campaign did not reach, added in batches to a draft that is its copy.

Each batch is one transaction under the draft's lock, which commits the position too. A process killed between batches leaves nothing
half done, and nobody is added twice. Who must not be reached is found out at the launch, as of every list.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from campaigns.models import Campaign
from campaigns.states import EDITABLE
from delivery.lifecycle.reasons import GUESSES
from delivery.models import Lane
from delivery.services.lanes import id_before_first, withdraw
from delivery.services.succession import copy_unreached, is_copyable, reached_since
from rvm.platform import audit
from rvm.platform.errors import ServiceError

# Voicemails per batch. A batch takes about half a second, because each of their indexes is written.
BATCH = 5000


def check(reasons: Collection[str], accept_duplicate_risk: bool) -> None:
    """Raise ServiceError unless those who were not reached for these reasons may be copied."""
    for reason in reasons:
        if not is_copyable(reason):
            raise ServiceError(
                "not_retryable",
                f"Who was not reached for “{reason}” must not be reached, or was taken out on purpose.",
                field="reasons",
            )
        if reason in GUESSES and not accept_duplicate_risk:
            raise ServiceError(
                "duplicate_risk",
                f"“{reason}” may have reached the person already. To add them all the same, accept the risk: "
                '{"accept_duplicate_risk": true}.',
                field="reasons",
            )


def add_batch(row: Campaign, now: datetime) -> None:
    """Add the next batch to the draft. The caller holds its lock. It ends early if the draft was launched or canceled."""
    source = row.copied_from
    if source is None or row.copying_since is None or row.state not in EDITABLE:
        row.copying_since = None
        row.save()
        return
    lane = Lane.objects.select_related("use_case").get(pk=source.pk)
    copied = copy_unreached(
        lane,
        row.lane,
        row.copied_reasons,
        accept_duplicate_risk=row.copied_with_risk,
        recording_id=row.recording_id,
        since=row.copying_since,
        after=row.copied_up_to or id_before_first(lane),
        limit=BATCH,
        now=now,
    )
    row.copied_up_to = copied.last
    if copied.last is None:
        row.copying_since = None
        audit.record(
            "campaign.people_copied",
            row,
            actor=row.created_by,
            workspace=row.workspace,
            source=str(source.pk),
            reasons=row.copied_reasons,
        )
    row.save()


def leave_out_reached(row: Campaign, now: datetime) -> int:
    """Take out of a copy who was reached in the other campaign after all, by a report that came late; and how many."""
    if row.copied_from_id is None or not row.copied_reasons:
        return 0
    source = Lane.objects.get(pk=row.copied_from_id)
    return withdraw(row.pk, reached_since(source, row.lane), now)
