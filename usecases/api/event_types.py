"""Types of the events of this layer: numbers that must not be reached, and that may be reached again."""

from __future__ import annotations

from rest_framework import serializers

from rvm.platform.events.types import EventType
from usecases.suppression_kinds import SuppressionKind


class SuppressionEventSerializer(serializers.Serializer[None]):
    suppression_id = serializers.UUIDField()
    kind = serializers.ChoiceField([kind.value for kind in SuppressionKind])


TYPES = [
    EventType(
        "suppression.created",
        "A number must not be reached from now on. Test destinations are not told.",
        SuppressionEventSerializer,
    ),
    EventType(
        "suppression.lifted",
        "What was said about a number holds no longer; others may still keep it from being reached.",
        SuppressionEventSerializer,
    ),
]
