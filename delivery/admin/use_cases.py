"""Use cases in the admin, with the page that says whether a person may be reached under one, now or then, and why not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods
from unfold.decorators import display
from unfold.widgets import UnfoldBooleanWidget

from delivery.admin import guard_labels
from delivery.services.eligibility import explanation
from rvm.phone_numbers.numbers import zones_of
from rvm.platform.admin.history.model_admin import RowWithTitle
from rvm.platform.admin.number_quota import within_quota
from rvm.platform.admin.pickers import LocalMomentField
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.times.tz_database import zone as zone_named
from usecases.admin.typed_numbers import TypedNumberField
from usecases.admin.use_cases import UseCaseAdmin
from usecases.models import UseCase

_FIELDS = {"recipient_phone_number": "phone_number"}


class QuestionForm(forms.Form):
    phone_number = TypedNumberField(
        help_text="For example (202) 555-0142. It is not kept.",
        error_messages={"invalid": "This is no phone number; write it as (202) 555-0142, or as + and 7 to 15 digits."},
    )
    at = LocalMomentField(
        required=False,
        label="When",
        help_text="By the clock where the person is. Empty: now.",
    )

    rehearsal = forms.BooleanField(
        required=False,
        label="As if its setup reached people",
        widget=UnfoldBooleanWidget(),
        help_text="A rehearsal: through its simulated setup neither hours nor caps nor the age of a consent bind.",
    )

    def __init__(self, *args: Any, simulated: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not simulated:
            del self.fields["rehearsal"]

    def moment(self) -> datetime | None:
        """The time that is asked about, read by the clock of the first of the number's zones."""
        at: datetime | None = self.cleaned_data.get("at")
        zones = zones_of(self.cleaned_data["phone_number"])
        if at is None or not zones:
            return None
        return at.replace(tzinfo=zone_named(zones[0])).astimezone(UTC)


@admin.register(UseCase)
class UseCaseWithQuestions(UseCaseAdmin):
    readonly_fields: ClassVar[tuple[str, ...]] = (*UseCaseAdmin.readonly_fields, "question")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        (title, options), *others = fieldsets
        return ((title, {**options, "fields": (*options["fields"], "question")}), *others)

    @display(description="One person")
    def question(self, use_case: UseCase) -> str:
        address = reverse("admin:usecases_usecase_eligibility", args=[use_case.pk])
        return format_html('<a class="text-link" href="{}">May this person be reached?</a>', address)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_http_methods(["GET", "HEAD", "POST"])(self.eligibility))
        return [path("<uuid:object_id>/eligibility/", view, name="usecases_usecase_eligibility"), *super().get_urls()]

    def eligibility(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """The question and its answer. By POST, so that the number is in no address."""
        use_case: UseCase = self.get_object(request, str(object_id))
        posted = request.method == "POST"
        form = QuestionForm(request.POST if posted else None, simulated=not use_case.live)
        asked = posted and form.is_valid() and within_quota(request, form, [use_case.workspace], "eligibility")
        shown = self._answered(use_case, form) if asked else {}
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": RowWithTitle(use_case, self.row_title(use_case)),
            "title": f"May this person be reached under “{use_case.name}”?",
            "policy": self.policy(use_case),
            "page": reverse("admin:usecases_usecase_change", args=[use_case.pk]),
            "form": form,
            **shown,
        }
        return TemplateResponse(request, "delivery/admin/eligibility.html", context)

    def _answered(self, use_case: UseCase, form: QuestionForm) -> dict[str, Any]:
        number, now, at = form.cleaned_data["phone_number"], database_now(), form.moment()
        try:
            rehearsal = form.cleaned_data.get("rehearsal", False)
            found = explanation(use_case=use_case, number=number, live=True, at=at, now=now, rehearsal=rehearsal)
        except ServiceError as refusal:
            field = _FIELDS.get(refusal.field, refusal.field)
            form.add_error(field if field in form.fields else None, refusal.message)
            return {}
        zones = zones_of(number)
        return {
            "answer": guard_labels.answer(found, now, at),
            "asked": guard_labels.local_times(at or now, zones),
            "next_time": guard_labels.next_time(found, zones, at or now),
            "guards": [
                {"passes": type(verdict.decision).__name__ == "Send", "message": guard_labels.message_of(verdict)}
                for verdict in found.verdicts
                if verdict.guard not in guard_labels.NOT_SHOWN
            ],
        }
