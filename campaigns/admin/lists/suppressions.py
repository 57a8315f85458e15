"""Suppressions in the admin with what this layer knows: the upload of an opt-out list, the list of each, and what it has stopped.

Suppressions belong to a lower layer, which must not import this one, so their ModelAdmin is registered again.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from campaigns.admin.fields import LIST_FILES
from campaigns.admin.lists.upload import TOO_LARGE
from campaigns.api.imports import ListUploadHandler
from campaigns.imports.staging import MAX_ROWS
from campaigns.imports.uploaded_lists import MAX_BYTES
from campaigns.models import OptOutImport
from campaigns.opt_outs import service as services
from campaigns.opt_outs.rows import MAX_REASON_LENGTH
from delivery.services.suppressions import stopped_by
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.database.clock import database_now
from rvm.platform.database.heavy_requests import place
from rvm.platform.errors import ServiceError
from rvm.platform.models import Workspace
from rvm.platform.organisations import shares_with_others
from rvm.platform.roles import Right
from rvm.platform.times import moments
from rvm.platform.uploads import UploadTooLarge, drain
from usecases.admin.suppressions import SuppressionAdmin
from usecases.models import Suppression
from usecases.suppression_kinds import SuppressionScope

UPLOAD = "admin:usecases_suppression_import"
# Voicemails and lists that a page or a filter names.
MAX_SHOWN = 20
MAX_LISTS = 200


class ListForm(forms.Form):
    workspace = forms.ModelChoiceField(
        Workspace.objects.none(), widget=UnfoldAdminSelectWidget(), empty_label="Whose list it is"
    )
    list = forms.FileField(
        widget=UnfoldAdminFileFieldWidget({"accept": LIST_FILES}),
        help_text=f"One row for each person, with numbers of any kind and country. A column “Reason” is kept, {MAX_REASON_LENGTH} "
        f"characters of it. CSV or Excel (.xlsx), up to {MAX_BYTES // 1_000_000} MB and {MAX_ROWS:,} rows.",
        error_messages={"required": "No file was chosen.", "empty": "There is nothing in this file."},
    )


admin.site.unregister(Suppression)


class OptOutListFilter(DropdownFilter):
    title, parameter_name = "opt-out list", "opt_out_list"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The newest lists, and the requested one, to which the page of an old list links."""
        known = OptOutImport.objects.filter(workspace__in=rights_of(request).workspaces()).order_by("-id")
        rows = list(known[:MAX_LISTS])
        with suppress(ValidationError):  # an invalid id names no list
            rows += [row for row in known.filter(pk__in=request.GET.getlist("opt_out_list")[:1]) if row not in rows]
        return [(str(row.pk), f"{row.file_name} ({moments.day(row.created_at)})") for row in rows]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value()
        if not asked:
            return queryset
        known = [key for key, _ in self.lookup_choices]
        return queryset.filter(list_id=asked) if asked in known else queryset.none()


@admin.register(Suppression)
class SuppressionsWithLists(SuppressionAdmin):
    change_list_template = "campaigns/admin/suppressions.html"
    list_filter = (*SuppressionAdmin.list_filter, OptOutListFilter)
    more_fields = ("person", "opt_out_list", "stopped")

    @display(description="Person")
    def person(self, suppression: Suppression) -> str:
        if suppression.from_elsewhere:
            return "-"  # its number is another workspace's
        address = reverse("person_of_suppression", args=[suppression.pk])
        return format_html('<a class="text-link" href="{}">All that is known of this number</a>', address)

    @display(description="Opt-out list")
    def opt_out_list(self, suppression: Suppression) -> str:
        if suppression.list_id is None:
            return "-"
        row = OptOutImport.objects.filter(pk=suppression.list_id, workspace=suppression.workspace_id).first()
        if row is None:
            return "-"
        address = reverse("admin:campaigns_optoutimport_change", args=[row.pk])
        confirmed = f", confirmed by {row.confirmed_by}" if row.confirmed_by else ""
        return format_html('<a class="text-link" href="{}">{}</a>{}', address, row.file_name, confirmed)

    @display(description="Waiting voicemails that it stopped")
    def stopped(self, suppression: Suppression) -> str:
        rows = list(
            stopped_by(suppression).only("id", "ended_at", "use_case__name").select_related("use_case")[: MAX_SHOWN + 1]
        )
        links = [
            (
                reverse("admin:delivery_voicemail_change", args=[row.pk]),
                row.use_case.name,
                moments.moment(row.ended_at) if row.ended_at else "",
            )
            for row in rows[:MAX_SHOWN]
        ]
        shown = format_html_join(", ", '<a class="text-link" href="{}">{}, {}</a>', links) or "none"
        return format_html("{}, and more", shown) if len(rows) > MAX_SHOWN else shown

    def save_model(self, request: HttpRequest, obj: Suppression, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if ended := stopped_by(obj).count():
            waited = "1 voicemail that waited for it is" if ended == 1 else f"{ended} voicemails that waited for it are"
            messages.success(request, f"{waited} not sent any more.")

    def response_add(self, request: HttpRequest, obj: Suppression, post_url_continue: Any = None) -> HttpResponse:
        where = f"of {obj.workspace.name}"
        if obj.scope == SuppressionScope.ORGANISATION and shares_with_others(obj.workspace_id):
            where = f"in all workspaces of {obj.workspace.organisation.name}"
        messages.success(request, f"{obj.masked_number} is on the suppression list {where} from now on.")
        return redirect(self.address(obj))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(csrf_exempt(require_http_methods(["GET", "POST"])(self.upload)))
        return [path("import/", view, name="usecases_suppression_import"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        may_import = self.has_import_permission(request)
        return super().changelist_view(request, {**(extra_context or {}), "may_import": may_import})

    def has_import_permission(self, request: HttpRequest) -> bool:
        return rights_of(request).may_somewhere(Right.SUPPRESS_LISTS)

    def upload(self, request: HttpRequest) -> HttpResponse:
        request.upload_handlers = [ListUploadHandler(request)]
        try:
            return self._upload(request)
        except UploadTooLarge:
            drain(request)
            self.message_user(request, TOO_LARGE, "error")
            return redirect(reverse(UPLOAD))

    @method_decorator(csrf_protect)
    def _upload(self, request: HttpRequest) -> HttpResponse:
        if not self.has_import_permission(request):
            raise PermissionDenied
        posted = request.method == "POST"
        form = ListForm(request.POST, request.FILES) if posted else ListForm()
        workspace: Any = form.fields["workspace"]
        workspace.queryset = rights_of(request).workspaces(Right.SUPPRESS_LISTS)
        # The workspace is preselected for a user with a single one.
        only = list(workspace.queryset[:2])
        workspace.initial = only[0] if len(only) == 1 else None
        if posted and form.is_valid():
            file = form.cleaned_data["list"]
            try:
                with place(form.cleaned_data["workspace"].pk):
                    row = services.upload(
                        workspace=form.cleaned_data["workspace"],
                        file_name=file.name or "",
                        chunks=file.chunks(),
                        actor=acting_user(request),
                        now=database_now(),
                    )
                return redirect(reverse("admin:campaigns_optoutimport_change", args=[row.pk]))
            except ServiceError as refusal:
                form.add_error("list", refusal.message)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Import a list of people who must not be reached",
            "form": form,
        }
        return TemplateResponse(request, "campaigns/admin/opt_outs_upload.html", context)
