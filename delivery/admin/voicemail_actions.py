"""Admin actions that cancel and retry one or several voicemails through the services that the API calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from delivery.lifecycle.reasons import GUESSES, REASONS, Reason
from delivery.lifecycle.status import VoicemailStatus
from delivery.models import Voicemail
from delivery.services.retries import retry
from delivery.services.voicemails import cancel
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.questions import Question, ask, asks
from rvm.platform.admin.rights import acting_user, forbidden, rights_of
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.roles import Right

# A retry that may reach a person twice has a right of its own, as it has its own scope in the API.
FINAL = "This is final: a canceled voicemail is not queued again. To stop a campaign for a while, pause it."
# What says of a list's form which action is meant, of which rows.
KEPT = ("action", "_selected_action", "select_across", "index")


def at_risk(voicemail: Voicemail) -> bool:
    """Whether a retry could reach the person a second time."""
    unsettled = voicemail.status == VoicemailStatus.UNCERTAIN
    return unsettled or voicemail.reason in GUESSES


class VoicemailActions(RecordAdmin):
    """Mixin for the ModelAdmin of voicemails. Changes require POST, so that a link cannot trigger them."""

    actions: Any = ("cancel_selected", "retry_selected")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path(
                "<uuid:object_id>/cancel/",
                asks(self, self.cancel_one, self.about_canceling),
                name="delivery_voicemail_cancel",
            ),
            path("<uuid:object_id>/retry/", wrap(require_POST(self.retry_one)), name="delivery_voicemail_retry"),
            *super().get_urls(),
        ]

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return rights_of(request).may_somewhere(Right.LAUNCH)

    def buttons(self, request: HttpRequest, voicemail: Voicemail) -> dict[str, bool]:
        """Flags for the template: which buttons the page shows."""
        rights, status = rights_of(request), voicemail.status
        operates = rights.may(Right.LAUNCH, voicemail.workspace_id)
        risky = at_risk(voicemail)
        retryable = status in (VoicemailStatus.FAILED, VoicemailStatus.UNCERTAIN)
        helps = risky or bool(voicemail.reason and REASONS[Reason(voicemail.reason)].retryable)
        return {
            "may_cancel": operates and status == VoicemailStatus.QUEUED,
            "may_retry": operates
            and retryable
            and helps
            and (not risky or rights.may(Right.RESEND_UNCERTAIN, voicemail.workspace_id)),
            "at_risk": risky,
        }

    def about_canceling(self, request: HttpRequest, object_id: UUID) -> Question:
        voicemail = self._permitted(request, object_id, Right.LAUNCH)
        title = "Cancel this voicemail?"
        if voicemail.status != VoicemailStatus.QUEUED:
            return Question(title, f"This voicemail is {voicemail.status}, so it cannot be canceled any more.")
        return Question(title, f"It waits for its turn, and is not sent then. {FINAL}", "Cancel the voicemail")

    def cancel_one(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        voicemail = self._permitted(request, object_id, Right.LAUNCH)
        return self._run_action(
            request, voicemail, lambda: self._cancel(request, voicemail), "The voicemail is canceled."
        )

    def retry_one(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        accepts = request.POST.get("accept_duplicate_risk") == "yes"
        voicemail = self._permitted(request, object_id, Right.RESEND_UNCERTAIN if accepts else Right.LAUNCH)
        return self._run_action(
            request, voicemail, lambda: self._retry(request, voicemail, accepts), "The voicemail is queued again."
        )

    @admin.action(description="Cancel what is still queued", permissions=["operate"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        chosen = queryset.filter(status=VoicemailStatus.QUEUED).count()
        if request.POST.get("sure") != "yes" and chosen:
            those = "1 of the chosen voicemails waits" if chosen == 1 else f"{chosen} of the chosen voicemails wait"
            kept = [(name, value) for name in KEPT for value in request.POST.getlist(name)]
            question = Question(
                "Cancel what is still queued?",
                f"{those} for a turn, and {'is' if chosen == 1 else 'are'} not sent then. {FINAL}",
                f"Cancel {chosen}",
                [*kept, ("sure", "yes")],
            )
            return ask(self, request, question, request.get_full_path())
        self._apply_to_all(request, queryset, self._cancel, "canceled")
        return None

    @admin.action(description="Retry what failed and was not delivered for certain", permissions=["operate"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._apply_to_all(request, queryset, self._retry, "queued again")

    def _cancel(self, request: HttpRequest, voicemail: Voicemail) -> None:
        cancel(voicemail, actor=acting_user(request), now=database_now())

    def _retry(self, request: HttpRequest, voicemail: Voicemail, accepts: bool = False) -> None:
        retry(voicemail, accept_duplicate_risk=accepts, actor=acting_user(request), now=database_now())

    def _permitted(self, request: HttpRequest, object_id: UUID, needed: Right) -> Voicemail:
        voicemail: Voicemail = self.get_object(request, str(object_id))
        if not rights_of(request).may(needed, voicemail.workspace_id):
            raise PermissionDenied
        return voicemail

    def _run_action(
        self, request: HttpRequest, voicemail: Voicemail, action: Callable[[], None], done: str
    ) -> HttpResponse:
        try:
            action()
            messages.success(request, done)
        except ServiceError as refusal:
            messages.error(request, admin_message(refusal))
        return redirect(reverse("admin:delivery_voicemail_change", args=[voicemail.pk]))

    def _apply_to_all(
        self, request: HttpRequest, queryset: QuerySet[Any], action: Callable[[HttpRequest, Voicemail], None], done: str
    ) -> None:
        """Apply the action to each voicemail separately, so that one refusal does not stop the others."""
        count, refusals = 0, dict[str, int]()
        for voicemail in queryset:
            try:
                if not rights_of(request).may(Right.LAUNCH, voicemail.workspace_id):
                    raise forbidden()
                action(request, voicemail)
                count += 1
            except ServiceError as refusal:
                message = admin_message(refusal)
                refusals[message] = refusals.get(message, 0) + 1
        messages.success(request, f"{count} voicemails are {done}.") if count else None
        for message, times in refusals.items():
            messages.warning(request, f"{times} not: {message}")


def admin_message(refusal: ServiceError) -> str:
    """The refusal as text for the page: the service's message on duplicate risk describes the API's field."""
    if refusal.code == "duplicate_risk":
        return "The person may have been reached already; open the voicemail to accept the risk and send again all the same."
    return str(refusal)
