"""One importer in a process of its own, so that its time and memory are measured alone. It prints one line of JSON.

`python -m bench.programs.importer ours LIST` or `… naive LIST ROWS BATCH`.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path

import django


def ours(path: Path) -> dict[str, float]:
    """Upload, check, confirm and import, as the API and a worker do it."""
    from campaigns.imports import service
    from campaigns.imports.runner import work

    campaign = _campaign()
    now = campaign.created_at
    began = time.perf_counter()
    with path.open("rb") as file:
        row = service.upload(
            campaign=campaign, file_name="list.csv", chunks=iter(lambda: file.read(65_536), b""), actor=None, now=now
        )
    uploaded = time.perf_counter()
    service.check(row, actor=None, now=now)
    work()
    checked = time.perf_counter()
    service.confirm(row, consent_statement="Of the bench: nobody is called.", actor=None, now=now)
    work()
    ended = time.perf_counter()
    row.refresh_from_db()
    if row.state != "completed" or sum(row.counts.values()) != row.rows_read:
        raise RuntimeError(f"The import is {row.state}: {row.error} {row.counts}")
    return {
        "rows": row.rows_read,
        "accepted": row.counts["accepted"],
        "upload_s": uploaded - began,
        "check_s": checked - uploaded,
        "insert_s": ended - checked,
        "seconds": ended - began,
    }


def naive(path: Path, most: int, batch: int) -> dict[str, float]:
    """The usual first design: csv, phonenumbers, bulk_create. It has no resume, no dry run and no other list formats."""
    import csv
    from itertools import islice

    import phonenumbers
    from django.utils import timezone

    from delivery.models import LaneDelta, Voicemail
    from rvm.platform.encryption.crypto import blind_index

    campaign = _campaign()
    lane, index, now = campaign.lane, blind_index(), timezone.now()
    seen: set[str] = set()
    waiting: list[Voicemail] = []
    began, rows = time.perf_counter(), 0
    with path.open(encoding="utf-8", newline="") as file:
        for row in islice(csv.DictReader(file), most):
            rows += 1
            try:
                parsed = phonenumbers.parse(row["phone"], "US")
            except phonenumbers.NumberParseException:
                continue
            number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
            if not phonenumbers.is_valid_number(parsed) or number in seen:
                continue
            seen.add(number)
            waiting.append(
                Voicemail(
                    workspace_id=lane.workspace_id,
                    use_case_id=lane.use_case_id,
                    setup_id=lane.use_case.setup_id,
                    lane=lane,
                    recording_id=campaign.recording_id,
                    live=True,
                    recipient=number,
                    recipient_index=index.of(lane.workspace_id, number),
                    index_key=index.current,
                    last4=number[-4:],
                    reference=row["reference"],
                    merge_fields={name: row[name] for name in ("name", "language", "clinic")},
                    zones=[row["time zone"]] if row["time zone"] else None,
                    not_before=now,
                )
            )
            if len(waiting) == batch:
                Voicemail.objects.bulk_create(waiting)
                waiting = []
    Voicemail.objects.bulk_create(waiting)
    LaneDelta.objects.create(lane=lane, status="queued", delta=len(seen))
    return {"rows": rows, "accepted": len(seen), "seconds": time.perf_counter() - began}


def _campaign():  # type: ignore[no-untyped-def]
    """Insert a draft campaign with a held lane, in a workspace of its own, and return it."""
    from campaigns.models import Campaign
    from delivery.models import Lane, Recording
    from rvm.platform.database.ids import uuid7
    from rvm.platform.models import Workspace
    from usecases.models import TelephonySetup, UseCase

    workspace = Workspace.objects.create(name="Bench", slug=uuid7().hex)
    setup = TelephonySetup.objects.create(workspace=workspace, name="Bench", carrier="drop_cowboy", credentials={})
    use_case = UseCase.objects.create(workspace=workspace, setup=setup, entity_name="Bench", name="Bench")
    lane = Lane.objects.create(workspace=workspace, use_case=use_case, live=True, held=True)
    recording = Recording.objects.create(
        workspace=workspace,
        name="Bench",
        sha256="0" * 64,
        size_bytes=1,
        duration_ms=15_000,
        bitrate_kbps=128,
        bitrate_mode="cbr",
        sample_rate=44_100,
        channels=1,
    )
    campaign = Campaign.objects.create(id=lane.pk, lane=lane, workspace=workspace, name="Bench", recording=recording)
    campaign.refresh_from_db()
    return campaign


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rvm.project.settings")
    django.setup()
    import_module("campaigns.tasks")
    gc.freeze()  # as the worker does
    name, path, *sizes = sys.argv[1:]
    before = sum(os.times()[:4])
    measured = ours(Path(path)) if name == "ours" else naive(Path(path), *map(int, sizes))
    print(json.dumps({**measured, "cpu": sum(os.times()[:4]) - before}))


if __name__ == "__main__":
    main()
