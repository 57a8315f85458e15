"""What people do with a campaign."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from campaigns.models import Campaign
from rvm.platform.models import User, Workspace
from usecases.models import UseCase


def create(
    *,
    workspace: Workspace,
    use_case: UseCase,
    live: bool,
    name: str,
    actor: User | None,
    now: datetime | None = None,
    **fields: Any,
) -> Campaign:
    """A draft and its held lane.

    `fields`: recording, script, time_zone, starts_at, ends_at, window_start, window_end, days, pace_per_second, priority,
    max_attempts, retry_minutes. `starts_at` and `ends_at` without an offset are read in `time_zone`. Raises Refused.
    """
    raise NotImplementedError


def edit(campaign: Campaign, changes: Mapping[str, Any], *, actor: User | None, now: datetime) -> Campaign:
    """Change what is named and nothing else; names as for `create`, and `name` and `use_case`. Raises Refused."""
    raise NotImplementedError


def launch(campaign: Campaign, *, actor: User | None, now: datetime) -> Campaign:
    """draft -> running, or scheduled where its start lies ahead. Raises Refused."""
    raise NotImplementedError


def unschedule(campaign: Campaign, *, actor: User | None, now: datetime) -> Campaign:
    """scheduled -> draft. Raises Refused."""
    raise NotImplementedError


def pause(campaign: Campaign, *, actor: User | None, now: datetime) -> Campaign:
    """running -> paused. Raises Refused."""
    raise NotImplementedError


def resume(campaign: Campaign, *, actor: User | None, now: datetime) -> Campaign:
    """paused -> running. Raises Refused."""
    raise NotImplementedError


def cancel(campaign: Campaign, *, actor: User | None, now: datetime) -> Campaign:
    """Anything but completed -> canceled; what waits is canceled by the tick. Raises Refused."""
    raise NotImplementedError


def retry_failed(
    campaign: Campaign,
    *,
    accept_duplicate_risk: bool,
    reasons: Collection[str],
    actor: User | None,
    now: datetime,
) -> int:
    """Queue the failed again that a retry can help, and say how many. No `reasons` are all of them. Raises Refused."""
    raise NotImplementedError
