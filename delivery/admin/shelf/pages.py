"""Recordings and clips are renamed, archived and deleted on their pages. Archiving is a POST, so that no link can do it."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display

from delivery.admin.attestations.pages import AttestingAdmin
from delivery.models import Clip, Recording
from delivery.recordings import shelf
from rvm.platform.admin.form_errors import NO_NAMES, ServiceForm, copy_state
from rvm.platform.admin.rights import acting_user
from rvm.platform.errors import ServiceError
from rvm.platform.roles import Right


class NameForm(ServiceForm):
    class Meta:
        fields = ("name",)
        help_texts: ClassVar[dict[str, str]] = {"name": NO_NAMES}


class ShelfFilter(DropdownFilter):
    """Shows what is offered unless another choice is made."""

    title = "shelf"
    parameter_name = "shelf"
    all_option: ClassVar[list[str]] = ["", "In use"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("archived", "Archived"), ("removed", "Deleted, or removed with time")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "removed":
            return queryset.filter(sound_removed_at__isnull=False)
        return queryset.filter(sound_removed_at=None, archived_at__isnull=self.value() != "archived")


class ShelvedAdmin(AttestingAdmin):
    """Mixin for the ModelAdmin of recordings and of clips."""

    right_to_change = Right.PREPARE
    right_to_delete = Right.PREPARE
    fixed_fields: ClassVar[tuple[str, ...]] = ("workspace",)
    change_form_outer_before_template = "delivery/admin/sound_buttons.html"

    def get_urls(self) -> list[URLPattern]:
        views = {"archive": self.archive, "unarchive": self.unarchive}
        return [
            path(
                f"<uuid:object_id>/{name}/",
                self.admin_site.admin_view(require_POST(view)),
                name=f"delivery_{self.opts.model_name}_{name}",
            )
            for name, view in views.items()
        ] + super().get_urls()

    def selectable(self, request: HttpRequest) -> QuerySet[Any]:
        return super().selectable(request).filter(sound_removed_at=None, archived_at=None)

    # which rows: what campaigns join goes with what used it

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not getattr(obj, "assembled", False)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        gone = getattr(obj, "assembled", False) or getattr(obj, "sound_removed_at", None) is not None
        return super().has_delete_permission(request, obj) and not gone

    # the page

    @display(description="Shelf", label={"archived": "warning", "deleted": "danger"})
    def shelf_flag(self, sound: Recording | Clip) -> str | None:
        if sound.sound_removed_at is not None:
            return "deleted"
        return "archived" if sound.archived_at is not None else None

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            kwargs["form"] = NameForm
        return super().get_form(request, obj, change=change, **kwargs)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        sound = self.get_object(request, object_id)
        shelved = sound.archived_at is not None
        may = self.has_change_permission(request, sound) and sound.sound_removed_at is None
        context = {
            "may_archive": may and not shelved,
            "may_unarchive": may and shelved,
            "shelf_address": self._shelf_address("unarchive" if shelved else "archive", sound.pk),
            "show_save_and_continue": False,
            "show_save_and_add_another": False,
        }
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def archive(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        said = "It is archived: it is offered for nothing new, and what uses it goes on."
        return self._move(request, object_id, shelf.archive, said)

    def unarchive(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        return self._move(request, object_id, shelf.unarchive, "It is back from the archive.")

    def _move(self, request: HttpRequest, object_id: UUID, move: Any, said: str) -> HttpResponse:
        sound = self.get_object(request, str(object_id))
        if not self.has_change_permission(request, sound):
            raise PermissionDenied
        try:
            move(sound, actor=acting_user(request))
        except ServiceError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, said)
        return redirect(self._page(sound))

    # writing

    def rename(self, request: HttpRequest, sound: Any, form: Any) -> None:
        copy_state(sound, shelf.rename(sound, form.cleaned_data["name"], actor=acting_user(request)))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        shelf.delete(obj, actor=acting_user(request))

    def uploaded(self, request: HttpRequest, sound: Any, typed: str) -> Any:
        """The uploaded sound, back from the archive if it was there. Says what became of the typed name of one that is known."""
        self.record(request, "uploaded", sound)
        kind = self.opts.verbose_name
        if sound.archived_at is not None:
            messages.info(request, f"“{sound.name}” was archived; it is back, because it was uploaded again.")
            sound = shelf.unarchive(sound, actor=acting_user(request))
        if sound.name != typed:
            messages.info(
                request,
                f"The sound of “{typed}” was uploaded before, as “{sound.name}”; it stays one {kind} under that name. To call it "
                f"“{typed}”, change the name on its page and save.",
            )
        return sound

    def _page(self, sound: Recording | Clip) -> str:
        return reverse(f"admin:delivery_{self.opts.model_name}_change", args=[sound.pk])

    def _shelf_address(self, name: str, sound_id: UUID) -> str:
        return reverse(f"admin:delivery_{self.opts.model_name}_{name}", args=[sound_id])
