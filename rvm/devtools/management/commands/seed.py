"""`manage.py seed`: load the sample data of `fixtures/` without starting any process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from rvm.devtools.sample import KEPT, check_database, load_sample
from rvm.devtools.stack import Stack


class Command(BaseCommand):
    help = "Loads the sample workspace and prints its API key and password."

    def handle(self, *args: Any, **options: Any) -> None:
        check_database()
        call_command("migrate", verbosity=0)
        stack = Stack(Path(settings.BASE_DIR) / ".rvm" / "up")
        sample = load_sample(stack.sandbox_url, stack.sandbox_key, stack.signing_secret, KEPT)
        self.stdout.write(
            f"workspace {sample.workspace.id}\nuse case  {sample.use_case.id}\nAPI key   {sample.api_key}"
        )
        self.stdout.write(f"login     {sample.username} / {sample.password}")
