"""People in the admin: found with no number in an address, in each workspace apart, with all that is known; opted out at once."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from redis import Redis

from campaigns.admin.people import addresses, person_page
from campaigns.admin.people.labels import PersonClock
from campaigns.people import record, search
from delivery.carriers.sandbox import Sandbox
from delivery.models import KeptDecision, Voicemail
from rvm.platform.admin import number_quota
from rvm.platform.database.clock import database_now
from rvm.platform.models import AuditEvent, Membership, User, Workspace
from rvm.platform.redis_connection import redis_client
from rvm.platform.roles import Role
from rvm.platform.times.moments import moment_to_the_second
from tests.campaigns.opt_outs.lists import imported
from tests.factories import (
    AROUND_THE_CLOCK,
    RECIPIENT,
    add_recipients,
    make_campaign,
    make_consent,
    make_suppression,
    make_use_case,
    make_user,
    make_voicemail,
    make_workspace,
)
from tests.random_text import without_ids
from usecases.models import Suppression

pytestmark = pytest.mark.django_db
PEOPLE = reverse("people")
MASKED = "+•••••••0142"
SPELLINGS = ["(202) 555-0142", "2025550142", "+1 202.555.0142", "1-202-555-0142", " +12025550142 "]


@pytest.fixture(autouse=True)
def _no_quota_is_used_up(db: None) -> None:
    client: Redis = redis_client()
    for name in client.scan_iter("rvm:rate:people:*"):
        client.delete(name)


def logged_in(workspace: Workspace, role: Role = Role.LAUNCHER, **fields: Any) -> tuple[Client, User]:
    user = make_user(workspace=workspace, role=role, is_staff=True, password=None, **fields)
    client = Client()
    client.force_login(user)
    return client, user


@pytest.fixture
def operator(workspace: Workspace) -> Client:
    return logged_in(workspace, username="olive", may_see_numbers=True)[0]


@pytest.fixture
def viewer(workspace: Workspace) -> Client:
    """May not see numbers."""
    return logged_in(workspace, Role.VIEWER, username="vera")[0]


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def part(answer: Any, identifier: str) -> str:
    """The text of one card of the page."""
    content = answer.content.decode()
    begun = content.index(f'id="{identifier}"')
    end = min((at for at in (content.find("<h2", begun), content.find("Times:", begun)) if at > 0), default=None)
    return " ".join(re.sub(r"<[^>]+>", " ", content[content.index(">", begun) + 1 : end]).split())


def find(client: Client, sought: str = RECIPIENT) -> Any:
    return client.post(PEOPLE, {"by": "identifier", "sought": sought})


def find_name(client: Client, campaign: Any, name: str, **fields: Any) -> Any:
    return client.post(PEOPLE, {"by": "name", "campaign": str(campaign.pk), "name": name, **fields})


def opened(client: Client, sought: str = RECIPIENT) -> Any:
    """The page to which a search for a single person leads."""
    answer = find(client, sought)
    assert answer.status_code == 302, text_of(answer)
    return client.get(answer["Location"])


# the search


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_number_in_any_spelling_leads_to_the_persons_page(
    operator: Client, workspace: Workspace, spelling: str
) -> None:
    make_voicemail(make_use_case(workspace), status="delivered")
    page = opened(operator, spelling)
    assert RECIPIENT in part(page, "who")
    assert workspace.name in part(page, "who")
    assert "delivered" in part(page, "received")


@pytest.mark.parametrize("sought", ["MRN-10482", " mrn-10482 ", "visit 7"])
def test_a_record_number_or_a_reference_of_a_list_leads_there_too(
    operator: Client, workspace: Workspace, sought: str
) -> None:
    campaign = make_campaign(make_use_case(workspace))
    add_recipients(campaign, 1, record_number="MRN-10482", reference="visit 7", merge_fields={"name": "Ana Alder"})
    assert "Ana Alder, record number MRN-10482" in part(opened(operator, sought), "who")


def test_no_address_nor_audit_event_has_the_number(operator: Client, workspace: Workspace) -> None:
    make_voicemail(make_use_case(workspace), record_number="MRN-10482")
    for sought in (RECIPIENT, "MRN-10482"):
        address = unquote(find(operator, sought)["Location"])
        assert not re.search(r"0142|10482", without_ids(address))
        operator.get(address)
    events = AuditEvent.objects.filter(action__startswith="person.")
    assert [event.action for event in events.order_by("id")] == ["person.searched", "person.read"] * 2
    assert not re.search(r"0142|10482", without_ids(list(events.values())))


def test_who_belongs_to_two_workspaces_finds_a_person_in_each_by_its_name(workspace: Workspace) -> None:
    other, strange = make_workspace(name="Beta Pediatrics"), make_workspace(name="Gamma")
    client, user = logged_in(workspace)
    Membership.objects.create(workspace=other, user=user, role=Role.VIEWER)
    make_voicemail(make_use_case(workspace))
    make_suppression(other)
    make_voicemail(make_use_case(strange))
    answer = find(client)
    shown = part(answer, "found")
    assert f"{MASKED} {workspace.name} voicemails" in shown
    assert f"{MASKED} Beta Pediatrics must not be reached" in shown
    assert "Gamma" not in text_of(answer)
    assert AuditEvent.objects.filter(action="person.searched").count() == 2
    [here] = [row["address"] for row in answer.context["results"].people if row["workspace"] == workspace.name]
    assert "Beta Pediatrics : must not be reached" in part(client.get(here), "elsewhere")


def test_a_number_that_is_known_nowhere_has_a_page_too(operator: Client, workspace: Workspace) -> None:
    answer = find(operator)
    assert f"Nothing is known of this number in {workspace.name}." in part(answer, "found")
    [row] = answer.context["results"].strangers
    page = operator.get(row["address"])
    assert "Nothing was sent to this number." in part(page, "received")
    assert "Nothing waits for this number." in part(page, "waiting")


@pytest.mark.parametrize("sought", ["Alder", "0142", "555-0142", "no such record"])
def test_nobody_is_found_with_the_workspaces_that_were_searched(
    operator: Client, workspace: Workspace, sought: str
) -> None:
    make_voicemail(make_use_case(workspace))
    assert f"Nobody in {workspace.name} has this number, record number or reference." in part(
        find(operator, sought), "found"
    )


def test_who_belongs_nowhere_finds_nobody() -> None:
    make_voicemail()
    client = Client()
    client.force_login(make_user(is_staff=True, password=None))
    assert client.get(PEOPLE, follow=True).status_code == 403
    assert urlsplit(find(client)["Location"]).path == "/admin/login/"


def test_several_people_with_one_record_number_are_listed(operator: Client, workspace: Workspace) -> None:
    use_case = make_use_case(workspace)
    for number in (RECIPIENT, "+12025550143"):
        make_voicemail(use_case, recipient=number, record_number="7")
    rows = find(operator, "7").context["results"].people
    assert {row["number"] for row in rows} == {RECIPIENT, "+12025550143"}


def test_a_person_whose_number_cannot_be_decrypted_leads_to_the_voicemail(
    operator: Client, workspace: Workspace
) -> None:
    row = make_voicemail(make_use_case(workspace), record_number="7")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE delivery_voicemail SET recipient = '\\x00'")
    assert find(operator, "7")["Location"] == reverse("admin:delivery_voicemail_change", args=[row.pk])
    assert operator.get(reverse("person_of_voicemail", args=[row.pk])).status_code == 302


def test_a_name_is_sought_in_one_list_by_who_may_see_numbers(operator: Client, workspace: Workspace) -> None:
    campaign = make_campaign(make_use_case(workspace))
    for at, name in enumerate(["Ana Alder", "Ben Birch", "Anabel Elm"]):
        add_recipients(campaign, 1, first=at, merge_fields={"name": name})
    shown = part(find_name(operator, campaign, "ana"), "found")
    assert "Ana Alder" in shown
    assert "Anabel Elm" in shown
    assert "Ben" not in shown
    assert find_name(operator, campaign, "birch").status_code == 302
    assert "Nobody in the list of" in part(find_name(operator, campaign, "cedar"), "found")
    assert "Write at least 2 letters" in text_of(find_name(operator, campaign, "a"))


def test_who_may_not_see_numbers_seeks_no_names(viewer: Client, operator: Client, workspace: Workspace) -> None:
    campaign = make_campaign(make_use_case(workspace))
    add_recipients(campaign, 1, merge_fields={"name": "Ana Alder"})
    assert "By name" not in text_of(viewer.get(PEOPLE))
    answer = find_name(viewer, campaign, "ana")
    assert (answer.context["results"], "campaign" in answer.context["name_form"].errors) == (None, True)
    theirs = make_campaign(make_use_case(make_workspace()))
    assert "campaign" in find_name(operator, theirs, "ana").context["name_form"].errors


def test_a_long_list_is_looked_through_in_parts_that_say_so(
    operator: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_SCANNED", 3)
    campaign = make_campaign(make_use_case(workspace))
    for at, name in enumerate(["Ben"] * 3 + ["Ana Alder"]):
        add_recipients(campaign, 1, first=at, merge_fields={"name": name})
    answer = find_name(operator, campaign, "ana")
    assert "3 people of the list were looked through; there are more. Search further" in part(answer, "found")
    assert find_name(operator, campaign, "ana", after=str(answer.context["results"].after)).status_code == 302


def test_who_tries_number_after_number_is_slowed_down(
    operator: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(number_quota, "QUESTIONS", number_quota.QUESTIONS._replace(quota=2))
    for _ in range(2):
        assert "You have asked" not in text_of(find(operator, "nobody"))
    assert "You have asked 2 times within a minute" in text_of(find(operator, RECIPIENT))
    assert AuditEvent.objects.filter(action="person.searched").count() == 2
    question = reverse("admin:usecases_usecase_eligibility", args=[make_use_case(workspace).pk])
    asked = operator.post(question, {"phone_number": RECIPIENT, "at": ""})
    assert "You have asked 2 times within a minute" in text_of(asked)
    assert "answer" not in asked.context


# the page


def test_who_may_not_see_numbers_sees_neither_number_nor_name(viewer: Client, workspace: Workspace) -> None:
    campaign = make_campaign(make_use_case(workspace))
    make_voicemail(lane=campaign.lane, record_number="MRN-10482", merge_fields={"name": "Ana Alder"})
    page = opened(viewer, "MRN-10482")
    assert MASKED in part(page, "who")
    content = page.content.decode()
    assert not re.search(r"Alder|10482|2025550142|202.{0,3}555", content)
    assert 'id="opt-out"' not in content


def test_what_was_received_is_shown_page_by_page_with_campaign_use_case_status_and_reason(
    operator: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(person_page, "PAGE", 2)
    campaign = make_campaign(make_use_case(workspace), state="running", name="Flu shots")
    make_voicemail(lane=campaign.lane, status="failed", reason="busy")
    make_voicemail(campaign.use_case, status="delivered", live=False)
    make_voicemail(campaign.use_case, status="accepted")
    page = opened(operator)
    assert "accepted" in part(page, "received")
    assert "delivered (test)" in part(page, "received")
    assert "Flu shots" not in part(page, "received")
    older = re.search(r'href="([^"]*\?before=[^"#]+)', page.content.decode())
    assert older
    shown = part(operator.get(older[1]), "received")
    assert "failed" in shown
    assert "Flu shots" in shown
    assert campaign.use_case.name in shown
    assert "busy" in shown.lower()
    assert "accepted" not in shown


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"state": "draft"}, "Not launched: its campaign is a draft."),
        ({"state": "paused"}, "Its campaign is paused."),
        ({"state": "running"}, "It is due: it goes as soon as hours, pace and switches allow."),
    ],
)
def test_what_waits_says_in_which_campaign_and_what_for(
    operator: Client, workspace: Workspace, fields: dict[str, Any], said: str
) -> None:
    campaign = make_campaign(make_use_case(workspace), name="Flu shots", **fields)
    make_voicemail(lane=campaign.lane)
    shown = part(opened(operator), "waiting")
    assert "Flu shots" in shown
    assert said in shown


def test_what_waits_for_a_start_says_when_by_the_persons_clock(operator: Client, workspace: Workspace) -> None:
    start = database_now() + timedelta(days=1)
    campaign = make_campaign(make_use_case(workspace), state="scheduled", starts_at=start)
    make_voicemail(lane=campaign.lane)
    make_voicemail(campaign.use_case, not_before=start + timedelta(days=1))
    page = opened(operator)
    clock = PersonClock.of(RECIPIENT)
    assert clock.zone == "America/New_York"
    assert f"From {clock.text(start)} on, when its campaign starts." in part(page, "waiting")
    assert f"Not before {clock.text(start + timedelta(days=1))}." in part(page, "waiting")
    assert "Eastern (New York), the clock of the person by the number" in text_of(page)


def test_whether_they_may_be_reached_now_is_said_under_each_use_case(
    operator: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)
    open_now = make_use_case(workspace, name="Recalls", **AROUND_THE_CLOCK)
    now = database_now()
    never_today = [day for day in range(1, 8) if day not in {(now.isoweekday() + by) % 7 or 7 for by in (-1, 0, 1)}]
    make_use_case(workspace, name="Reminders", **{**AROUND_THE_CLOCK, "days": never_today})
    make_use_case(make_workspace(), name="Theirs")
    make_suppression(workspace, purposes=["wellness"])
    make_use_case(workspace, name="Outreach", purpose="wellness", **AROUND_THE_CLOCK)
    shown = part(opened(operator), "reachable")
    assert f"{open_now.name} (Other care message): Yes: a message that is due now would be left at once." in shown
    assert "Not now: a message would wait. May be reached next at" in shown
    assert "It is none of the use case&#x27;s days" in shown
    assert "Outreach (Wellness outreach): No: a message would be skipped" in shown
    assert "Theirs" not in shown


def test_more_use_cases_than_are_asked_about_are_named(
    operator: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "MAX_USE_CASES", 1)
    first = make_use_case(workspace, name="Alpha")
    make_use_case(workspace, name="Beta")
    make_suppression(workspace)
    shown = part(opened(operator), "reachable")
    assert first.name in shown
    assert "Beta" not in shown
    assert "These are the first 1 use cases by name." in shown


def test_suppressions_say_who_put_them_there_and_from_which_list_and_who_lifted_them(
    operator: Client, workspace: Workspace
) -> None:
    _, ada = logged_in(workspace, Role.ADMIN, username="ada")
    opt_outs = imported(workspace, b"phone,reason\n(202) 555-0142,asked\n")
    make_suppression(
        workspace, kind="wrong_number", lifted_at=database_now(), lifted_by=ada, lift_reason="A typing error."
    )
    make_suppression(workspace, kind="deceased", created_by=ada, purposes=["wellness"])
    shown = part(opened(operator), "suppressions")
    assert opt_outs.file_name in shown
    assert "The person has died" in shown
    assert "Wellness outreach; all workspaces of the organisation ada; said in this workspace" in shown
    assert "by ada: A typing error." in shown
    assert "Lift" not in shown.replace("Lifted", "")  # an operator lifts nothing


def test_consents_say_for_what_and_how_they_were_given_and_revoked(operator: Client, workspace: Workspace) -> None:
    now = database_now()
    standing = make_consent(workspace, source="signed form")
    make_consent(workspace, purposes=["wellness"], expires_at=now - timedelta(hours=1), source="telephone")
    revoked = make_consent(workspace, basis="written_consent")
    make_consent(workspace, revokes=revoked, source="at the front desk", at=now)
    make_consent(workspace, number="+12025550143", source="somebody else's form")
    page = opened(operator)
    shown = part(page, "consents")
    assert "Standing Appointment reminder" in shown
    assert "Expired Wellness outreach" in shown
    assert "Revoked Appointment reminder" in shown
    assert f"{PersonClock.of(RECIPIENT).text(now)}, at the front desk" in shown
    assert "somebody" not in shown
    assert reverse("admin:usecases_consent_change", args=[standing.pk]) in page.content.decode()
    assert len(page.context["consents"]) == 3


def test_a_number_that_is_masked_here_is_not_shown_by_a_link_to_where_it_would_not_be(workspace: Workspace) -> None:
    other, third = make_workspace(name="Seen"), make_workspace(name="Unseen")
    client, user = logged_in(workspace)
    Membership.objects.create(workspace=other, user=user, role=Role.VIEWER, may_see_numbers=True)
    Membership.objects.create(workspace=third, user=user, role=Role.VIEWER)
    make_voicemail(make_use_case(workspace), record_number="MRN-10482")
    links = {row["workspace"]: bool(row["address"]) for row in opened(client, "MRN-10482").context["others"]}
    assert links == {"Seen": False, "Unseen": True}


def test_what_a_guard_has_put_off_says_why(operator: Client, workspace: Workspace) -> None:
    row = make_voicemail(make_use_case(workspace), not_before=database_now() + timedelta(hours=3))
    KeptDecision.objects.create(
        voicemail=row, step="claim", decision="defer", reason="off_day", until=row.not_before,
        decided_at=database_now(), facts={},
    )  # fmt: skip
    shown = part(opened(operator), "waiting")
    assert "Not before" in shown
    assert "Waits for a day on which it may be sent." in shown


def test_other_numbers_with_the_record_number_have_links(
    operator: Client, viewer: Client, workspace: Workspace
) -> None:
    use_case = make_use_case(workspace)
    for number in (RECIPIENT, "+12025550143"):
        make_voicemail(use_case, recipient=number, record_number="MRN-10482")
    page = opened(operator)
    [(number, address)] = page.context["numbers"]
    assert number == "+12025550143"
    assert "The same record number has: +12025550143" in text_of(page)
    assert number in part(operator.get(address), "who")
    assert opened(viewer).context["numbers"] == []


# opt out and lift


def test_an_opt_out_says_how_many_waited_before_and_wait_after(operator: Client, workspace: Workspace) -> None:
    use_case = make_use_case(workspace)
    draft = make_campaign(use_case)
    rows = [make_voicemail(use_case), make_voicemail(lane=draft.lane)]
    page = opened(operator)
    assert "Waiting for this number here: 2 voicemails." in part(page, "opt-out")
    answer = operator.post(
        reverse("person_opt_out", args=[page.context["token"]]),
        {"kind": "opt_out", "note": "Called 202 555 0142."},
        follow=True,
    )
    assert "Waiting for this number here before: 2 voicemails; now: no voicemail." in text_of(answer)
    assert set(Voicemail.objects.filter(pk__in=[row.pk for row in rows]).values_list("status", "reason")) == {
        ("skipped", "suppressed")
    }
    row = Suppression.objects.get()
    assert (row.kind, row.source, row.purposes, row.created_by.username) == ("opt_out", "person", [], "olive")
    assert row.reason == "Called [number]."
    assert "Nothing waits for this number." in part(answer, "waiting")
    assert "No: a message would be skipped" in part(answer, "reachable")
    again = operator.post(
        reverse("person_opt_out", args=[page.context["token"]]), {"kind": "opt_out", "note": ""}, follow=True
    )
    assert "The suppression list said this already." in text_of(again)
    assert Suppression.objects.count() == 1


def test_an_opt_out_holds_in_all_workspaces_of_the_organisation_and_says_so(
    operator: Client, workspace: Workspace
) -> None:
    other = make_workspace(organisation=workspace.organisation)
    make_voicemail(make_use_case(workspace))
    there = make_voicemail(make_use_case(other))
    page = opened(operator)
    assert f"Opt out at {workspace.organisation.name}" in part(page, "opt-out")
    done = operator.post(
        reverse("person_opt_out", args=[page.context["token"]]), {"kind": "opt_out", "note": ""}, follow=True
    )
    assert f"On the suppression list in all workspaces of {workspace.organisation.name} from now on." in text_of(done)
    there.refresh_from_db()
    assert (there.status, there.reason) == ("skipped", "suppressed")
    client, _ = logged_in(other, may_see_numbers=True)
    shown = part(opened(client), "suppressions")
    assert "everything; all workspaces of the organisation Entered by a person; said in another workspace" in shown
    assert "olive" not in shown


def test_an_opt_out_says_in_which_of_ones_workspaces_it_does_not_hold(workspace: Workspace) -> None:
    client, user = logged_in(workspace, Role.LAUNCHER, username="otto", may_see_numbers=True)
    Membership.objects.create(workspace=make_workspace(name="Uptown Pediatrics"), user=user, role=Role.VIEWER)
    make_voicemail(make_use_case(workspace))
    page = opened(client)
    assert "It does not hold for Uptown Pediatrics" in part(page, "opt-out")
    asked = reverse("person_opt_out", args=[page.context["token"]]), {"kind": "opt_out", "note": ""}
    said = text_of(client.post(*asked, follow=True))
    assert f"On the suppression list of {workspace.name} from now on." in said
    assert "It does not hold for Uptown Pediatrics." in said
    assert "It does not hold for Uptown Pediatrics." in text_of(client.post(*asked, follow=True))


def test_a_viewer_opts_nobody_out(viewer: Client, workspace: Workspace) -> None:
    make_voicemail(make_use_case(workspace))
    page = opened(viewer)
    assert viewer.post(reverse("person_opt_out", args=[page.context["token"]]), {"kind": "opt_out"}).status_code == 403
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("kind", ["imported", "nonsense", ""])
def test_a_kind_that_people_do_not_state_is_refused_at_its_field(
    operator: Client, workspace: Workspace, kind: str
) -> None:
    make_voicemail(make_use_case(workspace))
    page = opened(operator)
    answer = operator.post(reverse("person_opt_out", args=[page.context["token"]]), {"kind": kind})
    assert "kind" in answer.context["opt_out_form"].errors
    assert not Suppression.objects.exists()


def test_an_administrator_lifts_from_the_page(workspace: Workspace) -> None:
    admin, _ = logged_in(workspace, Role.ADMIN, username="ada")
    rows = [make_suppression(workspace, kind=kind) for kind in ("deceased", "wrong_number")]
    page = opened(admin)
    assert set(page.context["liftable"]) == {row.pk for row in rows}
    assert "Lift all 2…" in part(page, "suppressions")
    lift, here = reverse("admin:usecases_suppression_lift"), page.context["here"]
    chosen = {"chosen": [str(row.pk) for row in rows], "back": here}
    asked = admin.post(lift, chosen)
    assert "Why they may be reached again" in text_of(asked)
    assert f'name="back" value="{here}"' in asked.content.decode()
    done = admin.post(lift, {**chosen, "sure": "yes", "reason": "A typing error."})
    assert done["Location"] == here
    assert "by ada: A typing error." in part(admin.get(here), "suppressions")


@pytest.mark.parametrize("back", ["https://example.com/admin/", "//example.com/admin/", "/admin/../x", "", "/v1/"])
def test_a_lift_leads_back_within_the_admin_only(workspace: Workspace, back: str) -> None:
    admin, _ = logged_in(workspace, Role.ADMIN, username="ada")
    row = make_suppression(workspace, kind="deceased")
    done = admin.post(
        reverse("admin:usecases_suppression_lift"),
        {"chosen": [str(row.pk)], "sure": "yes", "reason": "A typing error.", "back": back},
    )
    assert done["Location"].startswith("/admin/")
    if not back.startswith("/admin/"):
        assert done["Location"] == reverse("admin:usecases_suppression_change", args=[row.pk])


# addresses


def test_an_address_is_of_one_reader_for_half_a_day_and_while_they_belong_there(workspace: Workspace) -> None:
    (client, user), (other, _) = logged_in(workspace), logged_in(workspace)
    make_voicemail(make_use_case(workspace))
    address = find(client)["Location"]
    assert client.get(address).status_code == 200
    assert other.get(address)["Location"] == PEOPLE
    assert Client().get(address).status_code == 302
    person = search.Person(workspace, RECIPIENT)
    long_ago = addresses.address_of(person, user, database_now() - addresses.LIFETIME - timedelta(seconds=1))
    assert "has expired" in text_of(client.get(long_ago, follow=True))
    assert client.get(reverse("person", args=["junk"]))["Location"] == PEOPLE
    Membership.objects.create(workspace=make_workspace(), user=user)
    Membership.objects.filter(user=user, workspace=workspace).delete()
    assert client.get(address)["Location"] == PEOPLE
    assert client.post(f"{address}opt-out/", {"kind": "opt_out"})["Location"] == PEOPLE
    assert not Suppression.objects.exists()


def test_a_voicemail_and_a_suppression_lead_to_their_person_in_ones_own_workspaces(
    operator: Client, workspace: Workspace
) -> None:
    mine, theirs = make_voicemail(make_use_case(workspace)), make_voicemail()
    listed, foreign = make_suppression(workspace), make_suppression(theirs.workspace)
    for name, row, other in (("voicemail", mine, theirs), ("suppression", listed, foreign)):
        page = operator.get(reverse(f"person_of_{name}", args=[row.pk]), follow=True)
        assert RECIPIENT in part(page, "who")
        assert operator.get(reverse(f"person_of_{name}", args=[other.pk])).status_code == 404


def test_a_search_is_posted_and_a_page_is_read(operator: Client, workspace: Workspace) -> None:
    make_voicemail(make_use_case(workspace))
    assert "Found" not in text_of(operator.get(PEOPLE, {"by": "identifier", "sought": RECIPIENT}))
    page = opened(operator)
    assert operator.get(reverse("person_opt_out", args=[page.context["token"]])).status_code == 405
    assert Client().get(PEOPLE)["Location"].startswith(reverse("admin:login"))
    assert "no-store" in page["Cache-Control"]


def test_the_page_costs_the_same_for_many_voicemails_as_for_few(operator: Client, workspace: Workspace) -> None:
    use_case = make_use_case(workspace)
    counts = []
    for more in (1, 30):
        for _ in range(more):
            make_voicemail(lane=make_campaign(use_case).lane, status="delivered")
            make_voicemail(lane=make_campaign(use_case).lane)
        address = find(operator)["Location"]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert operator.get(address).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 45


def test_a_voicemails_page_names_its_campaign_its_person_and_when_it_expires(
    operator: Client, workspace: Workspace
) -> None:
    campaign = make_campaign(make_use_case(workspace), name="Flu shots")
    of_campaign, of_api = make_voicemail(lane=campaign.lane, expires_at=None), make_voicemail(campaign.use_case)
    page = operator.get(reverse("admin:delivery_voicemail_change", args=[of_campaign.pk]))
    assert "Flu shots" in text_of(page)
    assert "Expires with its campaign, once that has begun" in text_of(page)
    assert reverse("person_of_voicemail", args=[of_campaign.pk]) in page.content.decode()
    page = operator.get(reverse("admin:delivery_voicemail_change", args=[of_api.pk]))
    assert "Flu shots" not in text_of(page)
    assert f"Expires {moment_to_the_second(of_api.expires_at)}" in text_of(page)


def test_the_page_of_a_campaign_leads_to_the_search_in_its_list(operator: Client, workspace: Workspace) -> None:
    campaign = make_campaign(make_use_case(workspace), 1)
    page = operator.get(reverse("admin:campaigns_campaign_change", args=[campaign.pk]))
    address = f"{PEOPLE}?campaign={campaign.pk}"
    assert address in page.content.decode()
    assert f'value="{campaign.pk}" selected' in operator.get(address).content.decode()
