"""Recordings: uploaded through the same judgement as in the API, listened to through a link that soon ends."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget

from delivery.audio import AudioRejected
from delivery.models import Recording
from delivery.recording_links import link
from delivery.services.recordings import keeping_recording
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.saving import RefusableForm, adopt
from rvm.platform.admin.scoping import ScopedFilter
from rvm.platform.models import Role
from usecases.errors import Refused


class RecordingForm(RefusableForm):
    refusal_fields: ClassVar[dict[str, str]] = {"": "audio"}
    audio = forms.FileField(
        label="MP3 file",
        allow_empty_file=True,
        help_text="10 to 60 seconds, at most 8 MB.",
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".mp3,audio/mpeg"}),
    )

    class Meta:
        model = Recording
        fields = ("workspace", "name")


def player(recording: Recording) -> str:
    return format_html(
        '<audio controls preload="none" class="max-w-full w-full" src="{}"></audio>', link(recording, "player")
    )


@admin.register(Recording)
class RecordingAdmin(RecordAdmin):
    role_to_add = Role.OPERATOR
    refusals: ClassVar[tuple[type[Exception], ...]] = (AudioRejected, Refused)
    form = RecordingForm
    list_display = ("name", "duration", "size", "bit_rate", "created_at", "workspace")
    list_filter = (("workspace", ScopedFilter),)
    list_select_related = ("workspace",)
    search_fields = ("name",)
    add_fieldsets = ((None, {"fields": ("workspace", "name", "audio")}),)
    fieldsets = (
        (None, {"fields": ("name", "workspace", "listen", "heed")}),
        ("What was measured", {"fields": (
            "duration", "size", "bit_rate", "sample_rate", "channels", "encoder", "sha256", "created_at",
        )}),
    )  # fmt: skip
    readonly_fields = ("listen", "heed", "duration", "size", "bit_rate", "created_at")

    @display(description="Listen")
    def listen(self, recording: Recording) -> str:
        return player(recording)

    @display(description="To be heeded")
    def heed(self, recording: Recording) -> str:
        return " ".join(recording.warnings) or "Nothing: the recording is fine."

    @display(description="Duration")
    def duration(self, recording: Recording) -> str:
        return f"{recording.duration_ms / 1000:.1f} s"

    @display(description="Size")
    def size(self, recording: Recording) -> str:
        return f"{recording.size_bytes / 1024:,.0f} KB"

    @display(description="Bit rate")
    def bit_rate(self, recording: Recording) -> str:
        return f"{recording.bitrate_kbps} kbit/s, {recording.bitrate_mode.upper()}"

    def save_model(self, request: HttpRequest, obj: Recording, form: Any, change: bool) -> None:
        asked = form.cleaned_data
        with keeping_recording(asked["workspace"], asked["name"], asked["audio"].read()) as written:
            adopt(obj, written)
            self.record(request, "uploaded", written)
        if written.name != asked["name"]:
            messages.info(request, f"This sound was uploaded before, as “{written.name}”; it stays one recording.")
