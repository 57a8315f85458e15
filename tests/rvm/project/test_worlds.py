"""Test and live are two worlds: what a test key finds and changes at every address under /v1/, and what a live key is shown.

The addresses come from the URL conf, so that a new one fails here until it is said what it does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from campaigns.models import Campaign, CampaignRetry, LaunchApproval, OptOutImport, RecipientImport, Withdrawal
from campaigns.opt_outs import service as opt_out_services
from campaigns.opt_outs.runner import work as work_opt_outs
from delivery.carriers.abilities import Check
from delivery.lifecycle.events import Report, ReportStatus
from delivery.lifecycle.reasons import Reason
from delivery.models import (
    Drop,
    KeptDecision,
    Lane,
    LaneCount,
    LaneDelta,
    Voicemail,
    VoicemailIdentifier,
    VoicemailReference,
)
from delivery.recordings.clips import store_clip
from delivery.recordings.recordings import store_recording
from delivery.recordings.shelf import archive
from delivery.reports.inbox import merge, receive
from delivery.setups import api as setups
from rvm.platform import audit
from rvm.platform.database.clock import database_now
from rvm.platform.models import (
    ApiKey,
    Event,
    Outbox,
    Session,
    WebhookDelivery,
    WebhookDestination,
    WebhookSecret,
    Workspace,
)
from rvm.platform.scopes import Scope
from tests.campaigns.api.calling import upload_directly
from tests.delivery.audio.mp3_bytes import encoded
from tests.delivery.states import make_submitted, state
from tests.factories import (
    RECIPIENT,
    Api,
    attested,
    make_api,
    make_api_key,
    make_campaign,
    make_consent,
    make_phone_number,
    make_setup,
    make_suppression,
    make_use_case,
    make_voicemail,
    make_workspace,
)
from tests.rvm.platform.events.publishing import happened
from tests.rvm.platform.webhooks.factories import make_delivery, make_destination
from tests.rvm.project.test_every_operation import OF_EVERY_KEY, OPEN, VIEWS, operations
from usecases.models import Consent, NumberAssignment, PhoneNumber, Suppression, TelephonySetup, UseCase

pytestmark = pytest.mark.django_db

DROP_COWBOY = {"key": "k", "secret": "s", "signing_secret": "whsec"}
LIST = b"phone\n2025550142\n"
CHECKED = {
    "voice": "human", "says_caller": True, "says_callback_number": True, "says_opt_out_number": True, "no_health_details": True,
}  # fmt: skip
STATEMENT = {"consent_statement": "They agreed at registration."}


def route_of(address: str) -> str:
    """Below the workspace, as the OpenAPI document writes it."""
    return address.partition("/<uuid:workspace_id>/")[2].replace("<uuid:", "{").replace("<int:", "{").replace(">", "}")


# Each operation with whether it changes something.
CHANGES = {
    f"{method} {route_of(address)}": (method != "GET" and not callback.cls.required_scopes[method].only_reads)
    for address, callback in VIEWS
    if callback.cls not in OPEN | OF_EVERY_KEY
    for method in operations(callback)
}


@dataclass
class Rows:
    """A row of every kind in one world, under the names that addresses and bodies give their ids."""

    ids: dict[str, Any]
    campaigns: dict[str, Campaign]

    def address(self, route: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda match: str(self.ids[match[1]]), route)


def make_rows(workspace: Workspace, *, live: bool) -> Rows:
    setup = make_setup(workspace, carrier="drop_cowboy", credentials=DROP_COWBOY) if live else make_setup(workspace)
    use_case = make_use_case(setup=setup)
    sound = attested(store_recording(workspace, "Flu shot", encoded(12)))
    states = ("draft", "scheduled", "running", "paused", "completed")
    campaigns = {
        state: make_campaign(use_case, 1, live=live, state=state, recording=sound, time_zone="America/New_York")
        for state in states
    }
    Voicemail.objects.filter(lane=campaigns["completed"].lane).update(status="failed", reason="busy")
    CampaignRetry.objects.create(
        campaign=campaigns["running"], reasons=[], accept_duplicate_risk=False, asked_at=database_now(), matching=1
    )
    failed = make_voicemail(use_case, live=live, status="failed", reason="busy")
    queued = make_voicemail(use_case, live=live, reference="visit-1")
    VoicemailReference.objects.create(workspace=workspace, live=live, reference="visit-1", voicemail_id=queued.pk)
    uploaded, checked = upload_directly(campaigns["draft"], LIST), upload_directly(campaigns["draft"], LIST)
    RecipientImport.objects.filter(pk=checked.pk).update(state="checked", rows_read=1, counts={"accepted": 1})
    suppression = make_suppression(workspace, "+12025550198" if live else "+12025550196", kind="deceased")
    opt_outs = {state: upload_opt_outs(workspace, live, state) for state in ("uploaded", "checked", "completed")}
    waiting = list(Voicemail.objects.filter(lane=campaigns["draft"].lane).values_list("pk", flat=True))
    withdrawal = Withdrawal.objects.create(
        workspace=workspace, campaign=campaigns["draft"], voicemail_ids=waiting, counts={"waiting": 1}
    )
    LaunchApproval.objects.create(campaign=campaigns["draft"], kind="launch", people=1, above=0, version=b"v")
    exported = audit.record(
        "audit_event.exported", workspace, actor=make_api_key(workspace, live=live)[0].user, workspace=workspace,
        filters={"date_from": "2026-03-01T00:00:00+00:00", "date_to": "2026-04-01T00:00:00+00:00"}, rows=0, bytes=0,
    )  # fmt: skip
    delivery = make_delivery(make_destination(workspace, live=live))
    return Rows(
        {
            "export_id": exported.pk,
            "opt_out_list_id": opt_outs["uploaded"].pk,
            "checked_opt_outs_id": opt_outs["checked"].pk,
            "listed_opt_outs_id": opt_outs["completed"].pk,
            "use_case_id": use_case.pk,
            "setup_id": setup.pk,
            "unused_setup_id": make_setup(workspace, carrier=setup.carrier, credentials=setup.credentials).pk,
            "stopped_setup_id": make_setup(
                workspace,
                carrier=setup.carrier,
                credentials=setup.credentials,
                breaker_until=database_now() + timedelta(1),
            ).pk,
            "unused_use_case_id": make_use_case(setup=setup, numbers=0).pk,
            "phone_number_id": use_case.phone_numbers.get().pk,
            "unassigned_number_id": make_phone_number(setup).pk,
            "voicemail_id": queued.pk,
            "failed_id": failed.pk,
            "campaign_id": campaigns["draft"].pk,
            "import_id": uploaded.pk,
            "checked_id": checked.pk,
            "withdrawal_id": withdrawal.pk,
            "recording_id": sound.pk,
            "unused_recording_id": store_recording(workspace, "Unused", encoded(10.5)).pk,
            "archived_recording_id": archive(store_recording(workspace, "Old", encoded(10.2)), actor=None).pk,
            "archived_clip_id": archive(store_clip(workspace, "Bob", encoded(1.5)), actor=None).pk,
            "clip_id": attested(store_clip(workspace, "Ana", encoded(1))).pk,
            "suppression_id": suppression.pk,
            "api_key_id": make_api_key(workspace, live=live, scopes=[Scope.API_KEYS_WRITE])[0].pk,
            "resource_id": opt_outs["uploaded"].pk,  # events are about it
            "consent_id": make_consent(workspace, "+12025550198" if live else "+12025550196").pk,
            "event_id": happened(workspace, "voicemail.queued", live=live)[0].pk,
            "destination_id": delivery.destination_id,
            "disabled_destination_id": make_destination(
                workspace, live=live, disabled_at=database_now(), disabled_because="It took nothing for 5 days."
            ).pk,
            "delivery_id": delivery.pk,
        },
        campaigns,
    )


def upload_opt_outs(workspace: Workspace, live: bool, state: str) -> OptOutImport:
    row = opt_out_services.upload(
        workspace=workspace, live=live, file_name="stop.csv", chunks=[LIST], actor=None, now=timezone.now()
    )
    OptOutImport.objects.filter(pk=row.pk).update(state=state, counts={"rows": 1, "to_add": 1})
    return row


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = str(tmp_path)
    return tmp_path


@pytest.fixture
def workspace(db: None) -> Workspace:
    return make_workspace()


@pytest.fixture
def live_rows(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Rows:
    monkeypatch.setattr(setups, "check_setup", lambda setup: Check(True, f"asked with {setup.credentials}"))
    make_suppression(workspace, "+12025550199")
    return make_rows(workspace, live=True)


def sound(name: str = "audio") -> dict[str, Any]:
    return {name: SimpleUploadedFile("new.mp3", encoded(11), "audio/mpeg")}


def a_list() -> dict[str, Any]:
    return {"file": SimpleUploadedFile("new.csv", LIST, "text/csv")}


def to_somebody(rows: Rows, number: str = "+12025550101") -> dict[str, Any]:
    return {**rows_named(rows, "use_case_id", "recording_id"), "recipient_phone_number": number, "reference": "visit-2"}


def rows_named(rows: Rows, *names: str) -> dict[str, Any]:
    return {name: str(rows.ids[name]) for name in names}


def in_state(state: str) -> Callable[[Rows], dict[str, Any]]:
    return lambda rows: {"campaign_id": rows.campaigns[state].pk}


@dataclass
class Action:
    """One operation that changes something: which rows and which body let a live key do it, and what a test key is answered."""

    refused: int | None  # None: it is done, and only in the test world
    body: Callable[[Rows], Any] = lambda rows: {}
    rows: Callable[[Rows], dict[str, Any]] = lambda rows: {}
    form: bool = False

    def call(self, api: Api, operation: str, rows: Rows) -> HttpResponse:
        method, route = operation.split(" ")
        path = Rows({**rows.ids, **self.rows(rows)}, {}).address(route)
        if self.form:
            return api.client.post(api.url(path), self.body(rows))
        return api.send(method, path, self.body(rows))


def other(**names: str) -> Callable[[Rows], dict[str, Any]]:
    """Another row of the kind than the usual one."""
    return lambda rows: {name: rows.ids[wanted] for name, wanted in names.items()}


def lifting(rows: Rows) -> dict[str, Any]:
    return {"reason": "They asked for reminders again."}


ACTIONS = {
    "POST voicemail": Action(None, to_somebody),
    "POST voicemail/batch": Action(
        None,
        lambda rows: {
            **rows_named(rows, "use_case_id", "recording_id"),
            "recipients": [{"recipient_phone_number": "+12025550101", "reference": "visit-1-b"}],
        },
    ),
    "POST voicemail/{voicemail_id}/cancel": Action(404),
    "POST voicemail/{voicemail_id}/retry": Action(404, rows=other(voicemail_id="failed_id")),
    "POST recordings": Action(None, lambda rows: sound(), form=True),
    "POST clips": Action(None, lambda rows: sound(), form=True),
    "PATCH recordings/{recording_id}": Action(403, lambda rows: {"name": "Renamed"}),
    "DELETE recordings/{recording_id}": Action(403, rows=other(recording_id="unused_recording_id")),
    "POST recordings/{recording_id}/archive": Action(403),
    "POST recordings/{recording_id}/unarchive": Action(403, rows=other(recording_id="archived_recording_id")),
    "PATCH clips/{clip_id}": Action(403, lambda rows: {"name": "Anna"}),
    "DELETE clips/{clip_id}": Action(403),
    "POST clips/{clip_id}/archive": Action(403),
    "POST clips/{clip_id}/unarchive": Action(403, rows=other(clip_id="archived_clip_id")),
    "PUT recordings/{recording_id}/attestation": Action(403, lambda rows: CHECKED),
    "DELETE recordings/{recording_id}/attestation": Action(403),
    "PUT clips/{clip_id}/attestation": Action(403, lambda rows: CHECKED),
    "DELETE clips/{clip_id}/attestation": Action(403),
    "POST use-cases": Action(
        404,
        lambda rows: (
            {"name": "Recalls", "entity_name": "Lakeside", "setup_id": str(rows.ids["setup_id"])}
            | {"channel": "ringless_voicemail"}
        ),
    ),
    "PATCH use-cases/{use_case_id}": Action(403, lambda rows: {"sending_enabled": False}),
    "DELETE use-cases/{use_case_id}": Action(403, rows=other(use_case_id="unused_use_case_id")),
    "POST phone-numbers": Action(
        404, lambda rows: {"phone_number": "+12125550188", "setup_id": str(rows.ids["setup_id"])}
    ),
    "PATCH phone-numbers/{phone_number_id}": Action(404, lambda rows: {"owned": False}),
    "PUT phone-numbers/{phone_number_id}": Action(404, lambda rows: {"status": "inactive"}),
    "DELETE phone-numbers/{phone_number_id}": Action(404, rows=other(phone_number_id="unassigned_number_id")),
    "PUT phone-numbers/{phone_number_id}/use-cases/{use_case_id}": Action(
        404, rows=other(phone_number_id="unassigned_number_id")
    ),
    "DELETE phone-numbers/{phone_number_id}/use-cases/{use_case_id}": Action(404),
    "POST setups": Action(403, lambda rows: {"name": "New", "carrier": "drop_cowboy", "credentials": DROP_COWBOY}),
    "PATCH setups/{setup_id}": Action(404, lambda rows: {"enabled": False, "pace_per_second": 1000}),
    "DELETE setups/{setup_id}": Action(404, rows=other(setup_id="unused_setup_id")),
    "POST setups/{setup_id}/test": Action(404),
    "POST setups/{setup_id}/close-breaker": Action(404, rows=other(setup_id="stopped_setup_id")),
    "POST setups/{setup_id}/callback-address": Action(404),
    "DELETE setups/{setup_id}/callback-address/earlier": Action(404),
    "POST campaigns": Action(None, lambda rows: {"name": "New", **rows_named(rows, "use_case_id", "recording_id")}),
    "PATCH campaigns/{campaign_id}": Action(404, lambda rows: {"name": "Renamed", "pace_per_second": 1000}),
    "POST campaigns/{campaign_id}/launch": Action(404),
    "POST campaigns/{campaign_id}/copy": Action(404, lambda rows: {"name": "Once more"}),
    "DELETE campaigns/{campaign_id}/approval": Action(404),
    "POST campaigns/{campaign_id}/unschedule": Action(404, rows=in_state("scheduled")),
    "POST campaigns/{campaign_id}/pause": Action(404, rows=in_state("running")),
    "POST campaigns/{campaign_id}/resume": Action(404, rows=in_state("paused")),
    "POST campaigns/{campaign_id}/cancel": Action(404, rows=in_state("running")),
    "POST campaigns/{campaign_id}/retry-failed": Action(404, rows=in_state("completed")),
    "DELETE campaigns/{campaign_id}/retry-failed": Action(404, rows=in_state("running")),
    "POST campaigns/{campaign_id}/withdrawals": Action(404, lambda rows: {"items": ["0010482"]}),
    "POST campaigns/{campaign_id}/withdrawals/{withdrawal_id}/confirm": Action(404),
    "POST campaigns/{campaign_id}/imports": Action(404, lambda rows: a_list(), form=True),
    "PATCH campaigns/{campaign_id}/imports/{import_id}": Action(404, lambda rows: {"header_row": 0}),
    "DELETE campaigns/{campaign_id}/imports/{import_id}": Action(404),
    "POST campaigns/{campaign_id}/imports/{import_id}/check": Action(404),
    "POST campaigns/{campaign_id}/imports/{import_id}/confirm": Action(
        404, lambda rows: STATEMENT, rows=other(import_id="checked_id")
    ),
    "POST opt-out-lists": Action(None, lambda rows: a_list(), form=True),
    "PATCH opt-out-lists/{opt_out_list_id}": Action(404, lambda rows: {"header_row": 0}),
    "DELETE opt-out-lists/{opt_out_list_id}": Action(404),
    "POST opt-out-lists/{opt_out_list_id}/check": Action(404),
    "POST opt-out-lists/{opt_out_list_id}/confirm": Action(404, rows=other(opt_out_list_id="checked_opt_outs_id")),
    "POST opt-out-lists/{opt_out_list_id}/undo": Action(404, rows=other(opt_out_list_id="listed_opt_outs_id")),
    "POST opt-out-lists/{opt_out_list_id}/lift": Action(404, lifting, rows=other(opt_out_list_id="listed_opt_outs_id")),
    "POST suppressions": Action(403, lambda rows: {"recipient_phone_number": "+12025550197", "reason": "opt_out"}),
    "POST suppressions/{suppression_id}/lift": Action(404, lifting),
    "POST consents": Action(
        403,
        lambda rows: {
            "recipient_phone_number": "+12025550197",
            "purposes": ["appointment"],
            "source": "signed form",
            "given_at": "2026-03-02T15:00:00Z",
            "evidence": "Form 12 in her chart.",
        },
    ),
    "POST consents/{consent_id}/revoke": Action(404, lambda rows: {"channel": "telephone"}),
    "POST api-keys": Action(None, lambda rows: {"name": "Nightly", "scopes": ["api-keys:write"]}),
    "DELETE api-keys/{api_key_id}": Action(404),
    "POST api-keys/{api_key_id}/rotate": Action(404),
    "POST webhook-destinations": Action(
        None, lambda rows: {"name": "New", "url": "https://hooks.clinic.example/rvm", "accepted_event_types": []}
    ),
    "PATCH webhook-destinations/{destination_id}": Action(404, lambda rows: {"name": "Renamed"}),
    "DELETE webhook-destinations/{destination_id}": Action(404),
    "POST webhook-destinations/{destination_id}/rotate-secret": Action(404),
    "POST webhook-destinations/{destination_id}/enable": Action(
        404, rows=other(destination_id="disabled_destination_id")
    ),
    "POST webhook-destinations/{destination_id}/disable": Action(404),
    "POST webhook-destinations/{destination_id}/test": Action(404),
    "POST webhook-destinations/{destination_id}/replay": Action(
        404, lambda rows: {"since": datetime.now(UTC).isoformat()}
    ),
    "POST webhook-destinations/{destination_id}/deliveries/{delivery_id}/replay": Action(404),
    "POST people/erase": Action(403, lambda rows: {"recipient_phone_number": RECIPIENT, "reason": "By letter"}),
}
# Suppressions and consents are live rows: in the test world there is none to add, lift or revoke.
LIVE_ONLY = {
    "POST suppressions",
    "POST suppressions/{suppression_id}/lift",
    "POST consents",
    "POST consents/{consent_id}/revoke",
    "POST people/erase",
    # What is stated about a sound lets people hear it.
    *(operation for operation in ACTIONS if operation.endswith("/attestation")),
    # Sounds are of no world, and live voicemails are sent with them.
    *(
        operation
        for operation in ACTIONS
        if re.search(r"^(PATCH|DELETE|POST) (recordings|clips)/[^/]+(/(un)?archive)?$", operation)
    ),
}


Snapshot = dict[tuple[Any, Any], dict[str, Any]]


def snapshot() -> Snapshot:
    """Every row of every table of ours, but for sessions, which a sign-in writes, and for when a key was used last."""
    return {
        (model, row[model._meta.pk.attname]): row
        for name in ("platform", "usecases", "delivery", "campaigns")
        for model in apps.get_app_config(name).get_models()
        if model not in (ApiKey, Session)
        for row in model._default_manager.values()
    }


# How a row leads to whether it is live; the rows of other tables are of both worlds or of none.
WORLDS: dict[Any, Callable[[Any], bool]] = {
    Voicemail: lambda row: row.live,
    VoicemailReference: lambda row: row.live,
    VoicemailIdentifier: lambda row: row.voicemail.live,
    KeptDecision: lambda row: row.voicemail.live,
    Drop: lambda row: row.live,
    Lane: lambda row: row.live,
    LaneDelta: lambda row: row.lane.live,
    LaneCount: lambda row: row.lane.live,
    Campaign: lambda row: row.live,
    RecipientImport: lambda row: row.campaign.live,
    OptOutImport: lambda row: row.live,
    Withdrawal: lambda row: row.campaign.live,
    LaunchApproval: lambda row: row.campaign.live,
    TelephonySetup: lambda row: row.live,
    UseCase: lambda row: row.live,
    PhoneNumber: lambda row: row.setup.live,
    NumberAssignment: lambda row: row.use_case.live,
    Suppression: lambda row: True,
    Consent: lambda row: True,
    Outbox: lambda row: row.live,
    Event: lambda row: row.live,
    WebhookDestination: lambda row: row.live,
    WebhookSecret: lambda row: row.destination.live,
    WebhookDelivery: lambda row: row.destination.live,
}


def changed_live(before: Snapshot, after: Snapshot) -> list[str]:
    """Rows that were there and are not as they were, and live rows that are new."""
    touched = [key for key, row in before.items() if after.get(key) != row]
    new = [(model, pk) for model, pk in after.keys() - before.keys()]
    touched += [(model, pk) for model, pk in new if model in WORLDS and WORLDS[model](model.objects.get(pk=pk))]
    return [f"{model.__name__} {pk}" for model, pk in touched]


def test_every_operation_that_changes_something_is_walked() -> None:
    assert set(ACTIONS) == {operation for operation, changes in CHANGES.items() if changes}
    assert (len(ACTIONS), len(READING)) == (76, 56)


@pytest.mark.parametrize("operation", ACTIONS)
def test_a_test_key_changes_no_live_row_where_a_live_key_does(
    operation: str, workspace: Workspace, live_rows: Rows
) -> None:
    action, sandbox = ACTIONS[operation], make_setup(workspace)
    live_key, test_key = make_api(workspace), make_api(workspace, live=False)
    before = snapshot()
    with transaction.atomic():
        done = action.call(live_key, operation, live_rows)
        assert done.status_code < 300, done.content
        assert snapshot() != before or operation.endswith(("/test", "/earlier"))
        transaction.set_rollback(True)
    assert snapshot() == before
    answer = action.call(test_key, operation, live_rows)
    assert not changed_live(before, snapshot())
    assert sandbox.enabled
    if action.refused is None:
        assert answer.status_code < 300, answer.content
        assert answer.json().get("live") is not True
    else:
        assert answer.status_code == action.refused, answer.content
        assert "test key" in answer.json()["detail"]


@pytest.mark.parametrize("operation", [operation for operation in ACTIONS if operation not in LIVE_ONLY])
def test_a_test_key_does_in_the_test_world_whatever_can_be_done(operation: str, workspace: Workspace) -> None:
    rows = make_rows(workspace, live=False)
    action = ACTIONS[operation]
    if operation == "POST setups":
        action = Action(
            None, lambda rows: {"name": "New", "carrier": "sandbox", "credentials": sandbox_credentials(rows)}
        )
    answer = action.call(make_api(workspace, live=False), operation, rows)
    assert answer.status_code < 300, answer.content


def sandbox_credentials(rows: Rows) -> dict[str, str]:
    found: dict[str, str] = TelephonySetup.objects.get(pk=rows.ids["setup_id"]).credentials
    return found


# reading

ONE_WORLD = {
    "voicemail_id",
    "campaign_id",
    "import_id",
    "opt_out_list_id",
    "setup_id",
    "phone_number_id",
    "suppression_id",
    "consent_id",
    "api_key_id",
    "resource_id",
    "export_id",
    "event_id",
    "destination_id",
}


def no_question(rows: Rows) -> dict[str, Any]:
    return {}


# What a request asks that is no search.
QUESTIONS: dict[str, Callable[[Rows], dict[str, Any]]] = {
    "POST eligibility": lambda rows: {**rows_named(rows, "use_case_id"), "recipient_phone_number": "+12025550101"},
    "POST people/search": lambda rows: {"reference": "visit-1"},
    "POST audit/export": lambda rows: {"date_from": "2026-03-01", "date_to": "2026-03-31"},
}
READING = [operation for operation, changes in CHANGES.items() if not changes]


def read(api: Api, operation: str, rows: Rows, **sought: Any) -> HttpResponse:
    method, route = operation.split(" ")
    if method == "GET":
        return api.get(rows.address(route), **{name: json.dumps(value) for name, value in sought.items()})
    return api.post(rows.address(route), {**QUESTIONS.get(operation, no_question)(rows), **sought})


def text(answer: Any) -> str:
    content: bytes = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content.decode("utf-8-sig", "replace")


def ids_of(rows: Rows, *names: str) -> Iterator[str]:
    yield from (str(rows.ids[name]) for name in names)
    if "campaign_id" in names:
        yield from (str(campaign.pk) for campaign in rows.campaigns.values())


@pytest.mark.parametrize("operation", READING)
def test_a_test_key_reads_no_live_row(operation: str, workspace: Workspace, live_rows: Rows) -> None:
    if operation in QUESTIONS:
        make_setup(workspace)  # the sandbox's, about which a test key asks
    answer = read(make_api(workspace, live=False), operation, live_rows)
    named = set(re.findall(r"\{(\w+)\}", operation))
    if named & ONE_WORLD:
        assert answer.status_code == 404
        assert "test key" in answer.json()["detail"]
        return
    assert answer.status_code == 200
    hidden = [
        "event_id",
        "voicemail_id",
        "failed_id",
        "campaign_id",
        "import_id",
        "checked_id",
        "opt_out_list_id",
        "suppression_id",
        "consent_id",
        "api_key_id",
        "destination_id",
    ]
    if "use-cases" not in operation:  # which says through which setup people are reached, and from which numbers
        hidden += ["setup_id", "phone_number_id"]
    shown = text(answer)
    assert [name for name in ids_of(live_rows, *hidden) if name in shown] == []


@pytest.mark.parametrize("operation", READING)
def test_a_live_key_reads_any_row_by_its_id(operation: str, workspace: Workspace) -> None:
    answer = read(make_api(workspace), operation, make_rows(workspace, live=False))
    # The rows that a check would have left are not there.
    assert answer.status_code == 200, answer.content


# lists whose rows are of one world

# What happened says by its list alone of which world it is.
EVENTS = ["GET events", "GET events/stream"]
WORLDLY = [
    "GET voicemail",
    "POST voicemail/search",
    "GET voicemail/export",
    "POST voicemail/export",
    "GET campaigns",
    "GET opt-out-lists",
    "GET api-keys",
    *EVENTS,
    "GET webhook-destinations",
]


def test_every_list_of_rows_that_say_live_can_be_asked_for_one_world() -> None:
    document = json.loads(b"".join(Client().get("/v1/openapi.json")))
    schemas = document["components"]["schemas"]
    worldly = set()
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            content = told["responses"].get("200", {}).get("content", {})
            name = content.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
            items = schemas.get(name, {}).get("properties", {}).get("items", {}).get("items", {}).get("$ref", "")
            if "live" in schemas.get(items.rpartition("/")[2], {}).get("properties", {}):
                worldly.add(f"{method.upper()} {path.partition('{workspace_id}/')[2]}")
                body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
                asked = {parameter["name"] for parameter in told.get("parameters", [])}
                asked |= schemas.get(body.get("$ref", "").rpartition("/")[2], {}).get("properties", {}).keys()
                assert "live" in asked, path
    assert worldly == set(WORLDLY) - {"GET voicemail/export", "POST voicemail/export", *EVENTS}


@pytest.mark.parametrize("operation", WORLDLY)
def test_a_list_shows_one_world(operation: str, workspace: Workspace, live_rows: Rows) -> None:
    test_rows = make_rows(workspace, live=False)
    kinds = {
        "GET campaigns": "campaign_id",
        "GET opt-out-lists": "opt_out_list_id",
        "GET api-keys": "api_key_id",
        **dict.fromkeys(EVENTS, "event_id"),
        "GET webhook-destinations": "destination_id",
    }
    kind = kinds.get(operation, "voicemail_id")
    live, test = set(ids_of(live_rows, kind)), set(ids_of(test_rows, kind))

    def shown(api: Api, **asked: Any) -> set[str]:
        answer = read(api, operation, live_rows, **asked)
        assert answer.status_code == 200
        told = text(answer)
        return {name for name in live | test if name in told}

    live_key, test_key = make_api(workspace), make_api(workspace, live=False)
    assert shown(live_key) == shown(live_key, live=True) == live
    assert shown(live_key, live=False) == test
    assert shown(test_key) == shown(test_key, live=False) == test
    refused = read(test_key, operation, live_rows, live=True)
    assert (refused.status_code, refused.json()["code"]) == (403, "test_key")


@pytest.mark.parametrize("operation", WORLDLY)
@pytest.mark.parametrize("junk", [None, "", "no", 0, 1, "False", ["false"]])
def test_what_is_neither_true_nor_false_is_no_world(operation: str, junk: Any, api: Api, workspace: Workspace) -> None:
    method, route = operation.split(" ")
    if method == "POST":
        answers = [api.post(route, {"live": junk}), api.post(route, {"live": str(junk).lower()})]
    else:
        answers = [api.get(route, live=junk if isinstance(junk, str | list) else str(junk))]
        answers[:] = [answer for answer in answers if junk != ["false"]]
        answers.append(api.client.get(f"{api.url(route)}?live=true&live=false"))
    for answer in answers:
        assert answer.status_code == 422, answer.content
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/live"]


def test_a_page_of_one_world_goes_on_in_the_same(api: Api, workspace: Workspace) -> None:
    use_case = make_use_case(workspace)
    made = [make_voicemail(use_case, live=live) for live in (True, False, True, False, True)]
    first = api.get("voicemail", limit=2).json()
    token = first["continuation_token"]
    second = api.get("voicemail", limit=2, live="true", continuation_token=token).json()
    assert [entry["voicemail_id"] for entry in first["items"] + second["items"]] == [
        str(voicemail.pk) for voicemail in reversed(made) if voicemail.live
    ]
    refused = api.get("voicemail", limit=2, live="false", continuation_token=token)
    assert refused.json()["errors"][0]["code"] == "continuation_token_invalid"


# references


def test_a_reference_is_unique_in_each_world(workspace: Workspace, live_rows: Rows) -> None:
    make_setup(workspace)
    live_key, test_key = make_api(workspace), make_api(workspace, live=False)
    again = {**to_somebody(live_rows), "reference": "visit-1"}
    refused = live_key.post("voicemail", again)
    assert (refused.status_code, refused.json()["voicemail_id"]) == (409, str(live_rows.ids["voicemail_id"]))
    sent = test_key.post("voicemail", again)
    assert sent.status_code == 201
    twice = test_key.post("voicemail", {**again, "recipient_phone_number": "+12025550102"})
    assert (twice.status_code, twice.json()["voicemail_id"]) == (409, sent.json()["voicemail_id"])
    found = live_key.get("voicemail", reference="visit-1").json()["items"]
    assert [entry["voicemail_id"] for entry in found] == [str(live_rows.ids["voicemail_id"])]
    found = test_key.get("voicemail", reference="visit-1").json()["items"]
    assert [entry["voicemail_id"] for entry in found] == [sent.json()["voicemail_id"]]


# what carriers report


@pytest.mark.parametrize("live", [False, True])
def test_what_is_reported_of_a_test_voicemail_suppresses_nobody(live: bool, workspace: Workspace) -> None:
    drop = make_submitted("accepted", use_case=make_use_case(workspace), live=live)
    report = Report(drop.id, ReportStatus.FAILED, timezone.now(), reason=Reason.OPTED_OUT)
    receive(drop.setup_id, b"{}", [report])
    merge(timezone.now())
    assert state(drop) == ("failed", "opted_out")
    assert Suppression.objects.exists() is live


def test_an_opt_out_list_of_a_test_key_puts_nobody_on_the_list(workspace: Workspace) -> None:
    make_setup(workspace)
    key = make_api(workspace, live=False)
    answer = key.client.post(key.url("opt-out-lists"), a_list()).json()
    page = f"opt-out-lists/{answer['opt_out_list_id']}"
    assert key.post(f"{page}/check", {}).status_code == 200
    work_opt_outs()
    assert key.get(page).json()["counts"]["to_add"] == 1
    assert key.post(f"{page}/confirm", {}).status_code == 200
    work_opt_outs()
    done = key.get(page).json()
    assert (done["state"], done["live"], done["added"]) == ("completed", False, 0)
    assert not Suppression.objects.exists()
