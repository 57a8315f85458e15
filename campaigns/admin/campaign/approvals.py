"""Approval of a launch in the admin: one page that says who asked for what, on which another person approves or declines."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST, require_safe

from campaigns.admin import labels
from campaigns.admin.campaign.actions import CampaignActions, page_of
from campaigns.admin.campaign.settings_summary import settings_summary
from campaigns.admin.campaign.stats import preview_stats
from campaigns.lifecycle import approvals
from campaigns.lifecycle import service as services
from campaigns.models import Campaign, LaunchApproval
from campaigns.models.launch_approval import MAX_REMARK
from campaigns.selectors import imports
from campaigns.states import ApprovalKind, ApprovalState, ImportState, RowOutcome
from delivery.admin.player import player
from delivery.recordings.recordings import measured
from rvm.platform.admin.rights import acting_user
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.roles import Right
from rvm.platform.times import moments
from usecases.selectors import name_of

_ASKED = {
    ApprovalKind.LAUNCH: "launch it",
    ApprovalKind.RETRY: "retry what failed",
    ApprovalKind.RESUME: "resume it after a change",
}


def asked_message(approval: LaunchApproval) -> str:
    """The sentence that says who asked for what, and when."""
    what = _ASKED[ApprovalKind(approval.kind)]
    who = name_of(approval.asked_by) or "The platform"
    return f"{who} asked on {moments.moment(approval.asked_at)} to {what}, for {labels.people(approval.people)}."


class LaunchApprovals(CampaignActions):
    """Mixin of the campaigns' ModelAdmin: the page of a request, and its decisions by POST."""

    def get_urls(self) -> list[URLPattern]:
        views = {
            "approval": ("", require_safe(self.approval)),
            "approve": ("approve/", require_POST(self.approve)),
            "decline": ("decline/", require_POST(self.decline)),
            "withdraw_request": ("withdraw/", require_POST(self.withdraw_request)),
        }
        wrap = self.admin_site.admin_view
        one = "<uuid:object_id>/approval/<uuid:approval_id>/"
        return [
            *(
                path(f"{one}{end}", wrap(view), name=f"campaigns_campaign_{name}")
                for name, (end, view) in views.items()
            ),
            *super().get_urls(),
        ]

    def approval(self, request: HttpRequest, object_id: UUID, approval_id: UUID) -> HttpResponse:
        approval = self._request(request, object_id, approval_id)
        campaign, person = approval.campaign, acting_user(request)
        waits, another = approval.state == ApprovalState.WAITING, approvals.is_another(approval, person)
        decides = waits and self.may(Right.APPROVE, request, campaign)
        kind = ApprovalKind(approval.kind)
        context = {
            "approval": approval,
            "asked": asked_message(approval),
            "outcome": outcome_message(approval),
            "waits": waits,
            "may_decide": decides and another,
            "is_own": decides and not another,
            "may_withdraw": waits and self.may(Right.LAUNCH, request, campaign),
            "approve_text": f"Approve and {kind} for {labels.people(approval.people)}",
            "max_reason": MAX_REMARK,
            "player": player(measured(campaign.recording)) if campaign.recording else "",
            "settings": settings_summary(campaign),
            "lists": [
                (
                    row.file_name,
                    row.counts.get(RowOutcome.ACCEPTED, 0),
                    row.consent_statement,
                    name_of(row.confirmed_by),
                )
                for row in imports(campaign).filter(state=ImportState.COMPLETED)
            ],
            "reasons": [labels.reason(code) for code in approval.reasons],
            **(
                preview_stats(campaign, database_now(), rehearsal=False, targets=[])
                if waits and kind != ApprovalKind.RETRY
                else {}
            ),
        }
        return self._confirmation_page(
            request, campaign, f"Approval of the {kind} of “{campaign.name}”", "campaigns/admin/approval.html", context
        )

    def approve(self, request: HttpRequest, object_id: UUID, approval_id: UUID) -> HttpResponse:
        approval = self._request(request, object_id, approval_id, Right.APPROVE)

        def action() -> str:
            services.approve(approval, actor=acting_user(request), now=database_now())
            return "It is approved, and let out as it was asked for."

        return self._run_action(request, approval.campaign, action)

    def decline(self, request: HttpRequest, object_id: UUID, approval_id: UUID) -> HttpResponse:
        approval = self._request(request, object_id, approval_id, Right.APPROVE)
        try:
            services.decline(approval, reason=request.POST.get("reason", ""), actor=acting_user(request))
            messages.success(request, "It is declined; who asked reads why on the campaign's page.")
        except ServiceError as refusal:
            messages.error(request, refusal.message)
        return redirect(page_of(approval))

    def withdraw_request(self, request: HttpRequest, object_id: UUID, approval_id: UUID) -> HttpResponse:
        approval = self._request(request, object_id, approval_id, Right.LAUNCH)

        def action() -> str:
            services.withdraw_request(approval, actor=acting_user(request))
            return "The request is withdrawn: nobody can approve it any more."

        return self._run_action(request, approval.campaign, action)

    def _request(
        self, request: HttpRequest, object_id: UUID, approval_id: UUID, needed: Right = Right.VIEW
    ) -> LaunchApproval:
        """The request, if the user has the right. Raises Http404, PermissionDenied."""
        campaign = self._permitted(request, object_id, needed)
        found = approvals.approvals(campaign).filter(pk=approval_id).first()
        if found is None:
            raise Http404
        found.campaign = campaign
        return found


def outcome_message(approval: LaunchApproval) -> str:
    """What became of the request; empty while it waits."""
    if approval.state == ApprovalState.WAITING or approval.decided_at is None:
        return ""
    who = name_of(approval.decided_by) or "the platform"
    remark = f" {approval.remark}" if approval.remark else ""
    when = moments.moment(approval.decided_at)
    return {
        ApprovalState.APPROVED: f"Approved by {who} on {when}.",
        ApprovalState.DECLINED: f"Declined by {who} on {when}: {approval.remark}",
        ApprovalState.WITHDRAWN: f"Withdrawn by {who} on {when}.",
        ApprovalState.FALLEN: f"It fell on {when}, and has to be asked for anew.{remark}",
    }[ApprovalState(approval.state)]


def shown_on_page(campaign: Campaign) -> dict[str, Any] | None:
    """The newest request, for the campaign's page: while it waits, and after a refusal until something else is done."""
    found = approvals.approvals(campaign).first()
    if found is None or found.state in (ApprovalState.APPROVED, ApprovalState.WITHDRAWN):
        return None
    return {
        "waits": found.state == ApprovalState.WAITING,
        "asked": asked_message(found),
        "outcome": outcome_message(found),
        "address": page_of(found),
    }
