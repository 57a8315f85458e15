"""The form of a campaign: fields of the campaign and of its lane, each with the meaning of an empty field."""

from __future__ import annotations

from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django import forms
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
)

from campaigns.admin.campaign.script_form import FIELDS as OF_SCRIPT
from campaigns.admin.campaign.script_form import JOINED, ONE, ScriptFields, from_script, to_script
from campaigns.admin.fields import time_of_day
from campaigns.lifecycle.canaries import ABOVE, SIZE
from campaigns.lifecycle.validation import OF_LANE
from campaigns.models import Campaign
from campaigns.models.campaign import CANARY_SETTINGS
from campaigns.states import is_editable
from delivery.models import Clip
from rvm.platform.admin.form_errors import NO_NAMES, ServiceForm
from rvm.platform.admin.pickers import LocalMomentField
from rvm.platform.times import zones
from usecases.admin.weekdays import WeekdaysField
from usecases.models import UseCase
from usecases.policy_text import clock, weekdays

LOCAL = ("starts_at", "ends_at")
NAMES = ("name", "time_zone", *LOCAL, *OF_LANE, *CANARY_SETTINGS)
SCRIPT_TOO_COMPLEX = (
    "Its script was made through the API and says more than this form can. It is kept while you change nothing here."
)
FIXED = ("workspace", "test")
SMALL = {"class": "max-w-40"}


class CampaignForm(ScriptFields, ServiceForm):
    refusal_fields: ClassVar[dict[str, str]] = {"script": "opening"}

    use_case = forms.ModelChoiceField(UseCase.objects.none(), widget=UnfoldAdminSelectWidget())
    test = forms.BooleanField(
        required=False,
        label="Test only",
        help_text="Goes through the workspace's sandbox carrier and reaches nobody. It stays a test for good.",
    )
    time_zone = forms.ChoiceField(
        choices=zones.choices,
        label="Time zone",
        widget=UnfoldAdminSelectWidget(),
        help_text="In which the start and the end are meant. Hours of the day below are always the recipient's own.",
    )
    starts_at = LocalMomentField(required=False, label="Start")
    ends_at = LocalMomentField(required=False, label="End")
    days = WeekdaysField(required=False, label="Days")
    window_start = forms.TimeField(required=False, label="From", widget=time_of_day())
    window_end = forms.TimeField(required=False, label="Until", widget=time_of_day())
    pace_per_second = forms.FloatField(
        required=False, label="Pace, a second", widget=UnfoldAdminDecimalFieldWidget({**SMALL, "step": "any"})
    )
    priority = forms.IntegerField(
        required=False,
        widget=UnfoldAdminIntegerFieldWidget(SMALL),
        help_text="Higher goes first where the pace is short.",
    )
    max_attempts = forms.IntegerField(required=False, label="Attempts", widget=UnfoldAdminIntegerFieldWidget(SMALL))
    retry_minutes = forms.IntegerField(
        required=False, label="Minutes between attempts", widget=UnfoldAdminIntegerFieldWidget(SMALL)
    )

    canary_size = forms.IntegerField(
        required=False, label="People tried first", widget=UnfoldAdminIntegerFieldWidget(SMALL)
    )
    canary_max_failed_percent = forms.IntegerField(
        required=False,
        label="Of these may fail, in percent",
        widget=UnfoldAdminIntegerFieldWidget(SMALL),
        help_text="If more fail for reasons that tell of the carrier, the account or the recording, it is paused. Empty: 10.",
    )
    canary_wait_minutes = forms.IntegerField(
        required=False,
        label="Minutes for their reports",
        widget=UnfoldAdminIntegerFieldWidget(SMALL),
        help_text="If too few reports are in so long after the last of them was tried, it is paused. Empty: 60.",
    )

    class Meta:
        model = Campaign
        fields = ("workspace", "name", "recording")
        help_texts: ClassVar[dict[str, str]] = {"name": NO_NAMES}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        campaign = self.instance
        if campaign._state.adding:
            self._explain(None)
            self.initial.setdefault("priority", 0)
            self.initial.setdefault("heard", ONE)
            return
        self.initial.update(_initial_values(campaign))
        self._show_script(campaign)
        self._explain(campaign.lane.use_case)
        for name in self.fields:
            if name in FIXED or not is_editable("recording" if name == "heard" else name, campaign.state):
                self.fields[name].disabled = True
                self.fields[name].widget.attrs.pop("hx-get", None)  # browsers do not send disabled fields

    def _show_script(self, campaign: Campaign) -> None:
        """Fill in the script fields. A script that they cannot express is kept unless one of them is changed."""
        names = {
            str(pk): name for pk, name in Clip.objects.filter(workspace=campaign.workspace_id).values_list("pk", "name")
        }
        script_values = from_script(campaign.script, names) if campaign.script else {}
        if script_values is None:
            self.fields["heard"].help_text = SCRIPT_TOO_COMPLEX
        self.initial.update({"heard": JOINED if campaign.script else ONE, **(script_values or {})})

    def _explain(self, use_case: UseCase | None) -> None:
        for name, message in help_texts(use_case).items():
            if name in self.fields:
                self.fields[name].help_text = message

    def clean_priority(self) -> int:
        return self.cleaned_data["priority"] or 0

    def clean_canary_max_failed_percent(self) -> int:
        return _or_default("canary_max_failed_percent", self.cleaned_data)

    def clean_canary_wait_minutes(self) -> int:
        return _or_default("canary_wait_minutes", self.cleaned_data)

    def values(self) -> dict[str, Any]:
        """All values, for a new campaign."""
        joined = self.cleaned_data.get("heard") == JOINED
        sound = {
            "recording": None if joined else self.cleaned_data.get("recording"),
            "script": to_script(self.cleaned_data) or None if joined else None,
        }
        return {name: self.cleaned_data[name] for name in NAMES if name in self.cleaned_data} | sound

    def changes(self) -> dict[str, Any]:
        """The changed values. A change of the time zone includes the local times, because it moves them."""
        touched = set(self.changed_data)
        if "time_zone" in touched:
            touched |= {name for name in LOCAL if self.cleaned_data.get(name) is not None}
        if touched & {"heard", "recording", *OF_SCRIPT}:
            touched |= {"recording", "script"}
        return {name: value for name, value in self.values().items() if name in touched}


def _or_default(name: str, cleaned: dict[str, Any]) -> int:
    value: int | None = cleaned[name]
    default: int = getattr(Campaign(), name)
    return default if value is None else value


def help_texts(use_case: UseCase | None) -> dict[str, str]:
    """The meaning of each field when empty, with the values of the use case if there is one."""

    def of_use_case(what: str) -> str:
        return f" ({what})" if use_case else ""

    hours = of_use_case(f"{clock(use_case.window_start)} to {clock(use_case.window_end)}") if use_case else ""
    both = "The use case's hours bind too: those are kept that both allow."
    return {
        "canary_size": f"The others wait until the reports about these are in. Empty: {SIZE:,} if it is more than {ABOVE:,} people. "
        "0: everybody at once.",
        "starts_at": "Empty: it starts when you launch it.",
        "ends_at": "What is not sent by then expires. Empty: as long after the start as the use case says"
        + of_use_case(f"{use_case.expires_after_hours} hours" if use_case else "")
        + ".",
        "days": "On which it sends, by the recipient's calendar. None ticked: as the use case says"
        + of_use_case(weekdays(use_case.days) if use_case else "")
        + ".",
        "window_start": f"Local time of the recipient. Empty: as the use case says{hours}. {both}",
        "window_end": f"From this time on nothing is sent. Empty: as the use case says{hours}.",
        "pace_per_second": "Voicemails started a second. Empty: as fast as the setup allows"
        + of_use_case(
            f"{use_case.setup.pace_per_second:g} a second, shared with whatever else it sends" if use_case else ""
        )
        + ".",
        "max_attempts": "How often the carrier may be asked for one person. Empty: as the use case says"
        + of_use_case(str(use_case.max_attempts) if use_case else "")
        + ".",
        "retry_minutes": "Before the second attempt; doubles after. Empty: as the use case says"
        + of_use_case(str(use_case.retry_minutes) if use_case else "")
        + ".",
    }


def _initial_values(campaign: Campaign) -> dict[str, Any]:
    lane = campaign.lane
    zone = ZoneInfo(campaign.time_zone)
    moments = {
        name: moment.astimezone(zone).replace(tzinfo=None) if (moment := getattr(campaign, name)) else None
        for name in LOCAL
    }
    days = [str(day) for day in lane.days or ()]
    lanes = {name: getattr(lane, name) for name in OF_LANE}
    canary = {name: getattr(campaign, name) for name in CANARY_SETTINGS}
    return {**lanes, **canary, **moments, "use_case": lane.use_case_id, "days": days, "test": not lane.live}
