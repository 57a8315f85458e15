"""Lists of people who must not be reached over the API: from the upload to the suppression list, and back."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from campaigns.models import OptOutImport
from campaigns.opt_outs.runner import work
from rvm.platform.models import AuditEvent, Workspace
from rvm.platform.scopes import Scope
from tests.campaigns.api.calling import refusal, wrong
from tests.campaigns.opt_outs.lists import imported
from tests.factories import Api, make_api, make_workspace
from usecases.models import Suppression

pytestmark = pytest.mark.django_db
LIST = b"Phone,Reason\r\n2025550142,asked\r\n2025550143,\r\nask the office,\r\n"
PATIENTS = b"Phone,OK to call\r\n2025550142,Yes\r\n2025550143,No\r\n"


def upload(api: Api, content: bytes = LIST, **said: Any) -> Any:
    return api.client.post(
        api.url("opt-out-lists"), {"file": SimpleUploadedFile("stop.csv", content, "text/csv"), **said}
    )


def uploaded(api: Api, content: bytes = LIST, **said: Any) -> str:
    answer = upload(api, content, **said)
    assert answer.status_code == 201, answer.content
    return f"opt-out-lists/{answer.json()['opt_out_list_id']}"


def done(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.content
    work()
    told: dict[str, Any] = answer.json()
    return told


def checked(api: Api, content: bytes = LIST, **said: Any) -> str:
    page = uploaded(api, content, **said)
    done(api.post(f"{page}/check", {}))
    return page


def test_a_list_goes_from_the_upload_to_the_suppression_list_and_back(api: Api, workspace: Workspace) -> None:
    answer = upload(api)
    told = answer.json()
    assert answer["Location"] == api.url(f"opt-out-lists/{told['opt_out_list_id']}")
    assert (told["state"], told["columns"], told["live"]) == ("uploaded", ["phone", "reason"], True)
    assert told["sample"]["rows"][0] == ["2025550142", "asked"]
    assert [column["why"] for column in told["reading"]] == ["name_and_cells", "name"]
    page = f"opt-out-lists/{told['opt_out_list_id']}"
    assert done(api.post(f"{page}/check", {}))["state"] == "checking"
    told = api.get(page).json()
    assert told["counts"] == {
        "rows": 3,
        "to_add": 2,
        "already_listed": 0,
        "repeated": 0,
        "unreadable": 1,
        "not_opted_out": 0,
        "waiting": 0,
        "permitted": 0,
    }
    assert [(kind["code"], kind["count"], kind["rows"]) for kind in told["unreadable"]] == [("has_letters", 1, [4])]
    assert not Suppression.objects.exists()
    assert done(api.post(f"{page}/confirm", {}))["state"] == "importing"
    assert (api.get(page).json()["state"], api.get(page).json()["added"]) == ("completed", 2)
    assert Suppression.objects.filter(workspace=workspace).count() == 2
    assert done(api.post(f"{page}/undo", {}))["state"] == "undoing"
    told = api.get(page).json()
    assert (told["state"], told["taken_back"], told["ended_meanwhile"]) == ("undone", 2, 0)
    assert not Suppression.objects.exists()
    actors = set(
        AuditEvent.objects.filter(action__in=["opt_outs.confirmed", "opt_outs.undo_began"]).values_list("actor")
    )
    assert actors == {(api.key.user_id,)}


def test_what_is_asked_is_answered_before_the_check(api: Api) -> None:
    page = uploaded(api, PATIENTS)
    problem = api.post(f"{page}/check", {})
    assert refusal(problem, 422) == "columns_unclear"
    [asked] = problem.json()["columns"]
    assert (asked["position"], asked["name"]) == (1, "OK to call") and "list of patients" in asked["question"]
    assert api.patch(page, {"columns": ["phone", "consent"]}).json()["reading"][1]["why"] == "said"
    done(api.post(f"{page}/check", {}))
    assert api.get(page).json()["counts"]["not_opted_out"] == 1


def test_a_caller_says_everything_with_the_upload(api: Api) -> None:
    page = checked(api, PATIENTS, columns=["phone", "consent"])
    assert api.get(page).json()["counts"]["to_add"] == 1


def test_a_list_of_patients_is_confirmed_with_a_word_only(api: Api) -> None:
    page = checked(api, PATIENTS, columns=["phone", ""])
    assert "list of patients" in api.get(page).json()["warnings"][0]
    assert refusal(api.post(f"{page}/confirm", {}), 409) == "opt_out_list_looks_like_patients"
    assert refusal(api.post(f"{page}/confirm", {"must_not_be_reached": False}), 409)
    assert wrong(api.post(f"{page}/confirm", {"must_not_be_reached": "yes"}))
    assert api.post(f"{page}/confirm", {"must_not_be_reached": True}).status_code == 200


def test_columns_of_patient_lists_are_refused(api: Api) -> None:
    page = uploaded(api)
    assert wrong(api.patch(page, {"columns": ["phone", "first_name"]})) == [("/columns", "invalid_choice")]
    assert wrong(upload(api, columns=["reason", ""])) == [("/columns", "phone_column_missing")]
    assert OptOutImport.objects.count() == 1


def test_a_verb_that_does_not_fit_is_refused(api: Api) -> None:
    page = uploaded(api)
    assert refusal(api.post(f"{page}/confirm", {}), 409) == "opt_out_list_uploaded"
    assert refusal(api.post(f"{page}/undo", {}), 409) == "opt_out_list_uploaded"
    assert api.delete(page).status_code == 204
    assert refusal(api.post(f"{page}/check", {}), 409) == "opt_out_list_discarded"
    empty = checked(api, b"Phone,Name\r\n2025550142 x9,Ann\r\n")
    assert refusal(api.post(f"{empty}/confirm", {}), 409) == "opt_out_list_without_numbers"


def test_each_verb_needs_its_scope(workspace: Workspace) -> None:
    row = imported(workspace, LIST)
    page = f"opt-out-lists/{row.pk}"
    writer = make_api(workspace, scopes=[Scope.OPT_OUTS_READ, Scope.OPT_OUTS_WRITE])
    reader = make_api(workspace, scopes=[Scope.OPT_OUTS_READ])
    assert reader.get(page).status_code == 200
    assert refusal(upload(reader), 403) == refusal(writer.post(f"{page}/undo", {}), 403) == "missing_scope"
    assert upload(writer).status_code == 201
    assert make_api(workspace, scopes=[Scope.OPT_OUTS_UNDO]).post(f"{page}/undo", {}).status_code == 200


def test_cells_are_shown_to_who_may_see_numbers_and_that_is_recorded(workspace: Workspace) -> None:
    api = make_api(workspace, scopes=[Scope.OPT_OUTS_READ, Scope.OPT_OUTS_WRITE, Scope.NUMBERS_READ])
    page = uploaded(api)
    assert api.get(page).json()["sample"]["rows"][0] == ["2025550142", "asked"]
    hides = make_api(workspace, scopes=[Scope.OPT_OUTS_READ]).get(page).json()["sample"]
    assert (hides["header"], hides["rows"][0]) == (["Phone", "Reason"], ["•••", "•••"])
    assert AuditEvent.objects.filter(action="opt_outs.read").count() == 1


def test_lists_of_others_are_not_found(api: Api, workspace: Workspace) -> None:
    mine, theirs = imported(workspace, LIST), imported(make_workspace(), LIST)
    assert refusal(api.get(f"opt-out-lists/{theirs.pk}"), 404) == "not_found"
    assert refusal(api.post(f"opt-out-lists/{theirs.pk}/undo", {}), 404) == "not_found"
    assert [item["opt_out_list_id"] for item in api.get("opt-out-lists").json()["items"]] == [str(mine.pk)]
