"""Search by a patient's phone number without the number in any URL: it is posted, and URLs contain it encrypted.

A template `admin/<app>/<model>/search_form.html` that includes `platform/admin/exact_search.html` shows the search box.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import DropdownFilter

from rvm.platform.admin.number_quota import ask
from rvm.platform.admin.rights import rights_of
from rvm.platform.admin.scoping import ScopedModelAdmin
from rvm.platform.audit.numbers_shown import filtered_by
from rvm.platform.database.ids import id_in
from rvm.platform.encryption.crypto import Undecryptable, cipher
from rvm.platform.errors import ServiceError
from rvm.platform.models import Workspace
from rvm.platform.observability.masking import DOTS

_PURPOSE = b"admin.search"
# Workspaces that are searched, and that a message names.
MAX_WORKSPACES = 100
MAX_NAMED = 5


def named(workspaces: Sequence[Workspace]) -> str:
    """The workspaces in a sentence."""
    if len(workspaces) > MAX_NAMED:
        return f"your {len(workspaces)} workspaces"
    return ", ".join(workspace.name for workspace in workspaces)


def encrypt_term(term: str) -> str:
    """The searched number or identifier, encrypted for a URL of the admin."""
    return base64.urlsafe_b64encode(cipher().encrypt(term.encode(), _PURPOSE)).decode().rstrip("=")


def decrypt_term(token: str) -> str | None:
    """The searched term of a token, or None if `encrypt_term` did not create the token."""
    try:
        return cipher().decrypt(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)), _PURPOSE).decode()
    except (binascii.Error, ValueError, Undecryptable):
        return None


class EncryptedNumberFilter(DropdownFilter):
    """The current exact search as a filter of the change list; it appears after a search, and All removes it."""

    title = "phone number"
    parameter_name = "number"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        number = self._number(request)
        return [(request.GET[self.parameter_name], self.display_term(number))] if number else []

    def _number(self, request: HttpRequest) -> str | None:
        return decrypt_term(request.GET.get(self.parameter_name, ""))

    def display_term(self, number: str) -> str:
        return f"{DOTS}{number[-4:]}" if number.startswith("+") and number[1:].isdecimal() else "as searched"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        number = self._number(request)
        if not number:
            return queryset.none()
        filtered_by({self.parameter_name: number})  # the address has it in another ciphertext each time
        return self.filter_by_term(request, queryset, number)

    def filter_by_term(self, request: HttpRequest, queryset: QuerySet[Any], number: str) -> QuerySet[Any]:
        raise NotImplementedError


class ExactSearch(ScopedModelAdmin):
    """A ModelAdmin with the exact search box and the URL that it posts to."""

    search_placeholder: ClassVar[str] = "Phone number, exactly"
    search_help_text = None

    def get_urls(self) -> list[URLPattern]:
        site = self.admin_site
        name = f"{self.opts.app_label}_{self.opts.model_name}_find"
        return [path("find/", site.admin_view(require_POST(self.find)), name=name), *super().get_urls()]

    def find(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        text = request.POST.get("sought", "").strip()
        if not text:
            return self.redirect_to_list()
        mine = list(rights_of(request).workspaces()[: MAX_WORKSPACES + 1])
        searched = mine[:MAX_WORKSPACES]
        if len(mine) > MAX_WORKSPACES:
            messages.info(request, f"Only the first {MAX_WORKSPACES} of your workspaces, by name, were searched.")
        if not searched:
            return self.respond_not_found(request, text, "You are a member of no workspace.")
        if id_in(text) is None:
            try:
                ask(request, searched, self.opts.model_name)
            except ServiceError as refusal:
                return self.respond_not_found(request, text, refusal.message)
        return self.search_response(request, text, searched)

    def search_response(self, request: HttpRequest, text: str, searched: Sequence[Workspace]) -> HttpResponse:
        """The response to a search in these workspaces: a redirect to the matching rows."""
        raise NotImplementedError

    def respond_not_found(self, request: HttpRequest, text: str, message: str) -> HttpResponse:
        """The list of what has this text as its number, which is empty: rows below the message would look like its result."""
        messages.warning(request, message)
        return self.redirect_to_list(number=encrypt_term(text))

    def redirect_to_list(self, **query: str) -> HttpResponse:
        address = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        held = {name: value for name, value in query.items() if value}
        return redirect(f"{address}?{urlencode(held)}" if held else address)
