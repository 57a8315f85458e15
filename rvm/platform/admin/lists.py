"""The list of a table in the admin: it is asked only what its page offers.

Django takes any column of a model as a filter in the address, and columns of other models behind it. Who may look at a list could so
ask about what it never shows, character by character.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.http import HttpRequest
from unfold.views import ChangeList


class OfferedList(ChangeList):
    """Answers 400 to whatever none of its filters, nor its date hierarchy, has taken for itself."""

    def get_filters(self, request: HttpRequest) -> tuple[Any, ...]:
        found: tuple[Any, ...] = super().get_filters(request)
        by_date = {f"{self.date_hierarchy}__{bound}" for bound in ("gte", "lt")}
        made = by_date if f"{self.date_hierarchy}__year" in self.filter_params else set()
        if untaken := found[2].keys() - made:
            raise DisallowedModelAdminLookup(f"This list has no filter called {', '.join(sorted(untaken))}.")
        return found
