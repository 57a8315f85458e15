"""A campaign that a carrier in memory serves, with clocks and workers driven by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django_rq import get_connection

from campaigns.models import Campaign
from delivery.engine.dispatcher import Dispatcher
from delivery.engine.rate_limit import RateLimiter
from delivery.worker import tick
from tests.delivery.fake_carrier import FakeTransport, Inline

NOW = datetime(2026, 7, 15, 16, tzinfo=UTC)  # a Wednesday: 12:00 in New York, 9:00 in Los Angeles
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _alone(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    get_connection("dispatch").flushdb()


def send(transport: FakeTransport, worker: str = "worker-1", **options: Any) -> None:
    """One dispatch job of one worker, until nothing is left that may go now."""
    Dispatcher(transport, RateLimiter(get_connection("dispatch"), worker), Inline(), http_timeout=15, **options).run(5)


def pass_time(now: datetime) -> None:
    """One tick, with every step of every layer."""
    tick.tick(now)


def fresh(campaign: Campaign) -> Campaign:
    return Campaign.objects.select_related("workspace", "lane__use_case").get(pk=campaign.pk)
