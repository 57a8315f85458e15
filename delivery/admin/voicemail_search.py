"""Finds voicemails by the recipient's number, by id or by the customer's reference: each exactly."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from delivery.models import VoicemailReference
from rvm.platform.admin.exact_search import ExactSearch, seal
from rvm.platform.admin.rights import rights_of
from rvm.platform.models import Workspace
from usecases.admin.typed_numbers import typed_number


class VoicemailSearch(ExactSearch):
    search_placeholder = "Phone number, id or reference, exactly"

    def found(self, request: HttpRequest, text: str, workspace: str) -> HttpResponse:
        mine = rights_of(request).workspaces()
        chosen = next((row for row in mine if str(row.pk) == workspace), None) or mine.first()
        if chosen is None:
            return self.nothing(request, "You are a member of no workspace.", "")
        kept = str(chosen.pk)
        # A reference may look like a number, so it comes first.
        identifier = _uuid(text) or _by_reference(chosen, text)
        if identifier is not None:
            known: Any = self.get_queryset(request).filter(pk=identifier)  # type: ignore[attr-defined]
            if known.exists():
                return redirect(reverse("admin:delivery_voicemail_change", args=[identifier]))
            return self.nothing(request, "No voicemail of your workspaces has this id.", kept)
        number = typed_number(text)
        if number is None:
            return self.nothing(request, f"No voicemail of {chosen.name} has this reference.", kept)
        return self.to_list(workspace=kept, number=seal(number))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _by_reference(workspace: Workspace, text: str) -> UUID | None:
    """The live one's, where a test voicemail has the reference too."""
    owners = VoicemailReference.objects.filter(workspace=workspace, reference=text)
    owner = owners.order_by("-live").first()
    return owner.voicemail_id if owner else None
