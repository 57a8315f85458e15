"""The erasure of a person over the API."""

from __future__ import annotations

import pytest

from rvm.platform.models import Erasure, Workspace
from rvm.platform.retention import holds
from rvm.platform.scopes import Scope
from tests.factories import RECIPIENT, make_api, make_use_case, make_voicemail

pytestmark = pytest.mark.django_db

ASKED = {"recipient_phone_number": RECIPIENT, "reason": "By letter"}


def test_a_person_is_erased_and_the_answer_says_what_was_removed(workspace: Workspace) -> None:
    voicemail = make_voicemail(make_use_case(workspace))
    api = make_api(workspace)
    answer = api.post("people/erase", ASKED)
    row = Erasure.objects.get()
    assert (answer.status_code, answer.json()["erasure_id"]) == (200, str(row.pk))
    assert answer.json()["counts"] == {"canceled": 1, "voicemails": 1}
    assert answer.json()["finished_at"] is not None
    shown = api.get(f"voicemail/{voicemail.pk}").json()
    assert (shown["status"], shown["recipient_phone_number"]) == ("canceled", None)
    assert (row.reason, row.asked_by is not None) == ("By letter", True)


def test_a_legal_hold_is_a_problem_with_its_sentence(workspace: Workspace) -> None:
    holds.place(workspace, campaign_id=None, name="A", reason="B", actor=None)
    answer = make_api(workspace).post("people/erase", ASKED)
    assert (answer.status_code, answer.json()["code"]) == (409, "legal_hold")
    assert "A legal hold covers this workspace" in answer.json()["detail"]


@pytest.mark.parametrize("lacking", [Scope.PEOPLE_ERASE, Scope.NUMBERS_READ])
def test_both_scopes_and_a_reason_are_needed(workspace: Workspace, lacking: Scope) -> None:
    make_voicemail(make_use_case(workspace))
    api = make_api(workspace, scopes=[scope for scope in Scope if scope is not lacking])
    assert api.post("people/erase", ASKED).status_code == 403
    assert make_api(workspace).post("people/erase", {"recipient_phone_number": RECIPIENT}).status_code == 422
    assert not Erasure.objects.exists()
