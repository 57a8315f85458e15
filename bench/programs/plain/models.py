"""Its table: the columns and indexes of the platform's voicemails, with numbers in clear."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Voicemail(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    workspace_id = models.UUIDField()
    use_case_id = models.UUIDField()
    setup_id = models.UUIDField()
    lane_id = models.UUIDField()
    recording_id = models.UUIDField()
    live = models.BooleanField()
    recipient = models.TextField(null=True)  # noqa: DJ001 - as there
    recipient_index = models.CharField(max_length=64)
    index_key = models.PositiveSmallIntegerField()
    last4 = models.CharField(max_length=4, blank=True)
    sender = models.CharField(max_length=16)
    reference = models.CharField(max_length=100, blank=True)
    record_number = models.TextField(null=True)  # noqa: DJ001 - as there
    metadata: models.JSONField[Any, Any] = models.JSONField(null=True)
    merge_fields = models.TextField(null=True)  # noqa: DJ001 - as there
    zones = ArrayField(models.CharField(max_length=64), null=True)
    status = models.CharField(max_length=12, default="queued")
    reason = models.CharField(max_length=32, blank=True)
    carrier_code = models.CharField(max_length=40, blank=True)
    carrier_text = models.CharField(max_length=200, blank=True)
    failover = models.BooleanField(default=False)
    drop_id = models.UUIDField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    sending_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    number_removed_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "plain"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(recipient__isnull=False) | ~Q(status__in=["queued", "sending"]),
                name="delivery_number_while_sent",
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["lane_id", "failover", "not_before", "id"], name="voicemail_due", condition=Q(status="queued")
            ),
            models.Index(
                fields=["expires_at"],
                name="voicemail_expiring",
                condition=Q(status="queued", expires_at__isnull=False),
            ),
            models.Index(fields=["workspace_id", "id"], name="voicemail_newest"),
            models.Index(fields=["workspace_id", "-id"], name="voicemail_newest_test", condition=Q(live=False)),
            models.Index(fields=["use_case_id", "status", "id"], name="voicemail_by_use_case"),
            models.Index(fields=["lane_id", "status", "id"], name="voicemail_by_lane"),
            models.Index(fields=["setup_id", "status", "id"], name="voicemail_by_setup"),
            models.Index(
                fields=["reason", "use_case_id", "setup_id", "id"],
                name="voicemail_by_reason",
                condition=Q(reason__gt=""),
            ),
            BrinIndex(fields=["id", "updated_at"], name="voicemail_updated", autosummarize=True, pages_per_range=8),
            models.Index(fields=["recipient_index", "-id"], name="voicemail_by_recipient"),
            models.Index(
                fields=["workspace_id", "status", "id"],
                name="voicemail_rare_status",
                condition=~Q(status__in=["queued", "sending", "accepted", "delivered"]),
            ),
            models.Index(
                fields=["workspace_id", "ended_at", "id"],
                name="voicemail_to_purge",
                condition=Q(ended_at__isnull=False, recipient__isnull=False),
            ),
        ]
