"""Exact search for voicemails by recipient's number, id, record number or reference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from delivery.selectors import VoicemailFilter, voicemails
from rvm.platform.admin.exact_search import MAX_WORKSPACES, ExactSearch, encrypt_term
from rvm.platform.admin.rights import rights_of
from rvm.platform.database.ids import id_in
from rvm.platform.models import Workspace
from usecases.admin.typed_numbers import typed_number

# Workspaces that a message names.
MAX_NAMED = 5


class VoicemailSearch(ExactSearch):
    search_placeholder = "Phone or record number, reference or id, exactly"

    def search_response(self, request: HttpRequest, text: str, workspace: str) -> HttpResponse:
        searched = self.searched(request, workspace)
        if not searched:
            return self.respond_not_found(request, "You are a member of no workspace.", "")
        kept = str(searched[0].pk) if len(searched) == 1 else ""
        identifier = id_in(text)
        if identifier is not None and self._known(request).filter(pk=identifier).exists():
            return self._page_of(identifier)
        # A reference or a record number may look like a phone number, so these come first.
        number = typed_number(text)
        for found in (self._named(request, searched, text), self._numbered(request, searched, number)):
            if found is not None:
                return found
        if identifier is not None:
            return self.respond_not_found(request, "No voicemail of your workspaces has this id.", kept)
        names = ", ".join(row.name for row in searched[:MAX_NAMED]) + (", …" if len(searched) > MAX_NAMED else "")
        what = "goes to this number" if number else "has this record number or reference"
        return self.respond_not_found(request, f"No voicemail of {names} {what}.", kept)

    def searched(self, request: HttpRequest, kept: str) -> Sequence[Workspace]:
        mine = rights_of(request).workspaces()
        return [row for row in mine if str(row.pk) == kept] or list(mine[:MAX_WORKSPACES])

    def _named(self, request: HttpRequest, searched: Sequence[Workspace], text: str) -> HttpResponse | None:
        """The response if a record number or a reference is known in one of the workspaces."""
        for place in searched:
            named = voicemails(place, VoicemailFilter(either=text), live=None).order_by("-live", "-id")
            if found := list(named.values_list("pk", "live")[:2]):
                # A live voicemail has priority over a test voicemail with the same identifier.
                [(first, live), *others] = found
                if not others or (live and not others[0][1]):
                    return self._page_of(first)
                return self.redirect_to_list(workspace=str(place.pk), identifier=encrypt_term(text))
        return None

    def _numbered(self, request: HttpRequest, searched: Sequence[Workspace], number: str | None) -> HttpResponse | None:
        """The response if one of the workspaces has voicemails to the number; it names the others that have some."""
        if number is None:
            return None
        having = [row for row in searched if voicemails(row, VoicemailFilter(recipient=number), live=None).exists()]
        if not having:
            return None
        if others := ", ".join(row.name for row in having[1:]):
            messages.info(request, f"These are those of {having[0].name}; {others} also sent to this number.")
        return self.redirect_to_list(workspace=str(having[0].pk), number=encrypt_term(number))

    def _known(self, request: HttpRequest) -> Any:
        return self.get_queryset(request)

    def _page_of(self, identifier: UUID) -> HttpResponse:
        return redirect(reverse("admin:delivery_voicemail_change", args=[identifier]))
