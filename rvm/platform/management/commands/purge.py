"""`manage.py purge`: removes what is kept no longer, to the end and at once; the tick does the same in parts of seconds."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from rvm.platform.database.clock import database_now
from rvm.platform.retention.purges import steps

# Between two lines about the progress.
SECONDS = 5.0


class Command(BaseCommand):
    help = (
        "Removes numbers, recordings, callbacks, lists and drafts that are older than their workspace keeps them, in small steps"
        " beside all that runs. Stop it at any time, and start it again to go on."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        removed: Counter[str] = Counter()
        began = told = time.monotonic()
        try:
            for step in steps(database_now()):
                removed[step.purge.rows] += step.removed
                if time.monotonic() >= told + SECONDS:
                    told = time.monotonic()
                    self._tell(removed, told - began)
        except Exception as error:
            self._tell(removed, time.monotonic() - began)
            raise CommandError(
                f"A part failed ({type(error).__name__}); the log names it under purge_failed. The others are done."
            ) from error
        self._tell(removed, time.monotonic() - began)
        self.stdout.write("Nothing is left to remove.")

    def _tell(self, removed: Counter[str], seconds: float) -> None:
        said = ", ".join(f"{rows}: {count:,}" for rows, count in removed.items() if count) or "nothing"
        self.stdout.write(f"{seconds:.0f} s: removed {said}")
        self.stdout.flush()
