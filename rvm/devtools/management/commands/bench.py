"""`manage.py bench NAME`: measure a part of the platform against a baseline and a limit, in one run on this machine."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

NAMES = ["dispatch", "callbacks", "import", "access", "slow-clients", "neighbours", "upkeep", "api", "webhooks"]


class Command(BaseCommand):
    help = (
        "Measures dispatch, callbacks, import, access, slow clients, neighbours, upkeep, the API or webhooks. Uses a database of its"
        " own; run nothing else meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", choices=NAMES)
        parser.add_argument("--json", action="store_true", help="end with one line of JSON")
        parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that it runs, measures nothing")
        parser.add_argument("--baseline", type=Path, help="access only: a checkout from before its guards")

        parser.add_argument("--rows", type=int, help="upkeep and neighbours: how many voicemails")
        parser.add_argument("--steps", help="upkeep and api: which, separated by commas; all by default")

    def handle(self, *args: Any, **options: Any) -> None:
        from bench import access, api, callbacks, dispatch, imports, maintenance, neighbours, slow_clients, webhooks

        compared = {}
        if options["name"] == "access":
            if not options["baseline"]:
                raise CommandError("Name a checkout to compare with: --baseline PATH, or `make bench-access`.")
            compared = {"baseline": options["baseline"]}
        call_command("migrate", verbosity=0)
        parts = {
            "dispatch": dispatch,
            "callbacks": callbacks,
            "import": imports,
            "access": access,
            "slow-clients": slow_clients,
            "neighbours": neighbours,
            "upkeep": maintenance,
            "api": api,
            "webhooks": webhooks,
        }
        part: Any = parts[options["name"]]
        sizes = part.QUICK if options["quick"] else part.Sizes()
        if options["rows"]:
            sizes = replace(sizes, rows=options["rows"])
        if options["steps"]:
            known = getattr(part, "STEPS", ())
            if unknown := set(options["steps"].split(",")) - set(known):
                raise CommandError(f"No step is called {', '.join(sorted(unknown))}; there are {', '.join(known)}.")
            sizes = replace(sizes, steps=options["steps"].split(","))
        figures = part.run(sizes, self._say, **compared)
        self.stdout.write("\n".join(f"  {name:<32} {value:>10}" for name, value in figures.items()))
        if options["json"]:
            self.stdout.write(json.dumps(figures))
        if part is neighbours and not options["quick"] and (why := neighbours.missed(figures)):
            raise CommandError(why)

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
