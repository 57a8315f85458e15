"""Campaigns and lists for the tests of imports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from campaigns.imports import service
from campaigns.imports.runner import work
from campaigns.models import Campaign, RecipientImport
from campaigns.states import ImportState
from delivery.models import Voicemail
from rvm.platform.models import Workspace
from tests import factories
from usecases.models import UseCase

STATEMENT = "They agreed to voicemail reminders at registration."


def make_campaign(
    workspace: Workspace | None = None, *, use_case: UseCase | None = None, live: bool = True, **fields: Any
) -> Campaign:
    """A draft with a recording and a held lane; live to a real carrier, so that the rules for numbers hold."""
    if use_case is None:
        setup = factories.make_setup(workspace, carrier="drop_cowboy")
        use_case = factories.make_use_case(setup=setup)
    lane = factories.make_lane(use_case, live=live, held=True)
    fields = {"recording": factories.make_recording(use_case.workspace), **fields}
    return Campaign.objects.create(id=lane.pk, lane=lane, workspace=use_case.workspace, name="Recall", **fields)


def numbers(count: int, area: int = 202) -> list[str]:
    """Fictional ones: 100 of each area code from `area` on."""
    areas = [202, 205, 206, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229, 231, 234, 239, 240]
    at = areas.index(area)
    return [f"+1{areas[at + place // 100]}55501{place % 100:02}" for place in range(count)]


def as_csv(rows: Sequence[Sequence[str]], header: Sequence[str] = ("Phone", "Name")) -> bytes:
    return "\r\n".join(",".join(cells) for cells in [header, *rows] if cells).encode()


def upload(
    campaign: Campaign,
    content: bytes,
    *,
    name: str = "list.csv",
    now: datetime | None = None,
    reading: dict[str, Any] | None = None,
) -> RecipientImport:
    return service.upload(
        campaign=campaign,
        file_name=name,
        chunks=[content],
        actor=None,
        now=now or timezone.now(),
        reading=reading,
    )


def checked(campaign: Campaign, content: bytes, **options: Any) -> RecipientImport:
    row = service.check(upload(campaign, content, **options), actor=None, now=timezone.now())
    work()
    row.refresh_from_db()
    return row


def imported(campaign: Campaign, content: bytes, **options: Any) -> RecipientImport:
    row = checked(campaign, content, **options)
    assert row.state == ImportState.CHECKED, row.error
    service.confirm(row, consent_statement=STATEMENT, actor=None, now=timezone.now())
    work()
    row.refresh_from_db()
    return row


def recipients(campaign: Campaign) -> list[str]:
    """Decrypted, in the order in which they were queued."""
    return [row.recipient for row in Voicemail.objects.filter(lane_id=campaign.pk).order_by("id")]
