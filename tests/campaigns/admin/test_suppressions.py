"""Suppressions in the admin: added with a kind and purposes, filtered, explained on their page, lifted and exported."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from campaigns.opt_outs.runner import work
from delivery.models import Voicemail
from rvm.platform.admin.exact_search import encrypt_term
from rvm.platform.database.clock import database_now
from rvm.platform.models import AuditEvent, Membership, User, Workspace
from rvm.platform.roles import Role
from tests.campaigns.opt_outs.lists import checked, confirmed, imported
from tests.factories import (
    RECIPIENT,
    make_api_key,
    make_campaign,
    make_suppression,
    make_use_case,
    make_user,
    make_voicemail,
    make_workspace,
)
from usecases.models import Suppression
from usecases.services.suppressions import suppress_number
from usecases.suppression_kinds import SuppressionKind
from usecases.suppressions import is_suppressed

pytestmark = pytest.mark.django_db
LIST, ADD, LIFT, EXPORT = (
    reverse(f"admin:usecases_suppression_{name}") for name in ("changelist", "add", "lift", "export")
)
OTHER = "+12025550143"


def page(row: Suppression) -> str:
    return reverse("admin:usecases_suppression_change", args=[row.pk])


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def logged_in(workspace: Workspace, role: Role, **fields: Any) -> tuple[Client, User]:
    user = make_user(workspace=workspace, role=role, is_staff=True, password=None, **fields)
    client = Client()
    client.force_login(user)
    return client, user


@pytest.fixture
def admin(workspace: Workspace) -> Client:
    return logged_in(workspace, Role.ADMIN, username="ada", may_see_numbers=True)[0]


@pytest.fixture
def stranger() -> Client:
    return logged_in(make_workspace(), Role.ADMIN, username="sam")[0]


def consent(**changes: str) -> dict[str, str]:
    now = database_now()
    return {
        "sure": "yes",
        "reason": "She asked for reminders again.",
        "consent_source": "phone call",
        "consent_at": f"{now:%Y-%m-%dT%H:%M:%S}",
        "consent_evidence": "Olive took the call.",
        **changes,
    }


def wanted(client: Client, **query: Any) -> set[Any]:
    answer = client.get(LIST, query)
    assert answer.status_code == 200, answer.get("Location")
    return {row.pk for row in answer.context["cl"].result_list}


# adding


def test_a_number_is_added_with_a_kind_and_purposes_and_what_waits_ends(operator: Client, workspace: Workspace) -> None:
    wellness = make_voicemail(make_use_case(workspace, purpose="wellness"))
    other = make_voicemail(make_use_case(workspace, purpose="appointment"))
    said = {
        "workspace": workspace.pk,
        "phone_number": "1 (202) 555.0142",
        "kind": "do_not_voicemail",
        "purposes": ["wellness"],
        "reason": "prefers letters, 202-555-0199",
    }
    answer = operator.post(ADD, said, follow=True)
    assert "1 voicemail that waited for it is not sent any more." in text_of(answer)
    assert f"+•••••••0142 is on the suppression list of {workspace.name} from now on." in text_of(answer)
    listed = operator.get(LIST).context["cl"]
    [shown] = listed.result_list
    assert "put_by" in listed.list_display and listed.model_admin.put_by(shown) == "olive"
    row = Suppression.objects.get()
    assert (row.number, row.kind, row.purposes, row.reason) == (
        RECIPIENT,
        "do_not_voicemail",
        ["wellness"],
        "prefers letters, [number]",
    )
    states = dict(Voicemail.objects.values_list("pk", "status"))
    assert states == {wellness.pk: "skipped", other.pk: "queued"}
    text = text_of(operator.get(page(row)))
    assert "No voicemail may be left at this number" in text and "Wellness outreach" in text and "olive" in text
    assert wellness.use_case.name in text and other.use_case.name not in text
    assert "on the workspace" in text_of(operator.post(ADD, said))
    assert operator.post(ADD, {**said, "purposes": []}).status_code == 302
    assert Suppression.objects.count() == 2


def test_lists_only_are_imported(operator: Client, workspace: Workspace) -> None:
    said = {"workspace": workspace.pk, "phone_number": RECIPIENT, "kind": "imported"}
    assert "kind" in operator.post(ADD, said).context["adminform"].form.errors
    assert not Suppression.objects.exists()


# the page


def test_the_page_says_who_put_it_there_and_from_which_list(admin: Client, workspace: Workspace) -> None:
    amy = make_user(workspace=workspace, username="amy", password=None)
    make_campaign(make_use_case(workspace), state="running")
    stopped = make_voicemail(make_use_case(workspace))
    of_list = confirmed(checked(workspace, f"Phone\n{RECIPIENT}\n"), actor=amy)
    row = Suppression.objects.get()
    answer = admin.get(page(row))
    text = text_of(answer)
    for words in (
        "On an imported list",
        "stop.csv",
        "confirmed by amy",
        RECIPIENT,
        "Active",
        stopped.use_case.name,
        "Everything",
    ):
        assert words in text, words
    assert reverse("admin:delivery_voicemail_change", args=[stopped.pk]) in answer.content.decode()
    assert wanted(admin, opt_out_list=of_list.pk) == {row.pk}
    assert wanted(admin, opt_out_list=workspace.pk) == set()
    # What it stopped stays, and its page says why.
    told = text_of(admin.get(reverse("admin:delivery_voicemail_change", args=[stopped.pk])))
    assert "The number is on the suppression list." in told


def test_a_program_is_named_by_its_key_and_other_suppressions_of_the_number_are_linked(
    admin: Client, workspace: Workspace
) -> None:
    key, _ = make_api_key(workspace)
    row, _ = suppress_number(
        workspace=workspace,
        number=RECIPIENT,
        kind=SuppressionKind.OPT_OUT,
        source=Suppression.Source.API,
        actor=key.user,
    )
    other = make_suppression(workspace, kind="deceased")
    answer = admin.get(page(row))
    assert f"API key “{key.name}”" in text_of(answer)
    assert page(other) in answer.content.decode()


def test_the_list_has_filters(admin: Client, workspace: Workspace) -> None:
    first = make_suppression(workspace, kind="deceased")
    second = make_suppression(workspace, OTHER, source="carrier")
    lifted = make_suppression(workspace, lifted_at=database_now(), lift_reason="She asked.")
    make_suppression(make_workspace())
    assert wanted(admin) == {first.pk, second.pk, lifted.pk}
    assert wanted(admin, kind__exact="deceased") == {first.pk}
    assert wanted(admin, source__exact="carrier") == {second.pk}
    assert wanted(admin, state="active") == {first.pk, second.pk}
    assert wanted(admin, state="lifted") == {lifted.pk}
    assert wanted(admin, number=encrypt_term(RECIPIENT)) == {first.pk, lifted.pk}
    assert admin.get(LIST, {"lift_reason": "She asked."}).status_code == 400


# lifting


def test_an_administrator_lifts_one_from_its_page(admin: Client, operator: Client, workspace: Workspace) -> None:
    row = make_suppression(workspace)
    assert LIFT not in operator.get(page(row)).content.decode()
    assert LIFT in admin.get(page(row)).content.decode()
    asked = text_of(admin.post(LIFT, {"chosen": row.pk}))
    assert "Lift 1 suppression?" in asked and "only on a new consent" in asked
    assert is_suppressed(workspace.pk, RECIPIENT)
    answer = admin.post(LIFT, {"chosen": row.pk, **consent()}, follow=True)
    assert "1 suppression lifted." in text_of(answer)
    row.refresh_from_db()
    assert (row.active, row.lifted_by.username if row.lifted_by else "") == (False, "ada")
    text = text_of(admin.get(page(row)))
    assert "She asked for reminders again." in text and "Olive took the call." in text
    assert LIFT not in admin.get(page(row)).content.decode()
    assert "Olive took the call." not in text_of(operator.get(page(row)))  # who may not see numbers
    assert AuditEvent.objects.get(action="suppression.lifted").actor.username == "ada"
    assert "is active" in text_of(admin.post(LIFT, {"chosen": row.pk, **consent()}, follow=True))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"consent_source": "", "consent_at": "", "consent_evidence": ""}, "only with a new consent"),
        ({"consent_evidence": ""}, "its source, its time and its evidence"),
        ({"consent_at": "2020-01-01T09:00"}, "older than the suppression"),
        ({"consent_at": "2098-01-01T09:00"}, "in the future"),
        ({"reason": ""}, "This field is required"),
    ],
)
def test_without_a_new_consent_what_the_person_said_stays(
    admin: Client, workspace: Workspace, changes: dict[str, str], words: str
) -> None:
    row = make_suppression(workspace)
    assert words in text_of(admin.post(LIFT, {"chosen": row.pk, **consent(**changes)}))
    assert is_suppressed(workspace.pk, RECIPIENT)


def test_several_are_lifted_from_the_list_all_or_none(admin: Client, workspace: Workspace) -> None:
    rows = [make_suppression(workspace, kind="wrong_number"), make_suppression(workspace, kind="deceased")]
    said = make_suppression(workspace, OTHER)
    asked = admin.post(LIST, {"action": "lift_selected", "_selected_action": [row.pk for row in (*rows, said)]})
    assert "Lift 3 suppressions?" in text_of(asked)
    chosen = {"chosen": [row.pk for row in (*rows, said)], "sure": "yes", "reason": "A mix-up."}
    assert "only with a new consent" in text_of(admin.post(LIFT, chosen))
    assert Suppression.objects.active().count() == 3
    assert "3 suppressions lifted." in text_of(admin.post(LIFT, {**chosen, **consent()}, follow=True))
    assert not Suppression.objects.active().exists()
    assert [row.consent is not None for row in Suppression.objects.order_by("id")] == [False, False, True]


def test_who_may_not_lift_lifts_nothing(
    operator: Client, viewer: Client, stranger: Client, workspace: Workspace
) -> None:
    row = make_suppression(workspace, kind="wrong_number")
    said = {"chosen": row.pk, "sure": "yes", "reason": "Mine."}
    assert operator.post(LIFT, said).status_code == viewer.post(LIFT, said).status_code == 403
    assert "is active" in text_of(stranger.post(LIFT, said, follow=True))  # it is not found
    assert stranger.get(LIFT).status_code == 405
    assert is_suppressed(workspace.pk, RECIPIENT)
    boss = Client()
    both = make_user(workspace=workspace, role=Role.LAUNCHER, is_staff=True, username="bo", password=None)
    theirs = make_suppression(make_workspace(), kind="wrong_number")
    Membership.objects.create(workspace=theirs.workspace, user=both, role=Role.ADMIN)
    boss.force_login(both)
    assert boss.post(LIFT, {**said, "chosen": [row.pk, theirs.pk]}).status_code == 403
    assert Suppression.objects.active().count() == 2


def test_a_whole_list_is_lifted_with_a_reason_and_what_others_said_stays(
    admin: Client, operator: Client, workspace: Workspace
) -> None:
    of_list = imported(workspace, f"Phone\n{RECIPIENT}\n{OTHER}\n")
    make_suppression(workspace, OTHER, kind="deceased")
    address = reverse("admin:campaigns_optoutimport_lift", args=[of_list.pk])
    change = reverse("admin:campaigns_optoutimport_change", args=[of_list.pk])
    assert operator.post(address, {"reason": "Old."}).status_code == 403
    assert address in admin.get(change).content.decode()
    admin.post(address, {"reason": " "})
    of_list.refresh_from_db()
    assert of_list.state == "completed"
    admin.post(address, {"reason": "The list is from 2019."})
    work()
    text = text_of(admin.get(change))
    assert "Lifted (The list is from 2019.): 1 number was taken off the suppression list." in text
    assert not is_suppressed(workspace.pk, RECIPIENT) and is_suppressed(workspace.pk, OTHER)
    rows = Suppression.objects.filter(list_id=of_list.pk)
    assert [(row.lift_reason, row.lifted_by.username if row.lifted_by else "") for row in rows] == [
        ("The list is from 2019.", "ada")
    ] * 2
    assert AuditEvent.objects.get(action="opt_outs.lift_began").details["reason"] == "The list is from 2019."


# the export


def exported(client: Client, **query: Any) -> list[dict[str, str]]:
    answer: Any = client.get(EXPORT, query)
    assert answer.status_code == 200, answer
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))


def test_the_export_has_what_the_filters_show_with_numbers_for_who_may_see_them(
    admin: Client, compliance: Client, workspace: Workspace
) -> None:
    make_suppression(workspace, OTHER, kind="deceased", purposes=["wellness", "appointment"], reason="=cmd()")
    lifted = make_suppression(workspace, lifted_at=database_now(), lift_reason="She asked.")
    make_suppression(make_workspace(), kind="deceased")
    rows = exported(admin)
    assert [row["recipient_phone_number"] for row in rows] == ["(202) 555-0142", "(202) 555-0143"]
    assert (rows[0]["id"], rows[0]["lift_reason"], rows[1]["purposes"]) == (
        str(lifted.pk),
        "She asked.",
        "wellness, appointment",
    )
    assert rows[1]["note"] == "'=cmd()"
    assert [row["recipient_phone_number"] for row in exported(compliance, state="active")] == ["•••••••0143"]
    assert [row["recipient_phone_number"] for row in exported(admin, number=encrypt_term(OTHER))] == ["(202) 555-0143"]
    events = AuditEvent.objects.filter(action="suppression.exported").order_by("id")
    assert [event.details["numbers_shown"] for event in events] == [True, False, True]
    assert events[2].details["filters"] == {"number": ["[number]"]}


def test_an_export_reads_in_again_as_an_opt_out_list(admin: Client, workspace: Workspace) -> None:
    make_suppression(workspace)
    content = b"".join(admin.get(EXPORT).streaming_content)  # type: ignore[attr-defined]
    there = make_workspace()
    assert imported(there, content).added == 1
    assert is_suppressed(there.pk, RECIPIENT)


def test_an_export_is_of_one_workspace(admin: Client, workspace: Workspace) -> None:
    second = make_workspace()
    Membership.objects.create(workspace=second, user=User.objects.get(username="ada"), role=Role.COMPLIANCE)
    make_suppression(workspace)
    make_suppression(second, OTHER)
    assert "Choose a workspace" in text_of(admin.get(EXPORT, follow=True))
    rows = exported(admin, workspace__id__exact=second.pk)
    assert [row["recipient_phone_number"] for row in rows] == ["•••••••0143"]  # by the membership there
    assert "Choose a workspace" in text_of(
        admin.get(EXPORT, {"workspace__id__exact": make_workspace().pk}, follow=True)
    )


def test_the_button_exports_what_the_list_shows(admin: Client, workspace: Workspace) -> None:
    make_suppression(workspace)
    [address] = re.findall(r'href="([^"]*/export/[^"]*)"', admin.get(LIST, {"state": "active"}).content.decode())
    assert admin.get(address).status_code == 200
