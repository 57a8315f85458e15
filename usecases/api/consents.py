"""API views of consents: recorded, listed and revoked, never changed.

Consents are live: a test key finds none, and records and revokes none.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from rvm.platform import audit
from rvm.platform.api.lists import ActionView, CreateView, ListView, RowsView, page_of
from rvm.platform.database.clock import database_now
from rvm.platform.scopes import Scope
from usecases import selectors
from usecases.api.base import UseCasesView
from usecases.api.consent_serializers import (
    ConsentDetailSerializer,
    ConsentQuery,
    ConsentSerializer,
    NewConsentBody,
    RevocationRequest,
)
from usecases.models import Consent
from usecases.services.consents import NewConsent, record_consent
from usecases.services.revocations import revoke_consent

TAGS = ["Consents"]
_MASKED = f"Numbers are masked without the scope `{Scope.NUMBERS_READ.value}`."
_EXAMPLE = OpenApiExample(
    "A signed form",
    {
        "recipient_phone_number": "+12025550142",
        "purposes": ["appointment", "wellness"],
        "source": "signed form",
        "given_at": "2026-03-02T15:00:00Z",
        "evidence": "Form 12 in her chart, signed at the front desk.",
    },
    request_only=True,
)


class _ConsentView(UseCasesView, RowsView):
    serializer_class = ConsentSerializer

    def find(self, consent_id: UUID) -> Consent:
        found = selectors.consents(self.workspace, live=self.reach, now=database_now()).select_related("workspace")
        return self.get_row(found, consent_id, self.not_found_message("This workspace has no such consent."))

    def context(self, rows: list[Consent]) -> dict[str, Any]:
        return {"reveal": self.may_see_numbers, "now": database_now()}

    def rows(self, query: ConsentQuery, live: bool | None) -> QuerySet[Consent]:
        found = selectors.consents(self.workspace, live=live, now=database_now(), **query.selector_filters())
        return found.defer("evidence", *(() if self.may_see_numbers else ("number",)))


@extend_schema_view(
    get=extend_schema(
        operation_id="list_consents",
        summary="List consents",
        description=f"Newest first, revoked and expired ones too. {_MASKED} A test key gets none: consents are live.",
        tags=TAGS,
        parameters=[ConsentQuery],
        responses={200: page_of(ConsentSerializer)},
    ),
    post=extend_schema(
        operation_id="record_consent",
        summary="Record a consent",
        description="Counts from the next claim on, under use cases with `consent_required: recorded`. It lifts no suppression. "
        "Recording the same again adds a row. 403 `test_key`: a test key records none.",
        tags=TAGS,
        request=NewConsentBody,
        responses={201: ConsentSerializer},
        examples=[_EXAMPLE],
    ),
)
class ConsentsView(_ConsentView, ListView, CreateView):
    required_scopes: ClassVar = {"GET": Scope.CONSENTS_READ, "POST": Scope.CONSENTS_WRITE}
    query_class = ConsentQuery

    def create(self) -> Consent:
        self.require_world(True, "Consents are live, and a test key records none; use a live key.")
        new = self.read_body(NewConsentBody)
        consent = NewConsent(
            new["source"], new["given_at"], new["evidence"], new["purposes"], new["basis"], new["expires_at"]
        )
        return record_consent(
            workspace=self.workspace,
            number=new["recipient_phone_number"],
            consent=consent,
            actor=self.actor,
            now=database_now(),
        )


class ConsentView(_ConsentView):
    serializer_class = ConsentDetailSerializer
    required_scopes: ClassVar = {"GET": Scope.CONSENTS_READ}

    @extend_schema(
        operation_id="get_consent",
        summary="Get a consent",
        description=f"With its evidence. {_MASKED}",
        tags=TAGS,
        responses={200: ConsentDetailSerializer},
    )
    def get(self, request: Request, workspace_id: UUID, consent_id: UUID) -> Response:
        row = self.find(consent_id)
        audit.record("consent.read", row, actor=self.actor, workspace=self.workspace)
        return Response(self.serialize(row))


@extend_schema_view(
    post=extend_schema(
        operation_id="revoke_consent",
        summary="Revoke a consent",
        description="Binds the next claim. It is an opt-out: the number is suppressed for the purposes of the consent, and what "
        "waits for it under use cases of these ends as `skipped: suppressed`. The consent stays, with when and how it was revoked. "
        "409 `consent_revoked`.",
        tags=TAGS,
        request=RevocationRequest,
        responses={200: ConsentDetailSerializer},
    )
)
class RevocationView(_ConsentView, ActionView):
    serializer_class = ConsentDetailSerializer
    required_scopes: ClassVar = {"POST": Scope.CONSENTS_WRITE}
    verb = partial(revoke_consent, by_program=True)
    body_class = RevocationRequest

    def find_writable(self, **ids: UUID) -> Consent:
        return self.find(**ids)

    def serialize_changed(self, row: Consent) -> Any:
        """The consent, read again with the row that revokes it."""
        return self.serialize(self.find(row.pk))
