"""Questions whether a person may be reached, and their answers, in requests and responses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Any

from rest_framework import serializers

from delivery.services.eligibility import MAX_DISTANCE
from rvm.platform.api.fields import IdField, MomentField, StrictSerializer, YesField
from usecases.api.number_field import PhoneNumberField
from usecases.eligibility import Decision, Defer, Expire, Explanation, Guard, Skip, Verdict

DECISIONS = ("send", "defer", "skip", "expire")
GUARDS = [guard.value for guard in Guard]
# Why nothing is left although no guard refuses it by itself: the allowed hours of all zones and states never meet.
NEVER = "never_open"


class NewEligibilityQuestion(StrictSerializer):
    use_case_id = IdField()
    recipient_phone_number = PhoneNumberField(help_text="E.164, such as +12025550142.")
    at = MomentField(
        required=False,
        allow_null=True,
        help_text=f"When the voicemail would be due; now if left out. At most {MAX_DISTANCE.days} days away.",
    )

    rehearsal = YesField(
        default=False,
        help_text="Whether a simulated setup is treated as one that reaches people, so that all guards bind. It changes nothing for "
        "others.",
    )


class GuardVerdictSerializer(serializers.Serializer[Any]):
    guard = serializers.ChoiceField(GUARDS)
    decision = serializers.ChoiceField(DECISIONS, help_text="What it would decide alone; send if it does not object.")
    reason = serializers.CharField(allow_null=True)
    until = serializers.DateTimeField(allow_null=True, help_text="When this guard alone would let it pass.")
    facts = serializers.DictField(help_text="What it saw: zones, states, versions; never a number, name or address.")


class EligibilitySerializer(serializers.Serializer[Any]):
    decision = serializers.ChoiceField(DECISIONS)
    reason = serializers.CharField(allow_null=True, help_text="Of the first guard that objects; null for send.")
    until = serializers.DateTimeField(
        allow_null=True,
        help_text="When all guards would let it pass; null for send, for never and until further notice.",
    )
    guards = GuardVerdictSerializer(
        many=True, help_text="Every guard, in the order in which the first that objects decides."
    )


def answered(found: Explanation) -> dict[str, Any]:
    until = found.reachable_at if isinstance(found.decision, Defer) else None
    return {
        "decision": _decision(found.decision),
        "reason": _reason(found.decision),
        "until": until,
        "guards": [_guard(verdict) for verdict in found.verdicts],
    }


def _guard(verdict: Verdict) -> dict[str, Any]:
    return {
        "guard": verdict.guard.value,
        "decision": _decision(verdict.decision),
        "reason": _reason(verdict.decision),
        "until": verdict.until,
        "facts": _plain(verdict.saw),
    }


def _decision(decision: Decision) -> str:
    return type(decision).__name__.lower()


def _reason(decision: Decision) -> str | None:
    match decision:
        case Defer(reason=reason) | Skip(reason=reason):
            return reason.value
        case Expire():
            return NEVER
    return None


def _plain(saw: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, time) else value for name, value in saw.items()}
