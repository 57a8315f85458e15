"""The page of a campaign: its state and next step, its progress, its lists, and a preview of the launch."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_safe
from unfold.widgets import UnfoldAdminFileFieldWidget

from campaigns.admin import labels, time_zones
from campaigns.admin.campaign.actions import buttons, healing_targets
from campaigns.admin.campaign.approvals import shown_on_page
from campaigns.admin.campaign.printed_summary import summary_page
from campaigns.admin.campaign.settings_summary import settings_summary
from campaigns.admin.campaign.stats import campaign_stats, preview_stats
from campaigns.admin.fields import LIST_FILES
from campaigns.admin.fragments import SECONDS, fragment, reload_page
from campaigns.admin.rights import right_to_change
from campaigns.lifecycle import canaries
from campaigns.models import Campaign, CampaignRetry, RecipientImport, Withdrawal
from campaigns.selectors import imports, retries
from campaigns.states import EDITABLE, UNDER_WAY, CampaignState, CanaryState, ImportState, RetryState, RowOutcome
from delivery.admin.player import player
from delivery.recordings.recordings import measured
from rvm.platform.admin.alarms import alarms, import_alarms
from rvm.platform.admin.history.model_admin import MAX_PARTS
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.audit.reading import PLATFORM
from rvm.platform.database.clock import database_now
from rvm.platform.database.heavy_requests import heavy
from rvm.platform.roles import Right
from usecases.selectors import name_of

MAX_LISTS = 50
FILE_FIELD = UnfoldAdminFileFieldWidget(
    {
        "id": "list",
        "required": True,
        "accept": LIST_FILES,
        "aria-label": "List of people",
        "aria-describedby": "about-lists",
    }
)


class CampaignPage(RecordAdmin):
    """Mixin of the campaigns' ModelAdmin: the page replaces the change form, which moves to edit/."""

    def history_subjects(self, row: Campaign) -> list[UUID]:
        """The campaign, its lists of recipients, and its lists of people to take out."""
        lists, withdrawals = [
            rows.filter(campaign=row).order_by("-id").values_list("pk", flat=True)[:MAX_PARTS]
            for rows in (RecipientImport.objects, Withdrawal.objects)
        ]
        return [row.pk, *lists, *withdrawals]

    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site
        return [
            path("<uuid:object_id>/progress/", fragment(site, self.progress), name="campaigns_campaign_progress"),
            path(
                "<uuid:object_id>/summary/",
                site.admin_view(require_safe(self.summary)),
                name="campaigns_campaign_summary",
            ),
            path("<uuid:object_id>/preview/", fragment(site, self.preview), name="campaigns_campaign_preview"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        campaign: Campaign = self.get_object(request, object_id)
        changes, launches = (self.may(right, request, campaign) for right in (right_to_change(campaign), Right.LAUNCH))
        now = database_now()
        lists = list(imports(campaign)[:MAX_LISTS])
        numbers = campaign_stats(campaign, now)
        total, retryable = numbers["total"], numbers["retryable"]
        shown_progress = self._progress(campaign, numbers, lists, launches)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": campaign,
            "title": campaign.name,
            "campaign": campaign,
            "state_colour": labels.STATE_COLOURS.get(campaign.state, ""),
            "launched": launched_message(campaign),
            "next_step": labels.next_step_message(
                snapshot_of(campaign, numbers["by_status"], retryable, lists, shown_progress["canary_state"], now)
            ),
            "alarms": _alarms(campaign, lists),
            "buttons": buttons(
                campaign,
                changes=changes,
                launches=launches,
                total=total,
                retryable=retryable,
                at_risk=numbers["at_risk"],
                retrying=bool(shown_progress["retrying"]),
            ),
            "approval": shown_on_page(campaign),
            "copies": self.may(Right.PREPARE, request, campaign),
            "exports": self.may(Right.EXPORT, request, campaign),
            "lists": [_list(row) for row in lists],
            "may_upload": changes and campaign.state in EDITABLE and bool(campaign.recording_id or campaign.script),
            "file_field": FILE_FIELD.render("list", None),
            "shows_preview": (campaign.state in EDITABLE or campaign.revised) and numbers["waiting_count"] > 0,
            "player": player(measured(campaign.recording)) if campaign.recording else "",
            "settings": settings_summary(campaign),
            **shown_progress,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "campaigns/admin/campaign.html", context)

    def progress(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        campaign: Campaign = self.get_object(request, str(object_id))
        lists = list(imports(campaign)[:MAX_LISTS])
        launches = self.may(Right.LAUNCH, request, campaign)
        context = self._progress(campaign, campaign_stats(campaign, database_now()), lists, launches)
        if request.GET.get("seen") != context["seen"]:
            return reload_page()
        return TemplateResponse(request, "campaigns/admin/progress.html", {"campaign": campaign, **context})

    def summary(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return summary_page(request, self.get_object(request, str(object_id)))

    @heavy
    def preview(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        campaign: Campaign = self.get_object(request, str(object_id))
        context = preview_stats(
            campaign,
            database_now(),
            rehearsal=request.GET.get("rehearsal") == "1",
            targets=healing_targets(self, request, campaign),
        )
        return TemplateResponse(request, "campaigns/admin/preview.html", {"campaign": campaign, **context})

    def _progress(
        self, campaign: Campaign, numbers: dict[str, Any], lists: list[Any], launches: bool
    ) -> dict[str, Any]:
        """The context of the progress fragment. `seen`: values whose change reloads the whole page."""
        under_way = [row for row in lists if row.is_under_way]
        retry = retries(campaign).first()
        canary = canaries.newest([campaign.pk], database_now()).get(campaign.pk)
        canary_state = canary.canary.state if canary else ""
        retrying = retry is not None and retry.state == RetryState.RUNNING
        moving = (
            campaign.is_copying
            or campaign.state in (CampaignState.SCHEDULED, CampaignState.RUNNING)
            or bool(under_way)
            or bool(numbers["on_their_way"])
            or retrying
        )
        to = links(campaign)
        reasons = [{**each, "link": f"{to['all']}&reason={each['code']}"} for each in numbers["reasons"]]
        return {
            **numbers,
            "reasons": reasons,
            "seen": "-".join(
                [
                    campaign.state,
                    *(row.state for row in lists),
                    *(["failed"] if numbers["failed"] else []),
                    *(["retrying"] if retrying else []),
                    *(["copying"] if campaign.is_copying else []),
                    *([canary_state] if canary_state else []),
                ]
            ),
            "canary": labels.canary_message(canary) if canary else "",
            "canary_state": canary_state,
            "retry": _retry(retry) if retry else "",
            "retrying": retrying,
            "stops_retry": retrying and launches,
            "every": SECONDS if moving else 0,
            "under_way": [_list(row) for row in under_way],
            "links": to,
        }


def launched_message(campaign: Campaign) -> str:
    """The sentence that says who launched the campaign and when, by its clock; empty before."""
    if campaign.launched_at is None:
        return ""
    who = name_of(campaign.launched_by) or PLATFORM
    return f"{who} launched it on {time_zones.local(campaign.launched_at, campaign.time_zone)}."


def snapshot_of(
    campaign: Campaign, by_status: dict[str, int], retryable: int, lists: list[Any], canary: str, now: datetime
) -> labels.CampaignSnapshot:
    zone, lane = campaign.time_zone, campaign.lane
    states = [row.state for row in lists]
    return labels.CampaignSnapshot(
        state=campaign.state,
        total=sum(by_status.values()),
        recording=bool(campaign.recording_id or campaign.script),
        start=time_zones.local(campaign.starts_at, zone) if campaign.starts_at else "",
        end=time_zones.local(lane.expires_at, zone) if lane.expires_at and lane.expires_at > now else "",
        overdue=campaign.starts_at is not None and campaign.starts_at <= now,
        lists_to_check=sum(state in (ImportState.UPLOADED, ImportState.CHECKED) for state in states),
        lists_under_way=sum(state in UNDER_WAY for state in states),
        retryable=retryable,
        preparing=lane.held and not campaign.recordings_set,
        held=lane.held,
        revised=campaign.revised,
        stopped_by_canary=canary == CanaryState.STOPPED,
        stalled=canary == CanaryState.STALLED,
        tries_first=canary == CanaryState.UNDER_WAY,
    )


def links(campaign: Campaign) -> dict[str, str]:
    """Links to the campaign's voicemails, all and by status."""
    address = reverse("admin:delivery_voicemail_changelist")
    query = {"workspace": str(campaign.workspace_id), "campaign": str(campaign.pk)}
    statuses = {status: f"{address}?{urlencode({**query, 'status': status})}" for status in labels.STATUSES}
    people = f"{reverse('people')}?campaign={campaign.pk}"
    return {"all": f"{address}?{urlencode(query)}", "people": people, **statuses}


def _alarms(campaign: Campaign, lists: list[Any]) -> list[str]:
    sending = campaign.state in (CampaignState.SCHEDULED, CampaignState.RUNNING)
    reading = any(row.is_under_way for row in lists)
    return [*(alarms() if sending else ()), *(import_alarms() if reading else ())]


def _retry(retry: CampaignRetry) -> str:
    return labels.retry_message(
        retry.state,
        matching=retry.matching,
        queued=retry.queued,
        left_out=retry.left_out,
        stopped_because=retry.stopped_because,
    )


def _list(row: Any) -> dict[str, Any]:
    """The context of one list on the page."""
    accepted, whole = row.counts.get(RowOutcome.ACCEPTED, 0), sum(row.counts.values())
    return {
        "pk": row.pk,
        "name": row.file_name,
        "state": labels.IMPORT_STATES[row.state],
        "colour": labels.IMPORT_COLOURS.get(row.state, ""),
        "created_at": row.created_at,
        "statement": row.consent_statement,
        "stated_by": name_of(row.confirmed_by) or "the platform",
        "stated_at": row.consent_stated_at,
        "counted": bool(row.counts),
        "accepted": accepted,
        "rejected": whole - accepted,
        "rows_read": row.rows_read,
        "rows_imported": row.rows_imported,
        "importing": row.state == ImportState.IMPORTING,
    }
