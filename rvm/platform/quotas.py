"""Quotas of workspaces: how many things with files each keeps, and how many bytes, so that no tenant fills the disk of all.

A layer adds its quota to QUOTAS. The usage is counted from the rows, which their number bounds; nothing can drift. Far below a quota,
uploads at once do not wait for each other; near it, they are counted one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connection

from rvm.platform.errors import ServiceError
from rvm.platform.models import Workspace

CODE = "quota_used_up"
MEGABYTE = 1_000_000
# How far below a quota uploads wait for each other: a tenth of it, but no less than what may be under way at once.
_NEAR = 10
_MAX_WAIT = "5s"


class Usage(NamedTuple):
    number: int
    size_bytes: int


_AT_ONCE = Usage(1000, 200 * MEGABYTE)


@dataclass(frozen=True)
class Quota:
    """A quota on what `label` calls. `name` is the end of its columns and variables: RVM_MAX_SOUNDS, RVM_MAX_SOUNDS_MEGABYTES.

    `usage` counts what a workspace keeps, and `advice` says what makes room.
    """

    name: str
    label: str
    advice: str
    usage: Callable[[UUID], Usage]

    def limits(self, workspace: Workspace) -> Usage:
        """The most of this workspace: its own, or those of this deployment."""
        column = f"max_{self.name}"
        number, megabytes = (
            getattr(settings, f"RVM_{each.upper()}") if getattr(workspace, each) is None else getattr(workspace, each)
            for each in (column, f"{column}_megabytes")
        )
        return Usage(number, megabytes * MEGABYTE)

    def require(self, workspace: Workspace, size_bytes: int = 0) -> None:
        """Raise ServiceError if the workspace has no room for one more of so many bytes.

        Inside a transaction that adds it, the answer holds until its end.
        """
        limits = self.limits(workspace)
        near = Usage(*(limit - max(limit // _NEAR, at_once) for limit, at_once in zip(limits, _AT_ONCE, strict=True)))
        if not self._exceeds(near, self.usage(workspace.pk), size_bytes):
            return
        if connection.in_atomic_block:
            _wait_for_others(self.name, workspace)
        used = self.usage(workspace.pk)
        if self._exceeds(limits, used, size_bytes):
            raise ServiceError(CODE, self._message(limits, used))

    def _exceeds(self, limits: Usage, used: Usage, size_bytes: int) -> bool:
        return used.number >= limits.number or used.size_bytes + max(size_bytes, 1) > limits.size_bytes

    def _message(self, limits: Usage, used: Usage) -> str:
        return (
            f"This workspace keeps {used.number:,} of at most {limits.number:,} {self.label}, with {megabytes(used)} of at most "
            f"{megabytes(limits)} MB, and this one does not fit. {self.advice} Or ask the operator of the platform for more."
        )


QUOTAS: list[Quota] = []


def megabytes(usage: Usage) -> str:
    return f"{usage.size_bytes / MEGABYTE:,.1f}"


def _wait_for_others(name: str, workspace: Workspace) -> None:
    """Wait until no other transaction adds to the quota. Raises ServiceError if that takes long."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true) FROM current_setting('lock_timeout')", [_MAX_WAIT])
        try:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"quota {name} {workspace.pk}"])
        except OperationalError:
            raise ServiceError(
                "unavailable",
                "Other uploads of this workspace, which is near its quota, take long; nothing was kept. Repeat this one in a minute.",
            ) from None
        cursor.execute("SET LOCAL lock_timeout = DEFAULT")
