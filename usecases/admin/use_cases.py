"""Admin of use cases with their policy and sender numbers, written through the services. Deleted ones can still be viewed.

`delivery.admin.use_cases` registers it.
"""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from rvm.platform.admin.form_errors import ServiceForm, changed_columns, copy_state
from rvm.platform.admin.history.model_admin import MAX_PARTS
from rvm.platform.admin.questions import Question, asks
from rvm.platform.admin.rights import acting_user
from rvm.platform.admin.scoping import ScopedFilter, ScopedModelAdmin
from rvm.platform.roles import Right
from rvm.platform.times import moments
from usecases.admin.weekdays import WeekdaysField
from usecases.consents.bases import ConsentRequired
from usecases.models import NumberAssignment, PhoneNumber, TelephonySetup, UseCase, new_days
from usecases.policy_text import policy_text
from usecases.rules_in_force import rules_in_force
from usecases.selectors import name_of
from usecases.services import (
    assign_number,
    confirm_consent,
    create_use_case,
    delete_use_case,
    unassign_number,
    update_use_case,
)


class NotDeletedFilter(DropdownFilter):
    """Shows use cases that are not deleted unless another choice is made."""

    title = "deleted"
    parameter_name = "deleted"
    all_option: ClassVar[list[str]] = ["", "Not deleted"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("only", "Deleted"), ("too", "Both")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "too":
            return queryset
        return queryset.filter(deleted_at__isnull=self.value() != "only")


class ConsentFilter(DropdownFilter):
    """Shows use cases that rest on a statement of consent which nobody has confirmed."""

    title = "consent"
    parameter_name = "consent"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("to_confirm", "Statement to be confirmed")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.to_confirm() if self.value() else queryset


class NumberChoice(forms.ModelMultipleChoiceField):
    """Numbers with their setups; of a number that the use case's own setups do not have, also why it cannot be one of its senders."""

    setups: frozenset[Any] = frozenset()

    def label_from_instance(self, obj: Any) -> str:
        foreign = self.setups and obj.setup_id not in self.setups
        return f"{obj.e164} ({obj.setup.name}{': only if you choose this setup' if foreign else ''})"


class UseCaseForm(ServiceForm):
    numbers = NumberChoice(
        queryset=PhoneNumber.objects.none(),
        required=False,
        label="Sender numbers",
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="Numbers of the setup, or of the failover setup. A patient keeps seeing the same one while it is assigned.",
    )

    days = WeekdaysField(
        required=False,
        label="Days",
        empty_value=[],
        help_text="On which it sends, by the recipient's calendar.",
    )

    class Meta:
        model = UseCase
        fields: ClassVar[list[str]] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding and "numbers" in self.fields:
            self.initial["numbers"] = list(self.instance.phone_numbers.values_list("pk", flat=True))

    def clean(self) -> dict[str, Any]:
        """Refuses numbers that neither the setup nor the failover setup has, at the numbers."""
        values = super().clean() or self.cleaned_data
        setups = [each for each in (values.get("setup"), values.get("failover_setup")) if each is not None]
        foreign = [number for number in values.get("numbers", ()) if number.setup not in setups]
        if setups and foreign:
            through = " and ".join(f"“{setup.name}”" for setup in setups)
            named = ", ".join(f"{number.e164} of “{number.setup.name}”" for number in foreign)
            self.add_error(
                "numbers", f"The use case sends through {through}, which cannot send from {named}. Untick it."
            )
        return values


class UseCaseAdmin(ScopedModelAdmin):
    right_to_add = Right.SET_UP
    right_to_change = Right.SET_UP
    right_to_delete = Right.SET_UP
    form = UseCaseForm
    change_form_outer_before_template = "usecases/admin/use_case_buttons.html"
    list_display = ("name", "entity_name", "purpose", "setup", "sending_enabled", "state", "workspace")
    list_filter = (("workspace", ScopedFilter), ("setup", ScopedFilter), "purpose", ConsentFilter, NotDeletedFilter)
    list_select_related = ("setup", "workspace")
    search_fields = ("name", "entity_name")
    ordering = ("-id",)
    fixed_fields: ClassVar[tuple[str, ...]] = ("workspace", "channel")
    readonly_fields: ClassVar[tuple[str, ...]] = ("policy", "consent_stated", "created_at", "updated_at", "deleted_at")
    fieldsets = (
        (None, {"fields": ("workspace", "channel", "name", "entity_name", "description", "sending_enabled")}),
        ("What for", {"fields": (
            "purpose", "basis", "consent_required", "consent_statement", "consent_valid_days", "confidential_numbers",
        )}),
        ("From whom", {"fields": ("setup", "failover_setup", "allows_ringing", "numbers")}),
        ("When, and how often", {"fields": (
            ("window_start", "window_end"), "days", "sends_on_holidays", "state_overlay", "state_overlay_reason",
            "expires_after_hours", "max_attempts", "retry_minutes",
            "max_per_day", "max_per_24h", "max_per_week",
        )}),
    )  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        return (
            ("The policy", {"fields": ("policy", "consent_stated")}),
            *fieldsets,
            ("Times", {"fields": ("created_at", "updated_at", "deleted_at")}),
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        assigned = NumberAssignment.objects.filter(
            use_case=OuterRef("pk"), phone_number__setup=OuterRef("setup"), phone_number__active=True
        )
        return super().get_queryset(request).defer("setup__credentials").annotate(has_number=Exists(assigned))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if "description" in form.base_fields:
            form.base_fields["description"].widget.attrs["rows"] = 3
        if "days" in form.base_fields and obj is None:
            form.base_fields["days"].initial = new_days()
        if "numbers" in form.base_fields:
            offered = self.choices(PhoneNumber, request).filter(setup__deleted_at=None).select_related("setup")
            if obj is not None:
                offered = offered.filter(workspace=obj.workspace_id)
            form.base_fields["numbers"].queryset = offered.order_by("setup__name", "e164")
            form.base_fields["numbers"].setups = frozenset(
                {obj.setup_id, obj.failover_setup_id} - {None} if obj else ()
            )
        return form

    def parts_shown(self, row: UseCase) -> QuerySet[Any]:
        """The numbers that may be assigned to it."""
        setups = [row.setup_id, row.failover_setup_id]
        return PhoneNumber.objects.filter(setup__in=filter(None, setups)).values_list("pk", flat=True)[:MAX_PARTS]

    def choices(self, model: Any, request: HttpRequest) -> QuerySet[Any]:
        found = super().choices(model, request)
        return found.filter(deleted_at=None) if model is TelephonySetup else found

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj is not None and obj.deleted_at)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj is not None and obj.deleted_at)

    @display(
        description="State",
        label={
            "sending": "success",
            "paused": "warning",
            "without an active sender number": "danger",
            "deleted": "danger",
        },
    )
    def state(self, use_case: Any) -> str:
        if use_case.deleted_at:
            return "deleted"
        if not use_case.has_number:
            return "without an active sender number"
        return "sending" if use_case.sending_enabled else "paused"

    @display(description="Consent")
    def consent_stated(self, use_case: UseCase) -> str:
        if use_case.consent_required != ConsentRequired.ATTESTED:
            return "A recorded consent of each number is needed."
        if use_case.consent_confirmed_at is None:
            return f"{use_case.consent_statement or 'Nobody has stated it.'} To be confirmed by compliance or an administrator."
        by = name_of(use_case.consent_confirmed_by) or "the platform"
        return f"{use_case.consent_statement} Confirmed by {by} on {moments.moment(use_case.consent_confirmed_at)}."

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row: UseCase = self.get_object(request, object_id)
        may_confirm = row.to_confirm and self._may_confirm(request, row)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "may_confirm": may_confirm})

    def get_urls(self) -> list[URLPattern]:
        view = asks(self, self.confirm, self.about_confirming)
        return [path("<uuid:object_id>/confirm-consent/", view, name="usecases_usecase_confirm"), *super().get_urls()]

    def _may_confirm(self, request: HttpRequest, row: UseCase) -> bool:
        return row.deleted_at is None and self.may(Right.CONFIRM_CONSENTS, request, row)

    def about_confirming(self, request: HttpRequest, object_id: UUID) -> Question:
        row = self._to_confirm(request, object_id)
        title = f"Has everybody consented who is reached under “{row.name}”?"
        if not row.to_confirm:
            return Question(title, "There is nothing to confirm here any more.")
        return Question(
            title,
            f"{row.consent_statement or 'Nobody has stated it in words.'} Your name and the time are kept with it, and messages rest "
            "on it from now on.",
            "Confirm: everybody reached under it has consented",
            variant="primary",
        )

    def _to_confirm(self, request: HttpRequest, object_id: UUID) -> UseCase:
        row: UseCase = self.get_object(request, str(object_id))
        if not self._may_confirm(request, row):
            raise PermissionDenied
        return row

    def confirm(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        row = self._to_confirm(request, object_id)
        confirm_consent(use_case=row, actor=acting_user(request))
        messages.success(request, "The statement of consent is confirmed.")
        return redirect(reverse("admin:usecases_usecase_change", args=[row.pk]))

    @display(description="In plain words")
    def policy(self, use_case: UseCase) -> str:
        return policy_text(use_case, rules_in_force())

    def save_model(self, request: HttpRequest, obj: UseCase, form: Any, change: bool) -> None:
        actor = acting_user(request)
        wanted = set(form.cleaned_data["numbers"])
        held = set(obj.phone_numbers.all()) if change else set()
        if change:
            # Numbers of the old setup must be unassigned before the setup changes; numbers of the new one are assigned after.
            for number in held - wanted:
                unassign_number(use_case=obj, phone_number=number, actor=actor)
            update_use_case(use_case=obj, actor=actor, **changed_columns(form))
        else:
            columns = {field.name for field in UseCase._meta.concrete_fields}
            values = {name: value for name, value in form.cleaned_data.items() if name in columns}
            copy_state(obj, create_use_case(actor=actor, **values))
        for number in wanted - held:
            assign_number(use_case=obj, phone_number=number, actor=actor)

    def delete_model(self, request: HttpRequest, obj: UseCase) -> None:
        delete_use_case(use_case=obj, actor=acting_user(request))
