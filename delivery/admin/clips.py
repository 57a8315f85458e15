"""Admin pages of clips: upload of many files, each clip named after its file, and playback.

Refused files are listed one by one and the others are kept, so that one bad recording does not require 199 names to be uploaded
again.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget

from delivery.admin.shelf.pages import ShelfFilter, ShelvedAdmin
from delivery.audio import AudioRejected
from delivery.audio.conversion import BECAME, conversion_done, inspect_any_clip
from delivery.audio.formats import ACCEPTED, OTHER_FORMATS
from delivery.models import Assembly, Clip
from delivery.recordings.clips import store_clip
from delivery.recordings.links import link
from delivery.recordings.storage import name_of_file
from rvm.platform.admin.form_errors import ServiceForm, copy_state
from rvm.platform.admin.rights import acting_user
from rvm.platform.admin.scoping import ScopedFilter
from rvm.platform.errors import ServiceError
from rvm.platform.roles import Right
from rvm.platform.uploads import BoundedMemoryUploadHandler, UploadTooLarge, drain

MAX_MEGABYTES = 32
_MAX_NAMED = 20  # refused files listed by name


class ClipsUploadHandler(BoundedMemoryUploadHandler):
    """200 first names of a second each are 2 MB at 64 kbit/s and 8 MB at 320."""

    max_bytes = MAX_MEGABYTES * 1024 * 1024


class FilesWidget(UnfoldAdminFileFieldWidget):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Field for one or more files that cleans to a list of them."""

    def clean(self, data: Any, initial: Any = None) -> Any:
        files = data if isinstance(data, list | tuple) else [data]
        clean = super().clean
        return [clean(file, initial) for file in files or [None]]


class ClipsForm(ServiceForm):
    refusal_fields: ClassVar[dict[str, str]] = {"": "audio"}
    audio = FilesField(
        label="Sound files",
        allow_empty_file=True,
        help_text=(
            "One or many, each called like its file: a word that many lists have, never a patient's whole name. "
            f"0.2 to 60 seconds and at most 8 MB each, MP3s of one sample rate, or what becomes an MP3 of 44.1 kHz: {OTHER_FORMATS}; "
            f"up to 500 files and {MAX_MEGABYTES} MB at a time."
        ),
        widget=FilesWidget(attrs={"accept": ACCEPTED, "multiple": True}),
    )

    class Meta:
        model = Clip
        fields = ("workspace",)


@admin.register(Clip)
class ClipAdmin(ShelvedAdmin):
    right_to_add = Right.PREPARE
    refusals: ClassVar[tuple[type[Exception], ...]] = (AudioRejected, ServiceError)
    form = ClipsForm
    list_display = (
        "name",
        "shelf_flag",
        "statement_flag",
        "warning_flag",
        "duration",
        "sample_rate",
        "channels",
        "created_at",
        "workspace",
    )
    list_filter = (("workspace", ScopedFilter), ShelfFilter)
    list_select_related = ("workspace",)
    search_fields = ("name",)
    add_fieldsets = ((None, {"fields": ("workspace", "audio")}),)
    fieldsets = (
        (None, {"fields": ("name", "workspace", "listen", "statement_shown", "warning_texts", "used_in")}),
        ("What was measured", {"fields": (
            "duration", "size_bytes", "bitrate_kbps", "sample_rate", "channels", "conversion", "sha256", "created_at",
        )}),
    )  # fmt: skip
    readonly_fields = (
        "listen", "statement_shown", "warning_texts", "used_in", "duration", "size_bytes", "bitrate_kbps", "sample_rate", "channels",
        "sha256", "conversion", "created_at",
    )  # fmt: skip

    @display(description="Listen")
    def listen(self, clip: Clip) -> str:
        return format_html('<audio controls preload="none" class="max-w-full w-full" src="{}"></audio>', link(clip))

    @display(description="To be heeded")
    def warning_texts(self, clip: Clip) -> str:
        return " ".join(clip.warnings) or "Nothing: the clip is fine."

    @display(description="Warnings", label={"heed": "warning"})
    def warning_flag(self, clip: Clip) -> tuple[str, str] | None:
        return ("heed", "heed") if clip.warnings else None

    @display(description="Heard in")
    def used_in(self, clip: Clip) -> str:
        count = Assembly.objects.filter(workspace=clip.workspace_id, clips__contains=[clip.pk]).count()
        return f"{count:,} recording{'' if count == 1 else 's'} so far"

    @display(description="Converted")
    def conversion(self, clip: Clip) -> str:
        return conversion_done(clip.converted_from) or "No, the file was an MP3."

    @display(description="Duration")
    def duration(self, clip: Clip) -> str:
        return f"{clip.duration_ms / 1000:.2f} s"

    # Django's CSRF protection reads the form and its files, so the upload handler is set before it.

    def get_urls(self) -> list[URLPattern]:
        upload = self.admin_site.admin_view(csrf_exempt(self.upload))
        return [path("add/", upload, name="delivery_clip_add"), *super().get_urls()]

    def upload(self, request: HttpRequest) -> HttpResponse:
        request.upload_handlers = [ClipsUploadHandler(request)]
        try:
            return self._upload(request)
        except UploadTooLarge:
            drain(request)
            messages.error(
                request, f"The files are together larger than {MAX_MEGABYTES} MB; upload them in several goes."
            )
            return redirect(request.path)

    @method_decorator(csrf_protect)
    def _upload(self, request: HttpRequest) -> HttpResponse:
        return self.add_view(request)

    def save_model(self, request: HttpRequest, obj: Clip, form: Any, change: bool) -> None:
        if change:
            self.rename(request, obj, form)
            return
        kept: list[Clip] = []
        refused: list[str] = []
        for file in form.cleaned_data["audio"]:
            self._store(request, form.cleaned_data["workspace"], file, kept, refused)
        if not kept:
            raise ValidationError({"audio": _refusal_messages(refused)})
        copy_state(obj, kept[0])
        for message in _refusal_messages(refused):
            messages.error(request, message)
        messages.success(request, f"{len(kept)} clip{' is' if len(kept) == 1 else 's are'} kept.")
        if converted := sum(bool(clip.converted_from) for clip in kept):
            messages.info(request, f"{converted} of them {'was' if converted == 1 else 'were'} {BECAME}.")

    def _store(
        self, request: HttpRequest, workspace: Any, file: UploadedFile, kept: list[Clip], refused: list[str]
    ) -> None:
        name = name_of_file(file.name)
        try:
            clip = store_clip(workspace, name, inspect_any_clip(file.read()), uploaded_by=acting_user(request))
        except (AudioRejected, ServiceError) as refusal:
            refused.append(f"{file.name}: {refusal}")
            return
        kept.append(self.uploaded(request, clip, name))

    def response_add(self, request: HttpRequest, obj: Clip, post_url_continue: str | None = None) -> HttpResponse:
        """Redirect to the page of a single clip, else to the list, without a message: `save_model` has added one for the files."""
        if len(request.FILES.getlist("audio")) == 1:
            return redirect(self._page(obj))
        return redirect(reverse("admin:delivery_clip_changelist"))


def _refusal_messages(refused: list[str]) -> list[str]:
    more = len(refused) - _MAX_NAMED
    return [*refused[:_MAX_NAMED], *([f"{more} more files were refused."] if more > 0 else [])]
