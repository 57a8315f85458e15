"""`manage.py worker QUEUE...`: an RQ worker of ours on the named queues."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from delivery.worker import work


class Command(BaseCommand):
    help = "Works off the bells of the named queues: dispatch, reports, or both."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("queues", nargs="+", choices=sorted(settings.RQ_QUEUES))

    def handle(self, *args: Any, **options: Any) -> None:
        work(options["queues"])
