"""Admin pages of voicemails: a searchable list, and a page per voicemail with its timeline."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import display

from delivery.admin.colours import STATUS_COLOURS, worded
from delivery.admin.guard_labels import kept_text, waits_text
from delivery.admin.player import player
from delivery.admin.timeline import timeline
from delivery.admin.voicemail_actions import VoicemailActions
from delivery.admin.voicemail_export import VoicemailExport
from delivery.admin.voicemail_filters import FILTERS, SEARCHED, chosen_workspace, listed_workspaces
from delivery.admin.voicemail_search import VoicemailSearch
from delivery.kept_decisions import after_hours, kept_decision
from delivery.models import CarrierReport, Voicemail
from delivery.recordings.recordings import measured
from delivery.selectors.voicemails import drops_of
from delivery.services.eligibility import waiting_for
from rvm.platform import audit
from rvm.platform.admin.exact_search import named
from rvm.platform.admin.large_tables import RecordAdmin
from rvm.platform.admin.lists import RestrictedChangeList
from rvm.platform.admin.rights import acting_user, rights_of
from rvm.platform.audit.numbers_shown import whole


class VoicemailList(RestrictedChangeList):
    """A page of voicemails, each of which knows why it waits, and whether the reader may see its number: a search lists several
    workspaces."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: list[Any] = list(self.result_list)
        rights, reasons = rights_of(request), waiting_for(self.result_list)
        for row in self.result_list:
            row.waiting_for = reasons.get(row.pk, "")
            row.number_shown = rights.may_see_numbers(row.workspace_id)


@admin.register(Voicemail)
class VoicemailAdmin(VoicemailSearch, VoicemailActions, VoicemailExport, RecordAdmin):
    list_filter: ClassVar[Any] = FILTERS
    list_select_related: ClassVar[Any] = ("use_case", "setup", "workspace")
    list_fullwidth = True
    list_before_template = "delivery/admin/voicemails_shown.html"
    fields: ClassVar[tuple[str, ...]] = ()
    change_form_template = "admin/delivery/voicemail/life.html"
    # A layer above shows more of what it knows.
    columns_of_above: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("setup__credentials")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        where = ("workspace",) if len(listed_workspaces(request)) > 1 else ()
        return (
            "created_at",
            *where,
            "shown_number",
            "coloured",
            "why",
            *self.columns_of_above,
            "use_case",
            "through",
            "sender",
            "attempts",
            "reference",
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RestrictedChangeList]:
        return VoicemailList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, whose title names the workspaces that it shows; who has several chooses among them above it."""
        shown = listed_workspaces(request)
        mine = list(rights_of(request).workspaces()[:2])
        context = {
            "title": f"Voicemails of {named(shown)}" if shown else "Voicemails",
            "workspaces": rights_of(request).workspaces() if len(mine) > 1 else (),
            "workspace": chosen_workspace(request),
            "searched": [(name, request.GET[name]) for name in SEARCHED if name in request.GET],
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    @display(description="Recipient")
    def shown_number(self, voicemail: Any) -> str:
        return self.full_number(voicemail) if voicemail.number_shown else voicemail.masked_recipient

    def full_number(self, voicemail: Voicemail) -> str:
        if voicemail.recipient is None:
            return voicemail.masked_recipient
        return whole(voicemail.recipient, voicemail.workspace_id)

    @display(description="Status", label=STATUS_COLOURS)
    def coloured(self, voicemail: Voicemail) -> tuple[str, str]:
        return worded(voicemail.status)

    @display(description="Reason")
    def why(self, voicemail: Any) -> str:
        return voicemail.reason_detail or waits_text(voicemail.waiting_for) or "-"

    @display(description="Setup")
    def through(self, voicemail: Voicemail) -> str:
        return voicemail.setup.name if voicemail.live else f"{voicemail.setup.name} (test)"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        voicemail = self.get_object(request, object_id)
        audit.record("voicemail.read", voicemail, actor=acting_user(request), workspace=voicemail.workspace)
        context = {**(extra_context or {}), **self.life(request, voicemail)}
        return super().change_view(request, object_id, form_url, context)

    def life(self, request: HttpRequest, voicemail: Voicemail) -> dict[str, Any]:
        """Template context of the page of one voicemail."""
        sees = rights_of(request).may_see_numbers(voicemail.workspace_id)
        recipient = self.full_number(voicemail) if sees else voicemail.masked_recipient
        drops, kept = list(drops_of(voicemail)), kept_decision(voicemail)
        reports = list(CarrierReport.objects.filter(drop_id__in=[drop.pk for drop in drops]).defer("raw"))
        return {
            "title": str(voicemail) if voicemail.number_removed_at else f"Voicemail to {recipient}",
            "voicemail": voicemail,
            "recipient": recipient,
            "record_number": voicemail.record_number if sees else voicemail.masked_record_number,
            # An assembled recording may contain the person's name.
            "player": player(measured(voicemail.recording)) if sees or not voicemail.recording.assembled else "",
            "status": voicemail.status,
            "waits": waits_text(waiting_for([voicemail]).get(voicemail.pk, "")),
            "kept": kept_text(kept, after_hours(kept, drops)) if kept else None,
            "events": timeline(voicemail, drops, reports),
            "drops": drops,
            "reports": reports,
            "colours": STATUS_COLOURS,
            **self.buttons(request, voicemail),
        }
