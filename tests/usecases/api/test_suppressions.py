"""Suppressions over HTTP: added once, listed with their filters, lifted with a reason and, where needed, a new consent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from delivery.models import Voicemail
from rvm.platform.database.clock import database_now
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.scopes import Scope
from tests.factories import (
    RECIPIENT,
    Api,
    make_api,
    make_recording,
    make_suppression,
    make_use_case,
    make_voicemail,
    make_workspace,
)
from usecases.models import Suppression
from usecases.suppression_kinds import KIND_LABELS, STATED_KINDS, SuppressionKind
from usecases.suppressions import is_suppressed

pytestmark = pytest.mark.django_db
OTHER = "+12025550143"
MASKED = "+•••••••0142"


def add(api: Api, number: str = RECIPIENT, reason: str = "opt_out", **body: Any) -> Any:
    return api.post("suppressions", {"recipient_phone_number": number, "reason": reason, **body})


def lift(api: Api, suppression_id: Any, **body: Any) -> Any:
    return api.post(f"suppressions/{suppression_id}/lift", {"reason": "She called.", **body})


def consent(**changes: Any) -> dict[str, Any]:
    now = database_now().isoformat()
    return {"source": "phone call", "at": now, "evidence": "Ana called from her number.", **changes}


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [item["suppression_id"] for item in answer.json()["items"]]


def test_a_number_is_suppressed_and_the_answer_says_by_whom(api: Api, workspace: Workspace) -> None:
    answer = add(api, note="asked us to stop, call 202-555-0142")
    told = answer.json()
    assert answer.status_code == 201
    assert answer["Location"].endswith(f"/suppressions/{told['suppression_id']}")
    assert told == {
        "id": told["suppression_id"],
        "suppression_id": told["suppression_id"],
        "recipient_phone_number": RECIPIENT,
        "reason": "opt_out",
        "reason_detail": "The person opted out",
        "note": "asked us to stop, call [number]",
        "source": "api",
        "purposes": [],
        "scope": "organisation",
        "origin": "this_workspace",
        "opt_out_list_id": None,
        "created_by": str(api.key.user_id),
        "created_at": told["created_at"],
        "active": True,
        "lifted_at": None,
        "lifted_by": None,
        "lift_reason": None,
    }
    assert is_suppressed(workspace.pk, RECIPIENT)
    event = AuditEvent.objects.get(action="suppression.created")
    assert (event.actor_id, event.subject_id) == (api.key.user_id, Suppression.objects.get().pk)


def test_the_same_again_is_the_existing_one_and_another_statement_is_not(api: Api, workspace: Workspace) -> None:
    make_suppression(workspace)  # by a person
    first = add(api, purposes=["wellness", "appointment"])
    again = add(api, purposes=["appointment", "wellness", "wellness"])
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert add(api).status_code == 201
    assert add(api, reason="deceased").status_code == 201
    assert Suppression.objects.count() == 4
    assert AuditEvent.objects.filter(action="suppression.created").count() == 3


def test_the_same_request_twice_gets_the_same_answer(api: Api) -> None:
    body = {"recipient_phone_number": RECIPIENT, "reason": "opt_out"}
    first, again = (api.post("suppressions", body, Idempotency_Key="k-1") for _ in range(2))
    assert (first.status_code, again.status_code, again["Idempotent-Replayed"]) == (201, 201, "true")
    assert first.json() == again.json()


@pytest.mark.parametrize("reason", STATED_KINDS)
def test_every_reason_is_told_in_words(api: Api, reason: SuppressionKind) -> None:
    assert add(api, reason=reason.value).json()["reason_detail"] == KIND_LABELS[reason]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"reason": "opt_out"}, "/recipient_phone_number", "required"),
        (
            {"recipient_phone_number": "202 555 0142", "reason": "opt_out"},
            "/recipient_phone_number",
            "number_malformed",
        ),
        ({"recipient_phone_number": RECIPIENT}, "/reason", "required"),
        ({"recipient_phone_number": RECIPIENT, "reason": "imported"}, "/reason", "invalid_choice"),
        (
            {"recipient_phone_number": RECIPIENT, "reason": "opt_out", "purposes": ["sales"]},
            "/purposes/0",
            "invalid_choice",
        ),
        ({"recipient_phone_number": RECIPIENT, "reason": "opt_out", "note": "x" * 41}, "/note", "max_length"),
        ({"recipient_phone_number": RECIPIENT, "reason": "opt_out", "list": "x"}, "/list", "unknown_field"),
    ],
)
def test_what_is_wrong_is_named(api: Api, body: Any, pointer: str, code: str) -> None:
    answer = api.post("suppressions", body)
    assert answer.status_code == 422
    assert [
        (error["pointer"].replace("/purposes/0/0", "/purposes/0"), error["code"]) for error in answer.json()["errors"]
    ] == [(pointer, code)]
    assert not Suppression.objects.exists()


def test_what_waits_for_the_number_is_ended_by_the_request(api: Api, workspace: Workspace) -> None:
    wellness = make_use_case(workspace, purpose="wellness")
    waiting, other = make_voicemail(wellness), make_voicemail(make_use_case(workspace, purpose="appointment"))
    theirs = make_voicemail(make_use_case())
    assert add(api, purposes=["wellness"]).status_code == 201
    states = dict(Voicemail.objects.values_list("pk", "status"))
    assert states == {waiting.pk: "skipped", other.pk: "queued", theirs.pk: "queued"}
    told = api.get(f"voicemail/{waiting.pk}").json()
    assert (told["reason"], told["reason_detail"]) == ("suppressed", "The number is on the suppression list.")


# reading


def test_the_list_is_filtered_and_paged(api: Api, workspace: Workspace) -> None:
    make_suppression(make_workspace(), RECIPIENT)
    first, second = (add(api, number).json()["suppression_id"] for number in (RECIPIENT, OTHER))
    third = add(api, RECIPIENT, "deceased").json()["suppression_id"]
    fourth = str(make_suppression(workspace, lifted_at=database_now()).pk)
    assert ids(api.get("suppressions")) == [fourth, third, second, first]
    assert ids(api.get("suppressions", recipient_phone_number=RECIPIENT)) == [fourth, third, first]
    assert ids(api.client.get(f"{api.url('suppressions')}?recipient_phone_number={OTHER}")) == [second]
    assert ids(api.get("suppressions", active="true")) == [third, second, first]
    assert ids(api.get("suppressions", active="false")) == [fourth]
    assert ids(api.get("suppressions", reason="deceased")) == [third]
    assert ids(api.get("suppressions", source="person")) == [fourth]
    assert ids(api.get("suppressions", opt_out_list_id=str(workspace.pk))) == []
    page = api.get("suppressions", limit=3).json()
    token = page["continuation_token"]
    assert (len(page["items"]), page["has_more"]) == (3, True)
    assert ids(api.get("suppressions", limit=3, continuation_token=token)) == [first]
    refused = api.get("suppressions", limit=3, active="true", continuation_token=token)
    assert refused.json()["errors"][0]["code"] == "continuation_token_invalid"


def test_numbers_and_evidence_are_hidden_from_a_key_that_may_not_see_them(workspace: Workspace) -> None:
    full = make_api(workspace)
    blind = make_api(workspace, scopes=[scope for scope in Scope if scope is not Scope.NUMBERS_READ])
    added = add(full).json()["suppression_id"]
    page = f"suppressions/{added}"
    lift(full, added, consent=consent())
    for api, number, evidence in ((full, RECIPIENT, True), (blind, MASKED, False)):
        assert api.get(page).json()["recipient_phone_number"] == number
        assert (api.get(page).json()["consent"] is not None) is evidence
        found = api.get("suppressions", recipient_phone_number=RECIPIENT).json()["items"]
        assert [item["recipient_phone_number"] for item in found] == [number]
    assert AuditEvent.objects.filter(action="suppression.read").count() == 4


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "suppressions", Scope.SUPPRESSIONS_READ),
        ("POST", "suppressions", Scope.SUPPRESSIONS_WRITE),
        ("GET", "suppressions/{}", Scope.SUPPRESSIONS_READ),
        ("POST", "suppressions/{}/lift", Scope.SUPPRESSIONS_LIFT),
    ],
)
def test_each_operation_needs_its_own_scope_and_its_own_workspace(
    workspace: Workspace, method: str, path: str, scope: Scope
) -> None:
    row = make_suppression(workspace, OTHER, kind="wrong_number")
    bodies = {"suppressions": {"recipient_phone_number": RECIPIENT, "reason": "opt_out"}}
    body = bodies.get(path, {"reason": "It is hers."}) if method == "POST" else None
    before = list(Suppression.objects.values())
    without = make_api(workspace, scopes=[each for each in Scope if each is not scope])
    refused = without.send(method, path.format(row.pk), body)
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    stranger = make_api(make_workspace())
    if "{}" in path:
        assert stranger.send(method, path.format(row.pk), body).status_code == 404
    foreign = stranger.client.generic(method, without.url(path.format(row.pk)), b"{}", "application/json")
    assert foreign.status_code == 404
    assert list(Suppression.objects.values()) == before
    alone = make_api(workspace, scopes=[scope])
    assert alone.send(method, path.format(row.pk), body).status_code in (200, 201)


def test_a_test_key_finds_adds_and_lifts_none(workspace: Workspace) -> None:
    row = make_suppression(workspace, kind="wrong_number")
    key = make_api(workspace, live=False)
    refused = add(key)
    assert (refused.status_code, refused.json()["code"]) == (403, "test_key")
    assert ids(key.get("suppressions")) == ids(key.get("suppressions", recipient_phone_number=RECIPIENT)) == []
    assert key.get(f"suppressions/{row.pk}").status_code == lift(key, row.pk).status_code == 404
    assert Suppression.objects.active().count() == 1


# the way back


def test_a_lift_keeps_the_row_and_says_who_why_and_on_what(api: Api, workspace: Workspace) -> None:
    added = add(api).json()["suppression_id"]
    given = consent()
    answer = lift(api, added, consent=given)
    told = answer.json()
    assert answer.status_code == 200, told
    assert (told["active"], told["lift_reason"], told["lifted_by"]) == (False, "She called.", str(api.key.user_id))
    assert told["consent"]["evidence"] == given["evidence"] and told["others"] == []
    assert not is_suppressed(workspace.pk, RECIPIENT)
    event = AuditEvent.objects.get(action="suppression.lifted")
    assert (event.actor_id, event.details["reason"], event.details["consent_source"]) == (
        api.key.user_id,
        "She called.",
        "phone call",
    )
    assert "Ana" not in str(event.details)
    again = lift(api, added, consent=consent())
    assert (again.status_code, again.json()["code"]) == (409, "suppression_lifted")
    assert add(api).status_code == 201
    assert is_suppressed(workspace.pk, RECIPIENT)
    assert Suppression.objects.count() == 2


def test_a_number_is_reached_once_all_that_suppresses_it_is_lifted(api: Api, workspace: Workspace) -> None:
    one, two = (add(api, reason=reason).json()["suppression_id"] for reason in ("wrong_number", "do_not_voicemail"))
    assert lift(api, one).json()["others"] == [two]
    assert is_suppressed(workspace.pk, RECIPIENT)
    assert lift(api, two).json()["others"] == []
    assert not is_suppressed(workspace.pk, RECIPIENT)


SAID = [
    ("opt_out", "api", True),
    ("opt_out", "person", True),
    ("opt_out", "inbound", True),
    ("wrong_number", "carrier", True),
    ("do_not_voicemail", "carrier", True),
    ("wrong_number", "person", False),
    ("deceased", "api", False),
    ("imported", "import", False),
]


@pytest.mark.parametrize(("kind", "source", "needed"), SAID)
def test_what_the_person_or_a_carrier_said_needs_a_new_consent(
    api: Api, workspace: Workspace, kind: str, source: str, needed: bool
) -> None:
    row = make_suppression(workspace, kind=kind, source=source)
    answer = lift(api, row.pk)
    assert answer.status_code == (422 if needed else 200)
    assert is_suppressed(workspace.pk, RECIPIENT) is needed
    if needed:
        assert answer.json()["code"] == "consent_needed"
        assert lift(api, row.pk, consent=consent()).status_code == 200
        assert not is_suppressed(workspace.pk, RECIPIENT)


def test_a_consent_counts_only_if_it_was_given_after_the_suppression(api: Api) -> None:
    added = add(api).json()["suppression_id"]
    for ago, code in ((timedelta(days=1), "consent_older"), (timedelta(days=-1), "consent_ahead")):
        at = (database_now() - ago).isoformat()
        answer = lift(api, added, consent=consent(at=at))
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)
    assert Suppression.objects.active().count() == 1


@pytest.mark.parametrize(
    "body",
    [
        {"reason": ""},
        {"reason": "\u200b \n"},
        {"reason": "x" * 201},
        {"reason": "ok", "consent": {"source": "call"}},
        {"reason": "ok", "consent": "yes"},
        {"reason": "ok", "junk": 1},
    ],
)
def test_a_lift_without_a_whole_statement_is_refused(api: Api, workspace: Workspace, body: Any) -> None:
    row = make_suppression(workspace, kind="wrong_number")
    assert api.post(f"suppressions/{row.pk}/lift", body).status_code == 422
    assert is_suppressed(workspace.pk, RECIPIENT)


def test_a_lift_makes_the_number_reachable_again_over_the_api(api: Api, workspace: Workspace) -> None:
    use_case = make_use_case(workspace)
    added = add(api, reason="wrong_number").json()["suppression_id"]
    body = {
        "use_case_id": str(use_case.pk),
        "recording_id": str(make_recording(workspace).pk),
        "recipient_phone_number": RECIPIENT,
    }
    sent = api.post("voicemail", body)
    assert (sent.status_code, sent.json()["code"]) == (422, "blocked.suppressed")
    lift(api, added)
    assert api.post("voicemail", body).status_code == 201
