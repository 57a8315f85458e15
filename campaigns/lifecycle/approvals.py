"""A second person for what reaches many people: when one is needed, what exactly is approved, and by whom.

A workspace says from how many people on (`launch_approval_above`). A launch or a retry of more becomes a request; somebody else
approves it, and it is launched in the same moment, as it was asked for. What changes what would be sent makes a request fall. All of
this happens under the campaign's lock, so of an approval and an edit at once, one comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from campaigns.lifecycle.transitions import change_campaign, change_state
from campaigns.lifecycle.validation import OF_CAMPAIGN, OF_LANE
from campaigns.models import Campaign, LaunchApproval, RecipientImport
from campaigns.models.launch_approval import MAX_REMARK
from campaigns.states import ALWAYS_EDITABLE, ApprovalKind, ApprovalState, CampaignState, ImportState
from delivery.lane_totals import counts_of
from delivery.lifecycle.status import VoicemailStatus
from rvm.platform import audit, versions
from rvm.platform.api.keys import makers_of
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import User
from usecases.selectors import name_of

# What an approval is of: everything that can be set but what changes neither who is reached nor what they hear.
BOUND_FIELDS = tuple(sorted({*OF_CAMPAIGN, *OF_LANE} - ALWAYS_EDITABLE))


class ApprovalNeeded(ServiceError):
    """Nothing was launched: somebody else has to approve. The request for it is kept."""

    keeps_work = True

    def __init__(self, approval: LaunchApproval) -> None:
        what = ApprovalKind(approval.kind).value
        super().__init__(
            "approval_needed",
            f"This {what} reaches {approval.people:,} people, and this workspace wants a second person for more than "
            f"{approval.above:,}. {name_of(approval.asked_by) or 'The platform'} asked for it; somebody else who may approve "
            "launches decides at the desk, on the campaign's page.",
            approval_id=str(approval.pk),
            people=approval.people,
            approval_above=approval.above,
        )
        self.approval = approval


def needed(row: Campaign, people: int) -> bool:
    """Whether a launch or retry that reaches so many needs a second person. A test campaign reaches nobody."""
    above = row.workspace.launch_approval_above
    return row.live and above is not None and people > above


def people_waiting(row: Campaign) -> int:
    """The recipients that a launch would be sent to, before anybody is skipped."""
    return counts_of([row.pk])[row.pk][VoicemailStatus.QUEUED]


def version_of(row: Campaign) -> bytes:
    """The SHA-256 of what would be sent, to whom and when. People who leave do not change it; whoever is added does."""
    lists = RecipientImport.objects.filter(campaign=row, state__in=[ImportState.IMPORTING, ImportState.COMPLETED])
    values = {name: _value(row, name) for name in BOUND_FIELDS}
    return versions.version_of([values, sorted(str(pk) for pk in lists.values_list("pk", flat=True))])


def _value(row: Campaign, name: str) -> Any:
    value = getattr(row if name in OF_CAMPAIGN else row.lane, name)
    return str(value.pk) if hasattr(value, "pk") else value if isinstance(value, list | dict | None) else str(value)


def approvals(campaign: Campaign) -> QuerySet[LaunchApproval]:
    """Requests for approval of the campaign, newest first."""
    return LaunchApproval.objects.filter(campaign=campaign).select_related("asked_by", "decided_by").order_by("-id")


def waiting(campaign: Campaign) -> LaunchApproval | None:
    return approvals(campaign).filter(state=ApprovalState.WAITING).first()


def ask(
    row: Campaign,
    kind: ApprovalKind,
    people: int,
    actor: User | None,
    *,
    reasons: Sequence[str] = (),
    accept_duplicate_risk: bool = False,
) -> LaunchApproval:
    """The waiting request for exactly this, or a new one in place of any other. The caller holds the campaign's lock."""
    version = version_of(row)
    asked = {"kind": kind, "reasons": sorted(set(reasons)), "accept_duplicate_risk": accept_duplicate_risk}
    earlier = waiting(row)
    if earlier is not None:
        same = bytes(earlier.version) == version and people <= earlier.people
        if same and all(getattr(earlier, name) == value for name, value in asked.items()):
            return earlier
        _end(row, earlier, ApprovalState.FALLEN, actor, "Something else was asked for.")
    above = row.workspace.launch_approval_above or 0
    approval = LaunchApproval.objects.create(
        campaign=row, people=people, above=above, version=version, asked_by=actor, **asked
    )
    _record("campaign.approval_asked", row, approval, actor)
    return approval


def fall(row: Campaign, actor: User | None, because: str) -> None:
    """End a waiting request because what it was for is not so any more. The caller holds the campaign's lock."""
    if approval := waiting(row):
        _end(row, approval, ApprovalState.FALLEN, actor, because)


def take_back_if_changed(row: Campaign, actor: User | None, because: str, *, added: int = 0) -> None:
    """After a change of what would be sent: a request falls, and a scheduled launch of many people, which was of something else,
    is taken back. The caller holds the campaign's lock."""
    fall(row, actor, because)
    if row.state == CampaignState.SCHEDULED and needed(row, people_waiting(row) + added):
        change_campaign(row, CampaignState.DRAFT, "campaign.unscheduled", actor, because=because, launched_by=None)


def is_another(approval: LaunchApproval, person: User) -> bool:
    """Whether the person is somebody else than who asked: not the person, nor one who has seen the API key that asked."""
    if person.pk is None or person.is_service or person.pk == approval.asked_by_id:
        return False
    return person.pk not in makers_of(approval.asked_by_id)


def approve(row: Campaign, approval: LaunchApproval, actor: User) -> None:
    """waiting -> approved. The caller holds the campaign's lock, and launches. Raises ServiceError."""
    _require_another(approval, actor)
    _end(row, approval, ApprovalState.APPROVED, actor, "")


def decline(row: Campaign, approval: LaunchApproval, actor: User, reason: str) -> None:
    """waiting -> declined. The caller holds the campaign's lock. Raises ServiceError."""
    _require_another(approval, actor)
    said = reason.strip()
    if not said:
        raise ServiceError("reason_missing", "Say why, for who asked.", field="reason")
    if len(said) > MAX_REMARK:
        raise ServiceError(
            "too_long", f"The reason has {len(said)} characters; at most {MAX_REMARK} are kept.", field="reason"
        )
    _end(row, approval, ApprovalState.DECLINED, actor, said)


def withdraw(row: Campaign, approval: LaunchApproval, actor: User | None) -> None:
    """waiting -> withdrawn. The caller holds the campaign's lock. Raises ServiceError."""
    require_waiting(approval)
    _end(row, approval, ApprovalState.WITHDRAWN, actor, "")


def require_waiting(approval: LaunchApproval) -> None:
    if approval.state != ApprovalState.WAITING:
        why = f": {approval.remark}" if approval.remark else "."
        raise ServiceError("approval_ended", f"This request for approval is {approval.state} already{why}")


def _require_another(approval: LaunchApproval, actor: User) -> None:
    require_waiting(approval)
    if not is_another(approval, actor):
        raise ServiceError(
            "forbidden",
            "Somebody else than who asked has to decide; you asked for it, or made the API key that did.",
        )


def _end(row: Campaign, approval: LaunchApproval, to: ApprovalState, actor: User | None, remark: str) -> None:
    change_state(approval, to, decided_by=actor, decided_at=database_now(), remark=remark[:MAX_REMARK])
    _record(f"campaign.approval_{to.value}", row, approval, actor)


def _record(action: str, row: Campaign, approval: LaunchApproval, actor: User | None) -> None:
    audit.record(
        action,
        row,
        actor=actor,
        workspace=row.workspace,
        approval_id=str(approval.pk),
        kind=approval.kind,
        people=approval.people,
        above=approval.above,
        asked_by=str(approval.asked_by_id or ""),
        **({"remark": approval.remark} if approval.remark else {}),
    )
