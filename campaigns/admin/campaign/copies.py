"""Copying a campaign in the admin: its settings, and the people whom it did not reach, by reason."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_http_methods

from campaigns.admin import labels
from campaigns.admin.campaign.actions import CampaignActions, admin_message
from campaigns.lifecycle import service as services
from campaigns.models import Campaign
from delivery.lane_totals import reasons_of
from delivery.lifecycle.reasons import Reason
from delivery.services.succession import UNREACHED, is_copyable
from rvm.platform.admin.rights import acting_user
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import uuid7
from rvm.platform.errors import ServiceError
from rvm.platform.roles import Right

# Chosen until somebody unticks them, with those that a retry helps.
_NEVER_SENT = (Reason.EXPIRED, Reason.CANCELED)


class CampaignCopies(CampaignActions):
    """Mixin of the campaigns' ModelAdmin."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_http_methods(["GET", "HEAD", "POST"])(self.copy))
        return [path("<uuid:object_id>/copy/", view, name="campaigns_campaign_copy"), *super().get_urls()]

    def copy(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        campaign = self._permitted(request, object_id, Right.PREPARE)
        takes_risks = self.may(Right.RESEND_UNCERTAIN, request, campaign)
        if request.method != "POST":
            context = {**copy_choices(campaign), "takes_risks": takes_risks, "draft_id": uuid7()}
            return self._confirmation_page(
                request, campaign, f"Copy “{campaign.name}”", "campaigns/admin/copy.html", context
            )
        accepts = request.POST.get("accept_duplicate_risk") == "yes"
        if accepts and not takes_risks:
            raise PermissionDenied
        try:
            draft = services.copy(
                campaign,
                reasons=request.POST.getlist("reason") if request.POST.get("people") == "unreached" else (),
                accept_duplicate_risk=accepts,
                actor=acting_user(request),
                now=database_now(),
                campaign_id=_draft_id(request),
            )
        except ServiceError as refusal:
            messages.error(request, admin_message(refusal))
            return redirect(reverse("admin:campaigns_campaign_copy", args=[campaign.pk]))
        messages.success(request, f"“{draft.name}” is a draft. Nothing is sent before you launch it.")
        return redirect(reverse("admin:campaigns_campaign_change", args=[draft.pk]))


def _draft_id(request: HttpRequest) -> UUID | None:
    """The id that the page gave the draft, so that a second click finds the first one's."""
    try:
        return UUID(request.POST.get("draft_id", ""))
    except ValueError:
        return None


def copy_choices(campaign: Campaign) -> dict[str, Any]:
    """The reasons of those who were not reached in three groups, as on the page of a retry: those for whom another campaign can help,
    those who may have been reached, and the others."""
    counts: dict[str, int] = {}
    for (status, code), count in reasons_of([campaign.pk])[campaign.pk].items():
        if status in UNREACHED and is_copyable(code):
            counts[code] = counts.get(code, 0) + count
    kinds: dict[str, list[dict[str, Any]]] = {"helps": [], "risky": [], "others": []}
    for code, count in sorted(counts.items(), key=lambda item: -item[1]):
        helps = labels.may_retry(code) or code in _NEVER_SENT
        kind = "helps" if helps else "risky" if labels.may_have_reached(code) else "others"
        kinds[kind].append({"code": code, "message": labels.reason(code), "count": count})
    return {**kinds, "anybody": bool(counts)}
