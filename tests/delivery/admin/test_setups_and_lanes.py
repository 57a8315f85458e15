"""Setups: credentials go in and never come out. Lanes: their counts come with two statements."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.forms import CharField
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from delivery.admin.lanes import LaneAdmin
from delivery.carriers.abilities import Check
from delivery.lane_totals import counts_of
from delivery.models import CarrierMedia, Lane, LaneCount
from delivery.setups import admin as setups_admin
from delivery.setups import connection_test_admin
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.roles import Role
from tests.delivery.carriers.examples import EXAMPLES
from tests.factories import (
    SANDBOX_CREDENTIALS,
    make_lane,
    make_recording,
    make_setup,
    make_use_case,
    make_user,
    make_voicemail,
    make_workspace,
)
from usecases.models import TelephonySetup

pytestmark = pytest.mark.django_db

NUMBERS = {"pace_per_second": 5, "in_flight_cap": 8, "report_horizon_hours": 24, "confirm_horizon_hours": 24}
SECRETS = {"base_url": "http://127.0.0.1:8800", "key": "s3cret-key", "signing_secret": "s3cret-signature"}


def form(**changes: Any) -> dict[str, Any]:
    typed = {f"credential_sandbox${name}": text for name, text in changes.pop("credentials", {}).items()}
    return {"name": "East", "carrier": "sandbox", "enabled": "on", **NUMBERS, **typed, **changes}


def page(setup: TelephonySetup) -> str:
    return reverse("admin:usecases_telephonysetup_change", args=[setup.pk])


def test_a_setup_is_opened_and_its_credentials_are_on_no_page(staff: Client, workspace: Workspace) -> None:
    answer = staff.post(reverse("admin:usecases_telephonysetup_add"), form(workspace=workspace.pk, credentials=SECRETS))
    assert answer.status_code == 302, answer.context["errors"]
    setup = TelephonySetup.objects.get()
    assert setup.credentials == SECRETS
    shown = (
        staff.get(page(setup)).content.decode()
        + staff.get(reverse("admin:usecases_telephonysetup_changelist")).content.decode()
    )
    for secret in SECRETS.values():
        assert f'"{secret}"' not in shown
    assert shown.count("It is set; leave this empty to keep it.") == len(SECRETS)
    assert "s3cret" not in shown
    assert AuditEvent.objects.filter(action="setup.created", subject_id=setup.pk).exists()


def test_one_credential_is_replaced_and_the_others_stay(
    staff: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_test_admin, "check_account", lambda carrier: Check(True, "It works."))
    setup = make_setup(workspace)
    answer = staff.post(page(setup), form(name=setup.name, credentials={"key": "a-new-key"}))
    assert answer.status_code == 302, answer.context["errors"]
    setup.refresh_from_db()
    assert setup.credentials == {**SANDBOX_CREDENTIALS, "key": "a-new-key"}
    assert setup.pace_per_second == 5
    assert "a-new-key" not in str(AuditEvent.objects.filter(subject_id=setup.pk).values_list("details", flat=True))


def test_a_missing_credential_is_said_at_its_field_and_nothing_typed_comes_back(
    staff: Client, workspace: Workspace
) -> None:
    typed = {"key": "s3cret-key", "base_url": "http://127.0.0.1:8800"}
    answer = staff.post(reverse("admin:usecases_telephonysetup_add"), form(workspace=workspace.pk, credentials=typed))
    assert answer.status_code == 200
    errors = answer.context["adminform"].form.errors
    assert "needs this credential" in errors["credential_sandbox$signing_secret"][0]
    assert "s3cret-key" not in answer.content.decode()
    assert not TelephonySetup.objects.exists()


def test_a_pace_out_of_bounds_is_refused_at_its_field(staff: Client, workspace: Workspace) -> None:
    answer = staff.post(page(make_setup(workspace)), form(pace_per_second=0))
    assert "pace_per_second" in answer.context["adminform"].form.errors


@pytest.mark.parametrize(
    ("until", "told"), [(2999, "yes, until Tue, Jan 1, 2999, 12:00:00 AM UTC."), (2000, "one attempt is tried.")]
)
def test_an_open_breaker_is_shown_with_its_reason_and_closed_by_hand(
    staff: Client, workspace: Workspace, until: int, told: str
) -> None:
    opened = {"breaker_until": datetime(until, 1, 1, tzinfo=UTC), "breaker_reason": "The account has no funds left."}
    setup = make_setup(workspace, **opened)
    assert f"{told} The account has no funds left." in staff.get(page(setup)).content.decode()
    assert "failing" in staff.get(reverse("admin:usecases_telephonysetup_changelist")).content.decode()
    address = reverse("admin:usecases_telephonysetup_close_breaker", args=[setup.pk])
    assert address in staff.get(page(setup)).content.decode()
    assert "through a carrier that failed: The account has no funds left." in staff.get(address).content.decode()
    shown = staff.post(address, follow=True).content.decode()
    assert "no: attempts go out" in shown and address not in shown
    setup.refresh_from_db()
    assert setup.breaker_until is None
    event = AuditEvent.objects.get(action="setup.breaker_closed", subject_id=setup.pk)
    assert event.actor is not None and event.actor.username == "boss"


def test_a_disabled_setup_offers_no_sending_again(staff: Client, workspace: Workspace) -> None:
    """Such as one that was just added and failed its test: what would be sent again is stopped by the switch."""
    setup = make_setup(
        workspace, enabled=False, breaker_until=datetime(2999, 1, 1, tzinfo=UTC), breaker_reason="Refused."
    )
    shown = staff.get(page(setup)).content.decode()
    assert "Refused." in shown
    assert reverse("admin:usecases_telephonysetup_close_breaker", args=[setup.pk]) not in shown


@pytest.mark.parametrize(("role", "here", "status"), [(Role.LAUNCHER, True, 403), (Role.ADMIN, False, 404)])
def test_only_an_administrator_of_the_workspace_closes_a_breaker(
    client: Client, workspace: Workspace, role: Role, here: bool, status: int
) -> None:
    client.force_login(make_user(workspace=workspace, is_staff=True, role=role))
    until = datetime(2999, 1, 1, tzinfo=UTC)
    setup = make_setup(workspace if here else None, breaker_until=until)
    assert client.post(reverse("admin:usecases_telephonysetup_close_breaker", args=[setup.pk])).status_code == status
    setup.refresh_from_db()
    assert setup.breaker_until == until


def refused_media(workspace: Workspace, state: str = "refused") -> CarrierMedia:
    use_case = make_use_case(workspace)
    return CarrierMedia.objects.create(
        setup=use_case.setup, recording=make_recording(workspace), state=state, error="Too loud."
    )


@pytest.mark.parametrize(
    ("state", "offered"), [("refused", True), ("failed", True), ("wanted", False), ("ready", False)]
)
def test_a_recording_that_is_not_at_its_carrier_is_uploaded_again_by_a_button(
    client: Client, workspace: Workspace, state: str, offered: bool
) -> None:
    client.force_login(make_user(workspace=workspace, is_staff=True, role=Role.LAUNCHER))
    media = refused_media(workspace, state)
    own = reverse("admin:delivery_carriermedia_change", args=[media.pk])
    address = reverse("admin:delivery_carriermedia_upload_again", args=[media.pk])
    assert (address in client.get(own).content.decode()) is offered
    assert client.get(address).status_code == 405
    shown = client.post(address, follow=True).content.decode()
    assert ("uploaded again within moments" in shown) is offered
    assert address not in shown
    media.refresh_from_db()
    assert media.state == ("wanted" if offered else state)


@pytest.mark.parametrize(("role", "here", "status"), [(Role.VIEWER, True, 403), (Role.ADMIN, False, 404)])
def test_only_an_operator_of_the_workspace_has_a_recording_uploaded_again(
    client: Client, workspace: Workspace, role: Role, here: bool, status: int
) -> None:
    client.force_login(make_user(workspace=workspace, is_staff=True, role=role))
    media = refused_media(workspace if here else make_workspace())
    address = reverse("admin:delivery_carriermedia_upload_again", args=[media.pk])
    if here:
        assert (
            address not in client.get(reverse("admin:delivery_carriermedia_change", args=[media.pk])).content.decode()
        )
    assert client.post(address).status_code == status
    media.refresh_from_db()
    assert media.state == "refused"


def test_a_setup_in_use_is_not_deleted(staff: Client, workspace: Workspace) -> None:
    setup = make_use_case(workspace).setup
    address = reverse("admin:usecases_telephonysetup_delete", args=[setup.pk])
    assert "sends through this setup" in staff.post(address, {"post": "yes"}, follow=True).content.decode()
    setup.refresh_from_db()
    assert setup.deleted_at is None


def test_a_viewer_sees_which_credentials_are_set_and_not_where_reports_go(client: Client, workspace: Workspace) -> None:
    setup = make_setup(workspace)
    client.force_login(make_user(workspace=workspace, role=Role.VIEWER, is_staff=True, password=None))
    shown = client.get(page(setup)).content.decode()
    assert "base_url, key, signing_secret" in shown
    assert "Callback address" not in shown and "New callback address" not in shown
    assert "test-secret" not in shown
    assert client.post(page(setup), form()).status_code == 403


def test_counts_are_the_folded_ones_and_the_deltas_together(staff: Client, workspace: Workspace) -> None:
    lane = make_voicemail(make_use_case(workspace)).lane
    LaneCount.objects.create(lane=lane, status="queued", reason="", count=1200)
    LaneCount.objects.create(lane=lane, status="failed", reason="busy", count=3)
    LaneCount.objects.create(lane=lane, status="failed", reason="no_answer", count=4)
    assert counts_of([lane.pk]) == {lane.pk: {"queued": 1201, "failed": 7}}
    listed = staff.get(reverse("admin:delivery_lane_changelist")).content.decode()
    assert "1,201 queued, 7 failed" in listed


def statements(client: Client) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(reverse("admin:delivery_lane_changelist"))
    return len(captured)


def test_many_lanes_cost_as_many_statements_as_few(staff: Client, workspace: Workspace) -> None:
    use_case = make_use_case(workspace)
    for _ in range(2):
        make_lane(use_case)
    few = statements(staff)
    for _ in range(30):
        make_lane(use_case)
    assert statements(staff) == few


def test_an_operator_holds_a_lane_and_it_is_audited(client: Client, workspace: Workspace) -> None:
    client.force_login(make_user(workspace=workspace, role=Role.LAUNCHER, is_staff=True, password=None))
    lane = make_lane(make_use_case(workspace), for_api=True)
    address = reverse("admin:delivery_lane_change", args=[lane.pk])
    assert client.post(address, {"held": "on", "priority": 0, "pace_per_second": ""}).status_code == 302
    lane.refresh_from_db()
    assert lane.held
    assert AuditEvent.objects.filter(action="lane.updated", subject_id=lane.pk).exists()


def test_a_campaigns_lane_is_not_let_go_behind_its_campaigns_back(client: Client, workspace: Workspace) -> None:
    """A draft, a pause and a cancellation are a hold: without it people are sent to."""
    client.force_login(make_user(workspace=workspace, role=Role.LAUNCHER, is_staff=True, password=None))
    lane = make_lane(make_use_case(workspace), held=True)
    address = reverse("admin:delivery_lane_change", args=[lane.pk])
    assert 'name="held"' not in client.get(address).content.decode()
    assert client.post(address, {"priority": 0, "pace_per_second": "2"}).status_code == 302
    lane.refresh_from_db()
    assert (lane.held, lane.pace_per_second) == (True, 2.0)


def test_who_slows_a_lane_down_changes_nothing_else_that_happens_to_it_meanwhile(
    client: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(make_user(workspace=workspace, role=Role.LAUNCHER, is_staff=True, password=None))
    lane = make_lane(make_use_case(workspace))
    read = LaneAdmin.get_object

    def paused_meanwhile(*arguments: Any, **named: Any) -> Any:
        row = read(*arguments, **named)
        Lane.objects.filter(pk=lane.pk).update(held=True)
        return row

    monkeypatch.setattr(LaneAdmin, "get_object", paused_meanwhile)
    address = reverse("admin:delivery_lane_change", args=[lane.pk])
    assert client.post(address, {"priority": 0, "pace_per_second": "2"}).status_code == 302
    lane.refresh_from_db()
    assert (lane.held, lane.pace_per_second) == (True, 2.0)


def test_fields_depend_on_the_carrier_only_while_it_is_being_chosen(staff: Client, workspace: Workspace) -> None:
    condition = "carrier == &#x27;sandbox&#x27;"
    adding = staff.get(reverse("admin:usecases_telephonysetup_add")).content.decode().replace("'", "&#x27;")
    assert condition in adding
    shown = staff.get(page(make_setup(workspace))).content.decode().replace("'", "&#x27;")
    assert condition not in shown
    assert 'name="credential_sandbox$key"' in shown


def test_a_plug_in_whose_name_begins_like_another_carriers_has_fields_of_its_own(
    staff: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever stands before and after the separator: with `_` these would be one field, and on one page."""
    assert setups_admin.field_name("telnyx", "public_key") != setups_admin.field_name("telnyx_public", "key")
    fields = {
        **setups_admin.CREDENTIAL_FIELDS,
        setups_admin.field_name("sandbox_eu", "region"): CharField(required=False),
    }
    monkeypatch.setattr(setups_admin, "CREDENTIAL_FIELDS", fields)
    form_class = type("SetupForm", (setups_admin.BareSetupForm,), dict(fields))
    monkeypatch.setattr(setups_admin.TelephonySetupAdmin, "form", form_class)
    shown = staff.get(page(make_setup(workspace))).content.decode()
    assert re.findall(r'name="(credential_[^"]+)"', shown) == [
        f"credential_sandbox${name}" for name in ("base_url", "key", "signing_secret")
    ]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "enabled"),
        ({"enabled": False}, "disabled: its voicemails wait, and new ones are refused"),
        ({"draining": True}, "draining: no new attempt goes through it; “Open attempts” says when it is empty"),
        (
            {"breaker_until": datetime(2999, 1, 1, tzinfo=UTC), "breaker_reason": "The account has no funds left."},
            "failing: The account has no funds left.",
        ),
        (
            {"carrier": "pigeon", "simulated": True},
            "carrier gone: its voicemails wait until your operator installs the carrier again, or its use cases get another setup",
        ),
    ],
)
def test_the_top_of_a_setups_page_says_what_becomes_of_its_voicemails(
    staff: Client, workspace: Workspace, fields: dict[str, Any], told: str
) -> None:
    shown = staff.get(page(make_setup(workspace, **fields))).content.decode()
    assert re.search(rf">\s*{re.escape(told)}\s*<", shown)
    assert shown.index(told) < shown.index('name="enabled"')


def test_the_page_of_a_setup_that_calls_says_so(staff: Client, workspace: Workspace) -> None:
    credentials = EXAMPLES["twilio"] | {"base_url": "http://127.0.0.1:8800"}
    setup = make_setup(workspace, carrier="twilio", credentials=credentials, simulated=True)
    told = "it calls, so that the telephone rings, and only use cases that allow ringing can have it"
    assert f"Twilio; {told}" in staff.get(page(setup)).content.decode()
    assert told not in staff.get(page(make_setup(workspace))).content.decode()


def test_a_setup_whose_carrier_is_gone_is_not_enabled_and_says_what_to_do(staff: Client, workspace: Workspace) -> None:
    setup = make_setup(workspace, carrier="pigeon", simulated=True, enabled=False)
    answer = staff.post(page(setup), {"name": setup.name, "enabled": "on", **NUMBERS})
    assert answer.context["adminform"].form.non_field_errors() == [
        f"The carrier “pigeon” of the telephony setup “{setup.name}” is not installed any more. Your operator installs it again, "
        "or its use cases get another setup."
    ]
