"""The view that finds people by number, identifier or name, with all that the workspace knows of each."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.api import examples
from campaigns.api.base import CampaignsView
from campaigns.api.serializers.people import (
    MAX_RECEIVED,
    ErasureSerializer,
    PeopleSearch,
    PersonEligibilitySerializer,
    PersonPageSerializer,
    PersonToErase,
    PersonVoicemailSerializer,
)
from campaigns.people import record
from campaigns.people.erasure import erase
from campaigns.people.search import MAX_SCANNED, Matches, Person, by_identifier, by_name
from delivery.models import Voicemail
from rvm.platform import audit
from rvm.platform.api.pagination import position_in, position_token
from rvm.platform.api.permissions import require_scope
from rvm.platform.api.rate_limit import NUMBERS
from rvm.platform.audit.numbers_shown import whole
from rvm.platform.database.clock import database_now
from rvm.platform.scopes import Scope
from usecases.api.consent_serializers import ConsentSerializer
from usecases.api.suppression_serializers import SuppressionSerializer


class _Found(NamedTuple):
    """A person, None if the number was removed or cannot be decrypted; the voicemail that led to them, None in a search by number."""

    person: Person | None
    voicemail_id: UUID | None


# What is told of a person whose number was removed or cannot be decrypted.
_NOTHING: dict[str, Any] = {
    "recipient_phone_number": None,
    "names": [],
    "record_numbers": [],
    "other_phone_numbers": [],
    "eligibility": [],
    "waiting": [],
    "waiting_has_more": False,
    "received": [],
    "received_has_more": False,
    "suppressions": [],
    "suppressions_has_more": False,
    "consents": [],
    "consents_has_more": False,
}


class PeopleSearchView(CampaignsView):
    required_scopes: ClassVar = {"POST": Scope.PEOPLE_READ}
    rate_policy = NUMBERS

    @extend_schema(
        operation_id="search_people",
        summary="Find people",
        description="By exactly one of a number, a record number, a reference, or a name inside the list of one campaign, and all "
        "that the workspace knows of each. A number always finds its owner, of whom nothing may be known. Names are stored "
        f"encrypted: at most {MAX_SCANNED:,} of the list are looked through for a page, which may be empty and still say "
        f"`has_more`. Also needs the scope `{Scope.NUMBERS_READ.value}`. A live key finds people by live voicemails, or with "
        "`live=false` by test ones; a test key by test ones, without suppressions and consents.",
        tags=["People"],
        request=PeopleSearch,
        responses={200: PersonPageSerializer},
        examples=[examples.FIND_PERSON, examples.FIND_NAME, examples.PEOPLE],
    )
    def post(self, request: Request, workspace_id: UUID) -> Response:
        require_scope(self.key, Scope.NUMBERS_READ)
        asked = PeopleSearch(data=request.data)
        asked.is_valid(raise_exception=True)
        live = self.world(asked.asked_live)
        filters = {**asked.filters, "live": live}
        after = self._position(asked.validated_data.get("continuation_token"), filters)
        found, matches, live = self._find(asked.filters, asked.validated_data["limit"], after, live)
        by = next(name for name in filters if name != "campaign_id")
        ids = [each.voicemail_id for each in found]
        audit.record(
            "person.searched",
            self.workspace,
            actor=self.actor,
            workspace=self.workspace,
            by=by,
            found=len(found),
            voicemails=ids,
        )
        page = {
            "items": [self._told(each, live) for each in found],
            "continuation_token": self._token(matches.position, filters),
            "has_more": matches.position is not None,
            "scanned": matches.scanned,
        }
        return Response(page)

    def _find(
        self, asked: dict[str, Any], limit: int, after: UUID | None, live: bool
    ) -> tuple[list[_Found], Matches, bool]:
        """The people of the page, and in which world they are looked for."""
        if number := asked.get("recipient_phone_number"):
            return [_Found(Person(self.workspace, number), None)], Matches([], None), live
        if name := asked.get("name"):
            campaign = self.find_campaign(asked["campaign_id"])
            live, matches = campaign.live, by_name(campaign, name, after=after, limit=limit)
        else:
            matches = by_identifier(self.workspace, **asked, live=live, after=after, limit=limit)
        people = [
            _Found(Person(self.workspace, match.number) if match.number else None, match.voicemail_id)
            for match in matches.items
        ]
        return people, matches, live

    def _position(self, token: str | None, filters: dict[str, Any]) -> UUID | None:
        if not token:
            return None
        return position_in(token, workspace_id=self.workspace.pk, model=Voicemail, filters=filters)

    def _token(self, position: UUID | None, filters: dict[str, Any]) -> str | None:
        if position is None:
            return None
        return position_token(position, workspace_id=self.workspace.pk, model=Voicemail, filters=filters)

    def _told(self, found: _Found, live: bool) -> dict[str, Any]:
        person = found.person
        if person is None:
            return {**_NOTHING, "voicemail_id": found.voicemail_id}
        description = record.described(person, live=live)
        waiting = record.waiting(person, live=live)
        received = list(record.received(person, live=live)[: MAX_RECEIVED + 1])
        now, known_live = database_now(), self.key.live  # suppressions and consents are live rows
        suppressions = list(record.suppressions(person)[: record.MAX_SUPPRESSIONS + 1]) if known_live else []
        consents = record.known_consents(person, now) if known_live else []
        # They are all of this number, which need not be decrypted for each.
        for suppression in suppressions:
            suppression.number = person.number
        for consent in consents:
            consent.number = person.number
        answers = record.answers(person, record.usable_use_cases(person), live=live, now=now)
        of_voicemails = {"campaigns": record.campaigns_of([*waiting, *received])}
        return {
            "voicemail_id": found.voicemail_id,
            "recipient_phone_number": whole(person.number, self.workspace.pk),
            "names": description.names,
            "record_numbers": description.record_numbers,
            "other_phone_numbers": [
                whole(number, self.workspace.pk)
                for number in record.other_numbers(person, description.record_numbers, live=live)
            ],
            "eligibility": PersonEligibilitySerializer(answers, many=True).data,
            "waiting": PersonVoicemailSerializer(waiting[: record.MAX_WAITING], many=True, context=of_voicemails).data,
            "waiting_has_more": len(waiting) > record.MAX_WAITING,
            "received": PersonVoicemailSerializer(received[:MAX_RECEIVED], many=True, context=of_voicemails).data,
            "received_has_more": len(received) > MAX_RECEIVED,
            "suppressions": SuppressionSerializer(
                suppressions[: record.MAX_SUPPRESSIONS], many=True, context={"reveal": True}
            ).data,
            "suppressions_has_more": len(suppressions) > record.MAX_SUPPRESSIONS,
            "consents": ConsentSerializer(
                consents[: record.MAX_CONSENTS], many=True, context={"reveal": True, "now": now}
            ).data,
            "consents_has_more": len(consents) > record.MAX_CONSENTS,
        }


class EraseView(CampaignsView):
    required_scopes: ClassVar = {"POST": Scope.PEOPLE_ERASE}
    rate_policy = NUMBERS

    @extend_schema(
        operation_id="erase_person",
        summary="Erase a person by number",
        description="What waits for the number in this workspace is canceled, and what voicemails, reports, messages and recordings "
        "joined for this person say is removed. Results without the number, suppressions and consents stay. Ask again at any time: "
        "an erasure that is not finished is gone on with, and it is no opt-out. 409 `legal_hold` while one covers the person. "
        f"Also needs the scope `{Scope.NUMBERS_READ.value}`, since the answer tells whether the number is known; live keys only.",
        tags=["People"],
        request=PersonToErase,
        responses={200: ErasureSerializer},
        examples=[examples.ERASE_PERSON, examples.ERASURE],
    )
    def post(self, request: Request, workspace_id: UUID) -> Response:
        require_scope(self.key, Scope.NUMBERS_READ)
        asked = self.read_body(PersonToErase)
        self.require_world(
            True, "An erasure is of live rows, too, and a test key changes test rows only; use a live key."
        )
        person = Person(self.workspace, asked["recipient_phone_number"])
        done = erase(person, reason=asked["reason"], actor=self.actor, now=database_now())
        return Response(ErasureSerializer(done).data)
