"""`manage.py events`: publishes events and sends webhooks in the foreground."""

from __future__ import annotations

import gc
import resource
import signal
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand
from django.db import DEFAULT_DB_ALIAS

from rvm.platform.webhooks.sending.process import Process


class Command(BaseCommand):
    help = "Publishes events and sends webhooks. Run at least one."

    def handle(self, *args: Any, **options: Any) -> None:
        self.check(tags=[Tags.database], databases=[DEFAULT_DB_ALIAS])
        process = Process()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: process.requested_to_stop.set())
        # Each destination has connections of its own, and machines allow few open files unless a process asks for more.
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        gc.freeze()
        process.run()
