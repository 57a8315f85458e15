"""The usual design as a baseline: one job per voicemail, as most teams would write it first.

It does less than the engine (no guards, no lease, no counters, no key committed before sending) and leaves the same final rows.
"""

from __future__ import annotations

import requests
from django.utils import timezone

from delivery.lifecycle.status import DropStatus, VoicemailStatus
from delivery.models import Drop, Voicemail

session = requests.Session()


def submit(voicemail_id: str) -> None:
    """The job: read the row, send the request, write the response."""
    voicemail = Voicemail.objects.select_related("setup").get(id=voicemail_id)
    setup, now = voicemail.setup, timezone.now()
    drop = Drop(
        workspace_id=voicemail.workspace_id,
        voicemail=voicemail,
        setup=setup,
        number=1,
        live=voicemail.live,
        sender=voicemail.sender,
        due_at=now,
        created_at=now,
    )
    response = session.post(
        f"{setup.credentials['base_url']}/v1/drops",
        json={
            "to": voicemail.recipient,
            "from": voicemail.sender,
            "audio_url": f"http://127.0.0.1:8000/recordings/{voicemail.recording_id}.mp3",
            "reference": str(drop.id),
            "callback_url": "http://127.0.0.1:8000/reports/",
        },
        headers={"Authorization": f"Bearer {setup.credentials['key']}", "Idempotency-Key": str(drop.id)},
        timeout=15,
    )
    response.raise_for_status()
    drop.status, drop.carrier_reference, drop.accepted_at = DropStatus.ACCEPTED, response.json()["id"], timezone.now()
    drop.save(force_insert=True)
    voicemail.status, voicemail.drop_id, voicemail.attempts = VoicemailStatus.ACCEPTED, drop.id, 1
    voicemail.sending_at, voicemail.accepted_at, voicemail.updated_at = now, timezone.now(), timezone.now()
    voicemail.save(
        update_fields=["status", "drop_id", "attempts", "sending_at", "accepted_at", "updated_at"],
    )
