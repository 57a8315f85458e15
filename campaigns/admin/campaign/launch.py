"""The last look before a launch: what people will hear, from whom, when and where they are; and a trial on one's own phone."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldBooleanWidget

from campaigns.admin import labels
from campaigns.admin.campaign.actions import CampaignActions, healing_targets
from campaigns.admin.campaign.settings_summary import reaches_people, settings_summary, to_whom
from campaigns.admin.campaign.stats import campaign_stats, preview_stats
from campaigns.admin.fragments import SECONDS, fragment
from campaigns.lifecycle import approvals
from campaigns.lifecycle import service as services
from campaigns.lifecycle.transitions import passed
from campaigns.lifecycle.trial import TrialWithheld, send_trial
from campaigns.models import Campaign, RecipientImport
from campaigns.states import LAUNCHABLE, CampaignState, ImportState
from delivery.admin import guard_labels
from delivery.admin.colours import STATUS_COLOURS
from delivery.admin.player import player
from delivery.lifecycle.status import TERMINAL
from delivery.models import Recording, Voicemail
from delivery.recordings.recordings import measured
from delivery.services.lanes import recordings_of
from rvm.phone_numbers.numbers import zones_of
from rvm.platform import audit
from rvm.platform.admin.alarms import alarms
from rvm.platform.admin.number_quota import within_quota
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from usecases.admin.typed_numbers import TypedNumberField

# Messages of a script that can be listened to, those that most people hear.
MAX_MESSAGES = 5
MAY_NAME = "You may not see numbers here, and a message may name its person, so you cannot listen to them."


class TrialForm(forms.Form):
    phone_number = TypedNumberField(
        help_text="Your own, for example (202) 555-0142. It is kept with the voicemail only, encrypted.",
        error_messages={"invalid": "This is no phone number; write it as (202) 555-0142, or as + and 7 to 15 digits."},
    )
    own = forms.BooleanField(
        label="It is my own phone, and I agree to be sent this message there.",
        error_messages={"required": "Say that it is your own phone; nobody else is sent a trial."},
        widget=UnfoldBooleanWidget(),
    )


class LaunchPage(CampaignActions):
    """Mixin of the campaigns' ModelAdmin: the page that asks whether to launch, and the trial."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        asked = {"launch": self.launch, "trial": self.trial}
        return [
            *(
                path(
                    f"<uuid:object_id>/{name}/",
                    wrap(require_http_methods(["GET", "HEAD", "POST"])(view)),
                    name=f"campaigns_campaign_{name}",
                )
                for name, view in asked.items()
            ),
            path(
                "<uuid:object_id>/trial/status/",
                fragment(self.admin_site, self.trial_status),
                name="campaigns_campaign_trial_status",
            ),
            *super().get_urls(),
        ]

    def launch(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        campaign = self._permitted(request, object_id)
        if request.method != "POST":
            title = f"Launch “{campaign.name}”?"
            if campaign.state not in LAUNCHABLE:  # by the browser's back button, for example
                return self._passed_page(request, campaign, title, passed(campaign, LAUNCHABLE, "launched"))
            return self._confirmation_page(
                request,
                campaign,
                title,
                "campaigns/admin/launch.html",
                {**self._last_look(request, campaign), "trial_form": TrialForm(), **_trial(request, campaign)},
            )

        def action() -> str:
            launched = services.launch(campaign, actor=acting_user(request), now=database_now())
            if launched.state == CampaignState.SCHEDULED:
                return "It is scheduled, and starts by itself."
            return "It is launched: voicemails go out as hours and pace allow."

        return self._run_action(request, campaign, action)

    def trial(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """The trial on a page of its own, where a refusal keeps what was typed. By POST, so that the number is in no address."""
        campaign = self._permitted(request, object_id)
        form = TrialForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid() and within_quota(request, form, [campaign.workspace], "trial"):
            voicemail = self._sent(request, campaign, form)
            if voicemail is not None:
                request.session[_kept(campaign)] = str(voicemail.pk)
                page = "launch" if campaign.state == CampaignState.DRAFT else "trial"
                return redirect(reverse(f"admin:campaigns_campaign_{page}", args=[campaign.pk]) + "#trial")
        return self._confirmation_page(
            request,
            campaign,
            f"Send “{campaign.name}” to your own phone",
            "campaigns/admin/trial_page.html",
            {**self._heard(request, campaign), **_reach(campaign), "trial_form": form, **_trial(request, campaign)},
        )

    def trial_status(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        campaign = self._permitted(request, object_id)
        context = {"campaign": campaign, **_trial(request, campaign)}
        return TemplateResponse(request, "campaigns/admin/trial_status.html", context)

    def _sent(self, request: HttpRequest, campaign: Campaign, form: TrialForm) -> Voicemail | None:
        """The voicemail of the trial; None with the reason in the form if there is none."""
        number = form.cleaned_data["phone_number"]
        if campaign.script is not None and not rights_of(request).may_see_numbers(campaign.workspace_id):
            form.add_error(None, MAY_NAME)
            return None
        try:
            return send_trial(campaign, number=number, actor=acting_user(request), now=database_now())
        except TrialWithheld as refusal:
            found = refusal.explanation
            form.add_error(None, guard_labels.objections(found))
            if again := guard_labels.next_time(found, zones_of(number), database_now()):
                form.add_error(None, again)
        except ServiceError as refusal:
            form.add_error("phone_number" if refusal.field == "recipient_phone_number" else None, refusal.message)
        return None

    def _last_look(self, request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
        targets = healing_targets(self, request, campaign)
        rehearsal = request.GET.get("rehearsal") == "1"
        now = database_now()
        expected = preview_stats(campaign, now, rehearsal=rehearsal, targets=targets)
        asks = approvals.needed(campaign, approvals.people_waiting(campaign))
        lists = RecipientImport.objects.filter(campaign=campaign, state__in=[ImportState.UPLOADED, ImportState.CHECKED])
        return {
            **expected,
            **self._heard(request, campaign),
            **_reach(campaign),
            "settings": settings_summary(campaign),
            "waiting": campaign_stats(campaign, now)["waiting"],
            "alarms": alarms(),
            "unconfirmed": list(lists.order_by("-id").values_list("file_name", flat=True)[:5]),
            "approval_above": campaign.workspace.launch_approval_above if asks else None,
            "launch_text": labels.launch_text(
                expected.get("sent", 0),
                real=reaches_people(campaign),
                later=expected.get("begins_later", False),
                asks=asks,
            ),
        }

    def _heard(self, request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
        """The recording that everybody hears; of a script, the messages that most people hear, for who may know their names."""
        if campaign.script is None:
            return {"player": player(measured(campaign.recording)) if campaign.recording else ""}
        if not rights_of(request).may_see_numbers(campaign.workspace_id):
            return {"may_name": MAY_NAME}
        if not campaign.recordings_set:
            return {"may_name": "The messages are joined anew at the launch, because the script was changed."}
        most = recordings_of(campaign.lane, most=MAX_MESSAGES)
        recordings = Recording.objects.in_bulk([recording_id for recording_id, _ in most])
        audit.record("campaign.listened", campaign, actor=acting_user(request), workspace=campaign.workspace)
        shown = [(player(measured(recordings[recording_id])), count) for recording_id, count in most]
        return {"messages_heard": shown}


def _reach(campaign: Campaign) -> dict[str, Any]:
    return {"real": reaches_people(campaign), "to_whom": to_whom(campaign)}


def _kept(campaign: Campaign) -> str:
    """The key under which the session has the voicemail of the person's last trial."""
    return f"trial:{campaign.pk}"


def _trial(request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
    """What became of the person's last trial in this session."""
    kept = request.session.get(_kept(campaign))
    found = Voicemail.objects.filter(pk=kept, workspace=campaign.workspace_id).first() if kept else None
    if found is None:
        return {}
    return {
        "trial": found,
        "trial_colour": STATUS_COLOURS.get(found.status, ""),
        "trial_text": labels.STATUSES[found.status],
        "trial_detail": found.reason_detail or found.carrier_text,
        "trial_every": 0 if found.status in TERMINAL else SECONDS,
    }
