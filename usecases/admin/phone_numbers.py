"""Admin of sender numbers, which are added, changed and removed through the services. Their ownership is stated by POST, so that a
link cannot state it."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.decorators import display

from rvm.platform.admin.form_errors import NO_NAMES, ServiceForm, changed_columns, copy_state
from rvm.platform.admin.rights import acting_user, forbidden, rights_of
from rvm.platform.admin.scoping import ScopedFilter, ScopedModelAdmin
from rvm.platform.roles import Right
from rvm.platform.times import moments
from usecases.admin.typed_numbers import TypedNumberField, typed_number
from usecases.models import PhoneNumber, TelephonySetup
from usecases.selectors import name_of
from usecases.services import add_phone_number, remove_phone_number, state_ownership, update_phone_number


class PhoneNumberForm(ServiceForm):
    refusal_fields: ClassVar[dict[str, str]] = {"phone_number": "e164", "setup_id": "setup"}

    e164 = TypedNumberField(help_text="For example (202) 555-0142.")

    class Meta:
        model = PhoneNumber
        fields = ("setup", "e164")


class PhoneNumberChangeForm(ServiceForm):
    class Meta:
        model = PhoneNumber
        fields = ("display_name", "active", "notes")
        help_texts: ClassVar[dict[str, str]] = {"notes": f"For those who look after the numbers. {NO_NAMES}"}


@admin.register(PhoneNumber)
class PhoneNumberAdmin(ScopedModelAdmin):
    right_to_add = Right.SET_UP
    right_to_change = Right.SET_UP
    right_to_delete = Right.SET_UP
    form = PhoneNumberForm
    list_display = ("e164", "display_name", "setup", "assigned_to", "use", "ownership", "workspace", "created_at")
    list_filter = (("workspace", ScopedFilter), ("setup", ScopedFilter), "active")
    list_select_related = ("setup", "workspace")
    search_fields = ("e164", "display_name")
    ordering = ("e164", "id")
    fixed_fields: ClassVar[tuple[str, ...]] = ("e164", "setup", "workspace")
    readonly_fields = ("assigned_to", "ownership_stated", "created_at")
    change_form_outer_before_template = "usecases/admin/ownership_buttons.html"
    actions: Any = ("state_owned",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("setup", "e164")
        return (
            "e164",
            "display_name",
            "active",
            "notes",
            "setup",
            "workspace",
            "assigned_to",
            "ownership_stated",
            "created_at",
        )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        own = {"form": PhoneNumberChangeForm} if change else {}
        return super().get_form(request, obj, change=change, **own, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.state_ownership))
        name = "usecases_phonenumber_ownership"
        return [path("<uuid:object_id>/ownership/", view, name=name), *super().get_urls()]

    def has_state_permission(self, request: HttpRequest) -> bool:
        return rights_of(request).may_somewhere(Right.SET_UP)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("setup__credentials").prefetch_related("use_cases")

    def choices(self, model: Any, request: HttpRequest) -> QuerySet[Any]:
        found = super().choices(model, request)
        return found.filter(deleted_at=None) if model is TelephonySetup else found

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """By part of a number or of its name, or by a whole number in any way of writing."""
        return super().get_search_results(request, queryset, typed_number(search_term) or search_term)

    @display(description="Use cases")
    def assigned_to(self, number: PhoneNumber) -> str:
        return ", ".join(use_case.name for use_case in number.use_cases.all()) or "none"

    @display(description="Use", label={"active": "success", "inactive": "warning"})
    def use(self, number: PhoneNumber) -> str:
        return number.status

    @display(description="Ownership", label={"stated": "success", "not stated": "danger", "not needed": "info"})
    def ownership(self, number: PhoneNumber) -> str:
        if number.owned:
            return "stated"
        return "not stated" if number.setup.live else "not needed"

    @display(description="Ownership")
    def ownership_stated(self, number: PhoneNumber) -> str:
        if number.owned_stated_at is not None:
            by = name_of(number.owned_stated_by) or "the platform"
            return f"Stated by {by} on {moments.moment(number.owned_stated_at)}: the organisation owns this number."
        if not number.setup.live:
            return "Not needed: the setup is the sandbox's and reaches nobody."
        return "Nobody has stated that the organisation owns this number, so nothing is sent from it."

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may_state = self.may(Right.SET_UP, request, self.get_object(request, object_id))
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "may_state_ownership": may_state}
        )

    def state_ownership(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        number: PhoneNumber = self.get_object(request, str(object_id))
        if not self.may(Right.SET_UP, request, number):
            raise PermissionDenied
        owned = request.POST.get("owned") == "yes"
        state_ownership(phone_number=number, owned=owned, actor=acting_user(request))
        messages.success(
            request,
            "The ownership is stated." if owned else "The statement is withdrawn: nothing more is sent from it.",
        )
        return redirect(reverse("admin:usecases_phonenumber_change", args=[object_id]))

    @admin.action(description="State that our organisation owns them", permissions=["state"])
    def state_owned(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        chosen = list(queryset.order_by("id"))
        if not all(self.may(Right.SET_UP, request, number) for number in chosen):
            raise PermissionDenied
        for number in chosen:
            state_ownership(phone_number=number, owned=True, actor=acting_user(request))
        numbers = "1 number" if len(chosen) == 1 else f"{len(chosen)} numbers"
        messages.success(request, f"The ownership of {numbers} is stated.")

    def save_model(self, request: HttpRequest, obj: PhoneNumber, form: Any, change: bool) -> None:
        if change:
            copy_state(obj, update_phone_number(phone_number=obj, actor=acting_user(request), **changed_columns(form)))
            return
        setup = form.cleaned_data["setup"]
        if not self.may(self.right_to_add, request, PhoneNumber(workspace_id=setup.workspace_id)):
            raise forbidden("setup_id")
        copy_state(obj, add_phone_number(setup=setup, e164=form.cleaned_data["e164"], actor=acting_user(request)))

    def delete_model(self, request: HttpRequest, obj: PhoneNumber) -> None:
        remove_phone_number(phone_number=obj, actor=acting_user(request))
