"""Views of withdrawals, which take people out of a campaign: check, get, confirm."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar
from uuid import UUID

from django.db.models import Model, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns.api import examples
from campaigns.api.base import CampaignsView
from campaigns.api.serializers.withdrawals import WithdrawalList, WithdrawalSerializer, WithdrawalUpload
from campaigns.api.uploaded_lists import ListUploadHandler
from campaigns.models import Withdrawal
from campaigns.withdrawals import service as services
from campaigns.withdrawals.lists import MAX_LINES, Line, listed_lines, pasted_lines
from rvm.platform.api.forms import MultiPartParser
from rvm.platform.api.lists import ActionView, CreateView, ListView, PageQuery, RowsView, page_of
from rvm.platform.api.rendering import JSONParser
from rvm.platform.database.clock import database_now
from rvm.platform.scopes import Scope

TAGS = ["Withdrawals"]


class _WithdrawalView(CampaignsView, RowsView):
    serializer_class = WithdrawalSerializer

    def find(self, campaign_id: UUID, withdrawal_id: UUID) -> Withdrawal:
        campaign = self.find_campaign(campaign_id)
        withdrawals = Withdrawal.objects.filter(campaign=campaign)
        found = self.get_row(withdrawals, withdrawal_id, "This campaign has no such withdrawal.")
        found.campaign = campaign
        return found

    def rows_to_lock(self, row: Withdrawal) -> Iterable[Model]:
        return [row.campaign, row]


@extend_schema_view(
    get=extend_schema(
        operation_id="list_withdrawals",
        summary="List a campaign's withdrawals",
        description="Newest first.",
        tags=TAGS,
        parameters=[PageQuery],
        responses={200: page_of(WithdrawalSerializer)},
    ),
    post=extend_schema(
        operation_id="check_withdrawal",
        summary="Look up people to take out of a campaign",
        description="For appointments that were canceled: up to "
        f"{MAX_LINES:,} record numbers, references or phone numbers, as JSON or as a file. Nobody is taken out yet: `counts` says "
        "how many are `waiting` and would be taken out, how many were sent already, and how many lines match nobody or several "
        "people. An `ambiguous` line takes nobody out; identify the person in another way. If a file has a column with the status of "
        "appointments, only its canceled ones count. 409 `campaign_state` once the campaign is completed or canceled, "
        "`import_under_way` while people are imported into it.",
        tags=TAGS,
        request={"application/json": WithdrawalList, "multipart/form-data": WithdrawalUpload},
        responses={201: WithdrawalSerializer},
        examples=[examples.WITHDRAW, examples.WITHDRAWAL],
    ),
)
class WithdrawalListView(_WithdrawalView, ListView, CreateView):
    required_scopes: ClassVar = {"GET": Scope.CAMPAIGNS_READ, "POST": Scope.CAMPAIGNS_SEND}
    parser_classes = [JSONParser, MultiPartParser]
    heavy: ClassVar = frozenset({"POST"})
    upload_handler = ListUploadHandler

    def rows(self, query: PageQuery, live: bool | None) -> QuerySet[Withdrawal]:
        campaign = self.find_campaign(self.kwargs["campaign_id"])
        return Withdrawal.objects.filter(campaign=campaign)

    def create(self) -> Withdrawal:
        campaign = self.find_campaign(self.kwargs["campaign_id"])
        lines = self._lines()
        self.ask_by_number("Withdrawal", sum(bool(line.phones) for line in lines))
        return services.check(campaign, lines, actor=self.actor, now=database_now())

    def _lines(self) -> list[Line]:
        if not hasattr(self.request.data, "lists"):
            return pasted_lines(self.read_body(WithdrawalList)["items"])
        file = self.read_body(WithdrawalUpload)["file"]
        return listed_lines(file.chunks, file.size)


class WithdrawalView(_WithdrawalView):
    required_scopes: ClassVar = {"GET": Scope.CAMPAIGNS_READ}

    @extend_schema(
        operation_id="get_withdrawal",
        summary="Get a withdrawal",
        tags=TAGS,
        responses={200: WithdrawalSerializer},
        examples=[examples.WITHDRAWN],
    )
    def get(self, request: Request, workspace_id: UUID, campaign_id: UUID, withdrawal_id: UUID) -> Response:
        return Response(self.serialize(self.find(campaign_id, withdrawal_id)))


@extend_schema_view(
    post=extend_schema(
        operation_id="confirm_withdrawal",
        summary="Take these people out of the campaign",
        description="Voicemails that still wait are `canceled` with the reason `withdrawn`, permanently; `withdrawn` counts them. A "
        "voicemail that was sent since the check cannot be recalled.",
        tags=TAGS,
        request=None,
        responses={200: WithdrawalSerializer},
        examples=[examples.WITHDRAWN],
    )
)
class WithdrawalConfirmView(_WithdrawalView, ActionView):
    required_scopes: ClassVar = {"POST": Scope.CAMPAIGNS_SEND}
    verb = staticmethod(services.confirm)

    def find_writable(self, **ids: UUID) -> Withdrawal:
        return self.find(**ids)
