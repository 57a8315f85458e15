"""The audit over the API: filters, who saw what, and each key's own world."""

from __future__ import annotations

from typing import Any

import pytest

from rvm.platform.models import AuditEvent, User, Workspace
from rvm.platform.scopes import Scope
from tests.factories import Api, make_api, make_use_case, make_voicemail, make_workspace
from tests.rvm.platform.audit.conftest import record

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(workspace: Workspace) -> Api:
    return make_api(workspace, scopes=[Scope.AUDIT_READ])


def listed(api: Api, path: str = "audit", **query: Any) -> list[Any]:
    answer = api.get(path, **query)
    assert answer.status_code == 200, answer.content
    items: list[Any] = answer.json()["items"]
    return items


def test_an_event_is_told_with_names(api: Api, maria: User, workspace: Workspace) -> None:
    use_case = make_use_case(workspace, name="Flu shots")
    event = record("use_case.updated", use_case, maria, workspace, changes={"pace": ["1", "2"]})
    first, *_ = listed(api)
    assert first["event_id"] == str(event.pk)
    assert first["description"] == "Maria Lopez changed the use case Flu shots"
    assert (first["resource_type"], first["resource_id"]) == ("usecases.usecase", str(use_case.pk))
    assert first["details"] == {"changes": {"pace": ["1", "2"]}} and first["phi_access"] is False


def test_events_are_filtered_by_action_actor_row_and_day(api: Api, maria: User, workspace: Workspace) -> None:
    one, other = make_use_case(workspace), make_use_case(workspace)
    record("use_case.created", one, maria, workspace)
    record("use_case.updated", one, None, workspace)
    record("setup.updated", other.setup, maria, workspace)
    today = str(AuditEvent.objects.latest("id").at.date())

    def found(**query: Any) -> list[str]:
        return [item["action"] for item in listed(api, **query) if not item["action"].startswith("api_key.")]

    assert found() == ["setup.updated", "use_case.updated", "use_case.created"]
    assert found(action="use_case.updated") == ["use_case.updated"]
    assert found(actor=str(maria.pk)) == ["setup.updated", "use_case.created"]
    assert found(resource_type="usecases.telephonysetup") == ["setup.updated"]
    assert found(resource_id=str(one.pk)) == ["use_case.updated", "use_case.created"]
    assert found(date_from=today, date_to=today) == found()
    assert found(date_to="2020-01-01") == []
    assert found(action="setup.updated", actor=str(maria.pk), resource_id=str(one.pk)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("action", "campaign.lunched"),
        ("resource_type", "campaign"),
        ("date_from", "9999-12-31"),
        ("date_to", "0001-01-01"),
    ],
)
def test_what_no_event_can_have_is_refused(name: str, value: str, api: Api) -> None:
    answer = api.get("audit", **{name: value})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/{name}"


def test_pages_go_on_where_the_one_before_ended(api: Api, maria: User, workspace: Workspace) -> None:
    for _ in range(3):
        record("workspace.updated", workspace, maria, workspace)
    first = api.get("audit", limit=2, action="workspace.updated").json()
    rest = listed(api, limit=2, action="workspace.updated", continuation_token=first["continuation_token"])
    assert len({item["event_id"] for item in [*first["items"], *rest]}) == 3


def test_who_saw_what_is_known_of_people_is_listed_apart(api: Api, maria: User, workspace: Workspace) -> None:
    voicemail = make_voicemail(make_use_case(workspace))
    record("voicemail.canceled", voicemail, maria, workspace)
    record("voicemail.read", voicemail, maria, workspace)
    record("numbers.shown", workspace, maria, workspace, count=2)
    assert [item["action"] for item in listed(api, "audit/phi-access")] == ["numbers.shown", "voicemail.read"]
    log = listed(api, f"audit/entity/{voicemail.pk}/access-log")
    assert [item["description"] for item in log] == [f"Maria Lopez looked at the voicemail …{voicemail.pk.hex[-8:]}"]


def test_a_row_that_nobody_saw_has_an_empty_log_and_an_unknown_one_none(
    api: Api, maria: User, workspace: Workspace
) -> None:
    use_case, elsewhere = make_use_case(workspace), make_use_case(make_workspace())
    record("use_case.created", use_case, maria, workspace)
    record("use_case.created", elsewhere, maria, elsewhere.workspace)
    assert listed(api, f"audit/entity/{use_case.pk}/access-log") == []
    assert api.get(f"audit/entity/{elsewhere.pk}/access-log").status_code == 404


def test_a_test_key_finds_what_test_keys_did(maria: User, workspace: Workspace) -> None:
    record("workspace.updated", workspace, maria, workspace)
    test_key = make_api(workspace, live=False)
    assert listed(test_key) == []
    AuditEvent.objects.create(
        workspace=workspace, action="voicemail.canceled", subject_type="delivery.voicemail", subject_id=maria.pk,
        actor=test_key.key.user,
    )  # fmt: skip
    assert [item["action"] for item in listed(test_key)] == ["voicemail.canceled"]


def test_names_are_read_with_a_query_for_each_table(
    api: Api, maria: User, workspace: Workspace, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        record("use_case.created", make_use_case(workspace, name=f"Day {number}"), maria, workspace)
    with django_assert_max_num_queries(8):
        assert len(listed(api, action="use_case.created")) == 20
