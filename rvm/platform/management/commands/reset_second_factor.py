"""`manage.py reset_second_factor NAME`: the way back when nobody is left who could reset it at the desk."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rvm.platform.accounts.people import person_named
from rvm.platform.accounts.second_factor.reset import reset_second_factor


class Command(BaseCommand):
    help = (
        "Removes the second factor of the person with this username or e-mail address and ends the person's sessions. Whoever "
        "signs in next with the password enrols a new one, so make sure that it is the person who asks."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the username or the e-mail address")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        user = person_named(name)
        if user is None:
            raise CommandError(f"No account, or more than one, has the name {name!r}.")
        if not reset_second_factor(user, actor=None):
            raise CommandError(f"{user} has no second factor.")
        self.stdout.write(f"{user} enrols a new second factor at the next sign-in.")
