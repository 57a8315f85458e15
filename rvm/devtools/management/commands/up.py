"""`manage.py up`: run the whole platform in one terminal."""

from __future__ import annotations

import signal
from pathlib import Path
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from delivery.recordings.recordings import store_recording
from rvm.devtools.embedded import ServerError
from rvm.devtools.embedded.processes import tail
from rvm.devtools.sample import KEPT, check_database, load_sample, recording_file
from rvm.devtools.stack import (
    GIVE_WAY,
    Stack,
    add_carrier_option,
    add_port_options,
    carrier_of,
    ports_of,
    refuse_taken_ports,
    running,
)

WELCOME = """
  RVM is running. Ctrl-C stops all of it.

    Admin      {web}/admin/     user {username}   password {password}
    API        {web}/v1/        docs at {web}/docs
    Health     {web}/readyz
    Sandbox    {sandbox}        takes the drops {of_whom}
    Logs       {logs}

  Paste this into another terminal, in this directory; every command of docs/integrate uses it:

export API={web}/v1/{workspace}
export KEY={api_key} TEST_KEY={test_key}
export USE_CASE={use_case}

  Leave a voicemail:

curl -sS "$API/voicemail" -H "Authorization: Bearer $KEY" -H "Idempotency-Key: $(date +%s%N)" \\
  -F use_case_id=$USE_CASE -F recipient_phone_number=+15550010001 -F audio=@fixtures/reminder.mp3

  and see what became of it:

curl -sS "$API/voicemail" -H "Authorization: Bearer $KEY"

  Keys and password stay the same at the next start; they are new once {kept} is deleted.
"""
BESIDE = """of test keys and reports back
    Carrier    {url}        {name}, simulated, does so for the use case below"""


class Command(BaseCommand):
    help = "Runs web, workers, tick, events and the sandbox carrier until Ctrl-C, with sample data."

    def add_arguments(self, parser: CommandParser) -> None:
        add_port_options(parser)
        add_carrier_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        stopped = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        check_database()
        call_command("migrate", verbosity=0)
        directory = Path(settings.BASE_DIR) / ".rvm" / "up"
        stack = Stack(directory, *ports_of(options), **carrier_of(options), levels=GIVE_WAY)
        try:
            refuse_taken_ports(stack)  # before the sample gets the secrets of a sandbox that does not start
            sample = load_sample(stack.sandbox_url, stack.sandbox_key, stack.signing_secret, KEPT, stack.simulator)
            store_recording(sample.workspace, "Appointment reminder", recording_file())
            simulator = stack.simulator
            with running(stack) as children:
                self.stdout.write(
                    WELCOME.format(
                        web=stack.web_url,
                        sandbox=stack.sandbox_url,
                        of_whom=BESIDE.format(name=simulator.name, url=simulator.base_url)
                        if simulator
                        else "and reports back",
                        logs=stack.directory,
                        kept=KEPT,
                        workspace=sample.workspace.id,
                        use_case=sample.use_case.id,
                        username=sample.username,
                        password=sample.password,
                        api_key=sample.api_key,
                        test_key=sample.test_key,
                    )
                )
                self.stdout.flush()
                while not stopped.wait(0.5):
                    if ended := children.crashed():
                        raise CommandError(
                            f"{ended.name} ended by itself with code {ended.process.returncode}; everything else is stopped now, and "
                            f"nothing is lost: `make up` goes on where it was.{tail(ended.log)}"
                        )
                self.stdout.write("\nStopping…")
        except ServerError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("Everything is stopped.")
