"""The base of ModelAdmins whose forms carry the version of their row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.contrib.admin.utils import unquote
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin

from rvm.platform.admin.versions.forms import versioned
from rvm.platform.admin.versions.meanwhile import Meanwhile
from rvm.platform.database.ids import id_in


class VersionedAdmin(ModelAdmin):
    """A ModelAdmin that tells the second of two editors what the first has changed. A save holds the row's lock from before it is
    compared until it is written, so of two at the same instant one is told."""

    change_form_before_template = "platform/admin/version.html"

    def parts_shown(self, row: Any) -> Iterable[UUID]:
        """The ids of rows beside this one whose events change what the form shows."""
        return ()

    def unseen(self, row: Any) -> Mapping[str, Any]:
        """Values by name that the form can replace but does not show, each in a form that tells nothing, such as a number."""
        return {}

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if change and obj is not None:
            noun = str(self.opts.verbose_name)
            meanwhile = Meanwhile(noun, obj.pk, self.parts_shown(obj), self.unseen(obj))
            plain: Any = kwargs.get("form", self.form)
            kwargs["form"] = versioned(plain, meanwhile)
        return super().get_form(request, obj, change=change, **kwargs)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        pk = id_in(unquote(object_id)) if object_id else None
        if request.method != "POST" or pk is None:
            return super().changeform_view(request, object_id, form_url, extra_context)
        with transaction.atomic():
            rows = self.get_queryset(request).select_related(None).prefetch_related(None).order_by()
            rows.only("pk").select_for_update(no_key=True, of=("self",)).filter(pk=pk).first()
            return super().changeform_view(request, object_id, form_url, extra_context)
