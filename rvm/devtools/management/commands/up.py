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
from rvm.devtools.sample import check_database, load_sample, recording_file
from rvm.devtools.stack import GIVE_WAY, Stack, running

WELCOME = """
  RVM is running. Ctrl-C stops all of it.

    Admin      {web}/admin/     user {username}   password {password}
    API        {web}/v1/        docs at {web}/docs
    Health     {web}/readyz
    Sandbox    {sandbox}        takes the drops and reports back
    Logs       {logs}

  Leave a voicemail:

curl -sS {web}/v1/{workspace}/voicemail \\
  -H 'Authorization: Bearer {api_key}' -H "Idempotency-Key: $(date +%s%N)" \\
  -F use_case_id={use_case} -F recipient_phone_number=+15550010001 -F audio=@fixtures/reminder.mp3

  and see what became of it:

curl -sS {web}/v1/{workspace}/voicemail -H 'Authorization: Bearer {api_key}'

  For the commands of docs/integrate:

export API={web}/v1/{workspace}
export KEY={api_key} TEST_KEY={test_key}
export USE_CASE={use_case}
"""


class Command(BaseCommand):
    help = "Runs web, workers, tick and the sandbox carrier until Ctrl-C, with sample data."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of the web server, on 127.0.0.1")
        parser.add_argument(
            "--callbacks-port", type=int, default=8001, help="of the carriers' web server, on 127.0.0.1"
        )
        parser.add_argument("--sandbox-port", type=int, default=8800, help="of the sandbox carrier, on 127.0.0.1")

    def handle(self, *args: Any, **options: Any) -> None:
        stopped = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        check_database()
        call_command("migrate", verbosity=0)
        stack = Stack(
            Path(settings.BASE_DIR) / ".rvm" / "up",
            options["port"],
            options["sandbox_port"],
            options["callbacks_port"],
            levels=GIVE_WAY,
        )
        sample = load_sample(stack.sandbox_url, stack.sandbox_key, stack.signing_secret)
        store_recording(sample.workspace, "Appointment reminder", recording_file())
        try:
            with running(stack) as children:
                self.stdout.write(
                    WELCOME.format(
                        web=stack.web_url,
                        sandbox=stack.sandbox_url,
                        logs=stack.directory,
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
