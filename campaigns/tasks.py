"""The job behind the bell "imports". No arguments: the imports under way are the work."""

from __future__ import annotations

from delivery import doorbell


def work_imports() -> None:
    doorbell.answered("imports")
