"""`manage.py erase_person WORKSPACE`: erases a person by the number that it reads from its standard input."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from campaigns.people.erasure import erase
from campaigns.people.search import Person
from rvm.phone_numbers.numbers import e164_of
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.models import Workspace


class Command(BaseCommand):
    help = (
        "Erases the owner of a phone number from a workspace, and prints what was removed. The number is read from the standard "
        "input, in E.164, so that it is in no list of processes and no history of a shell."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("workspace", help="the workspace's slug")
        parser.add_argument(
            "--reason", default="", help="why, without names or numbers; kept with the record of the erasure"
        )

    def handle(self, *args: Any, workspace: str, reason: str, **options: Any) -> None:
        found = Workspace.objects.filter(slug=workspace).first()
        if found is None:
            raise CommandError(f"There is no workspace with the slug {workspace!r}.")
        if sys.stdin.isatty():
            self.stderr.write("The number, such as +12025550142:")
        number = e164_of(sys.stdin.readline().strip())
        if number is None:
            raise CommandError("What was read is no phone number; write it in E.164, such as +12025550142.")
        try:
            row = erase(Person(found, number), reason=reason, actor=None, now=database_now())
        except ServiceError as refused:
            raise CommandError(refused.message) from None
        removed = ", ".join(f"{what}: {count:,}" for what, count in sorted(row.counts.items())) or "nothing was known"
        self.stdout.write(f"Erasure {row.pk} ({removed}).")
        if row.finished_at is None:
            self.stdout.write(
                "It is not finished: a voicemail is at the carrier, or a list is kept that may have the person. The tick goes on."
            )
