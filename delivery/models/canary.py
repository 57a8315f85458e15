"""The first people of a lane, who are tried before the others."""

from __future__ import annotations

from django.db import models

from delivery.models.lane import Lane
from delivery.models.voicemail import Voicemail


class CanaryMember(models.Model):
    """A voicemail that was tried while its lane tries the first people only; removed once these are judged."""

    voicemail = models.OneToOneField(
        Voicemail, on_delete=models.CASCADE, db_constraint=False, primary_key=True, related_name="+"
    )
    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="+")
