"""Lifts of suppressions in the admin: one from its page or several from the list, with a reason and, where needed, a new consent."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from rvm.platform.admin.form_errors import NO_NAMES
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.pickers import MomentField
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import ids_in
from rvm.platform.errors import ServiceError
from rvm.platform.roles import Right
from usecases.consents.bases import Basis
from usecases.models import Suppression
from usecases.services.consents import MAX_EVIDENCE_LENGTH, MAX_SOURCE_LENGTH, NewConsent
from usecases.services.suppressions import MAX_LIFT_REASON_LENGTH, lift
from usecases.suppression_kinds import SuppressionScope
from usecases.suppressions import copies_of

CONSENT_FIELDS = ("consent_source", "consent_at", "consent_evidence")


class LiftForm(forms.Form):
    reason = forms.CharField(
        max_length=MAX_LIFT_REASON_LENGTH,
        label="Why they may be reached again",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=NO_NAMES,
    )
    consent_source = forms.CharField(
        max_length=MAX_SOURCE_LENGTH,
        required=False,
        label="How the person consented anew",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="For example: called the clinic, signed form.",
    )
    consent_at = MomentField("When", required=False)
    consent_evidence = forms.CharField(
        max_length=MAX_EVIDENCE_LENGTH,
        required=False,
        label="What proves it",
        widget=UnfoldAdminTextareaWidget({"rows": 3, "autocomplete": "off"}),
        help_text="Where the form lies, or who took the call and what was said. It is stored encrypted.",
    )

    consent_written = forms.BooleanField(
        required=False,
        label="It was given in writing",
        widget=UnfoldBooleanWidget(),
        help_text="Without it, marketing stays without a consent.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        given = [name for name in CONSENT_FIELDS if cleaned.get(name)]
        for name in CONSENT_FIELDS:
            if given and name not in given and name not in self.errors:
                self.add_error(name, "A consent needs its source, its time and its evidence.")
        return cleaned

    def consent(self) -> NewConsent | None:
        source, at, evidence = (self.cleaned_data.get(name) for name in CONSENT_FIELDS)
        written = self.cleaned_data.get("consent_written")
        basis = Basis.WRITTEN_CONSENT if written else Basis.EXPRESS_CONSENT
        return NewConsent(source, at, evidence, basis=basis.value) if source and at and evidence else None


class SuppressionLifts(RecordAdmin):
    """Mixin for the ModelAdmin of suppressions. Lifts are posted, so that a link cannot trigger them."""

    right_to_lift: ClassVar[Right] = Right.LIFT
    actions: Any = ("lift_selected",)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.lift))
        return [path("lift/", view, name="usecases_suppression_lift"), *super().get_urls()]

    def has_lift_permission(self, request: HttpRequest) -> bool:
        return rights_of(request).may_somewhere(self.right_to_lift)

    def may_lift(self, request: HttpRequest, row: Suppression) -> bool:
        """Whether the user may lift in each workspace in which a lift ends suppressions."""
        if row.scope == SuppressionScope.ORGANISATION:
            return rights_of(request).may_in_organisation(self.right_to_lift, row.workspace_id)
        return self.may(self.right_to_lift, request, row)

    @admin.action(description="Lift…", permissions=["lift"])
    def lift_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return self._ask(request, self._own(request, list(queryset.values_list("pk", flat=True))), LiftForm())

    def lift(self, request: HttpRequest) -> HttpResponse:
        rows = self._own(request, ids_in(request.POST.getlist("chosen")))
        if not rows or request.POST.get("sure") != "yes":
            return self._ask(request, rows, LiftForm())
        form = LiftForm(request.POST)
        if form.is_valid():
            try:
                self._lift(request, rows, form)
            except ServiceError as refusal:
                form.add_error("consent_source" if refusal.field == "consent" else None, refusal.message)
            else:
                messages.success(request, f"{_suppressions(len(rows))} lifted.")
                return redirect(self._back(request, rows))
        return self._ask(request, rows, form)

    @transaction.atomic
    def _lift(self, request: HttpRequest, rows: list[Suppression], form: LiftForm) -> None:
        now = database_now()
        for row in self._once(rows):
            consent = form.consent() if row.needs_consent else None
            lift(row, reason=form.cleaned_data["reason"], consent=consent, actor=acting_user(request), now=now)

    def _once(self, rows: list[Suppression]) -> list[Suppression]:
        """The rows without copies of an earlier one, which its lift ends too."""
        found, seen = [], set[UUID]()
        for row in rows:
            if row.pk not in seen:
                found.append(row)
                seen.update(Suppression.objects.filter(copies_of(row)).values_list("pk", flat=True))
        return found

    def _own(self, request: HttpRequest, ids: list[UUID]) -> list[Suppression]:
        """The active ones of the chosen suppressions, in the order in which they are locked. Raises PermissionDenied."""
        found = self.get_queryset(request).filter(pk__in=ids, lifted_at=None).select_related("workspace")
        rows: list[Suppression] = list(found.order_by("id"))
        if not all(self.may_lift(request, row) for row in rows):
            raise PermissionDenied(
                "A suppression that holds for the organisation is lifted by somebody who may lift in all of its workspaces."
            )
        return rows

    def _ask(self, request: HttpRequest, rows: list[Suppression], form: LiftForm) -> HttpResponse:
        if not rows:
            messages.warning(request, "None of the chosen suppressions is active.")
            return redirect(reverse("admin:usecases_suppression_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Lift {_suppressions(len(rows))}?",
            "rows": rows,
            "form": form,
            "needs_consent": any(row.needs_consent for row in rows),
            "back": self._back(request, rows),
        }
        return TemplateResponse(request, "usecases/admin/lift.html", context)

    def _back(self, request: HttpRequest, rows: list[Suppression]) -> str:
        """The page of the admin from which the lift was asked for, else that of the suppression or their list."""
        asked = request.POST.get("back", "")
        if asked.startswith(reverse("admin:index")) and url_has_allowed_host_and_scheme(asked, None):
            return asked
        if len(rows) == 1:
            return reverse("admin:usecases_suppression_change", args=[rows[0].pk])
        return reverse("admin:usecases_suppression_changelist")


def _suppressions(count: int) -> str:
    return "1 suppression" if count == 1 else f"{count} suppressions"
