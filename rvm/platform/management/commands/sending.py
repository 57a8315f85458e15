"""`manage.py sending show|hold|release`: the hold of all sending, at the server."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rvm.platform.errors import ServiceError
from rvm.platform.sending_hold import service


class Command(BaseCommand):
    help = (
        "Shows whether all sending is held and why, holds it, or releases it. RVM holds it by itself when the database is not the one"
        " from which it sent last: after a failover, in a restored backup, in a copy."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        commands.add_parser("show", help="whether sending is held, why, and what to look at before the release")
        hold = commands.add_parser("hold", help="hold it by hand, as before a snapshot is restored in place")
        hold.add_argument("--reason", required=True)
        release = commands.add_parser("release", help="send from this database from now on")
        release.add_argument("--identity", required=True, help="the identity that `show` calls seen")
        release.add_argument("--reason", required=True, help="why it is right; kept in the audit")
        release.add_argument(
            "--end-waiting",
            action="store_true",
            help="first end what was due when the hold was set as failed: unconfirmed, instead of sending it",
        )

    def handle(self, *args: Any, command: str, **options: Any) -> None:
        try:
            getattr(self, command)(
                **{name: options[name] for name in ("reason", "identity", "end_waiting") if name in options}
            )
        except ServiceError as error:
            raise CommandError(error.message) from error

    def show(self) -> None:
        found = service.look()
        self.stdout.write(f"Kept: {found.kept or 'none, before the first tick'}\nSeen: {found.seen}")
        if not found.why_held:
            self.stdout.write("Sending is not held.")
            return
        since = f" since {found.held_at:%Y-%m-%d %H:%M:%S} UTC" if found.held_at else ""
        self.stdout.write(f"Sending is held{since}. {found.why_held}")
        for message in found.checklist():
            self.stdout.write(f"* {message}")

    def hold(self, reason: str) -> None:
        held = service.hold(None, reason)
        self.stdout.write("Sending is held." if held else "Sending was held already.")

    def release(self, identity: str, reason: str, end_waiting: bool) -> None:
        service.release(None, identity, reason, end_waiting=end_waiting)
        self.stdout.write(
            "What was due is being ended by the tick; sending goes on after that."
            if end_waiting
            else "Sending is released."
        )
