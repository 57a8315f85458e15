"""Withdrawals in the admin: a pasted list or a file, the outcomes of its lines, and the confirmation.

The list names patients: it is sent by POST, an uploaded file is encrypted while it is received, and neither is kept.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextareaWidget

from campaigns.admin import labels
from campaigns.admin.fields import LIST_FILES
from campaigns.admin.lists.upload import TOO_LARGE
from campaigns.api.imports import ListUploadHandler
from campaigns.models import Campaign, Withdrawal
from campaigns.states import CANCELABLE, LineOutcome, WithdrawalState
from campaigns.withdrawals import service as services
from campaigns.withdrawals.lists import MAX_LINES, Line, listed_lines, pasted_lines
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.number_quota import ask
from rvm.platform.admin.rights import acting_user
from rvm.platform.admin.scoping import ScopedFilter
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.uploads import UploadTooLarge, drain


class WithdrawalForm(forms.Form):
    lines = forms.CharField(
        label="Who is taken out",
        required=False,
        strip=False,
        widget=UnfoldAdminTextareaWidget({"rows": 8, "autocomplete": "off", "spellcheck": "false"}),
        help_text="One person in a line: a record number, a reference or a phone number.",
    )
    file = forms.FileField(
        label="Or a list",
        required=False,
        allow_empty_file=True,
        widget=UnfoldAdminFileFieldWidget({"accept": LIST_FILES}),
        help_text=f"CSV or Excel (.xlsx) with a column “MRN”, “Reference” or “Phone”, up to {MAX_LINES:,} rows. If it has the "
        "status of each appointment, only canceled ones are taken out.",
    )

    def found(self) -> list[Line]:
        """The lines of the list. Raises ServiceError."""
        if file := self.cleaned_data.get("file"):
            return listed_lines(file.chunks, file.size)
        return pasted_lines(self.cleaned_data["lines"].splitlines())


class Withdrawing(RecordAdmin):
    """Mixin of the campaigns' ModelAdmin: the views of a withdrawal."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        asking = wrap(csrf_exempt(require_http_methods(["GET", "HEAD", "POST"])(self.withdraw)))
        confirming = wrap(require_http_methods(["GET", "HEAD", "POST"])(self.confirm_withdrawal))
        one = "<uuid:object_id>/withdraw/<uuid:withdrawal_id>/"
        return [
            path("<uuid:object_id>/withdraw/", asking, name="campaigns_campaign_withdraw"),
            path(one, confirming, name="campaigns_campaign_withdrawal"),
            *super().get_urls(),
        ]

    def withdraw(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        request.upload_handlers = [ListUploadHandler(request)]
        try:
            return self._withdraw(request, object_id)
        except UploadTooLarge:
            drain(request)
            messages.error(request, TOO_LARGE)
            return redirect(reverse("admin:campaigns_campaign_withdraw", args=[object_id]))

    @method_decorator(csrf_protect)
    def _withdraw(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        campaign: Campaign = self._changeable(request, object_id)
        posted = request.method == "POST"
        form = WithdrawalForm(request.POST, request.FILES) if posted else WithdrawalForm()
        if posted and form.is_valid():
            try:
                lines = form.found()
                ask(request, [campaign.workspace], "withdrawal", sum(bool(line.phones) for line in lines))
                row = services.check(campaign, lines, actor=acting_user(request), now=database_now())
            except ServiceError as refusal:
                form.add_error("file" if form.cleaned_data.get("file") else "lines", refusal.message)
            else:
                return redirect(reverse("admin:campaigns_campaign_withdrawal", args=[campaign.pk, row.pk]))
        title = f"Take people out of “{campaign.name}”"
        if campaign.state not in CANCELABLE:
            return self._passed_page(request, campaign, title, _over(campaign))
        return self._confirmation_page(request, campaign, title, "campaigns/admin/withdraw.html", {"form": form})

    def confirm_withdrawal(self, request: HttpRequest, object_id: UUID, withdrawal_id: UUID) -> HttpResponse:
        campaign: Campaign = self._changeable(request, object_id)
        row = Withdrawal.objects.filter(campaign=campaign, pk=withdrawal_id).first()
        if row is None:
            raise Http404
        row.campaign = campaign
        if request.method != "POST":
            waiting = len(row.voicemail_ids)
            title = f"Take {labels.people(waiting)} out of “{campaign.name}”?"
            if campaign.state not in CANCELABLE and row.state != WithdrawalState.CONFIRMED:
                return self._passed_page(request, campaign, title, _over(campaign))
            context = {
                "waiting": waiting,
                "confirmed": row.state == WithdrawalState.CONFIRMED,
                "withdrawn": row.withdrawn,
                "outcomes": _outcomes(row),
                "take_out": f"Take out {labels.people(waiting)}",
            }
            return self._confirmation_page(request, campaign, title, "campaigns/admin/withdrawal.html", context)

        def action() -> str:
            withdrawn = services.confirm(row, actor=acting_user(request), now=database_now()).withdrawn or 0
            gone = len(row.voicemail_ids) - withdrawn
            late = f" The message of {labels.people(gone)} had left meanwhile." if gone else ""
            return f"Taken out: {labels.people(withdrawn)}.{late}"

        return self._run_action(request, campaign, action)


def _over(campaign: Campaign) -> str:
    return f"This campaign is {campaign.state}, so nobody waits in it who could be taken out."


def _outcomes(row: Withdrawal) -> list[dict[str, Any]]:
    """The outcomes of the lines with counts and words, and the first line numbers of outcomes without a withdrawal."""
    return [
        {"outcome": outcome.value, "count": count, "words": words, "lines": row.lines.get(outcome, [])}
        for outcome, words in labels.LINE_OUTCOMES.items()
        if (count := row.counts.get(outcome, 0)) or outcome is LineOutcome.WAITING
    ]


@admin.register(Withdrawal)
class WithdrawalAdmin(RecordAdmin):
    list_display = ("created_at", "campaign", "state", "withdrawn", "created_by", "confirmed_by", "workspace")
    list_filter = (("workspace", ScopedFilter),)
    list_select_related = ("workspace", "campaign", "created_by", "confirmed_by")
    fields = (
        "workspace",
        "campaign",
        "state",
        "counts",
        "withdrawn",
        "created_by",
        "created_at",
        "confirmed_by",
        "confirmed_at",
    )
