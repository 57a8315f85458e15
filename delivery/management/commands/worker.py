"""`manage.py worker QUEUE...`: runs an RQ worker on the named queues."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandParser
from django.db import DEFAULT_DB_ALIAS

from delivery.runtime.garbage import spare_loaded
from delivery.runtime.wakeups import JOBS
from delivery.runtime.watermarks import remember_positions
from delivery.setups.system_checks import TAG as CARRIERS
from delivery.worker.rq_worker import work


class Command(BaseCommand):
    help = "Runs the jobs of the named queues: dispatch, reports, calls, imports, or several."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queues", nargs="+", choices=sorted(settings.RQ_QUEUES))

    def handle(self, *args: Any, **options: Any) -> None:
        self.check(tags=[Tags.database, CARRIERS], databases=[DEFAULT_DB_ALIAS])
        remember_positions()
        for queue in options["queues"]:
            import_module(JOBS[queue].rpartition(".")[0])
        spare_loaded()
        work(options["queues"])
