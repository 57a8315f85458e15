"""A worker that tells nobody of the changes it makes, to measure what events cost: `python -m bench.programs.untold_worker QUEUE`."""

from __future__ import annotations

import os
import sys

import django
from django.core.management import call_command


def main(queue: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rvm.project.settings")
    django.setup()
    tell_nobody()
    call_command("worker", queue)


def tell_nobody() -> None:
    from delivery.lifecycle import transitions

    told = f", told AS ({transitions._TELL}\n)"
    for name in ("_APPLY_TRANSITIONS", "_REQUEUE_FAILED"):
        statement = getattr(transitions, name)
        if told not in statement:
            raise RuntimeError(f"{name} tells of changes in another way, so nothing would be measured.")
        setattr(transitions, name, statement.replace(told, ""))


if __name__ == "__main__":
    main(sys.argv[1])
