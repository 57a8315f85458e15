"""Phone numbers as users type them: how they are read, the form field for one, and the search for the rows of one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, ClassVar

import phonenumbers
from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.widgets import UnfoldAdminTextInputWidget

from rvm.phone_numbers.numbers import E164
from rvm.platform.admin.exact_search import EncryptedNumberFilter, ExactSearch, encrypt_term, named
from rvm.platform.admin.rights import rights_of
from rvm.platform.encryption.crypto import blind_index
from rvm.platform.models import Workspace

NO_NUMBER = "This is no phone number; write it as + and 7 to 15 digits."
NOT_SEARCHABLE = (
    "This is no whole phone number, and this list is searched by one only: with its area code, as in (202) 555-0142, or with + and "
    "the code of its country. By a record number, a reference or a name, look under People."
)


def typed_number(text: str) -> str | None:
    """The number in E.164, or None if the text is not a phone number. Without a +, it is read as a number of +1: (202) 555-0142."""
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    # Excludes "possible locally": seven digits without an area code do not identify a number.
    whole = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    return written if whole and number.extension is None and E164.fullmatch(written) else None


class TypedNumberField(forms.CharField):
    """The field for a phone number in any way of writing. Its value is in E.164."""

    default_error_messages = {"invalid": NO_NUMBER}

    def __init__(self, *, help_text: str, **kwargs: Any) -> None:
        widget = UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
        super().__init__(label="Phone number", widget=widget, help_text=help_text, **kwargs)

    def clean(self, value: Any) -> str:
        number = typed_number(super().clean(value))
        if number is None:
            raise forms.ValidationError(self.error_messages["invalid"])
        return number


class NumberFilter(EncryptedNumberFilter):
    """The rows with a number in all workspaces of the user. Each workspace has its own blind index, so each is searched."""

    def filter_by_term(self, request: HttpRequest, queryset: QuerySet[Any], number: str) -> QuerySet[Any]:
        return queryset.filter(self.of(number, list(rights_of(request).workspaces())))

    @classmethod
    def of(cls, number: str, workspaces: Sequence[Workspace]) -> Q:
        """The condition on rows that they are of the number, in one of the workspaces."""
        indexes = [index for workspace in workspaces for index in blind_index().all_of(workspace.pk, number)]
        return cls.with_indexes(indexes) & Q(workspace__in=workspaces)

    @classmethod
    def with_indexes(cls, indexes: Collection[bytes]) -> Q:
        """The condition on rows that their number has one of the indexes."""
        return Q(number_index__in=indexes)


class NumberSearch(ExactSearch):
    """A ModelAdmin whose rows are searched by their number; its filters include `number_filter`."""

    number_filter: ClassVar[type[NumberFilter]] = NumberFilter

    def search_response(self, request: HttpRequest, text: str, searched: Sequence[Workspace]) -> HttpResponse:
        number = typed_number(text)
        if number is None:
            return self.respond_not_found(request, text, NOT_SEARCHABLE)
        if not self.get_queryset(request).filter(self.number_filter.of(number, searched)).exists():
            none = f"No {self.opts.verbose_name} of {named(searched)} has this number."
            return self.respond_not_found(request, number, none)
        return self.redirect_to_list(number=encrypt_term(number))
