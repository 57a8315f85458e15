"""Admin of suppressions: added, filtered and searched by phone number, exported and lifted, never removed."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
)

from rvm.platform import audit
from rvm.platform.admin.form_errors import ServiceForm, copy_state
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.admin.scoping import ScopedFilter
from rvm.platform.audit.numbers_shown import whole
from rvm.platform.errors import ServiceError
from rvm.platform.roles import Right
from rvm.platform.times import moments
from usecases.admin.suppression_export import SuppressionExport
from usecases.admin.suppression_lifts import SuppressionLifts
from usecases.admin.typed_numbers import NumberFilter, NumberSearch, TypedNumberField
from usecases.consents.bases import PURPOSES, purposes_text
from usecases.models import Suppression
from usecases.selectors import name_of
from usecases.services.suppressions import suppress_number
from usecases.suppression_kinds import (
    KIND_LABELS,
    ORIGIN_LABELS,
    SCOPE_LABELS,
    STATED_KINDS,
    SuppressionKind,
    SuppressionScope,
)
from usecases.suppressions import other_active, with_indexes

ACTIVE, LIFTED = "active", "lifted"


class SuppressionForm(ServiceForm):
    phone_number = TypedNumberField(
        help_text="For example +1 202 555 0142, in any way of writing. It is stored encrypted."
    )
    kind = forms.ChoiceField(
        label="Why",
        choices=[(kind.value, KIND_LABELS[kind]) for kind in STATED_KINDS],
        initial=SuppressionKind.OPT_OUT.value,
        widget=UnfoldAdminSelectWidget(),
    )
    purposes = forms.MultipleChoiceField(
        label="Only for these purposes",
        choices=PURPOSES,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="Without a tick it holds for everything.",
    )

    scope = forms.ChoiceField(
        label="Holds for",
        choices=[(scope.value, label) for scope, label in SCOPE_LABELS.items()],
        initial=SuppressionScope.ORGANISATION.value,
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )

    class Meta:
        model = Suppression
        fields = ("workspace", "kind", "purposes", "scope", "reason")
        labels: ClassVar[dict[str, str]] = {"reason": "Note"}


class SuppressedNumberFilter(NumberFilter):
    @classmethod
    def with_indexes(cls, indexes: Collection[bytes]) -> Q:
        return with_indexes(indexes)


class StateFilter(DropdownFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(ACTIVE, "Active"), (LIFTED, "Lifted")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value()
        return queryset.filter(lifted_at__isnull=asked == ACTIVE) if asked in (ACTIVE, LIFTED) else queryset


@admin.register(Suppression)
class SuppressionAdmin(SuppressionLifts, SuppressionExport, NumberSearch):
    """Admin without change or deletion: a suppression is lifted, with a reason, and stays as history."""

    right_to_add = Right.SUPPRESS
    form = SuppressionForm
    number_filter = SuppressedNumberFilter
    list_display: ClassVar[tuple[str, ...]] = (
        "masked", "kind_shown", "purposes_shown", "scope", "put_by", "reason", "state", "created_at", "workspace",
    )  # fmt: skip
    list_filter: ClassVar[tuple[Any, ...]] = (
        ("workspace", ScopedFilter),
        ("kind", ChoicesDropdownFilter),
        ("source", ChoicesDropdownFilter),
        ("scope", ChoicesDropdownFilter),
        StateFilter,
        SuppressedNumberFilter,
    )
    list_select_related = ("workspace", "created_by")
    change_form_outer_before_template = "usecases/admin/suppression_buttons.html"
    # A layer above shows more of what it knows.
    more_fields: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("number", "number_index")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("workspace", "phone_number", "kind", "purposes", "scope", "reason")
        reveal = rights_of(request).may_see_numbers(obj.workspace_id) and not obj.from_elsewhere
        put = (
            "workspace",
            "kind_shown",
            "purposes_shown",
            "scope",
            "origin_shown",
            "source",
            "reason",
            "put_by",
            "created_at",
            "state",
        )
        lifted = () if obj.active else ("lifted_at", "lifter", "lift_reason")
        evidence = ("consent_shown",) if not obj.active and reveal else ()
        return ("full" if reveal else "masked", *put, *self.more_fields, *lifted, *evidence, "others")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.get_fields(request, obj)

    @display(description="Phone number")
    def masked(self, suppression: Suppression) -> str:
        return suppression.masked_number

    @display(description="Phone number")
    def full(self, suppression: Suppression) -> str:
        if suppression.number:
            return whole(suppression.number, suppression.workspace_id)
        return f"{suppression.masked_number} (the number could not be opened)"

    @display(description="Why")
    def kind_shown(self, suppression: Suppression) -> str:
        return KIND_LABELS[SuppressionKind(suppression.kind)]

    @display(description="For")
    def purposes_shown(self, suppression: Suppression) -> str:
        return purposes_text(suppression.purposes) or "Everything"

    @display(description="Said")
    def origin_shown(self, suppression: Suppression) -> str:
        return ORIGIN_LABELS[suppression.said_in]

    @display(description="State", label={"Active": "danger", "Lifted": "success"})
    def state(self, suppression: Suppression) -> str:
        return "Active" if suppression.active else "Lifted"

    @display(description="Put there by")
    def put_by(self, suppression: Suppression) -> str:
        return name_of(suppression.created_by) or suppression.get_source_display()

    @display(description="Lifted by")
    def lifter(self, suppression: Suppression) -> str:
        return name_of(suppression.lifted_by) or "-"

    @display(description="New consent")
    def consent_shown(self, suppression: Suppression) -> str:
        said = suppression.consent
        return f"{said.source}, {moments.moment(said.at)}: {said.evidence}" if said else "-"

    @display(description="Also suppressed by")
    def others(self, suppression: Suppression) -> str:
        rows = [
            (self.address(row), self.kind_shown(row), row.get_source_display()) for row in other_active(suppression)
        ]
        return format_html_join(", ", '<a class="text-link" href="{}">{} ({})</a>', rows) or "nothing else"

    def address(self, row: Suppression) -> str:
        return reverse("admin:usecases_suppression_change", args=[row.pk])

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        audit.record("suppression.read", row, actor=acting_user(request), workspace=row.workspace)
        context = {**(extra_context or {}), "may_lift": row.active and self.may_lift(request, row)}
        return super().change_view(request, object_id, form_url, context)

    def save_model(self, request: HttpRequest, obj: Suppression, form: Any, change: bool) -> None:
        said = form.cleaned_data
        row, created = suppress_number(
            workspace=said["workspace"],
            number=said["phone_number"],
            kind=SuppressionKind(said["kind"]),
            source=Suppression.Source.PERSON,
            purposes=said["purposes"],
            scope=SuppressionScope(said["scope"] or SuppressionScope.ORGANISATION),
            reason=said["reason"],
            actor=acting_user(request),
        )
        if not created:
            raise ServiceError("suppressed", "This number is on the workspace's list already.", field="phone_number")
        copy_state(obj, row)
