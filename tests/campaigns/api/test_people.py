"""People over the API: found as in the admin, each with all that the key's workspace and world know of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns.models import Campaign
from campaigns.people import search
from delivery.carriers.sandbox import Sandbox
from rvm.platform.api import rate_limit
from rvm.platform.database.clock import database_now
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.scopes import Scope
from tests.factories import (
    AROUND_THE_CLOCK,
    RECIPIENT,
    Api,
    add_recipients,
    make_api,
    make_campaign,
    make_consent,
    make_setup,
    make_suppression,
    make_use_case,
    make_voicemail,
    make_workspace,
    patient_number,
)
from tests.random_text import without_ids

pytestmark = pytest.mark.django_db


def find(api: Api, **sought: Any) -> Any:
    answer = api.post("people/search", sought)
    assert answer.status_code == 200, answer.content
    return answer.json()


def person(api: Api, **sought: Any) -> Any:
    [found] = find(api, **sought)["items"]
    return found


def refused(api: Api, sought: dict[str, Any]) -> tuple[int, str, set[str]]:
    answer = api.post("people/search", sought)
    told = answer.json()
    return answer.status_code, told["code"], {f"{each['pointer']} {each['code']}" for each in told.get("errors", [])}


@pytest.fixture
def campaign(workspace: Workspace) -> Campaign:
    return make_campaign(make_use_case(workspace, **AROUND_THE_CLOCK), name="Flu shots", state="scheduled")


def test_a_number_finds_all_that_the_workspace_knows_of_its_owner(
    api: Api, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Sandbox, "simulated", False)
    start = database_now() + timedelta(days=1)
    Campaign.objects.update(starts_at=start)
    done = make_voicemail(campaign.use_case, status="failed", reason="busy", record_number="MRN-10482")
    queued = make_voicemail(lane=campaign.lane, merge_fields={"name": "Ana Alder"}, reference="a-1")
    suppression = make_suppression(campaign.workspace, purposes=["wellness"])
    consent = make_consent(campaign.workspace)
    make_voicemail(make_use_case(make_workspace()))
    found = person(api, recipient_phone_number=RECIPIENT)
    assert (found["recipient_phone_number"], found["voicemail_id"]) == (RECIPIENT, None)
    assert (found["names"], found["record_numbers"]) == (["Ana Alder"], ["MRN-10482"])
    [waits], [received] = found["waiting"], found["received"]
    assert (waits["voicemail_id"], waits["campaign_name"], waits["reference"]) == (str(queued.pk), "Flu shots", "a-1")
    assert waits["starts_at"][:19] == f"{start:%Y-%m-%dT%H:%M:%S}"
    assert (received["voicemail_id"], received["campaign_id"], received["campaign_name"]) == (str(done.pk), None, None)
    assert (received["status"], received["reason"]) == ("failed", "busy")
    assert received["use_case_name"] == campaign.use_case.name
    [listed] = found["suppressions"]
    assert (listed["suppression_id"], listed["recipient_phone_number"]) == (str(suppression.pk), RECIPIENT)
    [given] = found["consents"]
    assert (given["consent_id"], given["recipient_phone_number"], given["active"]) == (str(consent.pk), RECIPIENT, True)
    [answer] = found["eligibility"]
    assert answer == {
        "use_case_id": str(campaign.use_case.pk), "use_case_name": campaign.use_case.name, "decision": "send",
        "reason": None, "until": None, "objections": [], "detail": None,
    }  # fmt: skip


def test_the_answer_about_a_use_case_is_that_of_the_question(api: Api, campaign: Campaign) -> None:
    make_suppression(campaign.workspace)
    [answer] = person(api, recipient_phone_number=RECIPIENT)["eligibility"]
    asked = api.post(
        "eligibility", {"use_case_id": str(campaign.use_case.pk), "recipient_phone_number": RECIPIENT}
    ).json()
    assert {name: answer[name] for name in ("decision", "reason", "until")} == {
        name: asked[name] for name in ("decision", "reason", "until")
    }
    assert (answer["decision"], answer["reason"], answer["objections"]) == ("skip", "suppressed", ["suppression"])


def test_a_number_that_cannot_be_sent_to_says_why(api: Api, campaign: Campaign) -> None:
    [answer] = person(api, recipient_phone_number="+18005550142")["eligibility"]
    assert (answer["decision"], answer["reason"]) == ("skip", "number_kind_not_reachable")
    assert "toll-free" in answer["detail"]


def test_nothing_is_known_of_some(api: Api, workspace: Workspace) -> None:
    found = person(api, recipient_phone_number=RECIPIENT)
    assert [name for name, value in found.items() if value] == ["recipient_phone_number"]


@pytest.mark.parametrize("sought", [{"record_number": " mrn-10482"}, {"reference": "a-1"}])
def test_an_identifier_finds_everybody_who_has_it(api: Api, campaign: Campaign, sought: dict[str, str]) -> None:
    rows = add_recipients(campaign, 2, record_number="MRN-10482", reference="a-1")
    found = find(api, **sought)
    assert [each["recipient_phone_number"] for each in found["items"]] == [patient_number(1), patient_number(0)]
    assert [each["voicemail_id"] for each in found["items"]] == [str(row.pk) for row in reversed(rows)]


def test_other_numbers_with_the_record_number_are_named(api: Api, campaign: Campaign) -> None:
    for number in (RECIPIENT, RECIPIENT, "+12025550143"):
        make_voicemail(campaign.use_case, recipient=number, record_number="MRN-10482")
    make_voicemail(campaign.use_case, recipient="+12025550144", record_number="7")
    make_voicemail(campaign.use_case, recipient="+12025550145", record_number="MRN-10482", live=False)
    make_voicemail(make_use_case(make_workspace()), recipient="+12025550146", record_number="MRN-10482")
    assert person(api, recipient_phone_number=RECIPIENT)["other_phone_numbers"] == ["+12025550143"]


def test_a_name_is_found_in_one_list(api: Api, campaign: Campaign) -> None:
    for at, name in enumerate(["Ana Alder", "Ben Birch"]):
        add_recipients(campaign, 1, first=at, merge_fields={"name": name})
    found = find(api, name="birch b", campaign_id=str(campaign.pk))
    assert [each["names"] for each in found["items"]] == [["Ben Birch"]]
    assert (found["has_more"], found["scanned"]) == (False, 2)


def test_people_come_page_by_page_under_the_same_search_only(api: Api, campaign: Campaign) -> None:
    add_recipients(campaign, 5, reference="recall")
    seen, token = [], None
    for _ in range(3):
        page = find(api, reference="recall", limit=2, continuation_token=token)
        seen += [each["recipient_phone_number"] for each in page["items"]]
        token = page["continuation_token"]
    assert (len(set(seen)), len(seen), token, page["has_more"]) == (5, 5, None, False)
    first = find(api, reference="recall", limit=2)["continuation_token"]
    other = {"reference": "other", "continuation_token": first}
    assert refused(api, other)[2] == {"/continuation_token continuation_token_invalid"}


def test_a_search_by_name_goes_on_where_it_was_cut(
    api: Api, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MAX_SCANNED", 3)
    for at, name in enumerate(["Ben"] * 3 + ["Ana"]):
        add_recipients(campaign, 1, first=at, merge_fields={"name": name})
    asked = {"name": "ana", "campaign_id": str(campaign.pk)}
    page = find(api, **asked)
    assert (page["items"], page["has_more"], page["scanned"]) == ([], True, 3)
    assert len(find(api, **asked, continuation_token=page["continuation_token"])["items"]) == 1


@pytest.mark.parametrize(
    ("sought", "errors"),
    [
        ({}, {"/recipient_phone_number one_search"}),
        ({"reference": "a", "record_number": "b"}, {"/reference one_search", "/record_number one_search"}),
        ({"name": "ana"}, {"/campaign_id campaign_needed"}),
        ({"reference": "a", "campaign_id": "01920f3b-1c00-7000-8000-0000000000f1"}, {"/campaign_id campaign_needed"}),
        ({"name": "a", "campaign_id": "01920f3b-1c00-7000-8000-0000000000f1"}, {"/name too_short"}),
        ({"recipient_phone_number": "(202) 555-0142"}, {"/recipient_phone_number number_malformed"}),
        ({"reference": "a", "limit": 6}, {"/limit max_value"}),
        ({"phone": RECIPIENT}, {"/phone unknown_field"}),
    ],
)
def test_what_is_no_search_is_refused_at_its_field(api: Api, sought: dict[str, Any], errors: set[str]) -> None:
    assert refused(api, sought) == (422, "invalid_request", errors)


def test_a_campaign_of_another_workspace_has_no_list_here(api: Api) -> None:
    theirs = make_campaign(make_use_case(make_workspace()))
    assert refused(api, {"name": "ana", "campaign_id": str(theirs.pk)})[:2] == (404, "not_found")


@pytest.mark.parametrize("lacking", [Scope.PEOPLE_READ, Scope.NUMBERS_READ])
def test_both_scopes_are_needed(workspace: Workspace, lacking: Scope) -> None:
    api = make_api(workspace, scopes=[scope for scope in Scope if scope is not lacking])
    answer = api.post("people/search", {"recipient_phone_number": RECIPIENT})
    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    assert lacking.value in answer.json()["detail"]


def test_a_test_key_finds_people_by_test_voicemails_and_no_suppressions(campaign: Campaign) -> None:
    make_setup(campaign.workspace)
    make_suppression(campaign.workspace)
    make_consent(campaign.workspace)
    make_voicemail(campaign.use_case, reference="live")
    test = make_voicemail(campaign.use_case, live=False, reference="test")
    live_key, test_key = make_api(campaign.workspace), make_api(campaign.workspace, live=False)
    assert find(test_key, reference="live")["items"] == []
    found = person(test_key, recipient_phone_number=RECIPIENT)
    assert [each["voicemail_id"] for each in found["waiting"]] == [str(test.pk)]
    assert (found["suppressions"], found["consents"]) == ([], [])
    assert refused(test_key, {"reference": "test", "live": True})[:2] == (403, "test_key")
    assert find(live_key, reference="test")["items"] == []
    assert person(live_key, reference="test", live=False)["waiting"][0]["live"] is False
    assert refused(test_key, {"name": "ana", "campaign_id": str(campaign.pk)})[:2] == (404, "not_found")


def test_a_search_is_recorded_without_what_was_searched_for(api: Api, campaign: Campaign) -> None:
    [row] = add_recipients(campaign, 1, reference="MRN-10482")
    find(api, reference="MRN-10482")
    find(api, recipient_phone_number=RECIPIENT)
    events = AuditEvent.objects.filter(action="person.searched").order_by("id")
    assert [(event.details["by"], event.details["found"]) for event in events] == [
        ("reference", 1),
        ("recipient_phone_number", 1),
    ]
    assert events[0].details["voicemails"] == [str(row.pk)]
    assert {event.actor_id for event in events} == {api.key.user_id}
    kept = without_ids(list(events.values()))
    assert "10482" not in kept and "0142" not in kept


def test_questions_about_numbers_have_a_limit_of_their_own(
    api: Api, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = api.post("people/search", {"reference": "a"})
    assert answer["RateLimit-Policy"] == '"numbers";q=600;w=60'
    question = {"use_case_id": str(campaign.use_case.pk), "recipient_phone_number": RECIPIENT}
    asked = api.post("eligibility", question)
    assert asked["RateLimit"].startswith('"numbers";r=598;')
    assert rate_limit.NUMBERS.quota < rate_limit.READ.quota
    assert api.get("voicemail")["RateLimit-Policy"] == '"read";q=6000;w=60'


def test_a_number_that_cannot_be_decrypted_is_told_as_such(api: Api, campaign: Campaign) -> None:
    row = make_voicemail(campaign.use_case, record_number="7")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE delivery_voicemail SET recipient = '\\x00'")
    found = person(api, record_number="7")
    assert (found["voicemail_id"], found["recipient_phone_number"], found["waiting"]) == (str(row.pk), None, [])


def test_more_voicemails_of_a_person_take_no_more_queries(api: Api, campaign: Campaign) -> None:
    find(api, reference="the first request of a key notes that it was used")
    counts = []
    for more in (1, 30):
        for _ in range(more):
            make_voicemail(lane=campaign.lane)
            make_voicemail(campaign.use_case, status="delivered")
            make_suppression(campaign.workspace, kind="deceased", lifted_at=database_now())
            make_consent(campaign.workspace)
        with CaptureQueriesContext(connection) as queries:
            found = person(api, recipient_phone_number=RECIPIENT)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert (len(found["received"]), found["received_has_more"], found["waiting_has_more"]) == (20, True, False)


def test_the_answer_is_that_of_each_use_case_in_as_many_queries_for_all(api: Api, workspace: Workspace) -> None:
    find(api, reference="the first request of a key notes that it was used")
    make_setup(workspace)
    make_suppression(workspace, kind="confidential", purposes=["wellness"])
    make_consent(workspace, purposes=["appointment"])
    needs_consent: dict[str, Any] = {"consent_required": "recorded", "basis": "express_consent", **AROUND_THE_CLOCK}
    confidential: dict[str, Any] = {"purpose": "wellness", **AROUND_THE_CLOCK}
    counts = []
    for _ in range(2):
        expected = {
            make_use_case(workspace, **fields).name: reason
            for fields, reason in [
                (confidential, "suppressed"),
                ({**confidential, "confidential_numbers": "send"}, None),
                ({**needs_consent, "purpose": "appointment"}, None),
                ({**needs_consent, "purpose": "prescription"}, "no_consent"),
                ({"sending_enabled": False, **AROUND_THE_CLOCK}, "stopped"),
            ]
        }
        with CaptureQueriesContext(connection) as queries:
            told = person(api, recipient_phone_number=RECIPIENT)["eligibility"]
        counts.append(len(queries))
        reasons = {answer["use_case_name"]: answer["reason"] for answer in told}
        assert expected.items() <= reasons.items()
    assert counts[0] == counts[1]
