"""One row of every table that the admin knows, all of one workspace."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from campaigns.models import Campaign, OptOutImport, RecipientImport, Withdrawal
from delivery.lifecycle.status import DropStatus, VoicemailStatus
from delivery.models import CarrierMedia, CarrierReport, Clip, Drop, Lane, Recording, Voicemail, VoicemailReference
from rvm.platform import audit
from rvm.platform.accounts.invitations import invite
from rvm.platform.models import (
    ApiKey,
    AuditEvent,
    DatabaseIdentity,
    FailedWork,
    Heartbeat,
    IdempotencyKey,
    Invitation,
    Membership,
    Organisation,
    Tally,
    User,
    WebhookDelivery,
    WebhookDestination,
    WebhookSecret,
    Workspace,
)
from rvm.platform.roles import Role
from tests.factories import make_api_key, make_consent, make_suppression, make_use_case, make_user, make_voicemail
from tests.rvm.platform.webhooks.factories import make_delivery, make_destination
from usecases.inbound.service import create_secret
from usecases.models import (
    Consent,
    InboundMessage,
    InboundSecret,
    PhoneNumber,
    StateFreeze,
    Suppression,
    TelephonySetup,
    UseCase,
)


def make_drop(voicemail: Voicemail, **fields: Any) -> Drop:
    now = datetime.now(UTC)
    return Drop.objects.create(
        **{
            "workspace": voicemail.workspace,
            "voicemail": voicemail,
            "setup": voicemail.setup,
            "number": 1,
            "live": voicemail.live,
            "sender": voicemail.sender,
            "status": DropStatus.ACCEPTED,
            "due_at": now,
            "created_at": now,
            "accepted_at": now,
            **fields,
        }
    )


def make_every_row(workspace: Workspace) -> dict[Any, Any]:
    use_case = make_use_case(workspace)
    voicemail = make_voicemail(use_case, status=VoicemailStatus.ACCEPTED, reference="order-1")
    drop = make_drop(voicemail)
    campaign = Campaign.objects.create(
        pk=voicemail.lane_id, workspace=workspace, lane=voicemail.lane, name="Flu shots", recording=voicemail.recording
    )
    key, _ = make_api_key(workspace)
    delivery = make_delivery(make_destination(workspace))
    user = make_user(workspace=workspace, password=None)
    heartbeat, _ = Heartbeat.objects.get_or_create(name="tick", defaults={"at": datetime.now(UTC)})
    invitation, _ = invite(workspace, "new@clinic.example", Role.VIEWER, may_see_numbers=False, actor=user)
    return {
        Organisation: workspace.organisation,
        Invitation: invitation,
        Workspace: workspace,
        User: user,
        Membership: Membership.objects.get(user=user),
        ApiKey: key,
        AuditEvent: audit.record("test.done", use_case, actor=user, workspace=workspace),
        IdempotencyKey: IdempotencyKey.objects.create(
            workspace=workspace, user=key.user, key="k", fingerprint=b"f", status=201, answer=b"the-stored-answer"
        ),
        Heartbeat: heartbeat,
        DatabaseIdentity: DatabaseIdentity.objects.get_or_create(defaults={"kept_at": datetime.now(UTC)})[0],
        Tally: Tally.objects.get_or_create(name="repairs", defaults={"count": 1, "at": datetime.now(UTC)})[0],
        FailedWork: FailedWork.objects.create(
            kind="setup",
            subject=str(use_case.setup.pk),
            name="Main",
            workspace=workspace,
            reason="It fails.",
            first_at=datetime.now(UTC),
            last_at=datetime.now(UTC),
        ),
        TelephonySetup: use_case.setup,
        PhoneNumber: use_case.phone_numbers.get(),
        UseCase: use_case,
        Consent: make_consent(workspace),
        Suppression: make_suppression(workspace),
        WebhookDestination: delivery.destination,
        WebhookDelivery: delivery,
        WebhookSecret: delivery.destination.secrets.get(),
        InboundSecret: create_secret(workspace.organisation, actor=None)[0],
        InboundMessage: InboundMessage.objects.create(
            organisation=workspace.organisation,
            channel="page",
            number="+12025550142",
            last4="0142",
            words="",
            opted_out=True,
        ),
        StateFreeze: StateFreeze.objects.create(state="LA", starts_on=date(2026, 8, 27), reason="Declared emergency."),
        Recording: voicemail.recording,
        Clip: Clip.objects.create(
            workspace=workspace,
            name="Ana",
            sha256="ab" * 32,
            size_bytes=4_000,
            duration_ms=500,
            bitrate_kbps=64,
            sample_rate=44_100,
            channels=1,
        ),
        Lane: voicemail.lane,
        Campaign: campaign,
        RecipientImport: RecipientImport.objects.create(
            workspace=workspace,
            campaign=campaign,
            file_name="a.csv",
            size_bytes=1,
            format="csv",
            encoding="utf-8",
            delimiter=",",
            header_row=1,
        ),
        OptOutImport: OptOutImport.objects.create(
            workspace=workspace,
            file_name="stop.csv",
            size_bytes=1,
            format="csv",
            encoding="utf-8",
            delimiter=",",
            header_row=1,
        ),
        Withdrawal: Withdrawal.objects.create(workspace=workspace, campaign=campaign, voicemail_ids=[voicemail.pk]),
        Voicemail: voicemail,
        Drop: drop,
        CarrierReport: CarrierReport.objects.create(
            setup=use_case.setup, drop_id=drop.pk, status="accepted", raw=b"the-raw-callback"
        ),
        CarrierMedia: CarrierMedia.objects.create(setup=use_case.setup, recording=voicemail.recording),
        VoicemailReference: VoicemailReference.objects.create(
            workspace=workspace, live=True, reference="order-1", voicemail_id=voicemail.pk
        ),
    }
