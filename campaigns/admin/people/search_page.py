"""The search for people in the admin. It is posted, so that no number or name is in an address or a log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from campaigns.admin.people import labels
from campaigns.admin.people.addresses import address_of
from campaigns.models import Campaign
from campaigns.people.names import MIN_LETTERS, is_searchable
from campaigns.people.search import Match, Person, by_identifier, by_name, known_in
from delivery.identifiers import MAX_RECORD_NUMBER
from delivery.models.voicemail import number_removed_text
from rvm.platform import audit
from rvm.platform.admin.exact_search import MAX_WORKSPACES, named
from rvm.platform.admin.number_quota import within_quota
from rvm.platform.admin.rights import Rights, acting_user, rights_of
from rvm.platform.audit.numbers_shown import whole
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import ids_in
from rvm.platform.models import User, Workspace
from rvm.platform.observability.masking import number_ending
from usecases.admin.typed_numbers import typed_number

MAX_PEOPLE = 50
MAX_CAMPAIGNS = 100


class IdentifierForm(forms.Form):
    sought = forms.CharField(
        max_length=MAX_RECORD_NUMBER,
        label="Phone number, record number or reference",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "autofocus": True}),
        help_text="A number in any way of writing, with its area code; a record number or a reference exactly. It is not kept.",
    )


class CampaignField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} ({obj.workspace.name})"


class NameForm(forms.Form):
    campaign = CampaignField(
        Campaign.objects.none(), widget=UnfoldAdminSelectWidget(), empty_label="In which campaign’s list"
    )
    name = forms.CharField(
        max_length=100,
        label="Name, or the beginnings of its words",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text="Names are stored encrypted, so they are looked for in one list at a time.",
    )
    after = forms.UUIDField(required=False, widget=forms.HiddenInput())

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not is_searchable(name):
            raise forms.ValidationError(f"Write at least {MIN_LETTERS} letters of the name.")
        return name


@dataclass
class _Results:
    """What a search found: people with something known, and workspaces that know nothing about the number. `note`: what was not
    searched, or why nobody was found."""

    people: list[dict[str, Any]] = field(default_factory=list, repr=False)
    strangers: list[dict[str, Any]] = field(default_factory=list, repr=False)
    note: str = ""
    after: UUID | None = None

    @property
    def groups(self) -> list[list[dict[str, Any]]]:
        return [rows for rows in (self.people, self.strangers) if rows]


def search(request: HttpRequest) -> HttpResponse:
    """The search page, and its results after a POST. A single person is opened at once."""
    rights, reader = rights_of(request), acting_user(request)
    workspaces = list(rights.workspaces()[: MAX_WORKSPACES + 1])
    campaigns = _campaigns(rights, request.GET.get("campaign", request.POST.get("campaign", "")))
    posted = request.POST.get("by") if request.method == "POST" else None
    form = IdentifierForm(request.POST if posted == "identifier" else None)
    name_form = NameForm(request.POST if posted == "name" else None, initial={"campaign": request.GET.get("campaign")})
    choice: Any = name_form.fields["campaign"]
    choice.queryset = campaigns
    asked = name_form if posted == "name" else form
    results: _Results | None = None
    # Names are looked for only where numbers may be seen.
    asked_in = [] if asked is name_form else workspaces[:MAX_WORKSPACES]
    if posted and asked.is_valid() and within_quota(request, asked, asked_in, "people"):
        now = database_now()
        if asked is name_form:
            results = _named(rights, reader, name_form.cleaned_data, now)
        else:
            results = _identified(rights, reader, workspaces[:MAX_WORKSPACES], form.cleaned_data["sought"], now)
            if len(workspaces) > MAX_WORKSPACES:
                results.note += f" Only the first {MAX_WORKSPACES} of your workspaces were searched."
        if len(results.people) == 1 and not results.note and not results.after:
            return redirect(results.people[0]["address"])
    context = {
        **admin.site.each_context(request),
        "title": "People",
        "form": form,
        "name_form": name_form,
        "searches_names": campaigns.exists(),
        "workspaces": [workspace.name for workspace in workspaces[:MAX_WORKSPACES]],
        "results": results,
        "sought_name": name_form.cleaned_data if results and asked is name_form else None,
    }
    return TemplateResponse(request, "campaigns/admin/people.html", context)


def _campaigns(rights: Rights, chosen: str) -> Any:
    """The newest campaigns whose names of people the reader may see, and the chosen one."""
    found = Campaign.objects.filter(workspace__in=rights.shown_numbers)
    newest = found.order_by("-id").values_list("pk", flat=True)[:MAX_CAMPAIGNS]
    return found.filter(pk__in=[*newest, *ids_in([chosen])]).select_related("workspace", "lane").order_by("-id")


def _identified(rights: Rights, reader: User, workspaces: Sequence[Workspace], text: str, now: datetime) -> _Results:
    results, number = _Results(), typed_number(text)
    if not workspaces:
        return _Results(note="You are a member of no workspace.")
    known = known_in(workspaces, number) if number else {}
    for workspace in workspaces:
        found = by_identifier(workspace, record_number=text, reference=text, live=None, limit=MAX_PEOPLE)
        matches = [match for match in found.items if match.number is None or match.number != number]
        people = [_matched(rights, reader, workspace, match, now) for match in matches]
        if number:
            has = known[workspace.pk]
            row = _row(rights, reader, Person(workspace, number), labels.what_is_known(has), now)
            (people if has.anything else results.strangers).append(row)
        results.people += people
        _record(workspace, reader, "number" if number else "identifier", len(people))
        if found.position:
            results.note = (
                f"In {workspace.name} more than {MAX_PEOPLE} people have this reference; the newest are shown."
            )
    if not results.people and not number:
        results.note = (
            f"Nobody in {named(workspaces)} has this number, record number or reference. A phone number needs its area code, as in "
            "(202) 555-0142. By name, search one campaign’s list below."
        )
    elif not results.people:
        results.note = f"Nothing is known of this number in {named(workspaces)}. You can still open its page, and opt it out there."
    return results


def _named(rights: Rights, reader: User, asked: dict[str, Any], now: datetime) -> _Results:
    campaign: Campaign = asked["campaign"]
    found = by_name(campaign, asked["name"], after=asked["after"], limit=MAX_PEOPLE)
    people = [_matched(rights, reader, campaign.workspace, match, now) for match in found.items]
    _record(campaign.workspace, reader, "name", len(people), campaign=campaign.pk)
    results = _Results(people, after=found.position)
    if found.position:
        results.note = f"{found.scanned:,} people of the list were looked through; there are more."
    elif not people:
        results.note = f"Nobody in the list of “{campaign.name}” has such a name."
    return results


def _matched(rights: Rights, reader: User, workspace: Workspace, match: Match, now: datetime) -> dict[str, Any]:
    """A person that was found by a voicemail. One whose number cannot be decrypted leads to the voicemail."""
    shown = rights.may_see_numbers(workspace.pk)
    masked = number_removed_text(match.removed_at) or number_ending(match.last4)
    known = "voicemails" if match.number or match.removed_at else "voicemails; the number cannot be decrypted"
    if match.number is None:
        address = reverse("admin:delivery_voicemail_change", args=[match.voicemail_id])
    else:
        address = address_of(Person(workspace, match.number), reader, now)
    return {
        "address": address,
        "workspace": workspace.name,
        "number": whole(match.number, workspace.pk) if shown and match.number else masked,
        "name": match.name if shown else "",
        "known": known,
    }


def _row(rights: Rights, reader: User, person: Person, known: str, now: datetime) -> dict[str, Any]:
    shown = rights.may_see_numbers(person.workspace.pk)
    return {
        "address": address_of(person, reader, now),
        "workspace": person.workspace.name,
        "number": whole(person.number, person.workspace.pk) if shown else number_ending(person.number[-4:]),
        "name": "",
        "known": known,
    }


def _record(workspace: Workspace, reader: User, by: str, found: int, **details: Any) -> None:
    audit.record("person.searched", workspace, actor=reader, workspace=workspace, by=by, found=found, **details)
