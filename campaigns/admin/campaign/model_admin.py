"""The ModelAdmin of campaigns: the list with the progress of each, the form, and the page of each campaign."""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from campaigns.admin import labels
from campaigns.admin.campaign.approvals import LaunchApprovals
from campaigns.admin.campaign.copies import CampaignCopies
from campaigns.admin.campaign.downloads import CampaignDownloads
from campaigns.admin.campaign.form import CampaignForm
from campaigns.admin.campaign.form_hints import FormHints
from campaigns.admin.campaign.launch import LaunchPage
from campaigns.admin.campaign.page import CampaignPage
from campaigns.admin.campaign.script_form import FIELDS as OF_SCRIPT
from campaigns.admin.campaign.script_form import JOINED, ONE
from campaigns.admin.lists.upload import ListUpload
from campaigns.admin.lists.withdrawals import Withdrawing
from campaigns.admin.rights import right_to_change
from campaigns.lifecycle.service import create, edit
from campaigns.models import Campaign
from campaigns.models.campaign import CANARY_SETTINGS
from campaigns.scripts.usage import clips_of
from campaigns.states import EDITABLE, CampaignState, is_editable
from delivery.admin.lanes import CountedList
from delivery.models import Clip, Recording
from rvm.platform.admin.form_errors import copy_state
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.lists import RestrictedChangeList
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.admin.scoping import ScopedFilter, naming
from rvm.platform.database.clock import database_now
from rvm.platform.models import Workspace
from rvm.platform.roles import Right
from rvm.platform.times import moments
from rvm.platform.times.zones import common_zone
from usecases.models import UseCase

# A select with more entries is not usable.
MAX_RECORDINGS = 500


@admin.register(Campaign)
class CampaignAdmin(
    CampaignPage,
    LaunchPage,
    LaunchApprovals,
    CampaignCopies,
    CampaignDownloads,
    ListUpload,
    Withdrawing,
    FormHints,
    RecordAdmin,
):
    right_to_add = Right.PREPARE
    right_to_change = Right.PREPARE
    form = CampaignForm
    list_display = ("name", "use_case_name", "coloured", "progress_bar", "start", "finish", "workspace")
    list_filter = (("workspace", ScopedFilter), ("lane__use_case", ScopedFilter), ("state", ChoicesDropdownFilter))
    list_select_related = ("workspace", "lane__use_case")
    search_fields = ("name",)
    fieldsets: Any = (
        (None, {"fields": ("workspace", "name", "use_case", "test")}),
        ("What people hear", {"fields": ("heard", "recording", *OF_SCRIPT)}),
        ("When", {"fields": ("time_zone", "starts_at", "ends_at", "days", ("window_start", "window_end"))}),
        ("How fast, and how often", {"fields": ("pace_per_second", "priority", "max_attempts", "retry_minutes")}),
        ("Who is tried first", {"fields": CANARY_SETTINGS}),
    )
    conditional_fields: ClassVar[dict[str, str]] = {
        "recording": f"heard == '{ONE}'",
        **{name: f"heard == '{JOINED}'" for name in OF_SCRIPT},
    }
    change_form_outer_before_template = "campaigns/admin/form_note.html"

    def get_urls(self) -> list[URLPattern]:
        edit_page = self.admin_site.admin_view(self.edit_view)
        return [path("<path:object_id>/edit/", edit_page, name="campaigns_campaign_edit"), *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RestrictedChangeList]:
        return CountedList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found = super().get_queryset(request).select_related("workspace", "lane__use_case__setup", "recording")
        return found.defer("lane__use_case__setup__credentials", "recording__waveform")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (
            super().has_change_permission(request, obj) if obj is None else self.may(right_to_change(obj), request, obj)
        )

    # the list

    @display(description="Use case")
    def use_case_name(self, campaign: Campaign) -> str:
        return campaign.use_case.name if campaign.live else f"{campaign.use_case.name} (test)"

    @display(description="State", label=labels.STATE_COLOURS)
    def coloured(self, campaign: Campaign) -> str:
        return campaign.state

    @display(description="Progress")
    def progress_bar(self, campaign: Any) -> str:
        counted: Counter[str] = campaign.counted
        text = labels.bar_text(counted)
        summed = f"{sum(labels.ended(counted).values()):,} of {sum(counted.values()):,}" if counted else "no recipients"
        context = {"parts": labels.parts(counted), "bar_text": text, "summed": summed}
        return render_to_string("campaigns/admin/bar_in_list.html", context)

    @display(description="Start")
    def start(self, campaign: Campaign) -> str:
        moment = campaign.launched_at or campaign.starts_at
        return moments.moment(moment) if moment else "when launched"

    @display(description="Ended")
    def finish(self, campaign: Campaign) -> str:
        return moments.moment(campaign.ended_at) if campaign.ended_at else "-"

    # the form

    def choices(self, model: Any, request: HttpRequest) -> QuerySet[Any]:
        found = super().choices(model, request)
        if model is Recording:
            newest = found.filter(assembled=False).order_by("-id")
            return newest.filter(pk__in=list(newest.values_list("pk", flat=True)[:MAX_RECORDINGS]))
        return found

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        clips = (
            super()
            .choices(Clip, request)
            .filter(workspace__in=self.choices(Workspace, request) if obj is None else [obj.workspace_id])
        )
        if obj is not None:  # what it has stays a choice, also in the archive
            clips = Clip.objects.filter(Q(pk__in=clips.values("pk")) | Q(pk__in=clips_of(obj)))
        for name in ("opening", "chosen", "otherwise", "closing"):
            form.base_fields[name].queryset = clips.order_by("name", "id")
        offered = self.choices(UseCase, request).filter(deleted_at=None).order_by("name", "id")
        if obj is not None:
            offered = offered.filter(workspace=obj.workspace_id)
            recordings = form.base_fields["recording"]
            offered_here = recordings.queryset.filter(workspace=obj.workspace_id)
            recordings.queryset = Recording.objects.filter(
                Q(pk__in=offered_here.values("pk")) | Q(pk=obj.recording_id)
            ).defer("waveform")
        form.base_fields["use_case"].queryset = offered
        form.base_fields["use_case"].label_from_instance = naming(request)
        self.hint(form, obj)
        return form

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Defaults: the zone of the user's workspaces, and the use case if there is only one."""
        zone = common_zone(rights_of(request).time_zones.values())
        only = list(self.choices(UseCase, request).filter(deleted_at=None).values_list("pk", flat=True)[:2])
        use_case = {"use_case": only[0]} if len(only) == 1 else {}
        return {"time_zone": zone.key, **use_case, **super().get_changeform_initial_data(request)}

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        context = {"show_save_and_continue": False, "show_save_and_add_another": False}
        return super().add_view(request, form_url, {**context, **(extra_context or {})})

    def edit_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self.get_object(request, object_id)
        if not self.has_change_permission(request, campaign):
            raise PermissionDenied
        context = {
            "show_save_and_continue": False,
            "show_save_and_add_another": False,
            "title": f"Edit {campaign.name}",
            "claimed": campaign.state not in EDITABLE,
            "paused": campaign.state == CampaignState.PAUSED,
            "page": reverse("admin:campaigns_campaign_change", args=[campaign.pk]),
        }
        return self.changeform_view(request, object_id, "", context)

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        now = database_now()
        if not change:
            asked = form.cleaned_data
            live = not asked["test"]
            copy_state(
                obj,
                create(workspace=asked["workspace"], live=live, actor=acting_user(request), now=now, **form.values()),
            )
            return
        changes = form.changes()
        changes = {name: value for name, value in changes.items() if is_editable(name, obj.state)}
        was = obj.state
        copy_state(obj, edit(obj, changes, actor=acting_user(request), now=now))
        if obj.state != was:
            messages.warning(
                request,
                "Its launch is taken back: it is of so many people, and what would be sent has changed. Launch it anew.",
            )

    def response_add(self, request: HttpRequest, obj: Campaign, post_url_continue: Any = None) -> HttpResponse:
        messages.success(request, f"“{obj.name}” is a draft. Nothing is sent before you launch it.")
        return redirect(reverse("admin:campaigns_campaign_change", args=[obj.pk]))

    def response_change(self, request: HttpRequest, obj: Campaign) -> HttpResponse:
        messages.success(request, f"“{obj.name}” is saved.")
        return redirect(reverse("admin:campaigns_campaign_change", args=[obj.pk]))
