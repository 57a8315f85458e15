"""Sample recordings for the first rows of an uploaded list, to listen to before the list is confirmed."""

from __future__ import annotations

from campaigns.imports import service
from campaigns.models import RecipientImport
from campaigns.scripts.personalization import Sample, sample_recordings

MAX_ROWS = 20


def sample_of_list(recipient_import: RecipientImport, most: int = MAX_ROWS) -> list[Sample]:
    """One sample per row for the first `most` rows, by the list's current reading. Raises ServiceError if its file is gone or cannot
    be read."""
    seen = service.sample(recipient_import)
    people = [{name: cell for name, cell in zip(seen.columns, row, strict=True) if name and cell} for row in seen.rows]
    return sample_recordings(recipient_import.campaign, people[:most])
