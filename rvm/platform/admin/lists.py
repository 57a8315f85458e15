"""Change lists that accept only the filters that their page offers.

Django accepts any column of the model, and of related models, as a filter in the URL. A viewer could otherwise probe hidden columns
character by character.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.http import HttpRequest
from unfold.views import ChangeList


class RestrictedChangeList(ChangeList):
    """A change list that responds with 400 to any query parameter that is neither one of its filters nor its date hierarchy."""

    def get_filters(self, request: HttpRequest) -> tuple[Any, ...]:
        found: tuple[Any, ...] = super().get_filters(request)
        by_date = {f"{self.date_hierarchy}__{bound}" for bound in ("gte", "lt")}
        made = by_date if f"{self.date_hierarchy}__year" in self.filter_params else set()
        if untaken := found[2].keys() - made:
            raise DisallowedModelAdminLookup(f"This list has no filter called {', '.join(sorted(untaken))}.")
        return found
