"""Consents over HTTP: recorded, listed with their filters, revoked by a further row that is an opt-out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from delivery.models import Voicemail
from rvm.platform.database.clock import database_now
from rvm.platform.database.ids import uuid7
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.scopes import Scope
from tests.factories import (
    RECIPIENT,
    Api,
    make_api,
    make_consent,
    make_suppression,
    make_use_case,
    make_voicemail,
    make_workspace,
)
from usecases.models import Consent, Suppression
from usecases.services.consents import record_for_list
from usecases.suppressions import is_suppressed

pytestmark = pytest.mark.django_db
OTHER = "+12025550143"
MASKED = "+•••••••0142"


def body(**changes: Any) -> dict[str, Any]:
    return {
        "recipient_phone_number": RECIPIENT,
        "purposes": ["wellness", "appointment"],
        "source": "signed form",
        "given_at": "2026-03-02T15:00:00Z",
        "evidence": "Form 12 in her chart.",
        **changes,
    }


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [item["consent_id"] for item in answer.json()["items"]]


def test_a_consent_is_recorded_with_who_and_the_audit_holds_no_evidence(api: Api, workspace: Workspace) -> None:
    answer = api.post("consents", body(source="signed form, 202-555-0142"))
    told = answer.json()
    assert answer.status_code == 201, told
    assert answer["Location"].endswith(f"/consents/{told['consent_id']}")
    assert told == {
        "id": told["consent_id"],
        "consent_id": told["consent_id"],
        "recipient_phone_number": RECIPIENT,
        "purposes": ["appointment", "wellness"],
        "basis": "express_consent",
        "source": "signed form, [number]",
        "list_id": None,
        "given_at": "2026-03-02T15:00:00Z",
        "expires_at": None,
        "created_by": str(api.key.user_id),
        "created_at": told["created_at"],
        "active": True,
        "revoked_at": None,
        "revocation_channel": None,
    }
    shown = api.get(f"consents/{told['consent_id']}").json()
    assert shown == {**told, "evidence": "Form 12 in her chart."}
    event = AuditEvent.objects.get(action="consent.recorded")
    assert (event.actor_id, str(event.subject_id)) == (api.key.user_id, told["consent_id"])
    assert "Form" not in str(event.details)


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"recipient_phone_number": "202 555 0142"}, "/recipient_phone_number", "number_malformed"),
        ({"purposes": []}, "/purposes", "min_length"),
        ({"purposes": ["sales"]}, "/purposes/0", "invalid_choice"),
        ({"basis": "healthcare_exemption"}, "/basis", "invalid_choice"),
        ({"purposes": ["marketing"]}, "/basis", "written_consent_needed"),
        ({"source": ""}, "/source", "blank"),
        ({"source": "\u200b"}, "/source", "blank"),
        ({"given_at": "2999-01-01T00:00:00Z"}, "/given_at", "consent_ahead"),
        ({"expires_at": "2026-03-03T00:00:00Z"}, "/expires_at", "too_early"),
        ({"evidence": "x" * 2001}, "/evidence", "max_length"),
        ({"junk": 1}, "/junk", "unknown_field"),
    ],
)
def test_what_is_wrong_is_named(api: Api, changes: dict[str, Any], pointer: str, code: str) -> None:
    answer = api.post("consents", body(**changes))
    assert answer.status_code == 422
    errors = [(error["pointer"].replace("/0/0", "/0"), error["code"]) for error in answer.json()["errors"]]
    assert [(where, what.replace("empty", "min_length")) for where, what in errors] == [(pointer, code)]
    assert not Consent.objects.exists()


def test_the_list_is_filtered_and_paged(api: Api, workspace: Workspace) -> None:
    make_consent(make_workspace())
    first = api.post("consents", body()).json()["consent_id"]
    marketing = body(purposes=["marketing"], basis="written_consent", recipient_phone_number=OTHER)
    second = api.post("consents", marketing).json()["consent_id"]
    expired = str(make_consent(workspace, expires_at=database_now() - timedelta(hours=1)).pk)
    revoked = str(make_consent(workspace, OTHER).pk)
    api.post(f"consents/{revoked}/revoke", {"channel": "telephone"})
    assert ids(api.get("consents")) == [revoked, expired, second, first]
    assert ids(api.get("consents", recipient_phone_number=RECIPIENT)) == [expired, first]
    assert ids(api.get("consents", purpose="marketing")) == [second]
    assert ids(api.get("consents", basis="written_consent")) == [second]
    assert ids(api.get("consents", active="true")) == [second, first]
    assert ids(api.get("consents", active="false")) == [revoked, expired]
    page = api.get("consents", limit=3).json()
    assert ids(api.get("consents", limit=3, continuation_token=page["continuation_token"])) == [first]


def test_numbers_and_evidence_are_hidden_from_a_key_that_may_not_see_them(workspace: Workspace) -> None:
    row = make_consent(workspace)
    blind = make_api(workspace, scopes=[scope for scope in Scope if scope is not Scope.NUMBERS_READ])
    for api, number, evidence in ((make_api(workspace), RECIPIENT, row.evidence), (blind, MASKED, None)):
        shown = api.get(f"consents/{row.pk}").json()
        assert (shown["recipient_phone_number"], shown["evidence"]) == (number, evidence)
        found = api.get("consents", recipient_phone_number=RECIPIENT).json()["items"]
        assert [item["recipient_phone_number"] for item in found] == [number]
    assert AuditEvent.objects.filter(action="consent.read").count() == 2


def test_a_test_key_finds_records_and_revokes_none(workspace: Workspace) -> None:
    row = make_consent(workspace)
    key = make_api(workspace, live=False)
    refused = key.post("consents", body())
    assert (refused.status_code, refused.json()["code"]) == (403, "test_key")
    assert ids(key.get("consents")) == ids(key.get("consents", recipient_phone_number=RECIPIENT)) == []
    revoking = key.post(f"consents/{row.pk}/revoke", {"channel": "telephone"})
    assert key.get(f"consents/{row.pk}").status_code == revoking.status_code == 404
    assert Consent.objects.count() == 1


# revoking


def test_a_revocation_is_a_row_of_its_own_and_an_opt_out_for_what_was_consented_to(
    api: Api, workspace: Workspace
) -> None:
    consented, other = (make_use_case(workspace, purpose=purpose) for purpose in ("appointment", "test_result"))
    waiting, unrelated = make_voicemail(consented), make_voicemail(other)
    given = api.post("consents", body()).json()
    answer = api.post(f"consents/{given['consent_id']}/revoke", {"channel": "called 202-555-0142"})
    told = answer.json()
    assert answer.status_code == 200, told
    assert (told["active"], told["revocation_channel"]) == (False, "called [number]")
    assert told["revoked_at"] is not None
    row = Consent.objects.get(pk=given["consent_id"])
    assert (Consent.objects.count(), row.revocation.created_by_id) == (2, api.key.user_id)
    suppression = Suppression.objects.get()
    assert (suppression.kind, suppression.source, suppression.purposes) == (
        "opt_out",
        "api",
        ["appointment", "wellness"],
    )
    assert dict(Voicemail.objects.values_list("pk", "status")) == {waiting.pk: "skipped", unrelated.pk: "queued"}
    again = api.post(f"consents/{row.pk}/revoke", {"channel": "called"})
    assert (again.status_code, again.json()["code"]) == (409, "consent_revoked")
    assert Consent.objects.count() == 2
    event = AuditEvent.objects.get(action="consent.revoked")
    assert (event.actor_id, event.subject_id) == (api.key.user_id, row.pk)


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"channel": ""}, "/channel", "blank"),
        ({"channel": "\u200b"}, "/channel", "blank"),
        ({"revoked_at": "2999-01-01T00:00:00Z"}, "/revoked_at", "consent_ahead"),
        ({"revoked_at": "2020-01-01T00:00:00Z"}, "/revoked_at", "consent_older"),
    ],
)
def test_a_revocation_says_how_and_a_time_that_can_be(
    api: Api, workspace: Workspace, changes: dict[str, str], pointer: str, code: str
) -> None:
    row = make_consent(workspace)
    answer = api.post(f"consents/{row.pk}/revoke", {"channel": "telephone", **changes})
    assert answer.status_code == 422
    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [(pointer, code)]
    assert not Suppression.objects.exists()


def test_what_was_stated_of_a_list_is_shown_without_a_number_and_not_revoked(api: Api, workspace: Workspace) -> None:
    list_id = uuid7()
    row = record_for_list(
        workspace=workspace,
        list_id=list_id,
        purpose="appointment",
        basis="healthcare_exemption",
        statement="They agreed at registration.",
        actor=None,
        now=database_now(),
    )
    told = api.get(f"consents/{row.pk}").json()
    assert (told["recipient_phone_number"], told["list_id"]) == (None, str(list_id))
    assert (told["basis"], told["evidence"]) == ("express_consent", "They agreed at registration.")
    answer = api.post(f"consents/{row.pk}/revoke", {"channel": "telephone"})
    assert (answer.status_code, answer.json()["code"]) == (409, "consent_of_list")
    assert not Suppression.objects.exists()


def test_the_row_that_revokes_is_no_consent(api: Api, workspace: Workspace) -> None:
    row = make_consent(workspace)
    api.post(f"consents/{row.pk}/revoke", {"channel": "telephone"})
    revocation = Consent.objects.get(revokes=row)
    assert api.get(f"consents/{revocation.pk}").status_code == 404
    assert api.post(f"consents/{revocation.pk}/revoke", {"channel": "telephone"}).status_code == 404


# consent and the way back from a suppression


def lift(api: Api, suppression: Suppression, **changes: Any) -> Any:
    consent = {"source": "phone call", "at": database_now().isoformat(), "evidence": "Olive took the call.", **changes}
    return api.post(f"suppressions/{suppression.pk}/lift", {"reason": "She called.", "consent": consent})


def test_a_lift_on_a_new_consent_records_it(api: Api, workspace: Workspace) -> None:
    suppression = make_suppression(workspace, purposes=["wellness"])
    told = lift(api, suppression).json()
    row = Consent.objects.get()
    assert (told["consent"]["consent_id"], told["consent"]["evidence"]) == (str(row.pk), row.evidence)
    assert (row.number, row.purposes, row.source) == (RECIPIENT, ["wellness"], "phone call")
    assert not is_suppressed(workspace.pk, RECIPIENT)


def test_a_lift_of_an_opt_out_for_everything_ends_the_consents_given_before_it(api: Api, workspace: Workspace) -> None:
    make_consent(make_workspace())
    before, stranger = make_consent(workspace, purposes=["marketing"]), make_consent(workspace, OTHER)
    suppression = make_suppression(workspace)
    after = make_consent(workspace, at=database_now() + timedelta(seconds=1))
    lift(api, suppression)
    new = Consent.objects.given().latest("id")
    assert "marketing" not in new.purposes and "appointment" in new.purposes
    assert ids(api.get("consents", active="true")) == [str(row.pk) for row in (new, after, stranger)]
    ended = api.get(f"consents/{before.pk}").json()
    assert (ended["active"], ended["revocation_channel"]) == (False, "opt-out")


def test_a_lift_of_an_opt_out_for_some_purposes_leaves_consents_to_others(api: Api, workspace: Workspace) -> None:
    kept = make_consent(workspace, purposes=["appointment", "wellness"])
    lift(api, make_suppression(workspace, purposes=["wellness"]))
    assert api.get(f"consents/{kept.pk}").json()["active"]


def test_marketing_comes_back_only_on_a_consent_in_writing(api: Api, workspace: Workspace) -> None:
    both = make_suppression(workspace, purposes=["appointment", "marketing"])
    assert lift(api, both).status_code == 200
    assert Consent.objects.get().purposes == ["appointment"]
    alone = make_suppression(workspace, purposes=["marketing"])
    refused = lift(api, alone)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "written_consent_needed")
    assert lift(api, alone, basis="written_consent").status_code == 200
    assert Consent.objects.latest("id").purposes == ["marketing"]


def test_what_nobody_said_is_lifted_without_a_consent_and_ends_none(api: Api, workspace: Workspace) -> None:
    row = make_consent(workspace)
    wrong = make_suppression(workspace, kind="wrong_number")
    assert api.post(f"suppressions/{wrong.pk}/lift", {"reason": "It is hers."}).json()["consent"] is None
    assert ids(api.get("consents", active="true")) == [str(row.pk)]
