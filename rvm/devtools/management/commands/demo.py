"""`manage.py demo`: the main workflow on sample input, from an MP3 and a list of patients to a table of results."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Count
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from delivery.lifecycle.reasons import detail_of
from delivery.lifecycle.status import TERMINAL
from delivery.models import Voicemail
from rvm.devtools.embedded import ServerError
from rvm.devtools.sample import KEPT, Sample, check_database, load_sample, patients, recording_file
from rvm.devtools.stack import (
    Running,
    Stack,
    add_carrier_option,
    add_port_options,
    carrier_of,
    ports_of,
    refuse_taken_ports,
    running,
)

PATIENCE_SECONDS = 300.0  # a vendor that rings is called slower than the sandbox
OUTCOMES = ("--outcomes", "delivered=88,no_answer=4,voicemail_not_detected=3,mailbox_full=2,busy=2,opted_out=1")


class Command(BaseCommand):
    help = "Sends the 1,000 sample voicemails through a simulated carrier and reports what became of them."

    def add_arguments(self, parser: CommandParser) -> None:
        add_port_options(parser)
        add_carrier_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console(highlight=False, soft_wrap=True)
        console.print("[bold]RVM demo[/]: one recording, 1,000 fictional patients, a carrier that reaches nobody.\n")
        check_database()
        call_command("migrate", verbosity=0)
        directory = Path(settings.BASE_DIR) / ".rvm" / "demo"
        stack = Stack(
            directory,
            *ports_of(options),
            sandbox_options=OUTCOMES,
            **carrier_of(options),
            simulator_options=(*OUTCOMES, "--speed", "10"),
        )
        try:
            refuse_taken_ports(stack)  # before the sample gets the secrets of a sandbox that does not start
            sample = load_sample(stack.sandbox_url, stack.sandbox_key, stack.signing_secret, KEPT, stack.simulator)
            with running(stack) as children:
                console.print(
                    "Started the web server, four workers, the tick, the process of events and "
                    f"{stack.carrier or 'the sandbox carrier'}."
                )
                began = time.monotonic()
                sent = send(stack, sample)
                counts = watch(sent.ids, children, console)
                seconds = time.monotonic() - began
        except ServerError as error:
            raise CommandError(str(error)) from error
        console.print(report(sent, seconds))
        console.print("Next: [bold]make up[/] keeps it running, with the admin and a ready-made request for the API.")
        skipped = sent.suppressed + sum(counts[status] for status in ("skipped", "canceled", "expired"))
        self.stdout.write(
            f"demo: {len(sent.ids) + sent.suppressed} voicemails, {counts['delivered']} delivered, {counts['failed']} failed,"
            f" {skipped} skipped, in {seconds:.1f} s"
        )


class Sent(NamedTuple):
    """The ids of the queued voicemails, and how many patients got none because they opted out in an earlier run."""

    ids: list[str]
    suppressed: int


def send(stack: Stack, sample: Sample) -> Sent:
    """Upload the recording and queue one voicemail per patient over the API. Raises CommandError."""
    base = f"{stack.web_url}/v1/{sample.workspace.id}"
    recording = post(f"{base}/recordings", sample.api_key, *multipart("audio", "reminder.mp3", recording_file()))
    batch = {
        "use_case_id": str(sample.use_case.id),
        "recording_id": recording["recording_id"],
        "recipients": [
            {"recipient_phone_number": patient["phone"], "metadata": {"patient_id": patient["patient_id"]}}
            for patient in patients()
        ],
    }
    answer = post(f"{base}/voicemail/batch", sample.api_key, json.dumps(batch).encode(), "application/json")
    refused = [item["error"] for item in answer["items"] if "error" in item]
    if unexpected := [error for error in refused if error["code"] != "blocked.suppressed"]:
        raise CommandError(f"The API refused {len(unexpected)} of the sample patients; the first: {unexpected[0]}")
    return Sent([item["voicemail_id"] for item in answer["items"] if "voicemail_id" in item], len(refused))


def post(url: str, api_key: str, body: bytes, content_type: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {api_key}", "Content-Type": content_type, "Idempotency-Key": str(uuid.uuid4())}
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - our own loopback address
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        raise CommandError(f"The API answered {error.code}: {error.read().decode(errors='replace')[:500]}") from error


def multipart(field: str, filename: str, content: bytes) -> tuple[bytes, str]:
    boundary = uuid.uuid4().hex
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{filename}"\r\n'
        "Content-Type: audio/mpeg\r\n\r\n"
    )
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def watch(ids: list[str], children: Running, console: Console) -> Counter[str]:
    """Show a progress bar until every voicemail has ended, and return the number by status. Raises CommandError."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    deadline = time.monotonic() + PATIENCE_SECONDS
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("Voicemails that have ended", total=len(ids))
        while True:
            rows = Voicemail.objects.filter(id__in=ids).order_by().values_list("status").annotate(Count("id"))
            counts: Counter[str] = Counter(dict(rows))
            ended = sum(counts[status] for status in TERMINAL)
            progress.update(task, completed=ended)
            if ended == len(ids):
                return counts
            if crashed := children.crashed():
                raise CommandError(f"{crashed.name} ended by itself; see {crashed.log}")
            if time.monotonic() > deadline:
                raise CommandError(
                    f"After {PATIENCE_SECONDS:.0f} seconds only {ended} of {len(ids)} voicemails have ended"
                    f" ({dict(counts)}); see the logs in {children.stack.directory}."
                )
            time.sleep(0.2)


def report(sent: Sent, seconds: float) -> Table:
    """The table of results: voicemails by status, with the reason of those that were not delivered."""
    total = len(sent.ids) + sent.suppressed
    rows = Voicemail.objects.filter(id__in=sent.ids).order_by().values_list("status", "reason").annotate(n=Count("id"))
    table = Table(
        caption=f"{len(sent.ids) / seconds:.0f} voicemails a second, from the first request to the last report"
    )
    for title, justify in (("Status", "left"), ("Reason", "left"), ("Voicemails", "right"), ("Share", "right")):
        table.add_column(title, justify=justify)  # type: ignore[arg-type]
    for status, reason, n in sorted(rows, key=lambda row: -row[2]):
        table.add_row(status, detail_of(reason), str(n), f"{n / total:.1%}")
    if sent.suppressed:
        table.add_row(
            "not queued", "Opted out in an earlier run.", str(sent.suppressed), f"{sent.suppressed / total:.1%}"
        )
    return table
