"""The suppressions' page with lists: a file of numbers that must not be reached, put on the list at once.

Suppressions are of a floor below, which does not know how lists are read; so their page is registered anew here, with that added.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from campaigns.admin.upload import TOO_LARGE
from campaigns.api.imports import ListUploadHandler
from campaigns.suppression_lists import LONGEST_REASON, MOST_BYTES, MOST_ROWS, Listed, suppress_list
from rvm.platform.admin.rights import person
from rvm.platform.models import Workspace
from rvm.platform.uploads import UploadTooLarge, drain
from usecases.admin.suppressions import SuppressionAdmin
from usecases.errors import Refused
from usecases.models import Suppression

PAGE = "admin:usecases_suppression_import"


class ListForm(forms.Form):
    workspace = forms.ModelChoiceField(
        Workspace.objects.none(), widget=UnfoldAdminSelectWidget(), empty_label="Whose list it is"
    )
    list = forms.FileField(
        widget=UnfoldAdminFileFieldWidget({"accept": ".csv,.txt,.tsv,.xlsx,text/csv"}),
        help_text=f"One row for each number, of any kind and country. A column “Reason” is kept, {LONGEST_REASON} characters of it. "
        f"CSV or Excel (.xlsx), up to {MOST_BYTES // 1_000_000} MB and {MOST_ROWS:,} rows.",
        error_messages={"required": "No file was chosen.", "empty": "There is nothing in this file."},
    )


admin.site.unregister(Suppression)


@admin.register(Suppression)
class SuppressionsWithLists(SuppressionAdmin):
    change_list_template = "campaigns/admin/suppressions.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(csrf_exempt(require_http_methods(["GET", "POST"])(self.import_list)))
        return [path("import/", view, name="usecases_suppression_import"), *super().get_urls()]

    def import_list(self, request: HttpRequest) -> HttpResponse:
        request.upload_handlers = [ListUploadHandler(request)]
        try:
            return self._import_list(request)
        except UploadTooLarge:
            drain(request)
            self.message_user(request, TOO_LARGE, "error")
            return redirect(reverse(PAGE))

    @method_decorator(csrf_protect)
    def _import_list(self, request: HttpRequest) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        posted = request.method == "POST"
        form = ListForm(request.POST, request.FILES) if posted else ListForm()
        workspace: Any = form.fields["workspace"]
        workspace.queryset = self.choices(Workspace, request)
        # What is put on the wrong list stays there: only who has one workspace finds it chosen.
        only = list(workspace.queryset[:2])
        workspace.initial = only[0] if len(only) == 1 else None
        if posted and form.is_valid():
            try:
                return self._page(request, form, self._suppress(request, form))
            except Refused as refusal:
                form.add_error("list", refusal.sentence)
        return self._page(request, form)

    def _suppress(self, request: HttpRequest, form: ListForm) -> Listed:
        file = form.cleaned_data["list"]
        return suppress_list(
            workspace=form.cleaned_data["workspace"],
            read=file.chunks,
            size_bytes=file.size,
            actor=person(request),
        )

    def _page(self, request: HttpRequest, form: ListForm, listed: Listed | None = None) -> HttpResponse:
        shown = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Import a list of numbers that must not be reached",
            "form": form,
            "listed": listed,
            "whose": form.cleaned_data["workspace"] if listed else None,
        }
        return TemplateResponse(request, "campaigns/admin/suppression_list.html", shown)
