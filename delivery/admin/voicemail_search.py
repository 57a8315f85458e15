"""Exact search for voicemails by recipient's number, id, record number or reference, in all workspaces of the user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from delivery.selectors.filters import VoicemailFilter
from delivery.selectors.voicemails import voicemails_in
from rvm.platform.admin.exact_search import ExactSearch, encrypt_term, named
from rvm.platform.database.ids import id_in
from rvm.platform.models import Workspace
from usecases.admin.typed_numbers import typed_number

NOT_SEARCHABLE = (
    "Only whole values are found: a phone number with its area code, as in (202) 555-0142, a record number, a reference or an id; "
    "not the last digits. By name, look under People, in the list of one campaign."
)
NUMBER_TOO = (
    "They have it as record number or reference. It is a phone number as well, to which voicemails went: for those, search by it "
    "with +1 before it."
)


class VoicemailSearch(ExactSearch):
    search_placeholder = "Phone or record number, reference or id, exactly"

    def search_response(self, request: HttpRequest, text: str, searched: Sequence[Workspace]) -> HttpResponse:
        identifier = id_in(text)
        if identifier is not None and self._known(request).filter(pk=identifier).exists():
            return self._page_of(identifier)
        number = typed_number(text)
        addressed = (
            number is not None and voicemails_in(searched, VoicemailFilter(recipient=number), live=None).exists()
        )
        # A reference or a record number may look like a phone number, so these come first.
        if (found := self._named(request, searched, text)) is not None:
            if addressed:
                messages.info(request, NUMBER_TOO)
            return found
        if number is not None and addressed:
            return self.redirect_to_list(number=encrypt_term(number))
        return self.respond_not_found(request, number or text, self._nothing(searched, identifier, number))

    def _named(self, request: HttpRequest, searched: Sequence[Workspace], text: str) -> HttpResponse | None:
        """The response if a record number or a reference is known in one of the workspaces."""
        found = voicemails_in(searched, VoicemailFilter(either=text), live=None).order_by("-live", "-id")
        rows = list(found.values_list("pk", "live")[:2])
        if not rows:
            return None
        # A live voicemail has priority over a test voicemail with the same identifier.
        [(first, live), *others] = rows
        if not others or (live and not others[0][1]):
            return self._page_of(first)
        return self.redirect_to_list(identifier=encrypt_term(text))

    def _nothing(self, searched: Sequence[Workspace], identifier: UUID | None, number: str | None) -> str:
        if identifier is not None:
            return "No voicemail of your workspaces has this id."
        if number is not None:
            return f"No voicemail of {named(searched)} goes to this number, or has it as record number or reference."
        return f"No voicemail of {named(searched)} has this record number or reference. {NOT_SEARCHABLE}"

    def _known(self, request: HttpRequest) -> Any:
        return self.get_queryset(request)

    def _page_of(self, identifier: UUID) -> HttpResponse:
        return redirect(reverse("admin:delivery_voicemail_change", args=[identifier]))
