"""One call of every method of the client, with all that it takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rvm_client import Client

ID = "01a20000-0000-7000-8000-000000000002"
TIME = "2026-12-01T10:00:00Z"


def file(folder: Path) -> Path:
    written = folder / "file.mp3"
    written.write_bytes(b"bytes")
    return written


CALLS: dict[str, Callable[[Client, Path], Any]] = {
    "caller": lambda client, _: client.caller(),
    "use_cases": lambda client, _: client.use_cases(),
    "voicemails.send": lambda client, _: client.voicemails.send(
        to="+15550010001",
        use_case_id=ID,
        recording_id=ID,
        reference="a",
        record_number="b",
        metadata={"c": 1},
        not_before=TIME,
        expires_at=TIME,
    ),
    "voicemails.send_batch": lambda client, _: client.voicemails.send_batch(
        ["+15550010001"], use_case_id=ID, recording_id=ID, not_before=TIME, expires_at=TIME
    ),
    "voicemails.list": lambda client, _: client.voicemails.list(
        live=True,
        use_case_id=ID,
        setup_id=ID,
        campaign_id=ID,
        status=["failed"],
        reason="busy",
        reference="a",
        recipient_phone_number="+15550010001",
        record_number="b",
        created_after=TIME,
        created_before=TIME,
        updated_after=TIME,
        updated_before=TIME,
    ),
    "voicemails.get": lambda client, _: client.voicemails.get(ID),
    "voicemails.cancel": lambda client, _: client.voicemails.cancel(ID),
    "voicemails.retry": lambda client, _: client.voicemails.retry(ID, accept_duplicate_risk=True),
    "recordings.upload": lambda client, folder: client.recordings.upload(file(folder), name="Reminder"),
    "recordings.list": lambda client, _: client.recordings.list(archived=True),
    "recordings.get": lambda client, _: client.recordings.get(ID),
    "recordings.delete": lambda client, _: client.recordings.delete(ID),
    "campaigns.create": lambda client, _: client.campaigns.create(
        name="Flu shots",
        use_case_id=ID,
        recording_id=ID,
        time_zone="UTC",
        starts_at=TIME,
        ends_at=TIME,
        pace_per_second=2.5,
        canary_size=100,
        canary_max_failed_percent=10,
        canary_wait_minutes=60,
    ),
    "campaigns.list": lambda client, _: client.campaigns.list(state="draft", use_case_id=ID, live=False),
    "campaigns.get": lambda client, _: client.campaigns.get(ID),
    "campaigns.update": lambda client, _: client.campaigns.update(ID, {"name": "Flu shots"}),
    "campaigns.preview": lambda client, _: client.campaigns.preview(ID, rehearsal=True),
    "campaigns.stats": lambda client, _: client.campaigns.stats(ID),
    "campaigns.launch": lambda client, _: client.campaigns.launch(ID),
    "campaigns.unschedule": lambda client, _: client.campaigns.unschedule(ID),
    "campaigns.pause": lambda client, _: client.campaigns.pause(ID),
    "campaigns.resume": lambda client, _: client.campaigns.resume(ID),
    "campaigns.cancel": lambda client, _: client.campaigns.cancel(ID),
    "campaigns.export": lambda client, folder: client.campaigns.export(
        ID, folder / "report.csv", status=["failed", "expired"], format="e164"
    ),
    "campaigns.imports.upload": lambda client, folder: client.campaigns.imports.upload(
        ID, file(folder), columns=["phone", "first_name"], sheet="Recall"
    ),
    "campaigns.imports.list": lambda client, _: client.campaigns.imports.list(ID),
    "campaigns.imports.get": lambda client, _: client.campaigns.imports.get(ID, ID),
    "campaigns.imports.check": lambda client, _: client.campaigns.imports.check(ID, ID),
    "campaigns.imports.confirm": lambda client, _: client.campaigns.imports.confirm(
        ID, ID, consent_statement="Each of them signed form PH-12."
    ),
    "campaigns.imports.discard": lambda client, _: client.campaigns.imports.discard(ID, ID),
    "campaigns.imports.errors": lambda client, folder: client.campaigns.imports.errors(ID, ID, folder / "errors.csv"),
    "events.page": lambda client, _: client.events.page(
        after=ID, since=TIME, type=["voicemail.delivered"], live=False, limit=2
    ),
    "events.list": lambda client, _: client.events.list(since=TIME, type=["voicemail.delivered"], live=False),
    "events.get": lambda client, _: client.events.get(ID),
    "events.stream": lambda client, _: next(
        client.events.stream(after=ID, since=TIME, type=["campaign.launched"], live=False)
    ),
    "events.beats": lambda client, _: next(
        client.events.beats(after=ID, since=TIME, type=["campaign.launched"], live=False)
    ),
    "webhook_destinations.create": lambda client, _: client.webhook_destinations.create(
        name="Scheduling",
        url="https://hooks.example.org/rvm",
        accepted_event_types=["voicemail.failed"],
        description="North",
        signature="hex",
        concurrency=8,
        pace_per_second=50,
    ),
    "webhook_destinations.list": lambda client, _: client.webhook_destinations.list(live=True),
    "webhook_destinations.get": lambda client, _: client.webhook_destinations.get(ID),
    "webhook_destinations.update": lambda client, _: client.webhook_destinations.update(ID, {"name": "Scheduling"}),
    "webhook_destinations.delete": lambda client, _: client.webhook_destinations.delete(ID),
    "webhook_destinations.rotate_secret": lambda client, _: client.webhook_destinations.rotate_secret(
        ID, overlap_hours=2
    ),
    "webhook_destinations.enable": lambda client, _: client.webhook_destinations.enable(ID),
    "webhook_destinations.disable": lambda client, _: client.webhook_destinations.disable(ID),
    "webhook_destinations.event_types": lambda client, _: client.webhook_destinations.event_types(),
    "webhook_destinations.deliveries.list": lambda client, _: client.webhook_destinations.deliveries.list(
        ID, state="failed", type="voicemail.failed", event_id=ID
    ),
    "webhook_destinations.deliveries.get": lambda client, _: client.webhook_destinations.deliveries.get(ID, ID),
    "webhook_destinations.deliveries.replay": lambda client, _: client.webhook_destinations.deliveries.replay(ID, ID),
    "webhook_destinations.test": lambda client, _: client.webhook_destinations.test(ID),
    "webhook_destinations.replay": lambda client, _: client.webhook_destinations.replay(ID, since=TIME),
}
