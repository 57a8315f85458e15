"""Exact search for voicemails by recipient's number, id, record number or reference."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from delivery.selectors import VoicemailFilter, voicemails
from rvm.platform.admin.exact_search import ExactSearch, encrypt_term
from rvm.platform.admin.rights import rights_of
from usecases.admin.typed_numbers import typed_number


class VoicemailSearch(ExactSearch):
    search_placeholder = "Phone or record number, reference or id, exactly"

    def search_response(self, request: HttpRequest, text: str, workspace: str) -> HttpResponse:
        mine = rights_of(request).workspaces()
        chosen = next((row for row in mine if str(row.pk) == workspace), None) or mine.first()
        if chosen is None:
            return self.respond_not_found(request, "You are a member of no workspace.", "")
        kept = str(chosen.pk)
        identifier = _uuid(text)
        if identifier is not None and self._known(request).filter(pk=identifier).exists():
            return self._page_of(identifier)
        # A reference or a record number may look like a phone number, so these come first.
        named = voicemails(chosen, VoicemailFilter(either=text), live=None).order_by("-live", "-id")
        found = list(named.values_list("pk", "live")[:2])
        if found:
            # A live voicemail has priority over a test voicemail with the same identifier.
            [(first, live), *others] = found
            only = not others or (live and not others[0][1])
            return (
                self._page_of(first) if only else self.redirect_to_list(workspace=kept, identifier=encrypt_term(text))
            )
        if identifier is not None:
            return self.respond_not_found(request, "No voicemail of your workspaces has this id.", kept)
        number = typed_number(text)
        if number is None:
            return self.respond_not_found(
                request, f"No voicemail of {chosen.name} has this record number or reference.", kept
            )
        return self.redirect_to_list(workspace=kept, number=encrypt_term(number))

    def _known(self, request: HttpRequest) -> Any:
        return self.get_queryset(request)

    def _page_of(self, identifier: UUID) -> HttpResponse:
        return redirect(reverse("admin:delivery_voicemail_change", args=[identifier]))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
