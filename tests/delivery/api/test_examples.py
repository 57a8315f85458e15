"""The documentation's examples are what the API really takes and gives."""

from __future__ import annotations

from typing import Any

import pytest

from delivery.api import examples
from delivery.api.exports import EXAMPLE as EXPORT
from delivery.api.serializers.eligibility import EligibilitySerializer, NewEligibilityQuestion
from delivery.api.serializers.filters import ExportQuery, VoicemailQuery
from delivery.api.serializers.requests import BatchResultSerializer, NewBatch, SendRecording, VoicemailRetry
from delivery.api.serializers.sounds import (
    ClipFromUrl,
    ClipSerializer,
    RecordingDetailSerializer,
    RecordingFromUrl,
    RecordingSerializer,
)
from delivery.api.serializers.voicemails import DropSerializer, VoicemailDetailSerializer, VoicemailSerializer
from rvm.platform.api.lists import page_of
from rvm.platform.errors import ServiceError


@pytest.mark.parametrize(
    ("example", "serializer"),
    [
        (examples.SEND_RECORDING, SendRecording),
        (examples.SEARCH, VoicemailQuery),
        (EXPORT, ExportQuery),
        (examples.BATCH, NewBatch),
        (examples.RETRY, VoicemailRetry),
        (examples.ASK_ELIGIBILITY, NewEligibilityQuestion),
        (examples.RECORDING_FROM_URL, RecordingFromUrl),
        (examples.CLIP_FROM_URL, ClipFromUrl),
    ],
)
def test_an_example_of_a_request_is_taken(example: Any, serializer: Any) -> None:
    request = serializer(data=example.value)
    assert request.is_valid(), request.errors
    rows = request.validated_data.get("recipients", [])
    assert not [row for row in rows if isinstance(row, ServiceError)]


@pytest.mark.parametrize(
    ("example", "serializer"),
    [
        (examples.SENT, VoicemailSerializer),
        (examples.QUEUED_AGAIN, VoicemailSerializer),
        (examples.CANCELED, VoicemailSerializer),
        (examples.PAGE, page_of(VoicemailSerializer)),
        (examples.DETAIL, VoicemailDetailSerializer),
        (examples.WAITING, VoicemailDetailSerializer),
        (examples.BATCH_RESULT, BatchResultSerializer),
        (examples.RECORDING, RecordingSerializer),
        (examples.RECORDING_DETAIL, RecordingDetailSerializer),
        (examples.CLIP, ClipSerializer),
        (examples.ELIGIBILITY, EligibilitySerializer),
    ],
)
def test_an_example_of_an_answer_has_every_field_and_no_other(example: Any, serializer: Any) -> None:
    assert list(example.value) == list(serializer().fields)
    for drop in example.value.get("drops", []):
        assert list(drop) == list(DropSerializer().fields)
    assert serializer(data=example.value).is_valid()
