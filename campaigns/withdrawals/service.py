"""The service of withdrawals: `check` finds the queued voicemails of the listed recipients, `confirm` cancels them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from campaigns.lifecycle.transitions import can_become, change_state, is_importing, locked
from campaigns.models import Campaign, Withdrawal
from campaigns.states import CANCELABLE, LineOutcome, WithdrawalState
from campaigns.withdrawals.lists import Line
from delivery.identifiers import Found, Named, named_among, numbers_in_lane, record_numbers_in, references_in
from delivery.lifecycle.status import VoicemailStatus
from delivery.models import Lane
from delivery.services.lanes import withdraw
from rvm.platform import audit
from rvm.platform.errors import ServiceError
from rvm.platform.models import User

# Line numbers that are kept per outcome.
MAX_NAMED = 100
_ENDED = {VoicemailStatus.SKIPPED, VoicemailStatus.CANCELED, VoicemailStatus.EXPIRED}


def check(campaign: Campaign, lines: Sequence[Line], *, actor: User | None, now: datetime) -> Withdrawal:
    """Find the voicemail of each line and store a withdrawal of the queued ones; nothing is canceled yet.

    Identifiers are not stored, only counts and line numbers. Raises ServiceError: campaign_state, import_under_way."""
    _require_open(campaign)
    counts: Counter[str] = Counter()
    named: dict[str, list[int]] = {}
    waiting: dict[UUID, None] = {}
    for number, outcome, voicemail_id in _outcomes(campaign.lane, lines):
        counts[outcome] += 1
        if outcome is LineOutcome.WAITING and voicemail_id:
            waiting[voicemail_id] = None
        elif outcome is not LineOutcome.STANDS:
            places = named.setdefault(outcome, [])
            if len(places) < MAX_NAMED:
                places.append(number)
    with transaction.atomic():
        row = Withdrawal.objects.create(
            workspace_id=campaign.workspace_id,
            campaign=campaign,
            voicemail_ids=list(waiting),
            counts={outcome.value: counts[outcome] for outcome in LineOutcome},
            lines=named,
            created_by=actor,
            created_at=now,
        )
        audit.record(
            "campaign.withdrawal_checked",
            campaign,
            actor=actor,
            workspace=campaign.workspace,
            withdrawal=str(row.pk),
            counts=row.counts,
        )
    return row


@transaction.atomic
def confirm(withdrawal: Withdrawal, *, actor: User | None, now: datetime) -> Withdrawal:
    """Cancel the withdrawal's voicemails that are still queued, in one transaction. One that was claimed since the check is sent.

    Raises ServiceError: campaign_state, import_under_way, withdrawal_confirmed."""
    campaign = locked(withdrawal.campaign)
    _require_open(campaign)
    row = Withdrawal.objects.select_for_update(no_key=True).get(pk=withdrawal.pk)
    if not can_become(row, WithdrawalState.CONFIRMED):
        raise ServiceError(
            "withdrawal_confirmed", "These people were taken out already; to take out others, check a new list."
        )
    row.campaign = campaign
    withdrawn = withdraw(campaign.pk, row.voicemail_ids, now)
    change_state(row, WithdrawalState.CONFIRMED, confirmed_by=actor, confirmed_at=now, withdrawn=withdrawn)
    audit.record(
        "campaign.people_withdrawn",
        campaign,
        actor=actor,
        workspace=campaign.workspace,
        withdrawal=str(row.pk),
        asked=len(row.voicemail_ids),
        withdrawn=row.withdrawn,
    )
    return row


def _require_open(campaign: Campaign) -> None:
    if campaign.state not in CANCELABLE:
        raise ServiceError(
            "campaign_state",
            f"This campaign is {campaign.state}: nobody waits in it any more, so nobody can be taken out.",
            campaign_state=campaign.state,
        )
    if is_importing(campaign):
        raise ServiceError(
            "import_under_way",
            "A list is being imported into this campaign, and not everybody in it could be found yet; try again when that is done.",
        )


def _outcomes(lane: Lane, lines: Sequence[Line]) -> Iterator[tuple[int, LineOutcome, UUID | None]]:
    """The number of each line, its outcome, and the id of the voicemail that it identifies; a later line for it is REPEATED."""
    by_record_number = record_numbers_in(lane, {name for line in lines for name in line.record_numbers})
    by_reference = references_in(lane, {name for line in lines for name in line.references})
    by_number = numbers_in_lane(lane, {phone for line in lines for phone in line.phones})
    found_by = [
        [
            {found for name in names for found in sought.get(name, ())}
            for names, sought in (
                (line.record_numbers, by_record_number),
                (line.references, by_reference),
                (line.phones, by_number),
            )
        ]
        for line in lines
    ]
    named = named_among(
        {found.voicemail_id for kinds in found_by if not all(kinds[:2]) for each in kinds for found in each}
    )
    seen: set[UUID] = set()
    for line, kinds in zip(lines, found_by, strict=True):
        if line.stands or line.damaged:
            yield line.number, LineOutcome.STANDS if line.stands else LineOutcome.UNREADABLE, None
            continue
        outcome, voicemail_id = _meant(kinds, any_kind=line.any_kind)
        if voicemail_id and _is_named_otherwise(voicemail_id, line, kinds, named):
            outcome, voicemail_id = LineOutcome.AMBIGUOUS, None
        if voicemail_id in seen:
            outcome = LineOutcome.REPEATED
        elif voicemail_id:
            seen.add(voicemail_id)
        yield line.number, outcome, voicemail_id


def _is_named_otherwise(voicemail_id: UUID, line: Line, kinds: Sequence[set[Found]], named: Named) -> bool:
    """Whether the line has a record number or reference that no voicemail of the campaign has, and the voicemail has another one.

    The voicemail may then be for another person with the same phone, or for another visit.
    """
    if line.any_kind:
        return False
    by_record_number, by_reference, _ = kinds
    return bool(
        (line.record_numbers and not by_record_number and voicemail_id in named.with_record_number)
        or (line.references and not by_reference and voicemail_id in named.with_reference)
    )


def _meant(kinds: Sequence[set[Found]], *, any_kind: bool) -> tuple[LineOutcome, UUID | None]:
    """The outcome of one line and its voicemail, from the voicemails found by each kind of identifier.

    Kinds that found none are ignored. The others must have exactly one voicemail in common; with `any_kind`, exactly one in total.
    """
    finding = [found for found in kinds if found]
    if not finding:
        return LineOutcome.NOT_FOUND, None
    agreed = set.union(*finding) if any_kind else set.intersection(*finding)
    if len(agreed) != 1:
        return LineOutcome.AMBIGUOUS, None
    [(voicemail_id, status)] = agreed
    if status == VoicemailStatus.QUEUED:
        return LineOutcome.WAITING, voicemail_id
    return LineOutcome.ENDED if status in _ENDED else LineOutcome.SENT, voicemail_id
