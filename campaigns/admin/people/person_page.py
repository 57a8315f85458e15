"""The page of a person in the admin: may they be reached, what waits, what they received, what suppresses them, and their opt-out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from campaigns.admin.people import labels
from campaigns.admin.people.addresses import address_of, person_at
from campaigns.models import Campaign
from campaigns.people import record
from campaigns.people.erasure import erase
from campaigns.people.opt_out import opt_out
from campaigns.people.search import Person, known_in
from delivery.admin import guard_labels
from delivery.admin.colours import STATUS_COLOURS
from delivery.models import Voicemail
from delivery.models.voicemail import number_in
from delivery.services.eligibility import waiting_for
from rvm.phone_numbers.numbers import zones_of
from rvm.platform import audit
from rvm.platform.admin.exact_search import MAX_WORKSPACES, encrypt_term, named
from rvm.platform.admin.rights import Rights, acting_user, rights_of
from rvm.platform.audit.numbers_shown import whole
from rvm.platform.database import sql
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import id_in
from rvm.platform.encryption.crypto import Undecryptable
from rvm.platform.errors import ServiceError
from rvm.platform.models import MAX_HOLD_REASON, User, Workspace
from rvm.platform.observability.masking import number_ending
from rvm.platform.organisations import shares_with_others
from rvm.platform.roles import Right
from rvm.platform.times import moments
from usecases.consents.bases import purposes_text
from usecases.eligibility import Send
from usecases.models import Consent, Suppression
from usecases.selectors import name_of
from usecases.services.suppressions import MAX_REASON_LENGTH
from usecases.suppression_kinds import (
    KIND_LABELS,
    ORIGIN_LABELS,
    SCOPE_LABELS,
    STATED_KINDS,
    SuppressionKind,
    SuppressionScope,
)

PAGE = 25
EXPIRED = "The address of this page has expired, or is not yours. Search for the person again."


class OptOutForm(forms.Form):
    kind = forms.ChoiceField(
        label="Why",
        choices=[(kind.value, KIND_LABELS[kind]) for kind in STATED_KINDS],
        initial=SuppressionKind.OPT_OUT.value,
        widget=UnfoldAdminSelectWidget(),
    )
    note = forms.CharField(
        max_length=MAX_REASON_LENGTH,
        required=False,
        label="Note",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Such as: called the front desk. Without a name or a number.",
    )


class ErasureForm(forms.Form):
    reason = forms.CharField(
        max_length=MAX_HOLD_REASON,
        label="Why",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Such as: request by letter of 3 March. Without a name or a number.",
    )
    sure = forms.BooleanField(label="It cannot be undone", widget=UnfoldBooleanWidget())


def person(request: HttpRequest, token: str) -> HttpResponse:
    """The page. Opening it is recorded."""
    found = person_at(token, acting_user(request), rights_of(request), database_now())
    return _expired(request) if found is None else _page(request, found, token, OptOutForm())


def opt_out_person(request: HttpRequest, token: str) -> HttpResponse:
    """Puts the number on the workspace's suppression list for everything, and says what that stopped."""
    reader, rights = acting_user(request), rights_of(request)
    found = person_at(token, reader, rights, database_now())
    if found is None:
        return _expired(request)
    if not rights.may(Right.SUPPRESS, found.workspace.pk):
        raise PermissionDenied
    form = OptOutForm(request.POST)
    if not form.is_valid():
        return _page(request, found, token, form)
    said = form.cleaned_data
    done = opt_out(found, kind=SuppressionKind(said["kind"]), note=said["note"], actor=reader)
    unbound = _unbound(found, _workspaces(rights))
    messages.success(request, labels.opted_out(done, _organisation(found.workspace), unbound))
    return redirect(reverse("person", args=[token]))


def erase_person(request: HttpRequest, token: str) -> HttpResponse:
    """Erases the person from the workspace, and says what was removed."""
    reader, rights, now = acting_user(request), rights_of(request), database_now()
    found = person_at(token, reader, rights, now)
    if found is None:
        return _expired(request)
    if not rights.may(Right.RETAIN, found.workspace.pk):
        raise PermissionDenied
    form = ErasureForm(request.POST)
    if not form.is_valid():
        return _page(request, found, token, OptOutForm(), form)
    try:
        done = erase(found, reason=form.cleaned_data["reason"], actor=reader, now=now)
    except ServiceError as refused:
        form.add_error(None, refused.message)
        return _page(request, found, token, OptOutForm(), form)
    messages.success(request, labels.erased(done.counts, finished=done.finished_at is not None))
    return redirect(reverse("people"))


def of_voicemail(request: HttpRequest, voicemail_id: UUID) -> HttpResponse:
    """Leads from a voicemail to its recipient's page."""
    rows = sql.run(
        "SELECT workspace_id, recipient, number_removed_at FROM delivery_voicemail WHERE id = %s", [voicemail_id]
    )
    workspace = rights_of(request).workspaces().filter(pk=rows[0][0]).first() if rows else None
    if workspace is None:
        raise Http404("There is no such voicemail in your workspaces.")
    number = number_in(rows[0][1], rows[0][0], voicemail_id)
    if number is None:
        why = f"was removed on {moments.day(removed)}" if (removed := rows[0][2]) else "cannot be decrypted"
        messages.warning(request, f"The number of this voicemail {why}, so its recipient has no page.")
        return redirect(reverse("admin:delivery_voicemail_change", args=[voicemail_id]))
    return redirect(address_of(Person(workspace, number), acting_user(request), database_now()))


def of_suppression(request: HttpRequest, suppression_id: UUID) -> HttpResponse:
    """Leads from a suppression to the page of its number's owner."""
    rows = Suppression.objects.filter(workspace__in=rights_of(request).workspaces()).select_related("workspace")
    row = rows.filter(pk=suppression_id).first()
    try:
        number = row.number if row else None
    except Undecryptable:
        number = None
    if row is None or number is None or row.from_elsewhere:
        raise Http404("There is no such suppression with a number that can be opened in your workspaces.")
    return redirect(address_of(Person(row.workspace, number), acting_user(request), database_now()))


def _expired(request: HttpRequest) -> HttpResponse:
    messages.warning(request, EXPIRED)
    return redirect(reverse("people"))


def _page(
    request: HttpRequest, found: Person, token: str, form: OptOutForm, erasure_form: ErasureForm | None = None
) -> HttpResponse:
    rights, reader, now = rights_of(request), acting_user(request), database_now()
    shown_number = rights.may_see_numbers(found.workspace.pk)
    number = whole(found.number, found.workspace.pk) if shown_number else number_ending(found.number[-4:])
    clock = labels.PersonClock.of(found.number)
    before = id_in(request.GET.get("before", ""))
    rows = list(record.received(found, live=None, before=before)[: PAGE + 1])
    waiting = record.waiting(found, live=None)
    campaigns, deferred = record.campaigns_of([*rows, *waiting]), waiting_for(waiting)
    suppressions = list(record.suppressions(found)[: record.MAX_SUPPRESSIONS + 1])
    active = [row for row in suppressions if row.active]
    _record(found, reader, rows, suppressions)
    use_cases, consents = record.usable_use_cases(found), record.known_consents(found, now)
    workspaces = _workspaces(rights)
    description = record.described(found, live=None) if shown_number else None
    numbers = record.other_numbers(found, description.record_numbers, live=None) if description else []
    context = {
        **admin.site.each_context(request),
        "title": f"{number} at {found.workspace.name}",
        "number": number,
        "workspace": found.workspace,
        "description": description,
        "numbers": [
            (whole(each, found.workspace.pk), address_of(Person(found.workspace, each), reader, now))
            for each in numbers
        ],
        "clock": clock.name,
        "answers": [_answer(each, found, now) for each in record.answers(found, use_cases, live=True, now=now)],
        "more_use_cases": len(use_cases) > record.MAX_USE_CASES,
        "max_use_cases": record.MAX_USE_CASES,
        "waiting": [
            _waiting(row, campaigns, deferred.get(row.pk, ""), now, clock) for row in waiting[: record.MAX_WAITING]
        ],
        "more_waiting": len(waiting) > record.MAX_WAITING,
        "max_waiting": record.MAX_WAITING,
        "received": [_received(row, campaigns, clock) for row in rows[:PAGE]],
        "older": rows[PAGE - 1].pk if len(rows) > PAGE else None,
        "newest_page": before is None,
        "colours": STATUS_COLOURS,
        "active": len(active),
        "suppressions": _suppressions(found, suppressions[: record.MAX_SUPPRESSIONS], clock),
        "more_suppressions": len(suppressions) > record.MAX_SUPPRESSIONS,
        "all_suppressions": f"{reverse('admin:usecases_suppression_changelist')}?number={encrypt_term(found.number)}",
        "consents": [_consent(row, clock, now) for row in consents[: record.MAX_CONSENTS]],
        "more_consents": len(consents) > record.MAX_CONSENTS,
        "all_consents": f"{reverse('admin:usecases_consent_changelist')}?number={encrypt_term(found.number)}",
        "liftable": _liftable(active, found.workspace, rights),
        "organisation": _organisation(found.workspace),
        "unbound": _unbound(found, workspaces),
        "may_opt_out": rights.may(Right.SUPPRESS, found.workspace.pk),
        "opt_out_form": form,
        "may_erase": rights.may(Right.RETAIN, found.workspace.pk),
        "erasure_form": erasure_form or ErasureForm(),
        "stops": labels.counted(record.count_waiting(found)),
        "others": _elsewhere(found, workspaces, rights, reader, now),
        "token": token,
        "here": reverse("person", args=[token]),
    }
    return TemplateResponse(request, "campaigns/admin/person.html", context)


def _organisation(workspace: Workspace) -> str:
    """The organisation's name where an opt-out also holds in other workspaces, else empty."""
    return workspace.organisation.name if shares_with_others(workspace.pk) else ""


def _workspaces(rights: Rights) -> list[Workspace]:
    return list(rights.workspaces()[: MAX_WORKSPACES + 1])


def _unbound(found: Person, workspaces: Sequence[Workspace]) -> str:
    """The names of the reader's workspaces in which an opt-out here does not hold; empty if there are none."""
    return named([each for each in workspaces if each.organisation_id != found.workspace.organisation_id])


def _record(found: Person, reader: User, rows: Sequence[Voicemail], suppressions: Sequence[Suppression]) -> None:
    """The audit event names a row of the person, because a person has none."""
    subject: Model = next(iter([*rows[:1], *suppressions[:1]]), found.workspace)
    audit.record("person.read", subject, actor=reader, workspace=found.workspace)


def _answer(each: record.Answer, found: Person, now: datetime) -> dict[str, Any]:
    use_case = each.use_case
    told: dict[str, Any] = {
        "use_case": use_case.name,
        "purpose": use_case.get_purpose_display(),
        "address": reverse("admin:usecases_usecase_eligibility", args=[use_case.pk]),
    }
    if each.found is None:
        return {**told, "answer": f"No: {each.refusal}", "yes": False}
    objections = [
        guard_labels.message_of(verdict)
        for verdict in each.found.verdicts
        if not isinstance(verdict.decision, Send) and verdict.guard not in guard_labels.NOT_SHOWN
    ]
    return {
        **told,
        "answer": guard_labels.answer(each.found, now, None),
        "yes": isinstance(each.found.decision, Send),
        "next": guard_labels.next_time(each.found, zones_of(found.number), now),
        "objections": objections,
        "simulated": any(verdict.saw.get("simulated") for verdict in each.found.verdicts),
    }


def _about(row: Voicemail, campaigns: Mapping[UUID, Campaign]) -> dict[str, Any]:
    campaign = campaigns.get(row.lane_id)
    return {
        "address": reverse("admin:delivery_voicemail_change", args=[row.pk]),
        "use_case": row.use_case.name,
        "campaign": campaign.name if campaign else "",
        "campaign_address": reverse("admin:campaigns_campaign_change", args=[campaign.pk]) if campaign else "",
        "status": row.status,
        "test": not row.live,
    }


def _waiting(
    row: Voicemail, campaigns: Mapping[UUID, Campaign], deferred: str, now: datetime, clock: labels.PersonClock
) -> dict[str, Any]:
    return {
        **_about(row, campaigns),
        "when": labels.when(row, campaigns.get(row.lane_id), now, clock),
        "reason": guard_labels.waits_text(deferred) or row.reason_detail,
    }


def _received(row: Voicemail, campaigns: Mapping[UUID, Campaign], clock: labels.PersonClock) -> dict[str, Any]:
    return {
        **_about(row, campaigns),
        "reason": row.reason_detail,
        "queued": clock.text(row.created_at),
        "sent": clock.text(row.sending_at),
        "ended": clock.text(row.ended_at),
    }


def _suppressions(found: Person, rows: Sequence[Suppression], clock: labels.PersonClock) -> list[dict[str, Any]]:
    lists = record.lists_of(found, rows)
    return [
        {
            "pk": row.pk,
            "address": reverse("admin:usecases_suppression_change", args=[row.pk]),
            "active": row.active,
            "kind": KIND_LABELS[SuppressionKind(row.kind)],
            "note": row.reason,
            "purposes": purposes_text(row.purposes) or "everything",
            "scope": SCOPE_LABELS[SuppressionScope(row.scope)],
            "said": ORIGIN_LABELS[row.said_in],
            "by": name_of(row.created_by) or row.get_source_display(),
            "list": lists[row.list_id].file_name if row.list_id in lists else "",
            "list_address": reverse("admin:campaigns_optoutimport_change", args=[row.list_id])
            if row.list_id in lists
            else "",
            "created": clock.text(row.created_at),
            "lifted": clock.text(row.lifted_at),
            "lifted_by": name_of(row.lifted_by),
            "lift_reason": row.lift_reason,
        }
        for row in rows
    ]


def _liftable(active: Sequence[Suppression], workspace: Workspace, rights: Rights) -> list[UUID]:
    """The suppressions that the reader may lift: what holds for the organisation, with the right in all of its workspaces."""
    in_all = rights.may_in_organisation(Right.LIFT, workspace.pk)
    here = rights.may(Right.LIFT, workspace.pk)
    return [row.pk for row in active if in_all or (here and row.scope == SuppressionScope.WORKSPACE)]


def _consent(row: Consent, clock: labels.PersonClock, now: datetime) -> dict[str, Any]:
    revocation = row.revoked_by
    return {
        "address": reverse("admin:usecases_consent_change", args=[row.pk]),
        "state": row.state(now),
        "purposes": purposes_text(row.purposes),
        "basis": row.get_basis_display(),
        "source": row.source,
        "given": clock.text(row.at),
        "expires": clock.text(row.expires_at),
        "recorded_by": name_of(row.created_by),
        "revoked": f"{clock.text(revocation.at)}, {revocation.source}" if revocation else "",
    }


def _elsewhere(
    found: Person, workspaces: Sequence[Workspace], rights: Rights, reader: User, now: datetime
) -> list[dict[str, Any]]:
    """The same number in the other workspaces of the reader. Without a link where it would show a number that is masked here."""
    others = [row for row in workspaces if row.pk != found.workspace.pk]
    known, masked = known_in(others, found.number), not rights.may_see_numbers(found.workspace.pk)
    return [
        {
            "workspace": workspace.name,
            "known": labels.what_is_known(known[workspace.pk]),
            "address": ""
            if masked and rights.may_see_numbers(workspace.pk)
            else address_of(Person(workspace, found.number), reader, now),
        }
        for workspace in others
    ]
