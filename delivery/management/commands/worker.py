"""`manage.py worker QUEUE...`: an RQ worker of ours on the named queues."""

from __future__ import annotations

import gc
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandParser
from django.db import DEFAULT_DB_ALIAS

from delivery.runtime.wakeups import JOBS
from delivery.runtime.watermarks import remember_places
from delivery.worker.rq_worker import work

# Python's own first threshold is 700 values.
GARBAGE = (50_000, 20, 20)


class Command(BaseCommand):
    help = "Runs the jobs of the named queues: dispatch, reports, imports, or several."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queues", nargs="+", choices=sorted(settings.RQ_QUEUES))

    def handle(self, *args: Any, **options: Any) -> None:
        self.check(tags=[Tags.database], databases=[DEFAULT_DB_ALIAS])
        remember_places()
        # What is loaded by now stays, and a batch makes tens of thousands of values that live as long as it does: without this, all
        # of them are searched for garbage over and over, which took a third of the processor's time.
        for queue in options["queues"]:
            import_module(JOBS[queue].rpartition(".")[0])
        gc.freeze()
        gc.set_threshold(*GARBAGE)
        work(options["queues"])
