"""Admin of suppressions: added and searched by phone number, never removed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from rvm.platform import audit
from rvm.platform.admin.exact_search import EncryptedNumberFilter, ExactSearch, encrypt_term
from rvm.platform.admin.form_errors import ServiceForm, copy_state
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.admin.scoping import ScopedFilter
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.errors import ServiceError
from rvm.platform.models import Role
from usecases.admin.typed_numbers import typed_number
from usecases.models import Suppression
from usecases.suppressions import is_suppressed_for_good, suppress


class SuppressionForm(ServiceForm):
    phone_number = forms.CharField(
        label="Phone number",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="For example +1 202 555 0142. It is stored encrypted.",
    )

    class Meta:
        model = Suppression
        fields = ("workspace", "reason")

    def clean_phone_number(self) -> str:
        number = typed_number(self.cleaned_data["phone_number"])
        if number is None:
            raise forms.ValidationError("This is no phone number; write it as + and 7 to 15 digits.")
        return number


class NumberFilter(EncryptedNumberFilter):
    def filter_by_term(self, request: HttpRequest, queryset: QuerySet[Any], number: str) -> QuerySet[Any]:
        """Rows with the number in all workspaces of the user. Each workspace has its own blind index, so each is searched."""
        workspaces = list(rights_of(request).workspaces().values_list("pk", flat=True))
        indexes = [index for workspace_id in workspaces for index in blind_index().all_of(workspace_id, number)]
        return queryset.filter(workspace__in=workspaces, number_index__in=indexes)


@admin.register(Suppression)
class SuppressionAdmin(ExactSearch, RecordAdmin):
    """Admin without change or deletion: a suppressed person must not be reached."""

    role_to_add = Role.OPERATOR
    form = SuppressionForm
    list_display = ("masked", "source", "reason", "created_at", "workspace")
    list_filter = (("workspace", ScopedFilter), "source", NumberFilter)
    list_select_related = ("workspace",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("number_index")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("workspace", "phone_number", "reason")
        shown = "full" if rights_of(request).may_see_numbers(obj.workspace_id) else "masked"
        return (shown, "workspace", "source", "reason", "created_at")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.get_fields(request, obj)

    def row_title(self, row: Suppression) -> str:
        return self.masked(row)

    @display(description="Phone number")
    def masked(self, suppression: Suppression) -> str:
        return f"+•••••••{suppression.last4}"

    @display(description="Phone number")
    def full(self, suppression: Suppression) -> str:
        return suppression.number or f"{self.masked(suppression)} (the number could not be opened)"

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        row = self.get_object(request, object_id)
        audit.record("suppression.read", row, actor=acting_user(request), workspace=row.workspace)
        return super().change_view(request, object_id, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Suppression, form: Any, change: bool) -> None:
        workspace, number = form.cleaned_data["workspace"], form.cleaned_data["phone_number"]
        # An entry that a list alone made can be undone, so a user may add the number again to make it permanent.
        if is_suppressed_for_good(workspace.pk, number):
            raise ServiceError("suppressed", "This number is on the workspace's list already.", field="phone_number")
        suppress(
            workspace_id=workspace.pk,
            number=number,
            source=Suppression.Source.PERSON,
            reason=form.cleaned_data["reason"],
        )
        copy_state(
            obj, Suppression.objects.get(workspace=workspace, number_index=blind_index().of(workspace.pk, number))
        )
        audit.record("suppression.created", obj, actor=acting_user(request), workspace=workspace)

    def search_response(self, request: HttpRequest, text: str, workspace: str) -> HttpResponse:
        number = typed_number(text)
        if number is None:
            return self.respond_not_found(
                request, "This is no phone number; write it as + and 7 to 15 digits.", workspace
            )
        return self.redirect_to_list(number=encrypt_term(number))
