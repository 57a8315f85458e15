"""Time's own moves with imports: rings for those under way, and removes what a day has made superfluous."""

from __future__ import annotations

from datetime import datetime

from campaigns.models import RecipientImport
from campaigns.states import UNDER_WAY
from delivery.doorbell import ring


def work_on_imports(now: datetime) -> None:
    if RecipientImport.objects.filter(state__in=UNDER_WAY).exists():
        ring("imports")
