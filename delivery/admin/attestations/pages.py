"""Pages on which people state what recordings and clips say, or withdraw that. By POST, so that a link cannot state anything."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.decorators import display

from delivery.admin.attestations.form import AttestationForm
from delivery.models import Clip, Recording
from delivery.recordings.attestations import attest, withdraw_attestation
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.database.ids import ids_in
from rvm.platform.errors import ServiceError
from rvm.platform.roles import Right
from rvm.platform.times import moments
from usecases.attestations.recordings import Said
from usecases.selectors import name_of

_SAYS = {
    Said.CALLER: "who is calling",
    Said.CALLBACK_NUMBER: "a number to call back",
    Said.OPT_OUT_NUMBER: "a number to opt out",
    Said.SYNTHETIC_VOICE: "that the voice is artificial",
}


class AttestingAdmin(RecordAdmin):
    """Mixin for the ModelAdmin of recordings and of clips."""

    right_to_attest: ClassVar[Right] = Right.ATTEST
    actions: Any = ("attest_selected",)
    change_form_outer_before_template = "delivery/admin/attestation_buttons.html"

    def get_urls(self) -> list[URLPattern]:
        names = {"attest": self.attest, "withdraw_attestation": self.withdraw}
        views = [
            path(
                f"{name.replace('_', '-')}/",
                self.admin_site.admin_view(require_POST(view)),
                name=f"delivery_{self.opts.model_name}_{name}",
            )
            for name, view in names.items()
        ]
        return [*views, *super().get_urls()]

    @display(description="Statement", label={"stated": "success", "missing": "warning"})
    def statement_flag(self, sound: Recording | Clip) -> str:
        return "stated" if sound.attested else "missing"

    @display(description="Stated about it")
    def statement_shown(self, sound: Recording | Clip) -> str:
        if sound.attested_at is None:
            return "Nothing: nobody has stated what it says, so it is not sent through a real carrier."
        by = name_of(sound.attested_by) or ("its clips" if getattr(sound, "assembled", False) else "the platform")
        says = ", ".join(_SAYS[said] for said in Said if said in sound.says) or "nothing of what others have to say"
        other = "" if sound.attested_by_another else " It is by who uploaded it."
        return (
            f"By {by} on {moments.moment(sound.attested_at)}: a {sound.voice} voice that says {says}, and tells nothing of "
            f"anybody's health.{other}"
        )

    def has_attest_permission(self, request: HttpRequest) -> bool:
        return rights_of(request).may_somewhere(self.right_to_attest)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        sound = self.get_object(request, object_id)
        context = {
            "may_attest": self.may(self.right_to_attest, request, sound),
            "attest_address": self._address("attest"),
            "withdraw_address": self._address("withdraw_attestation"),
        }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    @admin.action(description="State what they say…", permissions=["attest"])
    def attest_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        return self._ask(request, self._own(request, queryset.values_list("pk", flat=True)), self._form())

    def attest(self, request: HttpRequest) -> HttpResponse:
        sounds = self._own(request, request.POST.getlist("chosen"))
        if not sounds or request.POST.get("sure") != "yes":
            return self._ask(request, sounds, self._form())
        form = self._form(request.POST)
        if form.is_valid():
            try:
                attest(sounds, form.statement(), actor=acting_user(request))
            except ServiceError as refusal:
                form.add_error(None, refusal.message)
            else:
                messages.success(request, f"It is stated what {self._counted(sounds)} say{'s' * (len(sounds) == 1)}.")
                return redirect(self._back(sounds))
        return self._ask(request, sounds, form)

    def withdraw(self, request: HttpRequest) -> HttpResponse:
        sounds = self._own(request, request.POST.getlist("chosen"))
        withdraw_attestation(sounds, actor=acting_user(request))
        messages.success(request, "The statement is withdrawn: what is queued waits for a new one.")
        return redirect(self._back(sounds))

    def _form(self, data: Any = None) -> AttestationForm:
        return AttestationForm(data, clip=self.model is Clip)

    def _own(self, request: HttpRequest, ids: Any) -> list[Any]:
        """The chosen rows of one workspace after the other. Raises PermissionDenied."""
        found = (
            self.get_queryset(request).filter(pk__in=ids_in(map(str, ids))).select_related("workspace").order_by("id")
        )
        rows = list(found)
        rights = rights_of(request)
        for row in rows:
            hidden = getattr(row, "assembled", False) and not rights.may_see_numbers(row.workspace_id)
            if hidden or not self.may(self.right_to_attest, request, row):
                raise PermissionDenied
        return rows

    def _ask(self, request: HttpRequest, sounds: list[Any], form: AttestationForm) -> HttpResponse:
        if not sounds:
            messages.error(request, "Choose what the statement is about.")
            return redirect(self._back(sounds))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"What {'does' if len(sounds) == 1 else 'do'} {self._counted(sounds)} say?",
            "sounds": sounds,
            "clip": self.model is Clip,
            "form": form,
            "address": self._address("attest"),
            "back": self._back(sounds),
        }
        return TemplateResponse(request, "delivery/admin/attest.html", context)

    def _counted(self, sounds: list[Any]) -> str:
        kind = str(self.opts.verbose_name if len(sounds) == 1 else self.opts.verbose_name_plural)
        return f"“{sounds[0].name}”" if len(sounds) == 1 else f"{len(sounds)} {kind}"

    def _back(self, sounds: list[Any]) -> str:
        if len(sounds) == 1:
            return reverse(f"admin:delivery_{self.opts.model_name}_change", args=[sounds[0].pk])
        return reverse(f"admin:delivery_{self.opts.model_name}_changelist")

    def _address(self, name: str) -> str:
        return reverse(f"admin:delivery_{self.opts.model_name}_{name}")
