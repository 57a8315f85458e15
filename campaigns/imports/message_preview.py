"""What the first rows of an uploaded list would hear: listened to before anybody is sent to."""

from __future__ import annotations

from campaigns.imports import service
from campaigns.models import RecipientImport
from campaigns.scripts.personalization import Sample, sample_recordings

MAX_ROWS = 20


def sample_of_list(recipient_import: RecipientImport, most: int = MAX_ROWS) -> list[Sample]:
    """One for each of the first rows, read as the list is read now. Raises ServiceError where the list is gone or cannot be read."""
    seen = service.sample(recipient_import)
    people = [{name: cell for name, cell in zip(seen.columns, row, strict=True) if name and cell} for row in seen.rows]
    return sample_recordings(recipient_import.campaign, people[:most])
