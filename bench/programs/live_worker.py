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
    from delivery.engine import claim
    from usecases import eligibility, windows

    def opened(now: datetime, *args: Any) -> datetime:
        windows.next_open(now, *args)
        return now

    for module in (eligibility, claim):
        module.next_open = opened  # type: ignore[attr-defined]


def remove_guards() -> None:
    """Have no fact read and nothing decided or counted: every voicemail is sent."""
    from delivery.engine import claim
    from delivery.engine.lane_routes import SendRoute
    from usecases.eligibility import SEND

    def nothing(*_: object, **__: object) -> None:
        return None

    def of_nobody(workspace_id: object, people: Sequence[object], *_: object, **__: object) -> list[None]:
        return [None] * len(people)

    replaced: dict[str, object] = {
        "are_suppressed": of_nobody,
        "consents_held": of_nobody,
        "unattested_on": nothing,
        "_facts": nothing,
        "decide": lambda facts, now: SEND,
    }
    for name, unguarded in replaced.items():
        assert hasattr(claim, name), name  # noqa: S101 - a guard that has another name would still be measured
        setattr(claim, name, unguarded)
    claim._HoursEnds.near = nothing  # type: ignore[assignment,method-assign]
    SendRoute.capped = property(lambda route: False)  # type: ignore[assignment,method-assign]


if __name__ == "__main__":
    main(sys.argv[1:])
