"""Views to create, list, get, change, have approved, launch, unschedule, pause, resume, cancel and retry campaigns."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import selectors
from campaigns.api import examples
from campaigns.api.base import CampaignsView
from campaigns.api.serializers.campaigns import (
    CampaignChanges,
    CampaignQuery,
    CampaignRetrySerializer,
    CampaignSerializer,
    CopyCampaign,
    LaunchApprovalSerializer,
    NewCampaign,
    RetryFailed,
)
from campaigns.lifecycle import approvals, canaries
from campaigns.lifecycle import service as services
from campaigns.models import Campaign, LaunchApproval
from campaigns.states import RetryState
from delivery.api.base import ONE_WORLD
from delivery.lane_totals import counts_of
from rvm.platform.api.lists import ActionView, CreateView, ListView, RowsView, page_of
from rvm.platform.api.permissions import require_scope
from rvm.platform.database.clock import database_now
from rvm.platform.errors import ServiceError
from rvm.platform.scopes import Scope

TAGS = ["Campaigns"]


class _CampaignView(CampaignsView, RowsView):
    serializer_class = CampaignSerializer
    find = CampaignsView.find_campaign

    def values(self, data: dict[str, Any]) -> dict[str, Any]:
        """A copy of `data` with this workspace's use case and recording in place of their ids. Raises ServiceError or Problem if
        one is not found or not permitted."""
        values = dict(data)
        if "use_case_id" in values:
            values["use_case"] = self.find_use_case(values.pop("use_case_id"))
        if "recording_id" in values:
            recording_id = values.pop("recording_id")
            values["recording"] = None if recording_id is None else self.find_recording(recording_id)
        return values

    def context(self, rows: list[Campaign]) -> dict[str, Any]:
        ids = [campaign.pk for campaign in rows]
        return {"voicemails": counts_of(ids), "canaries": canaries.newest(ids, database_now())}

    def serialize_changed(self, row: Campaign) -> Any:
        """The campaign, read again from the database after the change."""
        return self.serialize(self.find_campaign(row.pk))


@extend_schema_view(
    get=extend_schema(
        operation_id="list_campaigns",
        summary="List campaigns",
        description=f"Newest first. {ONE_WORLD}",
        tags=TAGS,
        parameters=[CampaignQuery],
        responses={200: page_of(CampaignSerializer)},
        examples=[examples.CAMPAIGNS],
    ),
    post=extend_schema(
        operation_id="create_campaign",
        summary="Create a campaign",
        description="A draft: nobody is reached before it is launched. A test key creates a test campaign, which is sent to the "
        "sandbox carrier only. The use case determines settings that are left out or null, and its limits always apply.",
        tags=TAGS,
        request=NewCampaign,
        responses={201: CampaignSerializer},
        examples=[examples.NEW_CAMPAIGN, examples.NEW_CAMPAIGN_BY_NAMES, examples.DRAFT],
    ),
)
class CampaignListView(_CampaignView, ListView, CreateView):
    required_scopes: ClassVar = {"GET": Scope.CAMPAIGNS_READ, "POST": Scope.CAMPAIGNS_WRITE}
    query_class = CampaignQuery

    def rows(self, query: CampaignQuery, live: bool | None) -> QuerySet[Campaign]:
        return selectors.campaigns(self.workspace, live=live, **query.filters)

    def create(self) -> Campaign:
        new = self.values(self.read_body(NewCampaign))
        return services.create(
            workspace=self.workspace, live=self.key.live, actor=self.actor, now=database_now(), **new
        )


class CampaignView(_CampaignView):
    required_scopes: ClassVar = {"GET": Scope.CAMPAIGNS_READ, "PATCH": Scope.CAMPAIGNS_WRITE}

    @extend_schema(
        operation_id="get_campaign",
        summary="Get a campaign",
        tags=TAGS,
        responses={200: CampaignSerializer},
        examples=[examples.RUNNING],
    )
    def get(self, request: Request, workspace_id: UUID, campaign_id: UUID) -> Response:
        return Response(self.serialize(self.find_campaign(campaign_id)))

    @extend_schema(
        operation_id="update_campaign",
        summary="Change a campaign",
        description="Fields that are left out do not change. Once a campaign has begun, only `name`, `pace_per_second` and "
        "`priority` can change, and while it is paused also `recording_id`, `ends_at`, `window_start`, `window_end`, `days`, "
        "`max_attempts`, `retry_minutes` and the settings of the canary, for those who still wait: 409 `campaign_begun` for "
        "others. "
        "Once it has recipients, the use case cannot change: 409 "
        "`campaign_has_recipients`. A scheduled campaign whose size needs an approval is a draft again after any other change.",
        tags=TAGS,
        request=CampaignChanges,
        responses={200: CampaignSerializer},
        examples=[examples.SLOWER, examples.RUNNING],
    )
    def patch(self, request: Request, workspace_id: UUID, campaign_id: UUID) -> Response:
        campaign = self.find_writable_campaign(campaign_id)
        changes = self.values(self.read_body(CampaignChanges, partial=True))
        services.edit(campaign, changes, actor=self.actor, now=database_now())
        return Response(self.serialize_changed(campaign))


class _TransitionView(_CampaignView, ActionView):
    """A view whose POST calls a service that changes the state of a campaign."""

    required_scopes: ClassVar = {"POST": Scope.CAMPAIGNS_SEND}

    def find_writable(self, **ids: UUID) -> Campaign:
        return self.find_writable_campaign(**ids)


def _documented(verb: str, summary: str, description: str, example: Any) -> Any:
    documented = extend_schema(
        operation_id=f"{verb}_campaign",
        summary=summary,
        description=description,
        tags=TAGS,
        request=None,
        responses={200: CampaignSerializer},
        examples=[example],
    )
    return extend_schema_view(post=documented)


@_documented(
    "launch",
    "Launch a campaign",
    "It becomes `running` at once, or `scheduled` if `starts_at` is in the future. Everybody who may be reached then gets the "
    "recording, so look at the preview first. Of more than 1,000 people, or as `canary_size` says, the first are tried and the "
    "others wait for the reports about them. 409 `import_under_way` while a list is being checked or imported. "
    "409 `approval_needed` where the workspace wants a second person for so many people: nothing is launched, and the "
    "request waits for somebody else's approval.",
    examples.RUNNING,
)
class LaunchView(_TransitionView):
    verb = staticmethod(services.launch)


class ApprovalView(_CampaignView):
    required_scopes: ClassVar = {"GET": Scope.CAMPAIGNS_READ, "DELETE": Scope.CAMPAIGNS_SEND}

    @extend_schema(
        operation_id="get_approval_of_campaign",
        summary="Get the newest request for approval",
        description="Of a launch or a retry that reaches more people than the workspace lets one person decide. People approve and "
        "decline at the desk; a key cannot. 404 if nobody has asked.",
        tags=TAGS,
        responses={200: LaunchApprovalSerializer},
        examples=[examples.APPROVAL],
    )
    def get(self, request: Request, workspace_id: UUID, campaign_id: UUID) -> Response:
        return Response(LaunchApprovalSerializer(self._newest(self.find_campaign(campaign_id))).data)

    @extend_schema(
        operation_id="withdraw_approval_of_campaign",
        summary="Withdraw the request for approval",
        description="Nobody can approve it any more. 409 `approval_ended` if it does not wait.",
        tags=TAGS,
        request=None,
        responses={200: LaunchApprovalSerializer},
        examples=[examples.APPROVAL_WITHDRAWN],
    )
    def delete(self, request: Request, workspace_id: UUID, campaign_id: UUID) -> Response:
        approval = self._newest(self.find_writable_campaign(campaign_id))
        return Response(LaunchApprovalSerializer(services.withdraw_request(approval, actor=self.actor)).data)

    def _newest(self, campaign: Campaign) -> LaunchApproval:
        found = approvals.approvals(campaign).first()
        if found is None:
            raise ServiceError("not_found", "Nobody has asked for an approval of this campaign.")
        return found


@_documented(
    "unschedule",
    "Take back a scheduled launch",
    "It becomes a `draft` again, which you can launch when it is ready.",
    examples.DRAFT_AGAIN,
)
class UnscheduleView(_TransitionView):
    verb = staticmethod(services.unschedule)


@_documented(
    "pause",
    "Pause a campaign",
    "Nothing new is sent. Voicemails that the carrier already has are still delivered.",
    examples.PAUSED,
)
class PauseView(_TransitionView):
    verb = staticmethod(services.pause)


@_documented(
    "resume",
    "Resume a paused campaign",
    "Sending goes on where it stopped: nobody is reached twice, and nobody is left out. One that its canary has paused goes on with "
    "everybody. One that was changed while it was "
    "paused needs what a launch needs, such as 409 `approval_needed`.",
    examples.RUNNING,
)
class ResumeView(_TransitionView):
    verb = staticmethod(services.resume)


@_documented(
    "cancel",
    "Cancel a campaign",
    "Unsent voicemails are never sent. Voicemails that the carrier already has cannot be recalled.",
    examples.CANCELED,
)
class CancelView(_TransitionView):
    verb = staticmethod(services.cancel)


@extend_schema_view(
    post=extend_schema(
        operation_id="copy_campaign",
        summary="Copy a campaign",
        description=(
            "A draft with the same settings, without start and end, and without people. With `reasons`, those are added in the "
            "background who have ended without a delivery for one of them; until `copying` is false it cannot be launched. "
            "References, record numbers, merge fields and time zones go along; suppressions, consents and caps are judged anew. Each "
            "of them is copied once, is not retried in the old campaign any more, and is left out at the launch if a late report "
            "says that they were reached. Those that may have been reached also need `accept_duplicate_risk` and the scope "
            f"`{Scope.VOICEMAIL_RESEND_UNCERTAIN.value}`."
        ),
        tags=TAGS,
        request=CopyCampaign,
        responses={201: CampaignSerializer},
        examples=[examples.COPY, examples.COPIED],
    ),
)
class CopyView(_CampaignView):
    creates_row = True
    required_scopes: ClassVar = {"POST": Scope.CAMPAIGNS_WRITE}

    def post(self, request: Request, workspace_id: UUID, **ids: UUID) -> Response:
        asked = self.read_body(CopyCampaign)
        if asked["accept_duplicate_risk"]:
            require_scope(self.key, Scope.VOICEMAIL_RESEND_UNCERTAIN)
        draft = services.copy(self.find_writable_campaign(**ids), **asked, actor=self.actor, now=database_now())
        listed = request.path.removesuffix(f"/{ids['campaign_id']}/copy")
        return Response(self.serialize_changed(draft), 201, headers={"Location": f"{listed}/{draft.pk}"})


class RetryFailedView(_CampaignView):
    required_scopes: ClassVar = {"POST": Scope.CAMPAIGNS_SEND, "DELETE": Scope.CAMPAIGNS_SEND}

    @extend_schema(
        operation_id="retry_failed_of_campaign",
        summary="Send a campaign's failed voicemails again",
        description=(
            "Voicemails that have failed by now, if a retry is safe and may help. Those that may have reached the person "
            "(unconfirmed, unreported) are left out without `accept_duplicate_risk`, which also needs the scope "
            f"`{Scope.VOICEMAIL_RESEND_UNCERTAIN.value}`. A completed campaign runs again, or is paused again if it "
            "was when it completed. 200 if all are queued again; 202 if many "
            "are left, which are queued in the background: the campaign's stats show the progress. Until that is done, another "
            "request gets 409 `retry_under_way`. 409 `approval_needed` as for a launch."
        ),
        tags=TAGS,
        request=RetryFailed,
        responses={200: CampaignRetrySerializer, 202: CampaignRetrySerializer},
        examples=[examples.RETRY_FAILED, examples.RETRIED, examples.RETRYING],
    )
    def post(self, request: Request, workspace_id: UUID, campaign_id: UUID) -> Response:
        asked = self.read_body(RetryFailed)
        if asked["accept_duplicate_risk"]:
            require_scope(self.key, Scope.VOICEMAIL_RESEND_UNCERTAIN)
        retry = services.retry_failed(
            self.find_writable_campaign(campaign_id), **asked, actor=self.actor, now=database_now()
        )
        return Response(CampaignRetrySerializer(retry).data, 202 if retry.state == RetryState.RUNNING else 200)

    @extend_schema(
        operation_id="stop_retry_of_campaign",
        summary="Stop a retry of the failed",
        description="Voicemails that are queued again stay queued; the others stay failed. 409 `retry_not_under_way` if no retry is "
        "running.",
        tags=TAGS,
        request=None,
        responses={200: CampaignRetrySerializer},
        examples=[examples.RETRY_STOPPED],
    )
    def delete(self, request: Request, workspace_id: UUID, campaign_id: UUID) -> Response:
        return Response(
            CampaignRetrySerializer(
                services.stop_retry(self.find_writable_campaign(campaign_id), actor=self.actor)
            ).data
        )
