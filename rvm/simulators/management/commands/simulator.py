"""`manage.py simulator NAME`: run a simulated vendor in the terminal."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rvm.simulators.framework.service import run
from rvm.simulators.options import add_arguments, from_arguments


class Command(BaseCommand):
    help = "Run a simulated vendor, which behaves as documented and reaches nobody; it shows the credentials of a setup at it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_arguments(parser)

    def handle(self, *args: object, **options: Any) -> None:
        try:
            vendor = from_arguments(options)
        except ValueError as error:
            raise CommandError(str(error)) from error
        run(vendor, quiet=options["quiet"])
