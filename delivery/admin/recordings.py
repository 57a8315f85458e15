"""Admin pages of recordings: upload with the same checks as in the API, and playback through a link that expires soon."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget

from delivery.admin.player import player
from delivery.admin.shelf.pages import ShelfFilter, ShelvedAdmin
from delivery.audio import MAX_SECONDS, MIN_SECONDS, AudioRejected
from delivery.audio.conversion import conversion_done, inspect_any
from delivery.audio.formats import ACCEPTED, OTHER_FORMATS
from delivery.audio.sound_warnings import QUIETEST_LUFS
from delivery.models import Recording
from delivery.recordings.recordings import measured, stored_recording
from rvm.platform.admin.form_errors import NO_NAMES, ServiceForm, copy_state
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.admin.scoping import ScopedFilter
from rvm.platform.errors import ServiceError
from rvm.platform.roles import Right


class RecorderWidget(UnfoldAdminFileFieldWidget):
    """The field of a sound file; what the browser's microphone records fills it like a chosen file."""

    template_name = "delivery/admin/recorder.html"

    class Media:
        js = (forms.Script("delivery/recorder.js", defer=True),)
        css: ClassVar = {"all": ("delivery/recorder.css",)}

    def __init__(self) -> None:
        super().__init__(attrs={"accept": ACCEPTED})

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        context["widget"] |= {"shortest": MIN_SECONDS, "longest": MAX_SECONDS}
        return context


class RecordingForm(ServiceForm):
    refusal_fields: ClassVar[dict[str, str]] = {"": "audio"}
    audio = forms.FileField(
        label="Sound file",
        allow_empty_file=True,
        help_text=f"10 to 60 seconds, at most 8 MB: an MP3, or {OTHER_FORMATS}.",
        widget=RecorderWidget(),
    )

    class Meta:
        model = Recording
        fields = ("workspace", "name")
        help_texts: ClassVar[dict[str, str]] = {"name": NO_NAMES}


def _figure(value: float | None, unit: str, places: int) -> str:
    return "-" if value is None else f"{value:.{places}f} {unit}"


@admin.register(Recording)
class RecordingAdmin(ShelvedAdmin):
    right_to_add = Right.PREPARE
    refusals: ClassVar[tuple[type[Exception], ...]] = (AudioRejected, ServiceError)
    form = RecordingForm
    list_display = (
        "name",
        "shelf_flag",
        "statement_flag",
        "warning_flag",
        "duration",
        "size",
        "bit_rate",
        "created_at",
        "workspace",
    )
    list_filter = (("workspace", ScopedFilter), ShelfFilter)
    list_select_related = ("workspace",)
    search_fields = ("name",)
    add_fieldsets = ((None, {"fields": ("workspace", "name", "audio")}),)
    fieldsets = (
        (None, {"fields": ("name", "workspace", "listen", "statement_shown")}),
        ("How it sounds on a telephone", {"fields": ("loudness", "peak", "mean", "clipping", "silence_before", "silence_after")}),
        ("What was measured", {"fields": (
            "duration", "size", "bit_rate", "sample_rate", "channels", "encoder", "conversion", "sha256", "created_at",
        )}),
    )  # fmt: skip
    readonly_fields = (
        "listen", "statement_shown", "loudness", "peak", "mean", "clipping", "silence_before", "silence_after",
        "duration", "size", "bit_rate", "sample_rate", "channels", "encoder", "conversion", "sha256", "created_at",
    )  # fmt: skip

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Leaves out assembled recordings, which are found by id only. Django calls this for lists, not for single pages."""
        listed = queryset.filter(assembled=False).defer("waveform")
        found, duplicates = super().get_search_results(request, listed, search_term)
        return found, bool(duplicates)

    def selectable(self, request: HttpRequest) -> QuerySet[Any]:
        return super().selectable(request).filter(assembled=False)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        recording = super().get_object(request, object_id, from_field)
        if recording.assembled and not rights_of(request).may_see_numbers(recording.workspace_id):
            raise PermissionDenied(
                "You may not see numbers here, and a message joined for somebody may name its person."
            )
        return measured(recording)

    @display(description="Listen")
    def listen(self, recording: Recording) -> str:
        return player(recording)

    @display(description="Warnings", label={"heed": "warning"})
    def warning_flag(self, recording: Recording) -> tuple[str, str] | None:
        count = len(recording.warnings)
        return ("heed", f"{count} warning{'' if count == 1 else 's'}") if count else None

    @display(description="Loudness")
    def loudness(self, recording: Recording) -> str:
        return _figure(recording.loudness_lufs, f"LUFS; below {QUIETEST_LUFS} it is hard to hear", 1)

    @display(description="Loudest moment of the file")
    def peak(self, recording: Recording) -> str:
        return _figure(recording.peak_dbfs, "dB (0 is full volume)", 1)

    @display(description="Mean")
    def mean(self, recording: Recording) -> str:
        return _figure(recording.rms_dbfs, "dB (0 is full volume)", 1)

    @display(description="Cut off at full volume")
    def clipping(self, recording: Recording) -> str:
        share = recording.clipped_share
        return _figure(None if share is None else share * 100, "% of the sound", 2)

    @display(description="Silence at the start")
    def silence_before(self, recording: Recording) -> str:
        return _figure(recording.leading_silence, "s", 1)

    @display(description="Silence at the end")
    def silence_after(self, recording: Recording) -> str:
        return _figure(recording.trailing_silence, "s", 1)

    @display(description="Duration")
    def duration(self, recording: Recording) -> str:
        return f"{recording.duration_ms / 1000:.1f} s"

    @display(description="Size")
    def size(self, recording: Recording) -> str:
        return f"{recording.size_bytes / 1024:,.0f} KB"

    @display(description="Bit rate")
    def bit_rate(self, recording: Recording) -> str:
        return f"{recording.bitrate_kbps} kbit/s, {recording.bitrate_mode.upper()}"

    @display(description="Converted")
    def conversion(self, recording: Recording) -> str:
        return conversion_done(recording.converted_from) or "No, the file was an MP3."

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> Any:
        response = super().add_view(request, form_url, extra_context)
        response.headers["Permissions-Policy"] = "microphone=(self)"  # it has the recorder; no other page may ask
        return response

    def save_model(self, request: HttpRequest, obj: Recording, form: Any, change: bool) -> None:
        if change:
            self.rename(request, obj, form)
            return
        asked = form.cleaned_data
        verdict, by = inspect_any(asked["audio"].read()), acting_user(request)
        with stored_recording(asked["workspace"], asked["name"], verdict, uploaded_by=by) as written:
            copy_state(obj, self.uploaded(request, written, asked["name"].strip()))
        if done := conversion_done(verdict.converted_from):
            messages.info(request, done)

    def response_add(self, request: HttpRequest, obj: Recording, post_url_continue: str | None = None) -> HttpResponse:
        """Redirect to its page, where it can be heard."""
        messages.success(request, f"“{obj.name}” is kept. Listen to it once, as people will hear it.")
        return redirect(self._page(obj))
