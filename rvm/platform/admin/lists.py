"""Change lists that accept only the filters that their page offers, and say so where one cannot be understood.

Django accepts any column of the model, and of related models, as a filter in the URL. A viewer could otherwise probe hidden columns
character by character. What Django does not understand it leaves out, and shows all rows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.contrib.admin import (
    BooleanFieldListFilter,
    ChoicesFieldListFilter,
    ListFilter,
    ModelAdmin,
    SimpleListFilter,
)
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.filters import RelatedFieldListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.views import ChangeList

MAX_SHOWN = 40
_NULLS = ("True", "False")


class RestrictedChangeList(ChangeList):
    """A change list that responds with 400 to any query parameter that is neither one of its filters nor its date hierarchy.

    `faults` are sentences about the values that it does not understand; with one it lists nothing. A filter may have a method
    `faults` of its own, without arguments, where its values are no choices.
    """

    faults: list[str]
    page_num: int
    queryset: QuerySet[Any]

    def get_queryset(self, request: HttpRequest, exclude_parameters: list[str | None] | None = None) -> QuerySet[Any]:
        self.faults = []
        try:
            found: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        except IncorrectLookupParameters as error:
            raise DisallowedModelAdminLookup("This list cannot read its filters.") from error
        if self.query.strip() and not self._searches(request):
            self.faults.append("This list has no search. Take the text out, or use the filters.")
        return found.none() if self.faults else found

    def get_filters(self, request: HttpRequest) -> tuple[Any, ...]:
        found: tuple[Any, ...] = super().get_filters(request)
        by_date = {f"{self.date_hierarchy}__{bound}" for bound in ("gte", "lt")}
        made = by_date if f"{self.date_hierarchy}__year" in self.filter_params else set()
        if untaken := found[2].keys() - made:
            raise DisallowedModelAdminLookup(f"This list has no filter called {', '.join(sorted(untaken))}.")
        taken = {name for spec in found[0] for name in spec.expected_parameters()}
        asked = self.get_filters_params().keys()
        left_out = [name for name in asked - taken - made if not name.startswith(f"{self.date_hierarchy}__")]
        # A filter without a choice is no filter of the page, but was asked for.
        self.faults += [no_choice(name, given) for name in sorted(left_out) for given in _given(request, name)]
        for spec in found[0]:
            if faults := _faults(spec, request):
                self.faults += faults
                spec.queryset = _nothing  # its own could not read the value
        return found

    def get_results(self, request: HttpRequest) -> None:
        asked = request.GET.get(PAGE_VAR, "1")
        try:
            super().get_results(request)
            beyond = self.page_num != 1 and not (self.multi_page and self.result_list)
        except IncorrectLookupParameters:
            beyond = True
        if (beyond or str(self.page_num) != asked) and not self.faults:
            self.faults.append(f"This list has no page “{_short(asked)}”. Go to its first page.")
            self.queryset, self.page_num = self.queryset.none(), 1
            super().get_results(request)

    def _searches(self, request: HttpRequest) -> bool:
        own = type(self.model_admin).get_search_results is not ModelAdmin.get_search_results
        return own or bool(self.model_admin.get_search_fields(request))


def _faults(spec: ListFilter, request: HttpRequest) -> list[str]:
    """A sentence for each value of a filter that is none of its choices."""
    if own := getattr(spec, "faults", None):
        found: list[str] = own()
        return found
    faults = []
    for name, choices in _choices(spec).items():
        given = _given(request, name)
        faults += [no_choice(str(spec.title), value) for value in given if value not in choices]
        if isinstance(spec, SimpleListFilter) and isinstance(spec.value(), str) and len(set(given)) > 1:
            faults.append(f"The filter “{spec.title}” was asked for {len(given)} values at once. Choose one of them.")
    return faults


def _choices(spec: ListFilter) -> Mapping[str, Collection[str]]:
    """The values that each parameter of a filter can have."""
    match spec:
        case SimpleListFilter():
            return {str(spec.parameter_name): {str(key) for key, _ in spec.lookup_choices}}
        case RelatedFieldListFilter():
            known = {str(key) for key, _ in spec.lookup_choices}
            return {spec.lookup_kwarg: known, spec.lookup_kwarg_isnull: _NULLS if spec.include_empty_choice else ()}
        case ChoicesFieldListFilter():
            known = {str(key) for key, _ in spec.field.flatchoices}
            return {spec.lookup_kwarg: known, spec.lookup_kwarg_isnull: _NULLS if spec.field.null else ()}
        case BooleanFieldListFilter():
            return {spec.lookup_kwarg: ("0", "1"), spec.lookup_kwarg2: _NULLS if spec.field.null else ()}
    raise NotImplementedError(f"{type(spec).__name__} needs a method `faults`.")


def _given(request: HttpRequest, name: str) -> list[str]:
    return [value for value in request.GET.getlist(name) if value]


def no_choice(title: str, value: str) -> str:
    return f"The filter “{title}” has no choice “{_short(value)}”, so nothing is listed. Choose another, or clear the filters."


def _short(value: str) -> str:
    return value if len(value) <= MAX_SHOWN else f"{value[:MAX_SHOWN]}…"


def _nothing(request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
    return queryset.none()
