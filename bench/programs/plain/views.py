"""Its view: a `ModelViewSet` on a `ModelSerializer`, and one address more that creates many with `many=True`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.utils import timezone
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from bench.programs.plain.models import Voicemail

_GIVEN = {"use_case_id", "recording_id", "recipient", "reference", "record_number", "metadata"}


class VoicemailSerializer(serializers.ModelSerializer[Voicemail]):
    class Meta:
        model = Voicemail
        fields = "__all__"
        read_only_fields: ClassVar[list[str]] = [
            field.name for field in Voicemail._meta.fields if field.name not in _GIVEN
        ]

    def create(self, validated_data: dict[str, Any]) -> Voicemail:
        """What the platform finds out costs nothing here: ids and sender are constants, and the number is its own index."""
        number, use_case_id = validated_data["recipient"], validated_data["use_case_id"]
        return super().create(
            {
                **validated_data,
                **dict.fromkeys(("workspace_id", "setup_id", "lane_id"), use_case_id),
                "live": True,
                "recipient_index": number,
                "index_key": 1,
                "last4": number[-4:],
                "sender": "+12125550100",
                "expires_at": timezone.now() + timedelta(days=3),
            }
        )


class VoicemailViewSet(viewsets.ModelViewSet[Voicemail]):
    queryset = Voicemail.objects.order_by("-id")
    serializer_class = VoicemailSerializer

    @action(detail=False, methods=["post"])
    def batch(self, request: Request) -> Response:
        serializer = self.get_serializer(data=request.data, many=True)
        serializer.is_valid(raise_exception=True)
        self.perform_create(serializer)
        return Response(serializer.data, status=201)
