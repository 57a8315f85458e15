"""The time zones in which people see times: their own, else that of their workspaces, else the platform's.

Days in filters, names of downloaded files and printed summaries are those of the workspace, the same for everybody in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Protocol
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError

from rvm.platform.times.tz_database import zone

MAX_NAME = 64
# Those of the United States, by their common names.
COMMON = {
    "America/New_York": "Eastern (New York)",
    "America/Chicago": "Central (Chicago)",
    "America/Denver": "Mountain (Denver)",
    "America/Phoenix": "Arizona (Phoenix)",
    "America/Los_Angeles": "Pacific (Los Angeles)",
    "America/Anchorage": "Alaska (Anchorage)",
    "Pacific/Honolulu": "Hawaii (Honolulu)",
    "America/Puerto_Rico": "Atlantic (Puerto Rico)",
}


class HasZone(Protocol):
    """A workspace or a user; an empty name means none of its own."""

    @property
    def time_zone(self) -> str: ...


@cache
def names() -> frozenset[str]:
    """All names of the database of time zones."""
    return frozenset(available_timezones())


@cache
def choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Choices for a form: the zones of the United States first."""
    others = sorted(name for name in names() if name not in COMMON and ("/" in name or name == "UTC"))
    return [
        ("United States", list(COMMON.items())),
        ("All", [(name, name.replace("_", " ")) for name in others if not name.startswith("Etc/")]),
    ]


def zone_name(name: str) -> str:
    """What people call a zone: Eastern (New York)."""
    return COMMON.get(name, name.replace("_", " "))


def check_zone(name: str) -> None:
    """A validator of columns. Raises ValidationError."""
    if refusal := unknown_zone(name):
        raise ValidationError(refusal)


def unknown_zone(name: str) -> str:
    """The refusal of a name that the database of time zones does not have; empty for others."""
    return "" if name in names() else f"“{name[:MAX_NAME]}” is no time zone; write one as in America/Chicago or UTC."


def default_zone() -> ZoneInfo:
    """The platform's."""
    return zone(settings.RVM_TIME_ZONE)


def workspace_zone(workspace: HasZone) -> ZoneInfo:
    return zone(workspace.time_zone or settings.RVM_TIME_ZONE)


def common_zone(own: Iterable[str]) -> ZoneInfo:
    """The zone of workspaces that all have the same one, of which `own` are the columns; else the platform's."""
    found = {name or settings.RVM_TIME_ZONE for name in own}
    return zone(found.pop()) if len(found) == 1 else default_zone()


def person_zone(user: HasZone, of_workspaces: Iterable[str]) -> ZoneInfo:
    """The zone in which a person sees times; `of_workspaces` are the columns of the person's workspaces."""
    return zone(user.time_zone) if user.time_zone else common_zone(of_workspaces)
