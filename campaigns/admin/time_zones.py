"""Choices and formats of time zones: those of the United States first, by their common names."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

HOME = "America/New_York"
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


@cache
def choices() -> list[tuple[str, list[tuple[str, str]]]]:
    others = sorted(zone for zone in available_timezones() if zone not in COMMON and ("/" in zone or zone == "UTC"))
    return [
        ("United States", list(COMMON.items())),
        ("All", [(zone, zone.replace("_", " ")) for zone in others if not zone.startswith("Etc/")]),
    ]


def zone_name(zone: str) -> str:
    return COMMON.get(zone, zone.replace("_", " "))


def local(moment: datetime, zone: str) -> str:
    """The local time with its zone: Tue 2026-11-24 09:00, Eastern (New York)."""
    return f"{moment.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M}, {zone_name(zone)}"


def short(moment: datetime, zone: str) -> str:
    """The local time with the zone's abbreviation, for tables."""
    there = moment.astimezone(ZoneInfo(zone))
    return f"{there:%Y-%m-%d %H:%M} {there.tzname() or zone}"
