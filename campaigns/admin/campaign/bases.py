"""On which basis the people of a campaign are reached: by its use case, and by what was said of each of its lists."""

from __future__ import annotations

from django.utils.text import Truncator

from campaigns.models import Campaign
from campaigns.selectors import imports
from campaigns.states import ImportState
from usecases.consents.bases import BASIS_LABELS, Basis
from usecases.selectors import name_of

BASIS = "Basis"
# On one printed sheet; the page of each list has the whole.
MAX_LISTS = 3
MAX_STATEMENT = 200


def bases(campaign: Campaign) -> list[str]:
    """The bases as sentences, the use case's first."""
    lists = imports(campaign).filter(state__in=[ImportState.IMPORTING, ImportState.COMPLETED])
    said = [
        f"“{Truncator(row.consent_statement).chars(MAX_STATEMENT)}” "
        f"{name_of(row.confirmed_by) or 'The platform'}, of “{row.file_name}”."
        for row in lists[:MAX_LISTS]
        if row.consent_statement
    ]
    more = lists.count() - MAX_LISTS
    return [
        f"{BASIS_LABELS[Basis(campaign.use_case.basis)]}, as the use case says.",
        *said,
        *([f"And of {more:,} more lists; the campaign's page has them."] if more > 0 else []),
    ]
