"""Forms of webhook destinations: their settings, for how long an old secret works on, and since when webhooks are sent again."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from django import forms
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from rvm.platform.admin.form_errors import NO_NAMES, ServiceForm
from rvm.platform.events.types import TYPES
from rvm.platform.models import WebhookDestination
from rvm.platform.outbound.targets import MAX_LENGTH


class DestinationForm(ServiceForm):
    url = forms.CharField(
        label="Address",
        max_length=MAX_LENGTH,
        widget=UnfoldAdminTextInputWidget({"placeholder": "https://hooks.clinic.example/rvm", "autocomplete": "off"}),
        help_text="https, a host with its full name, port 443 or 8443, without a user or a password. Only administrators see it.",
    )
    accepted_event_types = forms.MultipleChoiceField(
        label="Events",
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="What it is told of. None chosen: all, also those of later versions.",
    )

    class Meta:
        model = WebhookDestination
        fields = (
            "workspace",
            "live",
            "name",
            "url",
            "description",
            "accepted_event_types",
            "signature",
            "concurrency",
            "pace_per_second",
        )
        help_texts: ClassVar[dict[str, str]] = {
            "name": NO_NAMES,
            "live": "Not chosen: it is told of tests alone. It cannot be changed later.",
            "signature": "Standard Webhooks, unless the receiver was written for the reference platform.",
            "concurrency": "How many requests may be under way to it at a time, 1 to 20.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "accepted_event_types" in self.fields:
            # Layers add their types when they start, after this module is read.
            offered = [(name, f"{name}: {TYPES[name].description}") for name in sorted(TYPES)]
            cast(forms.MultipleChoiceField, self.fields["accepted_event_types"]).choices = offered


class SecretRotationForm(forms.Form):
    """For how long the old secret works on."""

    overlap_hours = forms.TypedChoiceField(
        label="Webhooks are signed with the old secret too for",
        choices=[(24, "24 hours"), (0, "no moment longer"), (1, "1 hour"), (72, "3 days"), (168, "7 days")],
        coerce=int,
        empty_value=cast(Any, 24),
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text="No moment longer if the secret has leaked.",
    )


class ReplayForm(forms.Form):
    """Since when webhooks are sent again."""

    hours = forms.TypedChoiceField(
        label="Everything since",
        choices=[
            (1, "1 hour ago"),
            (6, "6 hours ago"),
            (24, "1 day ago"),
            (72, "3 days ago"),
            (168, "7 days ago"),
            (720, "30 days ago, which is all that is kept"),
        ],
        coerce=int,
        empty_value=cast(Any, 1),
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )
