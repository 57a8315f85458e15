"""Actions on a campaign in the admin, through the same services as the API. Every change is a POST, so a link changes nothing.

An action that sends or is irreversible has a confirmation page that states its effect.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.admin import labels
from campaigns.admin.campaign.stats import campaign_stats
from campaigns.admin.rights import right_to_change
from campaigns.lifecycle import service as services
from campaigns.lifecycle.approvals import ApprovalNeeded, version_of
from campaigns.lifecycle.transitions import passed
from campaigns.models import Campaign, LaunchApproval
from campaigns.planning.plan import plan_of
from campaigns.planning.preview import preview
from campaigns.states import CANCELABLE, EDITABLE, RETRYABLE, CampaignState, RetryState
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.questions import Question, ask, page_of_row
from rvm.platform.admin.rights import acting_user
from rvm.platform.admin.versions.forms import VERSION
from rvm.platform.admin.versions.meanwhile import last_change
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.roles import Right
from rvm.platform.versions import ChangedMeanwhile, version_in
from usecases.services.use_cases import update_use_case


def buttons(
    campaign: Campaign, *, changes: bool, launches: bool, total: int, retryable: int, at_risk: int, retrying: bool
) -> dict[str, bool]:
    """The actions that the page offers to somebody who may change the campaign, or launch."""
    state = campaign.state
    may_retry = launches and not retrying and state in RETRYABLE
    return {
        "edit": changes and state not in (CampaignState.COMPLETED, CampaignState.CANCELED),
        "launch": launches and state == CampaignState.DRAFT and total > 0,
        "trial": launches and state in (CampaignState.SCHEDULED, CampaignState.RUNNING, CampaignState.PAUSED),
        "unschedule": launches and state == CampaignState.SCHEDULED,
        "pause": launches and state == CampaignState.RUNNING,
        "resume": launches and state == CampaignState.PAUSED,
        "withdraw": changes and state in CANCELABLE and total > 0,
        "cancel": changes and state in CANCELABLE,
        "retry": may_retry and retryable + at_risk > 0,
    }


def healing_targets(admin: RecordAdmin, request: HttpRequest, campaign: Campaign) -> list[str]:
    """What the user may change so that hours meet: the campaign until it begins, and its use case."""
    changes = campaign.state in EDITABLE and admin.may(right_to_change(campaign), request, campaign)
    return [*(["campaign"] if changes else []), *(["use_case"] if admin.may(Right.SET_UP, request, campaign) else [])]


class CampaignActions(RecordAdmin):
    """Mixin of the campaigns' ModelAdmin: the views of the actions."""

    def get_urls(self) -> list[URLPattern]:
        asked = {"cancel": self.cancel, "retry": self.retry}
        done = {
            "pause": self.pause,
            "resume": self.resume,
            "unschedule": self.unschedule,
            "stop_retry": self.stop_retry,
            "heal": self.heal,
        }
        views = {
            **{name: require_http_methods(["GET", "HEAD", "POST"])(view) for name, view in asked.items()},
            **{name: require_POST(view) for name, view in done.items()},
        }
        wrap = self.admin_site.admin_view
        return [
            *(path(f"<uuid:object_id>/{name}/", wrap(view), name=f"campaigns_campaign_{name}") for name, view in views.items()),
            *super().get_urls(),
        ]  # fmt: skip

    def cancel(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        campaign = self._changeable(request, object_id)
        if request.method != "POST":
            title = f"Cancel “{campaign.name}”?"
            if campaign.state not in CANCELABLE:
                return self._passed_page(request, campaign, title, passed(campaign, CANCELABLE, "canceled"))
            extra_context = campaign_stats(campaign, database_now())
            return self._confirmation_page(request, campaign, title, "campaigns/admin/cancel.html", extra_context)

        def action() -> str:
            services.cancel(campaign, actor=acting_user(request), now=database_now())
            return "It is canceled: what had not been sent stays unsent."

        return self._run_action(request, campaign, action)

    def retry(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        campaign = self._permitted(request, object_id)
        takes_risks = self.may(Right.RESEND_UNCERTAIN, request, campaign)
        if request.method != "POST":
            title = f"Retry failed of “{campaign.name}”?"
            if campaign.state not in RETRYABLE:
                return self._passed_page(request, campaign, title, passed(campaign, RETRYABLE, "retried"))
            choices = retry_choices(campaign_stats(campaign, database_now())["failed"])
            may_retry = bool(choices["helps"] or (takes_risks and choices["risky"]))
            extra_context = {**choices, "takes_risks": takes_risks, "may_retry": may_retry}
            return self._confirmation_page(request, campaign, title, "campaigns/admin/retry.html", extra_context)
        reasons = request.POST.getlist("reason")
        accepts = request.POST.get("accept_duplicate_risk") == "yes"
        if accepts and not takes_risks:
            raise PermissionDenied

        def action() -> str:
            # To the service, no reasons mean all; on the page, none checked means none.
            if not reasons:
                raise ServiceError("reasons_missing", "Nothing was ticked, so nothing was retried.")
            retry = services.retry_failed(
                campaign, accept_duplicate_risk=accepts, reasons=reasons, actor=acting_user(request), now=database_now()
            )
            if retry.state == RetryState.RUNNING:
                return "They are being queued again; this page shows how far that is."
            if not retry.queued:
                return "Nobody is left of them whom a retry may reach."
            return f"Queued again for {labels.people(retry.queued)}; they are sent to as hours and pace allow."

        return self._run_action(request, campaign, action)

    def stop_retry(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        campaign = self._permitted(request, object_id)

        def action() -> str:
            services.stop_retry(campaign, actor=acting_user(request))
            return "The retry is stopped: who is not queued again yet stays as they are."

        return self._run_action(request, campaign, action)

    def pause(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        campaign = self._permitted(request, object_id)

        def action() -> str:
            services.pause(campaign, actor=acting_user(request), now=database_now())
            return "It is paused: nothing new is sent."

        return self._run_action(request, campaign, action)

    def resume(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        campaign = self._permitted(request, object_id)

        def action() -> str:
            services.resume(campaign, actor=acting_user(request), now=database_now())
            return "It goes on where it was."

        return self._run_action(request, campaign, action)

    def unschedule(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        campaign = self._permitted(request, object_id)

        def action() -> str:
            services.unschedule(campaign, actor=acting_user(request), now=database_now())
            return "It is a draft again and starts only when you launch it."

        return self._run_action(request, campaign, action)

    def heal(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """Make a change that the preview proposes to people whose hours never meet. It is worked out again first."""
        campaign: Campaign = self.get_object(request, str(object_id))
        rehearsal, targets = request.POST.get("rehearsal") == "1", healing_targets(self, request, campaign)
        if not targets:
            raise PermissionDenied

        def action() -> str:
            now = database_now()
            found = preview(plan_of(campaign, now, rehearsal=rehearsal), now)
            named = [each for each in found.closed.proposals if each.name == request.POST.get("proposal")]
            if not named:
                raise ServiceError(
                    "nothing_to_heal", "That is not needed any more, or would not help; see the preview."
                )
            [proposal] = named
            if proposal.target not in targets:
                raise PermissionDenied
            if proposal.target == "use_case":
                update_use_case(use_case=campaign.use_case, actor=acting_user(request), **proposal.changes)
            else:
                services.edit(campaign, proposal.changes, actor=acting_user(request), now=now)
            return f"{proposal.text} Done: {labels.people(proposal.people)} more can be reached; see the preview."

        return self._run_action(request, campaign, action)

    def _changeable(self, request: HttpRequest, object_id: UUID) -> Campaign:
        campaign: Campaign = self.get_object(request, str(object_id))
        if not self.may(right_to_change(campaign), request, campaign):
            raise PermissionDenied
        return campaign

    def _permitted(self, request: HttpRequest, object_id: UUID, needed: Right = Right.LAUNCH) -> Campaign:
        """The campaign, if the user has the right. Raises Http404, PermissionDenied."""
        campaign: Campaign = self.get_object(request, str(object_id))
        if not self.may(needed, request, campaign):
            raise PermissionDenied
        if VERSION in request.POST:
            campaign.seen = version_in(request.POST.get(VERSION, ""))
        return campaign

    def _confirmation_page(
        self, request: HttpRequest, campaign: Campaign, title: str, template: str, extra_context: dict[str, Any]
    ) -> HttpResponse:
        frame = self.admin_site.each_context(request)
        page = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
        opts = self.opts
        context = {
            **frame,
            "opts": opts,
            "original": campaign,
            "title": title,
            "campaign": campaign,
            "page": page,
            "version": version_of(campaign).hex(),
            **extra_context,
        }
        return TemplateResponse(request, template, context)

    def _passed_page(self, request: HttpRequest, campaign: Campaign, title: str, why: str) -> HttpResponse:
        """In the place of a page that asks, once its time has passed."""
        return ask(self, request, Question(title, why), page_of_row(self, campaign.pk))

    def _run_action(self, request: HttpRequest, campaign: Campaign, action: Callable[[], str]) -> HttpResponse:
        try:
            messages.success(request, action())
        except ApprovalNeeded as asked:
            messages.info(request, "Nothing was sent yet: somebody else has to approve it first.")
            return redirect(page_of(asked.approval))
        except ChangedMeanwhile as refusal:
            messages.error(request, f"{refusal.message}{last_change(campaign)}")
        except ServiceError as refusal:
            messages.error(request, admin_message(refusal))
        return redirect(reverse("admin:campaigns_campaign_change", args=[campaign.pk]))


def page_of(approval: LaunchApproval) -> str:
    return reverse("admin:campaigns_campaign_approval", args=[approval.campaign_id, approval.pk])


def retry_choices(failed: dict[str, int]) -> dict[str, Any]:
    """Reasons of failed voicemails in three groups: retryable, at risk of a second voicemail, and not retryable."""
    kinds: dict[str, list[dict[str, Any]]] = {"helps": [], "risky": [], "useless": []}
    for code, count in sorted(failed.items(), key=lambda item: -item[1]):
        kind = "helps" if labels.may_retry(code) else "risky" if labels.may_have_reached(code) else "useless"
        kinds[kind].append({"code": code, "message": labels.reason(code), "count": count})
    return kinds


def admin_message(refusal: ServiceError) -> str:
    """The message for a refused retry; the service's message about the duplicate risk names an API field."""
    if refusal.code == "duplicate_risk":
        return "Some of these may have been reached already. Tick that you accept the risk, or leave them out."
    return refusal.message
