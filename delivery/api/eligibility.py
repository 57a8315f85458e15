"""Ask whether a person may be reached under a use case, and why not."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from delivery.api import examples
from delivery.api.base import DeliveryView
from delivery.api.serializers.eligibility import EligibilitySerializer, NewEligibilityQuestion, answered
from delivery.services.eligibility import explanation
from rvm.platform.api.permissions import require_scope
from rvm.platform.api.rate_limit import NUMBERS
from rvm.platform.database.clock import database_now
from rvm.platform.scopes import Scope


class EligibilityView(DeliveryView):
    rate_policy = NUMBERS
    required_scopes: ClassVar = {"POST": Scope.ELIGIBILITY_READ}

    @extend_schema(
        operation_id="ask_eligibility",
        summary="Ask whether a person may be reached",
        description="What would become of a voicemail to this number that is due now, or at another time: the decision that is made "
        "again when it is sent, and every guard with what it saw. Nothing is queued. It also needs the scope "
        f"`{Scope.NUMBERS_READ.value}`, because the answer tells something about the owner of a number. A test key asks about the "
        "sandbox, where no hours bind.",
        tags=["Voicemail"],
        request=NewEligibilityQuestion,
        responses={200: EligibilitySerializer},
        examples=[examples.ASK_ELIGIBILITY, examples.ELIGIBILITY],
    )
    def post(self, request: Request, workspace_id: UUID) -> Response:
        require_scope(self.key, Scope.NUMBERS_READ)
        asked = self.read_body(NewEligibilityQuestion)
        found = explanation(
            use_case=self.find_use_case(asked["use_case_id"]),
            number=asked["recipient_phone_number"],
            live=self.key.live,
            at=asked.get("at"),
            rehearsal=asked["rehearsal"],
            now=database_now(),
        )
        return Response(EligibilitySerializer(answered(found)).data)
