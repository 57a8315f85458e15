"""`manage.py tick`: runs the time-driven steps in the foreground."""

from __future__ import annotations

import signal
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand
from django.db import DEFAULT_DB_ALIAS

from delivery.runtime import shutdown
from delivery.runtime.watermarks import remember_positions
from delivery.worker.tick import run


class Command(BaseCommand):
    help = "Sweeps expired leases, wakes workers for due work and rolls counts up, once a second. Run at least one."

    def handle(self, *args: Any, **options: Any) -> None:
        self.check(tags=[Tags.database], databases=[DEFAULT_DB_ALIAS])
        remember_positions()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: shutdown.requested.set())
        run()
