"""Admin of consents: recorded, filtered and searched by phone number, exported and revoked, never changed."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from rvm.platform import audit
from rvm.platform.admin.form_errors import ServiceForm, copy_state
from rvm.platform.admin.pickers import MomentField
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.admin.scoping import ScopedFilter
from rvm.platform.audit.numbers_shown import whole
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.roles import Right
from rvm.platform.times import moments
from usecases.admin.consent_export import ConsentExport
from usecases.admin.typed_numbers import NumberFilter, NumberSearch, TypedNumberField
from usecases.consents.bases import PURPOSES, purposes_text
from usecases.models import Consent
from usecases.selectors import name_of
from usecases.services.consents import MAX_EVIDENCE_LENGTH, MAX_SOURCE_LENGTH, NewConsent, record_consent
from usecases.services.revocations import revoke_consent

STANDING, ENDED = "standing", "ended"


class ConsentForm(ServiceForm):
    refusal_fields: ClassVar[dict[str, str]] = {"given_at": "at"}

    phone_number = TypedNumberField(
        help_text="For example +1 202 555 0142, in any way of writing. It is stored encrypted."
    )
    purposes = forms.MultipleChoiceField(
        label="For these purposes", choices=PURPOSES, widget=UnfoldAdminCheckboxSelectMultipleWidget()
    )
    source = forms.CharField(
        label="How it was given",
        max_length=MAX_SOURCE_LENGTH,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="For example: signed form, called the clinic.",
    )
    at = MomentField("When it was given")
    expires_at = MomentField("When it ends", required=False, help_text="Empty: until it is revoked.")
    evidence = forms.CharField(
        label="What proves it",
        max_length=MAX_EVIDENCE_LENGTH,
        widget=UnfoldAdminTextareaWidget({"rows": 3, "autocomplete": "off"}),
        help_text="Where the form lies, or who took the call and what was said. It is stored encrypted.",
    )

    class Meta:
        model = Consent
        fields = ("workspace", "purposes", "basis", "source", "at", "expires_at")


class RevocationForm(forms.Form):
    channel = forms.CharField(
        label="How the person said so",
        max_length=MAX_SOURCE_LENGTH,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="For example: telephone, at the front desk.",
    )
    revoked_at = MomentField("When", required=False, help_text="Empty: now.")


class StateFilter(DropdownFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(STANDING, "Standing"), (ENDED, "Revoked or expired")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "standing":
                return queryset.standing(database_now())
            case "ended":
                return queryset.ended(database_now())
        return queryset


class PurposeFilter(DropdownFilter):
    title, parameter_name = "purpose", "purpose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return PURPOSES

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        asked = self.value()
        return queryset.filter(purposes__contains=[asked]) if asked else queryset


@admin.register(Consent)
class ConsentAdmin(ConsentExport, NumberSearch):
    """Admin without change or deletion: a consent is revoked by a further row, and stays."""

    right_to_add = Right.RECORD_CONSENTS
    right_to_revoke: ClassVar[Right] = Right.SUPPRESS
    form = ConsentForm
    list_display: ClassVar[tuple[str, ...]] = (
        "masked", "purposes_shown", "basis", "source", "at", "expires_at", "state", "workspace",
    )  # fmt: skip
    list_filter: ClassVar[tuple[Any, ...]] = (
        ("workspace", ScopedFilter),
        PurposeFilter,
        ("basis", ChoicesDropdownFilter),
        StateFilter,
        NumberFilter,
    )
    list_select_related = ("workspace", "revocation")
    change_form_outer_before_template = "usecases/admin/consent_buttons.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found = super().get_queryset(request).filter(revokes=None)
        return found.defer("number", "evidence", "revocation__number", "revocation__evidence")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ("workspace", "phone_number", "purposes", "basis", "source", "at", "expires_at", "evidence")
        reveal = rights_of(request).may_see_numbers(obj.workspace_id)
        given = (
            "workspace",
            "purposes_shown",
            "basis",
            "source",
            "at",
            "expires_at",
            "recorder",
            "created_at",
            "state",
        )
        revoked = ("revocation_shown",) if obj.revoked_by else ()
        return ("full" if reveal else "masked", *given, *revoked, *(("evidence_shown",) if reveal else ()))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.get_fields(request, obj)

    @display(description="Phone number")
    def masked(self, consent: Consent) -> str:
        return consent.masked_number

    @display(description="Phone number")
    def full(self, consent: Consent) -> str:
        if consent.list_id:
            return consent.masked_number
        if consent.number:
            return whole(consent.number, consent.workspace_id)
        return f"{consent.masked_number} (the number could not be opened)"

    @display(description="For")
    def purposes_shown(self, consent: Consent) -> str:
        return purposes_text(consent.purposes)

    @display(description="State", label={"Standing": "success", "Revoked": "danger", "Expired": "warning"})
    def state(self, consent: Consent) -> str:
        return consent.state(database_now())

    @display(description="Recorded by")
    def recorder(self, consent: Consent) -> str:
        return name_of(consent.created_by) or "-"

    @display(description="Revoked")
    def revocation_shown(self, consent: Consent) -> str:
        row = consent.revoked_by
        if row is None:
            return "-"
        by = f", recorded by {name_of(row.created_by)}" if row.created_by else ""
        return f"{moments.moment(row.at)}, {row.source}{by}"

    @display(description="What proves it")
    def evidence_shown(self, consent: Consent) -> str:
        return consent.evidence

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        audit.record("consent.read", row, actor=acting_user(request), workspace=row.workspace)
        may_revoke = row.revoked_by is None and row.list_id is None and self.may(self.right_to_revoke, request, row)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "may_revoke": may_revoke})

    def save_model(self, request: HttpRequest, obj: Consent, form: Any, change: bool) -> None:
        said = form.cleaned_data
        consent = NewConsent(
            said["source"], said["at"], said["evidence"], said["purposes"], said["basis"], said["expires_at"]
        )
        row = record_consent(
            workspace=said["workspace"],
            number=said["phone_number"],
            consent=consent,
            actor=acting_user(request),
            now=database_now(),
        )
        copy_state(obj, row)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.revoke))
        return [path("<uuid:consent_id>/revoke/", view, name="usecases_consent_revoke"), *super().get_urls()]

    def revoke(self, request: HttpRequest, consent_id: Any) -> HttpResponse:
        row = self.get_object(request, str(consent_id))
        if not self.may(self.right_to_revoke, request, row):
            raise PermissionDenied
        page = reverse("admin:usecases_consent_change", args=[row.pk])
        form = RevocationForm(request.POST) if request.POST.get("sure") == "yes" else RevocationForm()
        if form.is_bound and form.is_valid():
            try:
                revoke_consent(
                    row,
                    channel=form.cleaned_data["channel"],
                    revoked_at=form.cleaned_data["revoked_at"],
                    actor=acting_user(request),
                    now=database_now(),
                )
            except ServiceError as refusal:
                form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
            else:
                messages.success(request, "Consent revoked; the number is suppressed for its purposes.")
                return redirect(page)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": "Revoke the consent?",
            "row": row,
            "purposes": self.purposes_shown(row),
            "form": form,
            "back": page,
        }
        return TemplateResponse(request, "usecases/admin/revoke.html", context)
