"""`manage.py migrate`, as the role that owns the tables where another runs the processes, whose rights it then gives anew."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as Migrate
from django.db import connection, transaction

from rvm.platform.database.grants import grant

_LOGIN = ("USER", "PASSWORD", "HOST", "PORT", "NAME", "OPTIONS")


class Command(Migrate):
    def handle(self, *args: Any, **options: Any) -> None:
        owner: dict[str, Any] | None = settings.RVM_MIGRATIONS_DATABASE
        if owner is None:
            super().handle(*args, **options)
            return
        runtime = {name: connection.settings_dict[name] for name in _LOGIN}
        if runtime["USER"] == owner["USER"]:
            raise CommandError(
                f"RVM_MIGRATIONS_DATABASE_URL and DATABASE_URL name the same role, {owner['USER']}. The role of the processes must "
                "be another than the one that owns the tables; or leave RVM_MIGRATIONS_DATABASE_URL out."
            )
        connection.close()
        connection.settings_dict.update({name: owner[name] for name in _LOGIN if name in owner})
        connection.settings_dict["OPTIONS"] = {**runtime["OPTIONS"], **owner.get("OPTIONS", {})}
        try:
            super().handle(*args, **options)
            with transaction.atomic():
                grant(connection, runtime["USER"])
        finally:
            connection.close()
            connection.settings_dict.update(runtime)
        if options["verbosity"]:
            self.stdout.write(f"The role {runtime['USER']} has the rights that the processes need.")
