"""A worker whose carrier is the stub, under the rules that bind live voicemails, to measure what the guards cost.

`python -m bench.programs.live_worker dispatch`, or with `--unguarded` before it the same worker without guards.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import django
from django.core.management import call_command


def main(arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rvm.project.settings")
    django.setup()
    install_carrier()
    if arguments[0] == "--unguarded":
        remove_guards()
    else:
        open_all_hours()
    call_command("worker", arguments[-1])


def install_carrier() -> None:
    from delivery.carriers import CARRIERS
    from delivery.carriers.sandbox import Sandbox

    class Stub(Sandbox):
        name = "bench"
        simulated = False
        max_delivery_delay = timedelta(minutes=15)

    CARRIERS[Stub.name] = Stub


def open_all_hours() -> None:
    """Have the guards of hours computed as ever and pass whatever they say, so that the measurement can run at night."""
    from usecases import eligibility, windows

    def opened(now: datetime, *args: Any) -> datetime:
        windows.next_open(now, *args)
        return now

    eligibility.next_open = opened  # type: ignore[attr-defined]


def remove_guards() -> None:
    from delivery.engine import claim
    from usecases.eligibility import SEND

    def nobody(workspace_id: object, people: Sequence[object], purpose: object) -> list[bool]:
        return [False] * len(people)

    claim.are_suppressed = nobody  # type: ignore[attr-defined]
    claim.decide = lambda facts, now: SEND  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(sys.argv[1:])
