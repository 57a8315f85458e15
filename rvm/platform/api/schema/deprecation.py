"""Deprecation of operations: what a view declares of a method, its responses say in headers and the OpenAPI document in a mark.

docs/integrate/versions.md has the policy.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from django.conf import settings
from django.utils.http import http_date

# From the day on which an operation is deprecated to the first day on which it may be gone.
MIN_NOTICE = timedelta(days=365)


class Deprecation(NamedTuple):
    """A deprecated operation: since when, from when on it may be gone, and the page that says what replaces it."""

    since: date
    sunset: date
    page: str = "/docs"

    @property
    def headers(self) -> dict[str, str]:
        """`Deprecation` (RFC 9745), `Sunset` (RFC 8594), and the `Link` that both describe."""
        return {
            "Deprecation": f"@{_seconds(self.since)}",
            "Sunset": http_date(_seconds(self.sunset)),
            "Link": f'<{settings.RVM_PUBLIC_URL}{self.page}>; rel="deprecation"; type="text/html"',
        }


def _seconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())
