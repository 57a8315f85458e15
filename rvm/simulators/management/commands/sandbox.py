"""`manage.py sandbox`: run the sandbox carrier in the terminal."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rvm.simulators.sandbox.options import add_arguments, from_arguments
from rvm.simulators.sandbox.server import run


class Command(BaseCommand):
    help = "Run the sandbox carrier: a simulated vendor that takes drops over HTTP and reports back."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *args: object, **options: Any) -> None:
        try:
            run(from_arguments(options))
        except ValueError as error:
            raise CommandError(str(error)) from error
