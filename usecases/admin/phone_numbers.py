"""Admin of sender numbers, which are added and removed through the services."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from rvm.platform.admin.form_errors import ServiceForm, copy_state
from rvm.platform.admin.rights import acting_user, forbidden
from rvm.platform.admin.scoping import ScopedFilter, ScopedModelAdmin
from rvm.platform.models import Role
from usecases.models import PhoneNumber, TelephonySetup
from usecases.services import add_phone_number, remove_phone_number


class PhoneNumberForm(ServiceForm):
    refusal_fields: ClassVar[dict[str, str]] = {"phone_number": "e164", "setup_id": "setup"}

    class Meta:
        model = PhoneNumber
        fields = ("setup", "e164")


@admin.register(PhoneNumber)
class PhoneNumberAdmin(ScopedModelAdmin):
    role_to_add = Role.ADMIN
    role_to_delete = Role.ADMIN
    form = PhoneNumberForm
    list_display = ("e164", "setup", "assigned_to", "workspace", "created_at")
    list_filter = (("workspace", ScopedFilter), ("setup", ScopedFilter))
    list_select_related = ("setup", "workspace")
    search_fields = ("e164",)
    ordering = ("e164", "id")
    fixed_fields: ClassVar[tuple[str, ...]] = ()
    readonly_fields = ("assigned_to", "created_at")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("setup", "e164") if obj is None else ("e164", "setup", "workspace", "assigned_to", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("setup__credentials").prefetch_related("use_cases")

    def choices(self, model: Any, request: HttpRequest) -> QuerySet[Any]:
        found = super().choices(model, request)
        return found.filter(deleted_at=None) if model is TelephonySetup else found

    @display(description="Use cases")
    def assigned_to(self, number: PhoneNumber) -> str:
        return ", ".join(use_case.name for use_case in number.use_cases.all()) or "none"

    def save_model(self, request: HttpRequest, obj: PhoneNumber, form: Any, change: bool) -> None:
        setup = form.cleaned_data["setup"]
        if not self.may(self.role_to_add, request, PhoneNumber(workspace_id=setup.workspace_id)):
            raise forbidden("setup_id")
        copy_state(obj, add_phone_number(setup=setup, e164=form.cleaned_data["e164"], actor=acting_user(request)))

    def delete_model(self, request: HttpRequest, obj: PhoneNumber) -> None:
        remove_phone_number(phone_number=obj, actor=acting_user(request))
