"""One voicemail: its whole life by times, who may look at its number, and what can be done with it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from delivery.lifecycle.status import DropStatus, VoicemailStatus
from delivery.models import CarrierReport, Voicemail
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.roles import Role
from tests.factories import RECIPIENT, make_recording, make_use_case, make_user, make_voicemail
from tests.rvm.platform.admin.every_row import make_drop

pytestmark = pytest.mark.django_db

T = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def page(voicemail: Voicemail) -> str:
    return reverse("admin:delivery_voicemail_change", args=[voicemail.pk])


def action(name: str, voicemail: Voicemail) -> str:
    return reverse(f"admin:delivery_voicemail_{name}", args=[voicemail.pk])


def seconds(count: int) -> datetime:
    return T + timedelta(seconds=count)


def text_of(html: str, table: str) -> str:
    found = re.search(rf'<table[^>]*id="{table}">(.*?)</table>', html, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


def lived(workspace: Workspace) -> Voicemail:
    """Not sent at first, then accepted, then reported delivered."""
    voicemail = make_voicemail(
        make_use_case(workspace), created_at=T, not_before=T, status=VoicemailStatus.DELIVERED, ended_at=seconds(90)
    )
    make_drop(
        voicemail,
        number=1,
        created_at=seconds(1),
        accepted_at=None,
        status=DropStatus.NOT_SENT,
        reason="not_sent",
        carrier_code="429",
        carrier_text="throttled",
        ended_at=seconds(2),
    )
    second = make_drop(
        voicemail,
        number=2,
        created_at=seconds(62),
        accepted_at=seconds(63),
        status=DropStatus.DELIVERED,
        ended_at=seconds(90),
    )
    CarrierReport.objects.create(
        setup=voicemail.setup,
        drop_id=second.pk,
        status="delivered",
        received_at=seconds(89),
        effect="applied",
        raw=b"the-raw-callback",
    )
    return voicemail


def test_the_whole_life_stands_there_in_order_with_times(staff: Client, workspace: Workspace) -> None:
    html = staff.get(page(lived(workspace))).content.decode()
    life = text_of(html, "timeline")
    marks = [
        "Mon, Mar 2, 2026, 3:00:00 PM UTC queued",
        "Mon, Mar 2, 2026, 3:00:01 PM UTC sending Attempt 1",
        "Mon, Mar 2, 2026, 3:00:02 PM UTC not sent Attempt 1 was not sent. The carrier could not be reached; nothing was sent. "
        "Carrier: 429 throttled",
        "Mon, Mar 2, 2026, 3:01:02 PM UTC sending Attempt 2",
        "Mon, Mar 2, 2026, 3:01:03 PM UTC accepted Attempt 2",
        "Mon, Mar 2, 2026, 3:01:29 PM UTC delivered The carrier reported: delivered",
        "Mon, Mar 2, 2026, 3:01:30 PM UTC delivered Attempt 2 is in the voicemail box.",
    ]
    places = [life.find(mark) for mark in marks]
    assert -1 not in places, life
    assert places == sorted(places)
    drops = text_of(html, "drops")
    assert drops.index("429 throttled") < drops.index("delivered")
    assert "Changed the voicemail" in text_of(html, "reports")
    assert "the-raw-callback" not in html


def test_its_recording_can_be_played_and_its_use_case_opened(staff: Client, workspace: Workspace) -> None:
    voicemail = lived(workspace)
    html = staff.get(page(voicemail)).content.decode()
    assert re.search(r'<audio controls[^>]* src="http://[^"]+/recordings/player\.[^"]+\.mp3"', html)
    assert reverse("admin:usecases_usecase_change", args=[voicemail.use_case_id]) in html


@pytest.mark.parametrize(
    ("status", "reason", "message"),
    [
        (VoicemailStatus.SKIPPED, "suppressed", "The number is on the suppression list."),
        (VoicemailStatus.CANCELED, "canceled", "Canceled before it was sent."),
        (VoicemailStatus.EXPIRED, "expired", "Its time ran out before it could be sent."),
    ],
)
def test_what_ended_without_a_drop_says_why(
    staff: Client, workspace: Workspace, status: VoicemailStatus, reason: str, message: str
) -> None:
    voicemail = make_voicemail(make_use_case(workspace), status=status, reason=reason)
    html = staff.get(page(voicemail)).content.decode()
    assert f"{status} {message}" in text_of(html, "timeline")
    assert "None yet: it has not been sent." in html


@pytest.mark.parametrize("sees", [False, True])
def test_looking_is_audited_and_the_number_shown_to_whom_may_see_it(
    client: Client, workspace: Workspace, sees: bool
) -> None:
    joined = make_recording(workspace, name="Hello + Quisquilia", assembled=True)
    voicemail = make_voicemail(make_use_case(workspace), recording=joined)
    person = make_user(
        workspace=workspace, role=Role.VIEWER, is_staff=True, may_see_numbers=sees, username="looker", password=None
    )
    client.force_login(person)
    shown = client.get(page(voicemail)).content.decode()
    assert [word in shown for word in (RECIPIENT, "Quisquilia", "<audio")] == [sees] * 3
    event = AuditEvent.objects.get(action="voicemail.read", subject_id=voicemail.pk)
    assert event.actor == person
    assert event.workspace == workspace


def test_a_queued_voicemail_is_canceled_by_the_button(staff: Client, workspace: Workspace) -> None:
    voicemail = make_voicemail(make_use_case(workspace))
    assert action("cancel", voicemail) in staff.get(page(voicemail)).content.decode()
    answer = staff.post(action("cancel", voicemail), follow=True).content.decode()
    assert "The voicemail is canceled." in answer
    assert action("cancel", voicemail) not in answer
    voicemail.refresh_from_db()
    assert voicemail.status == VoicemailStatus.CANCELED
    assert AuditEvent.objects.get(action="voicemail.canceled", subject_id=voicemail.pk).actor is not None


def test_what_was_sent_meanwhile_is_not_canceled_and_says_so(staff: Client, workspace: Workspace) -> None:
    voicemail = make_voicemail(make_use_case(workspace), status=VoicemailStatus.ACCEPTED)
    answer = staff.post(action("cancel", voicemail), follow=True).content.decode()
    assert "Only a queued voicemail can be canceled; this one is accepted." in answer


def failed(workspace: Workspace, reason: str, **fields: Any) -> Voicemail:
    use_case = make_use_case(workspace, max_attempts=3)
    voicemail = make_voicemail(use_case, status=VoicemailStatus.FAILED, reason=reason, **fields)
    drop = make_drop(voicemail, status=DropStatus.FAILED, reason=reason, ended_at=timezone.now())
    Voicemail.objects.filter(pk=voicemail.pk).update(drop_id=drop.pk)
    return voicemail


def test_a_failed_voicemail_is_queued_again_by_the_button(staff: Client, workspace: Workspace) -> None:
    voicemail = failed(workspace, "busy")
    assert action("retry", voicemail) in staff.get(page(voicemail)).content.decode()
    assert "The voicemail is queued again." in staff.post(action("retry", voicemail), follow=True).content.decode()
    voicemail.refresh_from_db()
    assert voicemail.status == VoicemailStatus.QUEUED


def test_what_a_retry_cannot_help_has_no_button(staff: Client, workspace: Workspace) -> None:
    voicemail = failed(workspace, "mailbox_full")
    assert action("retry", voicemail) not in staff.get(page(voicemail)).content.decode()
    assert "Sending it again would not help." in staff.post(action("retry", voicemail), follow=True).content.decode()


def test_a_second_message_needs_the_risk_to_be_accepted(staff: Client, workspace: Workspace) -> None:
    voicemail = failed(workspace, "unreported")
    assert "accept_duplicate_risk" in staff.get(page(voicemail)).content.decode()
    refused = staff.post(action("retry", voicemail), follow=True).content.decode()
    assert "The person may have been reached already" in refused
    voicemail.refresh_from_db()
    assert voicemail.status == VoicemailStatus.FAILED
    staff.post(action("retry", voicemail), {"accept_duplicate_risk": "yes"})
    voicemail.refresh_from_db()
    assert voicemail.status == VoicemailStatus.QUEUED


def test_an_operator_retries_but_accepts_no_risk(client: Client, workspace: Workspace) -> None:
    client.force_login(make_user(workspace=workspace, role=Role.LAUNCHER, is_staff=True, password=None))
    risky, plain = failed(workspace, "unconfirmed"), failed(workspace, "no_answer")
    assert action("retry", risky) not in client.get(page(risky)).content.decode()
    assert client.post(action("retry", risky), {"accept_duplicate_risk": "yes"}).status_code == 403
    assert client.post(action("retry", plain)).status_code == 302
    plain.refresh_from_db()
    assert plain.status == VoicemailStatus.QUEUED


@pytest.mark.parametrize("name", ["cancel", "retry"])
def test_a_viewer_can_do_nothing(client: Client, workspace: Workspace, name: str) -> None:
    client.force_login(make_user(workspace=workspace, role=Role.VIEWER, is_staff=True, password=None))
    for voicemail in (make_voicemail(make_use_case(workspace)), failed(workspace, "busy")):
        assert action(name, voicemail) not in client.get(page(voicemail)).content.decode()
        assert client.post(action(name, voicemail)).status_code == 403


@pytest.mark.parametrize("name", ["cancel", "retry"])
def test_another_workspaces_voicemail_is_not_found(staff: Client, name: str) -> None:
    theirs = make_voicemail()
    assert staff.post(action(name, theirs)).status_code == 404


def test_a_link_does_nothing(staff: Client, workspace: Workspace) -> None:
    assert staff.get(action("retry", make_voicemail(make_use_case(workspace)))).status_code == 405


def act(client: Client, action: str, *voicemails: Voicemail) -> str:
    form = {"action": action, "_selected_action": [str(voicemail.pk) for voicemail in voicemails], "sure": "yes"}
    return client.post(reverse("admin:delivery_voicemail_changelist"), form, follow=True).content.decode()


def test_several_are_canceled_and_those_that_cannot_be_are_told(staff: Client, workspace: Workspace) -> None:
    use_case = make_use_case(workspace)
    queued = [make_voicemail(use_case) for _ in range(2)]
    sent, theirs = make_voicemail(use_case, status=VoicemailStatus.SENDING), make_voicemail()
    answer = act(staff, "cancel_selected", *queued, sent, theirs)
    assert "2 voicemails are canceled." in answer
    assert "1 not: Only a queued voicemail can be canceled; this one is sending." in answer
    assert set(Voicemail.objects.filter(status="canceled")) == set(queued)


def test_several_are_retried_but_never_what_may_have_reached_somebody(staff: Client, workspace: Workspace) -> None:
    plain, risky = failed(workspace, "busy"), failed(workspace, "unreported", recipient="+12025550143")
    answer = act(staff, "retry_selected", plain, risky)
    assert "1 voicemails are queued again." in answer
    assert "open the voicemail to accept the risk" in answer
    risky.refresh_from_db()
    assert risky.status == VoicemailStatus.FAILED


def test_a_viewer_has_no_actions(client: Client, workspace: Workspace) -> None:
    voicemail = make_voicemail(make_use_case(workspace))
    client.force_login(make_user(workspace=workspace, role=Role.VIEWER, is_staff=True, password=None))
    act(client, "cancel_selected", voicemail)
    voicemail.refresh_from_db()
    assert voicemail.status == VoicemailStatus.QUEUED


@pytest.mark.parametrize(
    ("fetches", "accepted", "told"),
    [
        (1, None, "sending The carrier fetched the recording of attempt 1."),
        (3, seconds(1), "accepted The carrier fetched the recording of attempt 1, 3 times by then."),
        (100, seconds(1), "accepted The carrier fetched the recording of attempt 1, at least 100 times by then."),
    ],
)
def test_it_says_when_and_how_often_the_carrier_fetched_the_recording(
    staff: Client, workspace: Workspace, fetches: int, accepted: datetime | None, told: str
) -> None:
    voicemail = make_voicemail(make_use_case(workspace), created_at=T, not_before=T, status=VoicemailStatus.ACCEPTED)
    make_drop(voicemail, number=1, created_at=T, accepted_at=accepted, fetches=fetches, fetched_at=seconds(5))
    assert told in text_of(staff.get(page(voicemail)).content.decode(), "timeline")
